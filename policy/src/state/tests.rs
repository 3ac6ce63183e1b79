use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{control, control_from, name, policy_of, rollout_json};
use crate::policy::Rollouts;
use crate::{Ramp, Timestamp};

mod admission;
mod changes;
mod interleaving;
mod proxy;
mod rollback;
mod ways_around;

/// One thing that a worker has to join into the shared state.
#[derive(Clone, Debug)]
enum Task {
    Order(usize, Control),
    Push(Vec<(usize, Control)>),
}

/// Shared data of a proxy: bytes, and the number that compare-and-swap compares.
#[derive(Default)]
struct SharedData {
    state: Option<Vec<u8>>,
    cas: u32,
}

/// A worker that works off its tasks as the filter does: read, join, compare and swap, again.
struct Writer {
    tasks: Vec<Task>,
    read: Option<(State, u32)>,
}

impl SharedData {
    fn read(&self) -> (State, u32) {
        let state = self
            .state
            .as_deref()
            .map(|bytes| State::decode(bytes).unwrap());
        (state.unwrap_or_default(), self.cas)
    }

    fn write(&mut self, state: &State, cas: u32) -> bool {
        if cas != self.cas {
            return false;
        }
        self.state = Some(state.encode().unwrap());
        self.cas += 1;
        true
    }
}

impl Writer {
    /// One host call: a read or a write. `false` once there is nothing left to do.
    fn step(&mut self, shared: &mut SharedData) -> bool {
        let Some(task) = self.tasks.last() else {
            return false;
        };
        let Some((mut state, cas)) = self.read.take() else {
            self.read = Some(shared.read());
            return true;
        };
        let before = state.epoch();
        let changed = task.join_into(&mut state);
        assert_eq!(
            changed,
            state.epoch() > before,
            "the epoch moves with every change"
        );
        if !changed || shared.write(&state, cas) {
            self.tasks.pop();
        }
        true
    }
}

impl Task {
    fn join_into(&self, state: &mut State) -> bool {
        match self {
            Self::Order(rollout, control) => join(state, rollout_name(*rollout).as_str(), control),
            Self::Push(controls) => push(state, &rollouts(controls)),
        }
    }
}

fn rollout_name(number: usize) -> Name {
    name(&format!("r{number}"))
}

fn rollouts(controls: &[(usize, Control)]) -> Vec<Rollout> {
    let named = controls.iter().map(|(number, control)| {
        let policy = policy_of(&rollout_json(&format!("r{number}"), ""));
        let mut rollout = policy.rollouts[0].clone();
        rollout.control = control.clone();
        rollout
    });
    named.collect()
}

fn task() -> impl Strategy<Value = Task> {
    let order = (0..2usize, control()).prop_map(|(rollout, control)| Task::Order(rollout, control));
    let push = (control(), control()).prop_map(|(a, b)| Task::Push(vec![(0, a), (1, b)]));
    prop_oneof![order, push]
}

fn controls(state: &State) -> Vec<(Name, Control)> {
    let entries = state.rollouts();
    entries
        .map(|(name, entry)| (name.clone(), entry.control.clone()))
        .collect()
}

/// Publishes a policy with these rollouts and no trusted keys; tells whether that changed anything.
fn push(state: &mut State, rollouts: &[Rollout]) -> bool {
    let mut policy = policy_of("");
    policy.rollouts = Rollouts::new(rollouts.to_vec()).unwrap();
    state.publish(&policy, Timestamp::EPOCH).changed
}

/// Joins one control into the state.
fn join(state: &mut State, rollout: &str, control: &Control) -> bool {
    let policy = policy_of(&rollout_json(rollout, ""));
    let mut rollout = policy.rollouts[0].clone();
    rollout.control = control.clone();
    push(state, &[rollout])
}

/// A state with one rollout of this control.
fn state_of(rollout: &str, control: &Control) -> State {
    let mut state = State::default();
    join(&mut state, rollout, control);
    state
}

