use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::State;
use crate::fixtures::{policy_of, rollout_json};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// The first so many epochs of a state that changes.
fn epochs(count: usize) -> Vec<Epoch> {
    let mut state = State::default();
    let next = |number| {
        let control = format!(r#""control": {{"generation": {number}}}"#);
        let rollout = rollout_json("r", "").replace(r#""control": {"generation": 1}"#, &control);
        state.publish(&policy_of(&rollout), Timestamp::EPOCH);
        state.epoch()
    };
    (0..count as u64).map(next).collect()
}

fn living(roster: &Roster, now: Timestamp) -> Vec<u64> {
    roster.living(now).map(|(id, _)| id.0).collect()
}

fn in_force(roster: &Roster, epoch: Epoch, now: Timestamp) -> Vec<(u64, Option<Timestamp>)> {
    let workers = roster.in_force(epoch, now);
    workers.map(|(id, since)| (id.0, since)).collect()
}

#[test]
fn a_worker_lives_until_it_is_silent_for_five_seconds() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    roster.report(WorkerId(1), epoch, at(10));
    roster.report(WorkerId(2), epoch, at(12));
    assert_eq!(living(&roster, at(15)), [1, 2]);
    assert_eq!(living(&roster, Timestamp::from_millis(15_001)), [2]);
    assert!(living(&roster, at(18)).is_empty());
    roster.report(WorkerId(1), epoch, at(18));
    assert_eq!(living(&roster, at(18)), [1]);
}

#[test]
fn a_clock_that_goes_back_kills_nobody() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    roster.report(WorkerId(1), epoch, at(100));
    roster.report(WorkerId(2), epoch, at(50));
    assert_eq!(living(&roster, at(50)), [1, 2]);
}

#[test]
fn a_receipt_tells_since_when_each_worker_has_an_epoch_in_force() {
    let epochs = epochs(4);
    let mut roster = Roster::default();
    roster.report(WorkerId(1), epochs[0], at(1));
    roster.report(WorkerId(2), epochs[0], at(1));
    roster.report(WorkerId(1), epochs[2], at(3));
    // The heartbeat says nothing new, so the time stays that of the first report.
    roster.report(WorkerId(1), epochs[2], at(4));
    assert_eq!(
        in_force(&roster, epochs[0], at(4)),
        [(1, Some(at(1))), (2, Some(at(1)))]
    );
    // Epoch 2 was passed over; who has a later one has it too.
    assert_eq!(
        in_force(&roster, epochs[1], at(4)),
        [(1, Some(at(3))), (2, None)]
    );
    assert_eq!(
        in_force(&roster, epochs[2], at(4)),
        [(1, Some(at(3))), (2, None)]
    );
    assert_eq!(in_force(&roster, epochs[3], at(4)), [(1, None), (2, None)]);
    let last: Vec<_> = roster.living(at(4)).map(|(_, last)| last.epoch).collect();
    assert_eq!(last, [epochs[2], epochs[0]]);
}

#[test]
fn an_older_epoch_takes_nothing_back() {
    let epochs = epochs(2);
    let mut roster = Roster::default();
    roster.report(WorkerId(1), epochs[1], at(1));
    roster.report(WorkerId(1), epochs[0], at(2));
    assert_eq!(in_force(&roster, epochs[1], at(2)), [(1, Some(at(1)))]);
}

#[test]
fn the_history_is_bounded_and_never_tells_too_early_a_time() {
    let count = limits::ACKNOWLEDGEMENTS + 4;
    let epochs = epochs(count);
    let mut roster = Roster::default();
    for (second, epoch) in (0..).zip(&epochs) {
        roster.report(WorkerId(1), *epoch, at(second));
    }
    let now = at(count as u64);
    assert_eq!(
        roster.workers[0].acknowledged.len(),
        limits::ACKNOWLEDGEMENTS
    );
    // Of the four oldest only a later time is known; of the others the exact one.
    assert_eq!(in_force(&roster, epochs[0], now), [(1, Some(at(4)))]);
    assert_eq!(in_force(&roster, epochs[3], now), [(1, Some(at(4)))]);
    assert_eq!(in_force(&roster, epochs[9], now), [(1, Some(at(9)))]);
}

#[test]
fn the_roster_is_bounded_and_the_longest_silent_leave_first() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    let last = limits::WORKERS as u64 + 10;
    for number in 0..last {
        roster.report(WorkerId(number), epoch, Timestamp::from_millis(number));
        assert!(roster.workers.len() <= limits::WORKERS);
    }
    let left = living(&roster, Timestamp::from_millis(last));
    assert_eq!(left, (10..last).collect::<Vec<_>>());
}

#[test]
fn who_reports_stays_even_if_its_clock_is_behind() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    for number in 0..limits::WORKERS as u64 {
        roster.report(WorkerId(number), epoch, at(100));
    }
    roster.report(WorkerId(7_777), epoch, at(99));
    assert!(living(&roster, at(100)).contains(&7_777));
    assert_eq!(roster.workers.len(), limits::WORKERS);
}

#[test]
fn who_is_silent_for_a_minute_is_forgotten() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    roster.report(WorkerId(1), epoch, at(0));
    roster.report(WorkerId(2), epoch, at(60));
    assert_eq!(roster.workers.len(), 2);
    roster.report(WorkerId(2), epoch, at(61));
    assert_eq!(roster.workers.len(), 1);
}

#[test]
fn a_worker_is_written_as_sixteen_hexadecimal_digits() {
    assert_eq!(WorkerId(255).to_string(), "00000000000000ff");
    assert_eq!(
        serde_json::to_string(&WorkerId(u64::MAX)).unwrap(),
        r#""ffffffffffffffff""#
    );
    assert!(serde_json::from_str::<WorkerId>(r#""no""#).is_err());
}

proptest! {
    #[test]
    fn reads_back_as_it_was_written(reports in vec((any::<u64>(), 0..8usize, 0..100_000u64), 0..40)) {
        let epochs = epochs(8);
        let mut roster = Roster::default();
        for (worker, epoch, millis) in reports {
            roster.report(WorkerId(worker), epochs[epoch], Timestamp::from_millis(millis));
        }
        prop_assert_eq!(Roster::decode(&roster.encode().unwrap()).unwrap(), roster);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = Roster::decode(&bytes);
        let mut roster = Roster::default();
        roster.report(WorkerId(1), epochs(1)[0], Timestamp::EPOCH);
        let mut bytes = roster.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(mut roster) = Roster::decode(&bytes) {
            roster.report(WorkerId(2), epochs(1)[0], Timestamp::EPOCH);
        }
    }
}

#[test]
fn a_worker_that_leaves_is_not_waited_for() {
    let epoch = epochs(1)[0];
    let mut roster = Roster::default();
    for worker in [1, 2] {
        roster.report(WorkerId(worker), epoch, at(10));
    }
    assert!(roster.leave(WorkerId(1)));
    assert!(!roster.leave(WorkerId(1)), "it is gone already");
    assert_eq!(living(&roster, at(10)), [2]);
    roster.report(WorkerId(1), epoch, at(11));
    assert_eq!(living(&roster, at(11)), [2, 1], "it may come back");
}
