//! Every interleaving of operators, workers and restarts, against a model that knows of warrants only
//! when they may be used.

use std::sync::LazyLock;

use proptest::option;
use serde_json::json;

use super::proxy::LEADS;
use super::*;
use crate::control::Kill;
use crate::fixtures::{
    ENGINEER, PLATFORM, STRANGER, envelope, generation, ppm, trust_json, warrant_json,
};
use crate::gate::Gate;
use crate::order::{Order, OrderRefused, Posted};
use crate::pins::Pins;
use crate::warrant::{Warrant, WarrantReference};
use crate::{
    Arm, Bucketing, Control, Envelope, InFlight, KillMode, LiveRedaction, PayloadType, Percent,
    Policy, Step,
};

/// What is done on the proxy, by one of those who act at the same time.
#[derive(Clone, Debug)]
enum Deed {
    /// A worker publishes the policy that it was started with.
    Publish(Push),
    /// An operator gives an order.
    Order(Give),
    /// A worker notes that the lease in force has lapsed, if it has by its clock.
    Lapse,
    /// The clock is set, forward or back.
    Clock(u64),
    /// The proxy starts again and knows nothing.
    Restart,
}

#[derive(Clone, Debug)]
struct Push {
    generation: u64,
    /// The version of the canary, and whether a tester is pinned to it.
    version: u8,
    pinned: bool,
    ramp: Ramp,
    lease: Option<u64>,
    kill: Option<KillMode>,
    masked: bool,
    trust: bool,
    warrant: Option<Paper>,
}

#[derive(Clone, Debug)]
struct Give {
    generation: u64,
    ramp: Option<Ramp>,
    lease: Option<Option<u64>>,
    kill: Option<Option<KillMode>>,
    masked: Option<bool>,
    warrant: Option<Paper>,
    signed: bool,
}

/// A warrant, good or not.
#[derive(Clone, Debug)]
struct Paper {
    version: u8,
    pinned: bool,
    ceiling: Ramp,
    after: u64,
    window: (u64, u64),
    unmask: bool,
    flaw: Option<Flaw>,
}

/// What makes a warrant good for nothing.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    OneSigner,
    Strangers,
    OtherPolicy,
    OtherRollout,
    OwnChange,
}

/// What may be in force, as the contract says and not as the code does it.
struct Model {
    trusts: bool,
    generation: Option<u64>,
    /// The highest generation of a kill that was in force.
    killed: u64,
    /// The generation whose lease was seen to lapse.
    lapsed: Option<u64>,
    /// The warrants that were good when they came, and that no kill or lapse came after.
    good: Vec<Paper>,
}

/// A proxy with everything that the invariants look at.
struct Run {
    state: State,
    now: u64,
    model: Model,
}

/// Every moment at which a share may change, and some around.
const MOMENTS: [u64; 9] = [0, 1_000, 1_999, 2_000, 2_500, 3_000, 3_001, 4_001, 100_000];
const TESTER: &[u8] = b"qa-1";

static TRUSTING: LazyLock<Policy> = LazyLock::new(|| {
    let rollout = json!({
        "name": "agent", "salt": "s", "control": {"generation": 0},
        "arms": {"stable": {"version": "v0"}, "canary": {"version": "v1"}},
    });
    let trust = trust_json(1, &[LEADS[0], LEADS[1], ENGINEER]);
    let policy = json!({"policy": "support", "trust": trust, "rollouts": [rollout]});
    Policy::from_json(policy.to_string().as_bytes()).unwrap()
});
static WARRANT: LazyLock<Warrant> =
    LazyLock::new(|| serde_json::from_value(warrant_json()).unwrap());

// === impl Push, Give ===