/// A ramp of `steps` steps, one every two seconds from `offset` on.
fn long_ramp(steps: u64, offset: u64) -> Ramp {
    let at = |step| Timestamp::from_millis((2 * step + offset) * 1_000);
    let steps = (0..steps).map(|step| {
        let percent = 2 * step + offset;
        format!(r#"{{"percent": 0.{percent:04}, "at": "{}"}}"#, at(step + 1))
    });
    let json = format!("[{}]", steps.collect::<Vec<_>>().join(","));
    serde_json::from_str(&json).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn writers_that_compare_and_swap_end_equal_in_every_interleaving(
        tasks in vec(vec(task(), 1..4), 2..5),
        schedule in vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut expected = State::default();
        for task in tasks.iter().flatten() {
            task.join_into(&mut expected);
        }
        let mut shared = SharedData::default();
        let mut writers: Vec<_> = tasks.into_iter().map(|tasks| Writer { tasks, read: None }).collect();
        let mut epoch = Epoch::default();
        for at in schedule {
            let writer = at.index(writers.len());
            writers[writer].step(&mut shared);
            let now = shared.read().0.epoch();
            prop_assert!(now >= epoch, "the epoch went back");
            epoch = now;
        }
        while writers.iter_mut().any(|writer| writer.step(&mut shared)) {}
        prop_assert_eq!(controls(&shared.read().0), controls(&expected));
    }

    #[test]
    fn what_is_known_already_moves_no_epoch(tasks in vec(task(), 1..6)) {
        let mut state = State::default();
        for task in &tasks {
            task.join_into(&mut state);
        }
        let before = state.clone();
        for task in &tasks {
            prop_assert!(!task.join_into(&mut state));
        }
        prop_assert_eq!(state, before);
    }

    #[test]
    fn an_entry_remembers_the_epoch_of_its_last_change(tasks in vec(task(), 1..8)) {
        let mut state = State::default();
        for task in &tasks {
            let before = state.clone();
            task.join_into(&mut state);
            for (name, entry) in state.rollouts() {
                let unchanged = before.get(name).filter(|before| before.control == entry.control);
                let since = unchanged.map_or(state.epoch(), |before| before.since);
                prop_assert_eq!(entry.since, since);
            }
        }
    }

    #[test]
    fn reads_back_as_it_was_written(tasks in vec(task(), 0..6)) {
        let mut state = State::default();
        for task in &tasks {
            task.join_into(&mut state);
        }
        prop_assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = State::decode(&bytes);
        let _ = Head::decode(&bytes);
        let mut state = state_of("r", &control_from(r#"{"generation": 1, "ramp": {"percent": 1}}"#)).encode().unwrap();
        let at = at.index(state.len());
        state[at] = byte;
        let _ = State::decode(&state);
    }

    #[test]
    fn heads_read_back_as_they_were_written(number: u64) {
        let head = Head { epoch: Epoch(number) };
        prop_assert_eq!(Head::decode(&head.encode()), Some(head));
    }
}

#[test]
fn a_head_is_eight_bytes_and_nothing_else() {
    assert_eq!(
        Head { epoch: Epoch(258) }.encode(),
        [2, 1, 0, 0, 0, 0, 0, 0]
    );
    for bytes in [&[][..], &[0; 7], &[0; 9], &[0; 16]] {
        assert_eq!(Head::decode(bytes), None, "{} bytes", bytes.len());
    }
}

#[test]
fn an_unreadable_state_says_so() {
    let error = State::decode(b"\xc0").unwrap_err().to_string();
    assert!(error.starts_with("shared state is unreadable: "), "{error}");
}

#[test]
fn a_kill_survives_a_push_that_does_not_know_of_it() {
    let mut state = state_of(
        "r1",
        &control_from(r#"{"generation": 7, "ramp": {"percent": 5}}"#),
    );
    let killed =
        control_from(r#"{"generation": 8, "ramp": {"percent": 5}, "kill": {"mode": "rollback"}}"#);
    assert!(join(&mut state, "r1", &killed));
    let old = control_from(r#"{"generation": 7, "ramp": {"percent": 100}}"#);
    assert!(!push(&mut state, &rollouts(&[(1, old)])));
    assert_eq!(state.get(&name("r1")).unwrap().control, killed);
}

#[test]
fn redaction_switched_on_survives_a_push_that_does_not_know_of_it() {
    let ramp = r#""ramp": {"percent": 5}"#;
    let mut state = state_of(
        "r1",
        &control_from(&format!(r#"{{"generation": 7, {ramp}}}"#)),
    );
    // Before: readable by workers that know no such switch. After: only it is new.
    let packed = |state: &State| state.encode().unwrap().escape_ascii().to_string();
    assert!(!packed(&state).contains("redaction"));
    let masked = format!(r#"{{"generation": 7, {ramp}, "redaction": "mask_all"}}"#);
    let masked = control_from(&masked);
    assert!(join(&mut state, "r1", &masked));
    assert!(packed(&state).contains("mask_all"));
    let old = control_from(r#"{"generation": 7, "ramp": {"percent": 100}}"#);
    assert!(!push(&mut state, &rollouts(&[(1, old)])));
    assert_eq!(state.get(&name("r1")).unwrap().control, masked);
    assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
}

#[test]
fn a_rollout_that_comes_back_finds_its_kill() {
    let killed = control_from(r#"{"generation": 3, "kill": {"mode": "block"}}"#);
    let alive = control_from(r#"{"generation": 2, "ramp": {"percent": 50}}"#);
    let mut state = State::default();
    push(&mut state, &rollouts(&[(1, killed.clone())]));
    for other in 2..50 {
        push(&mut state, &rollouts(&[(other, alive.clone())]));
    }
    push(&mut state, &rollouts(&[(1, alive)]));
    assert_eq!(state.get(&name("r1")).unwrap().control, killed);
}

#[test]
fn renaming_without_end_keeps_the_state_bounded() {
    let control = control_from(r#"{"generation": 1}"#);
    let mut state = State::default();
    let template = rollouts(&[(0, control)]);
    let pushes = limits::FORGOTTEN_CONTROLS + 100;
    for number in 0..pushes {
        let mut pushed = template.clone();
        pushed[0].name = rollout_name(number);
        push(&mut state, &pushed);
        assert!(state.rollouts().count() <= 1 + limits::FORGOTTEN_CONTROLS);
    }
    // The longest unchanged went, the named one and the newest stay.
    assert_eq!(state.rollouts().count(), 1 + limits::FORGOTTEN_CONTROLS);
    for (number, kept) in [(0, false), (98, false), (99, true), (pushes - 1, true)] {
        assert_eq!(
            state.get(&rollout_name(number)).is_some(),
            kept,
            "r{number}"
        );
    }
}

#[test]
fn what_the_policy_names_is_never_forgotten() {
    let control = control_from(r#"{"generation": 1}"#);
    let template = rollouts(&[(0, control)]);
    let named = |numbers: std::ops::Range<usize>| -> Vec<_> {
        let all = numbers.map(|number| Rollout {
            name: rollout_name(number),
            ..template[0].clone()
        });
        all.collect()
    };
    let mut state = State::default();
    push(&mut state, &named(0..limits::ROLLOUTS));
    assert_eq!(state.rollouts().count(), limits::ROLLOUTS);
    // Half of them are named again, beside one that is new.
    let (half, new) = (limits::ROLLOUTS / 2, limits::ROLLOUTS);
    let mut pushed = named(0..half);
    pushed.extend(named(new..new + 1));
    push(&mut state, &pushed);
    assert!(
        pushed
            .iter()
            .all(|rollout| state.get(&rollout.name).is_some())
    );
    assert_eq!(
        state.rollouts().count(),
        pushed.len() + limits::FORGOTTEN_CONTROLS
    );
}

#[test]
fn a_joined_ramp_that_is_too_long_is_cut_and_takes_its_kill_along() {
    let first = Control {
        ramp: long_ramp(200, 0),
        ..control_from(r#"{"generation": 1}"#)
    };
    let second = Control {
        ramp: long_ramp(200, 1),
        ..control_from(
            r#"{"generation": 1, "kill": {"mode": "rollback"}, "not_after": "2026-11-23T20:00:00Z"}"#,
        )
    };
    let joined = first.join(&second);
    assert!(!joined.fits(), "{} steps", joined.ramp.steps().len());
    let mut state = state_of("r", &first);
    assert!(join(&mut state, "r", &second));
    let held = &state.get(&name("r")).unwrap().control;
    assert!(held.fits() && held.exposes_no_more_than(&joined));
    assert_eq!((held.kill, held.not_after), (second.kill, second.not_after));
    assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
    // Seen again, neither changes anything any more.
    assert!(!join(&mut state, "r", &first) && !join(&mut state, "r", &second));
}

#[test]
fn a_ramp_with_as_many_steps_as_there_may_be_reads_back() {
    let control = Control {
        ramp: long_ramp(limits::RAMP_STEPS as u64 - 1, 1),
        ..control_from(r#"{"generation": 1}"#)
    };
    assert_eq!(control.ramp.steps().len(), limits::RAMP_STEPS - 1);
    let state = state_of("r", &control);
    assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
}
