//! What the operator endpoint tells: the state in force and who has it.

use breakglass_policy::{
    Arm, Control, Epoch, Generation, Map, Name, Percent, Roster, State, Timestamp,
};
use serde::Serialize;

use crate::build::Build;
use crate::host;
use crate::metrics::{ArmMetrics, RolloutMetrics};
use crate::operator::Operator;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::vm;

/// `GET /v1/state`: every rollout's effective control and tallies, and what each worker has seen.
#[derive(Serialize)]
pub(crate) struct StateReport<'a> {
    policy: &'a Name,
    /// Of the policy that was published last, as the proxy delivered it.
    digest: Option<String>,
    filter: FilterReport,
    /// Changes when the proxy loses its shared data: when it restarts.
    boot: String,
    at: Timestamp,
    epoch: Epoch,
    rollouts: Vec<RolloutReport<'a>>,
    workers: Vec<WorkerReport>,
}

/// `GET /v1/receipts/<generation>`: the rollouts that have come so far, and who has them so.
#[derive(Serialize)]
pub(crate) struct Receipts<'a> {
    generation: Generation,
    at: Timestamp,
    rollouts: Vec<RolloutReceipt<'a>>,
}

/// How many of the living workers have an epoch in force, since when each has, and who has not.
#[derive(Serialize)]
pub(crate) struct WorkersInForce {
    total: usize,
    in_force: usize,
    receipts: Vec<Receipt>,
    stragglers: Vec<String>,
}

#[derive(Serialize)]
struct FilterReport {
    version: &'static str,
    commit: &'static str,
}

#[derive(Serialize)]
struct RolloutReport<'a> {
    name: &'a Name,
    control: &'a Control,
    /// The canary's share at this moment.
    percent: Percent,
    since_epoch: Epoch,
    arms: ArmReports,
    killed_streams: u64,
    blocked: u64,
    keyless: u64,
}

#[derive(Serialize)]
struct ArmReports {
    stable: ArmReport,
    canary: ArmReport,
}

#[derive(Serialize)]
struct ArmReport {
    requests: u64,
    /// Only the classes of which there are any.
    responses: Map<&'static str, u64>,
}

#[derive(Serialize)]
struct WorkerReport {
    id: String,
    epoch: Epoch,
    since: Timestamp,
}

#[derive(Serialize)]
struct RolloutReceipt<'a> {
    rollout: &'a Name,
    generation: Generation,
    workers: WorkersInForce,
}

#[derive(Serialize)]
struct Receipt {
    id: String,
    since: Timestamp,
}

// === impl StateReport ===

impl<'a> StateReport<'a> {
    pub(crate) fn new(operator: &'a Operator, state: &'a State) -> Result<Self, Problem> {
        let store = operator.live.store();
        let now = host::now();
        let roster = store.roster()?;
        let workers = roster.living(now).map(|(id, last)| WorkerReport {
            id: id.to_string(),
            epoch: last.epoch,
            since: last.at,
        });
        let rollouts = state.rollouts().map(|(name, entry)| {
            let metrics = RolloutMetrics::of(name);
            RolloutReport {
                name,
                control: &entry.control,
                percent: entry.control.share_at(now),
                since_epoch: entry.since,
                arms: ArmReports {
                    stable: ArmReport::new(metrics.arm(Arm::Stable)),
                    canary: ArmReport::new(metrics.arm(Arm::Canary)),
                },
                killed_streams: metrics.killed_streams.get(),
                blocked: metrics.blocked.get(),
                keyless: metrics.keyless.get(),
            }
        });
        Ok(Self {
            policy: &operator.live.policy().name,
            digest: store.digest()?,
            filter: FilterReport {
                version: Build::VERSION,
                commit: Build::COMMIT,
            },
            boot: store.boot(&format!("{:016x}", vm::random()))?,
            at: now,
            epoch: state.epoch(),
            rollouts: rollouts.collect(),
            workers: workers.collect(),
        })
    }
}

// === impl Receipts ===

impl<'a> Receipts<'a> {
    pub(crate) fn new(
        operator: &Operator,
        state: &'a State,
        generation: Generation,
    ) -> Result<Self, Problem> {
        let now = host::now();
        let reached = state
            .rollouts()
            .filter(|(_, entry)| entry.control.generation >= generation);
        let rollouts = reached.map(|(rollout, entry)| RolloutReceipt {
            rollout,
            generation: entry.control.generation,
            workers: WorkersInForce::of(operator, entry.since, now),
        });
        let rollouts: Vec<_> = rollouts.collect();
        if rollouts.is_empty() {
            let detail =
                format!("no rollout has reached generation {generation}; see GET /v1/state");
            return Err(Problem::new(
                404,
                "urn:breakglass:unknown-generation",
                "Unknown generation",
                detail,
            ));
        }
        Ok(Self {
            generation,
            at: now,
            rollouts,
        })
    }
}

// === impl WorkersInForce ===

impl WorkersInForce {
    pub(crate) fn of(operator: &Operator, epoch: Epoch, now: Timestamp) -> Self {
        let roster: Roster = operator.live.store().roster().unwrap_or_default();
        let mut receipts = Vec::new();
        let mut stragglers = Vec::new();
        for (id, since) in roster.in_force(epoch, now) {
            let id = id.to_string();
            match since {
                Some(since) => receipts.push(Receipt { id, since }),
                None => stragglers.push(id),
            }
        }
        Self {
            total: receipts.len().saturating_add(stragglers.len()),
            in_force: receipts.len(),
            receipts,
            stragglers,
        }
    }
}

// === impl ArmReport ===

impl ArmReport {
    fn new(metrics: &ArmMetrics) -> Self {
        Self {
            requests: metrics.requests.get(),
            responses: metrics
                .response_counts()
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(
            503,
            "urn:breakglass:no-shared-state",
            "No shared state",
            error.to_string(),
        )
    }
}