impl Push {
    fn policy(&self) -> Policy {
        let mut policy = TRUSTING.clone();
        let mut rollout = policy.rollouts[0].clone();
        let subject = subject(self.version, self.pinned);
        rollout.pins = pins(self.pinned);
        rollout.arms.canary.version = subject.canary;
        rollout.control = Control {
            generation: generation(self.generation),
            ramp: self.ramp.clone(),
            not_after: self.lease.map(Timestamp::from_millis),
            kill: self.kill.map(kill),
            redaction: self.masked.then_some(LiveRedaction::MaskAll),
            warrant: self
                .warrant
                .as_ref()
                .map(|paper| Box::new(paper.envelope())),
            ..rollout.control
        };
        policy.rollouts = Rollouts::new(vec![rollout]).unwrap();
        policy.trust = policy.trust.filter(|_| self.trust);
        policy
    }
}

impl Give {
    fn posted(&self, now: u64) -> Posted {
        let order = Order {
            policy: Some(name("support")),
            rollout: name("agent"),
            generation: generation(self.generation),
            ramp: self.ramp.clone(),
            not_after: self.lease.map(|lease| lease.map(Timestamp::from_millis)),
            kill: self.kill.map(|mode| mode.map(kill)),
            redaction: self.masked.map(|on| on.then_some(LiveRedaction::MaskAll)),
            warrant: self
                .warrant
                .as_ref()
                .map(|paper| WarrantReference::Carried(Box::new(paper.envelope()))),
            issued_at: Some(Timestamp::from_millis(now)),
        };
        let signer = if self.signed { ENGINEER } else { STRANGER };
        let payload = rmp_serde::to_vec_named(&order).unwrap();
        let envelope = envelope(PayloadType::OrderMsgPack, payload, &[signer]);
        Posted::from_envelope(&serde_json::to_vec(&envelope).unwrap()).unwrap()
    }
}

// === impl Paper ===

impl Paper {
    fn envelope(&self) -> Envelope {
        let mut warrant = Warrant {
            policy: name("support"),
            rollout: name("agent"),
            subject: subject(self.version, self.pinned),
            ramp: self.ceiling.clone(),
            unmask: self.unmask,
            after: generation(self.after),
            not_before: Timestamp::from_millis(self.window.0),
            not_after: Timestamp::from_millis(self.window.1),
            ..WARRANT.clone()
        };
        let mut signers = LEADS.to_vec();
        match self.flaw {
            None => {}
            Some(Flaw::OneSigner) => drop(signers.pop()),
            Some(Flaw::Strangers) => signers = vec![STRANGER],
            Some(Flaw::OtherPolicy) => warrant.policy = name("billing"),
            Some(Flaw::OtherRollout) => warrant.rollout = name("other"),
            Some(Flaw::OwnChange) => warrant.author = name(PLATFORM.id),
        }
        let payload = serde_json::to_vec(&warrant).unwrap();
        envelope(PayloadType::WarrantJson, payload, &signers)
    }

    /// Whether it is for what a policy with this canary, and perhaps a pinned tester, says.
    fn covers(&self, version: u8, pinned: bool) -> bool {
        self.version == version && (self.pinned || !pinned)
    }
}

// === impl Model ===

impl Model {
    fn new() -> Self {
        Self {
            trusts: false,
            generation: None,
            killed: 0,
            lapsed: None,
            good: Vec::new(),
        }
    }

    /// Whether a warrant may be used now.
    fn is_good(&self, paper: &Paper, now: u64) -> bool {
        let (from, until) = paper.window;
        paper.flaw.is_none() && from <= now && now <= until && paper.after >= self.killed
    }

    /// Notes that this generation came, killed or with a warrant, and was heard.
    fn heard(&mut self, generation: u64, killed: bool, paper: Option<&Paper>, now: u64) {
        let newer = self.generation.is_none_or(|known| generation > known);
        if !newer && self.generation != Some(generation) {
            return;
        }
        self.generation = Some(generation);
        if killed {
            self.killed = self.killed.max(generation);
            self.good.clear();
        }
        // What lapsed needs a generation of its own.
        let revived = newer || self.lapsed != Some(generation);
        let usable = paper.filter(|paper| self.is_good(paper, now) && paper.after < generation);
        if revived && let Some(paper) = usable.filter(|_| !killed) {
            self.good.push(paper.clone());
        }
        if newer {
            self.lapsed = None;
        }
    }

