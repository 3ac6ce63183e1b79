//! What can happen to a proxy, drawn at random. Numbers are relative to what is in force, so that most
//! of it has an effect.

use proptest::{option, prelude::*};
use serde_json::{Value, json};

pub(super) const WORKERS: usize = 3;

#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// A policy reaches the main thread; no worker has taken it.
    Push(Document),
    /// A worker takes the policy that was pushed last.
    Switch(usize),
    Order(usize, Given),
    Request(usize, &'static str),
    Wait,
    /// A worker's machine dies; the others live on.
    Crash(usize),
    /// The whole proxy begins anew with the policy that was pushed last.
    Restart,
}

/// A policy.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The generation, from one before that in force on.
    pub(super) newer: u64,
    pub(super) version: &'static str,
    pub(super) pinned: bool,
    pub(super) ramp: Value,
    /// Seconds from now on, and a little.
    pub(super) lease: Option<u64>,
    pub(super) kill: Value,
    pub(super) trust: Option<u64>,
    pub(super) warrant: Option<Paper>,
}

/// An order.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) by_colleague: bool,
    pub(super) newer: u64,
    pub(super) ramp: Option<Value>,
    pub(super) lease: Option<Option<u64>>,
    pub(super) kill: Option<Value>,
    pub(super) masked: Option<bool>,
    pub(super) warrant: Option<Reference>,
}

#[derive(Clone, Debug)]
pub(super) enum Reference {
    Carried(Paper),
    /// The one that is held, by its name.
    Named,
}

/// A warrant.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    /// The generation that its approvers saw, from one before the floor on.
    pub(super) after: u64,
    pub(super) version: &'static str,
    pub(super) pinned: bool,
    pub(super) percent: u64,
    pub(super) unmask: bool,
    /// Both leads have signed.
    pub(super) whole: bool,
}

/// Mostly the next generation.
fn newer() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 1 => Just(1), 6 => Just(2), 2 => Just(3)]
}

fn ramps() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(json!([])),
        2 => Just(json!({"percent": 100})),
        2 => Just(json!({"percent": 30})),
    ]
}

fn kills() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => Just(Value::Null),
        2 => Just(json!({"mode": "rollback", "in_flight": "drain"})),
        1 => Just(json!({"mode": "block", "in_flight": "drain"})),
    ]
}

fn versions() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just("prompt-v42"), 1 => Just("prompt-v43")]
}

fn references() -> impl Strategy<Value = Reference> {
    prop_oneof![
        4 => papers().prop_map(Reference::Carried),
        1 => Just(Reference::Named),
    ]
}

prop_compose! {
    fn papers()(
        after in prop_oneof![1 => Just(0), 5 => Just(1), 1 => Just(2)],
        version in versions(),
        pinned in prop::bool::weighted(0.7),
        percent in prop_oneof![4 => Just(100), 1 => Just(30)],
        unmask: bool,
        whole in prop::bool::weighted(0.9),
    ) -> Paper {
        Paper { after, version, pinned, percent, unmask, whole }
    }
}

prop_compose! {
    fn documents()(
        newer in newer(),
        version in versions(),
        pinned in prop::bool::weighted(0.3),
        ramp in ramps(),
        lease in option::weighted(0.4, 0..3u64),
        kill in kills(),
        trust in prop_oneof![1 => Just(None), 6 => Just(Some(1)), 2 => Just(Some(2))],
        warrant in option::weighted(0.7, papers()),
    ) -> Document {
        Document { newer, version, pinned, ramp, lease, kill, trust, warrant }
    }
}

prop_compose! {
    fn givens()(
        by_colleague: bool,
        newer in newer(),
        ramp in option::weighted(0.5, ramps()),
        lease in option::weighted(0.3, option::weighted(0.8, 0..3u64)),
        kill in option::weighted(0.6, kills()),
        masked in option::weighted(0.2, any::<bool>()),
        warrant in option::weighted(0.6, references()),
    ) -> Given {
        Given { by_colleague, newer, ramp, lease, kill, masked, warrant }
    }
}

pub(super) fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let worker = 0..WORKERS;
    let units = prop::sample::select(vec!["u1", "u2", "u3", "qa-1", "vip"]);
    let order = (worker.clone(), givens());
    let request = (worker.clone(), units);
    let happening = prop_oneof![
        4 => documents().prop_map(Happening::Push),
        4 => worker.clone().prop_map(Happening::Switch),
        8 => order.prop_map(|(worker, given)| Happening::Order(worker, given)),
        6 => request.prop_map(|(worker, unit)| Happening::Request(worker, unit)),
        5 => Just(Happening::Wait),
        2 => worker.prop_map(Happening::Crash),
        1 => Just(Happening::Restart),
    ];
    prop::collection::vec(happening, 1..40)
}