    /// The highest share that anybody permitted for this canary at this moment.
    fn ceiling(&self, version: u8, at: Timestamp) -> Percent {
        let good = self
            .good
            .iter()
            .filter(|paper| paper.covers(version, false));
        let shares = good.map(|paper| paper.ceiling.percent_at(at));
        shares.max().unwrap_or_default()
    }
}

// === impl Run ===

impl Run {
    fn new() -> Self {
        Self {
            state: State::default(),
            now: 1_000,
            model: Model::new(),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn control(&self) -> Option<Control> {
        let entry = self.state.get(&name("agent"))?;
        Some(entry.control.clone())
    }

    fn does(&mut self, deed: &Deed) -> Result<(), TestCaseError> {
        let before = self.state.clone();
        let control = self.control();
        match deed {
            Deed::Publish(push) => self.publish(push, &before)?,
            Deed::Order(give) => self.order(give, &before)?,
            Deed::Lapse => self.lapse(),
            Deed::Clock(now) => self.now = *now,
            Deed::Restart => {
                self.state = State::default();
                self.model = Model::new();
                return Ok(());
            }
        }
        let after = self.control();
        if let Some(before) = &control {
            let after = after.as_ref().expect("nothing is forgotten here");
            prop_assert!(
                after.generation >= before.generation,
                "the generation went back"
            );
            let unmasked = before.redaction.is_some() && after.redaction.is_none();
            let paper = match deed {
                Deed::Publish(push) => push.warrant.as_ref(),
                Deed::Order(give) => give.warrant.as_ref(),
                _ => None,
            };
            // Not `is_good`: this very deed may have been the kill that spends it.
            let may = paper.is_some_and(|paper| paper.unmask && paper.flaw.is_none());
            prop_assert!(!unmasked || !self.model.trusts || may, "unmasked");
        }
        let read = State::decode(&self.state.encode().unwrap()).unwrap();
        prop_assert!(read == self.state, "reads back as it was written");
        self.exposes_no_more_than_is_permitted()
    }

    fn publish(&mut self, push: &Push, before: &State) -> Result<(), TestCaseError> {
        let policy = push.policy();
        let published = self.state.publish(&policy, self.time());
        self.model.trusts |= push.trust;
        let killed = push.kill.is_some();
        self.model
            .heard(push.generation, killed, push.warrant.as_ref(), self.now);
        prop_assert_eq!(published.changed, self.state != *before);
        prop_assert_eq!(published.changed, self.state.epoch() > before.epoch());
        for (_, refused) in &published.refused {
            prop_assert!(self.model.trusts && !refused.to_string().is_empty());
        }
        // Seen again, it changes nothing.
        let once = self.state.clone();
        let again = self.state.publish(&policy, self.time());
        prop_assert!(!again.changed, "published twice");
        prop_assert!(self.state == once, "published twice");
        Ok(())
    }

    fn order(&mut self, give: &Give, before: &State) -> Result<(), TestCaseError> {
        let posted = give.posted(self.now);
        let obeyed = self.state.obey(&posted, &name("support"), self.time());
        let refused = match obeyed {
            Ok(changed) => {
                prop_assert_eq!(changed, self.state != *before);
                prop_assert_eq!(changed, self.state.epoch() > before.epoch());
                let newer = Some(give.generation) > self.model.generation;
                let paper = give.warrant.as_ref().filter(|_| self.model.trusts && newer);
                let killed = matches!(give.kill, Some(Some(_)));
                // A kill is not refused for the warrant that it brings.
                if let Some(paper) = paper.filter(|_| !killed) {
                    prop_assert!(
                        self.model.is_good(paper, self.now),
                        "a bad warrant was accepted"
                    );
                }
                self.model.heard(give.generation, killed, paper, self.now);
                return Ok(());
            }
            Err(refused) => refused,
        };
        prop_assert!(self.state == *before, "{} and something changed", refused);
        prop_assert!(!refused.to_string().is_empty());
        if self.model.trusts && !give.signed {
            prop_assert!(matches!(refused, OrderRefused::Signature(_)), "{refused}");
        }
        // Whoever may give orders may kill, unless something newer is in force.
        let kills = give.kill == Some(Some(KillMode::Block)) && give.warrant.is_none();
        let only = give.ramp.is_none() && give.lease.is_none() && give.masked.is_none();
        let newer = Some(give.generation) >= self.model.generation;
        let known = self.model.generation.is_some();
        let signed = give.signed || !self.model.trusts;
        prop_assert!(
            !(kills && only && newer && known && signed),
            "a kill: {refused}"
        );
        Ok(())
    }

    fn lapse(&mut self) {
        let Some(control) = self.control() else {
            return;
        };
        let over = control.not_after.is_some_and(|end| self.time() > end);
        if over && self.state.lapse(&name("agent"), control.generation) {
            self.model.lapsed = Some(control.generation.get());
            self.model.good.clear();
        }
    }

    fn exposes_no_more_than_is_permitted(&self) -> Result<(), TestCaseError> {
        let (Some(control), true) = (self.control(), self.model.trusts) else {
            return Ok(());
        };
        for (version, pinned) in [(1, false), (1, true), (2, false), (2, true)] {
            let subject = subject(version, pinned);
            let closed = self.state.closed(&name("agent"), Some(&subject));
            let gate = Gate::new(&control).closed(closed);
            for at in MOMENTS.map(Timestamp::from_millis) {
                let share = match closed {
                    Some(_) => Percent::ZERO,
                    None => control.share_at(at),
                };
                let ceiling = self.model.ceiling(version, at);
                prop_assert!(share <= ceiling, "v{version}: {share} of {ceiling} at {at}");
                let bucketing = Bucketing::new(&subject.salt, &pins(pinned));
                let arm = gate.decide(&bucketing, Some(TESTER), at).arm();
                let mut good = self.model.good.iter();
                let may = !pinned || good.any(|paper| paper.covers(version, true));
                prop_assert!(
                    may || arm != Some(Arm::Canary),
                    "v{version}: pinned at {at}"
                );
            }
        }
        Ok(())
    }
}

fn subject(version: u8, pinned: bool) -> Subject {
    let pins = pinned.then(|| String::from_utf8_lossy(TESTER).into_owned());
    let subject = json!({"stable": "v0", "canary": format!("v{version}"), "salt": "s", "pins": Vec::from_iter(pins)});
    serde_json::from_value(subject).unwrap()
}

fn pins(pinned: bool) -> Pins {
    let canary = if pinned { vec!["qa-1"] } else { vec![] };
    serde_json::from_value(json!({"canary": canary})).unwrap()
}

fn kill(mode: KillMode) -> Kill {
    Kill {
        mode,
        in_flight: InFlight::Cut,
    }
}

fn steps(steps: &[(u64, u32)]) -> Ramp {
    let steps = steps.iter().map(|(at, percent)| Step {
        percent: ppm(percent * 10_000),
        at: Timestamp::from_millis(*at),
    });
    Ramp::from_steps(steps.collect()).unwrap()
}

fn a_ramp() -> impl Strategy<Value = Ramp> {
    prop_oneof![
        2 => Just(Ramp::default()),
        4 => Just(steps(&[(0, 10)])),
        3 => Just(steps(&[(0, 10), (2_000, 50)])),
        2 => Just(steps(&[(0, 50)])),
        1 => Just(steps(&[(2_500, 100)])),
    ]
}

fn a_ceiling() -> impl Strategy<Value = Ramp> {
    prop_oneof![
        2 => Just(steps(&[(0, 10)])),
        3 => Just(steps(&[(0, 10), (2_000, 50)])),
        4 => Just(steps(&[(0, 50)])),
    ]
}

fn a_lease() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), Just(Some(3_000)), Just(Some(4_000))]
}

fn a_kill() -> impl Strategy<Value = KillMode> {
    prop_oneof![Just(KillMode::Rollback), Just(KillMode::Block)]
}

fn paper() -> impl Strategy<Value = Paper> {
    let flaw = prop_oneof![
        Just(Flaw::OneSigner),
        Just(Flaw::Strangers),
        Just(Flaw::OtherPolicy),
        Just(Flaw::OtherRollout),
        Just(Flaw::OwnChange),
    ];
    let window = prop_oneof![
        8 => Just((0, 50_000)),
        1 => Just((0, 900)),
        1 => Just((2_000, 50_000)),
    ];
    (
        1..3u8,
        any::<bool>(),
        a_ceiling(),
        prop_oneof![1 => 0..6u64, 1 => Just(6)],
        window,
        any::<bool>(),
        option::weighted(0.15, flaw),
    )
        .prop_map(
            |(version, pinned, ceiling, after, window, unmask, flaw)| Paper {
                version,
                pinned,
                ceiling,
                after,
                window,
                unmask,
                flaw,
            },
        )
}

fn a_push() -> impl Strategy<Value = Deed> {
    let kill = option::weighted(0.15, a_kill());
    (
        1..8u64,
        1..3u8,
        any::<bool>(),
        a_ramp(),
        a_lease(),
        kill,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.9),
        option::weighted(0.7, paper()),
    )
        .prop_map(
            |(generation, version, pinned, ramp, lease, kill, masked, trust, warrant)| {
                Deed::Publish(Push {
                    generation,
                    version,
                    pinned,
                    ramp,
                    lease,
                    kill,
                    masked,
                    trust,
                    warrant,
                })
            },
        )
}

fn an_order() -> impl Strategy<Value = Deed> {
    let kill = prop_oneof![
        3 => Just(None),
        2 => a_kill().prop_map(|mode| Some(Some(mode))),
        2 => Just(Some(None)),
    ];
    (
        1..9u64,
        option::weighted(0.5, a_ramp()),
        option::weighted(0.3, a_lease()),
        kill,
        option::weighted(0.2, any::<bool>()),
        option::weighted(0.6, paper()),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(generation, ramp, lease, kill, masked, warrant, signed)| {
            Deed::Order(Give {
                generation,
                ramp,
                lease,
                kill,
                masked,
                warrant,
                signed,
            })
        })
}

/// Two operators, three workers and fate, each with what it does in its order.
fn scripts() -> impl Strategy<Value = Vec<Vec<Deed>>> {
    let fate = prop_oneof![
        4 => Just(Deed::Lapse),
        4 => prop_oneof![Just(1_000), Just(2_000), Just(3_500), Just(5_000)].prop_map(Deed::Clock),
        1 => Just(Deed::Restart),
    ];
    (
        vec(vec(an_order(), 1..6), 2),
        // A worker publishes the same policy whenever it starts.
        vec((a_push(), 1..3usize), 3..8),
        vec(fate, 0..8),
    )
        .prop_map(|(operators, workers, fate)| {
            let workers = workers.into_iter().map(|(push, times)| vec![push; times]);
            operators.into_iter().chain(workers).chain([fate]).collect()
        })
}

fn holds(scripts: &[Vec<Deed>], schedule: &[prop::sample::Index]) -> Result<(), TestCaseError> {
    let mut run = Run::new();
    let mut queues: Vec<_> = scripts.iter().map(|script| script.iter()).collect();
    for at in schedule {
        let next = at.index(queues.len());
        if let Some(deed) = queues[next].next() {
            run.does(deed)?;
        }
    }
    for deed in queues.into_iter().flatten() {
        run.does(deed)?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_is_exposed_beyond_what_was_permitted(
        scripts in scripts(),
        schedule in vec(any::<prop::sample::Index>(), 0..48),
    ) {
        holds(&scripts, &schedule)?;
    }
}
