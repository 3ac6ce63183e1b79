//! What the operator endpoint tells: the state in force and who has it.

use breakglass_policy::judge::Verdict;
use breakglass_policy::{
    Arm, ArmTally, Closed, Control, Entity, Entry, Epoch, Generation, Map, Name, Percent,
    Redactions, Roster, SignalReport, State, Timestamp, Trial, Trust,
};
use serde::Serialize;

use crate::build::Build;
use crate::host;
use crate::metrics::{ArmMetrics, RolloutMetrics};
use crate::operator::Operator;
use crate::problem::Problem;
use crate::store::{Judged, Record, StoreError, Trip};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<TrustReport<'a>>,
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
    /// How long after it was written the workers that have it had it: half of them, of a hundred
    /// ninety-nine, the last.
    #[serde(flatten)]
    delays: Option<Delays>,
}

#[derive(Serialize)]
struct Delays {
    p50_ms: u64,
    p99_ms: u64,
    max_ms: u64,
}

/// Whose signatures count.
#[derive(Serialize)]
struct TrustReport<'a> {
    generation: Generation,
    keys: Vec<&'a Name>,
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
    /// Why nobody is on the canary, whatever the control says.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
    /// What the approvers of the next warrant must have seen at least, where keys are trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    warrants_after: Option<Generation>,
    since_epoch: Epoch,
    arms: ArmReports,
    /// Where the policy has a judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    judge: Option<JudgeReport>,
    killed_streams: u64,
    blocked: u64,
    keyless: u64,
}

/// What the judge makes of the answers.
#[derive(Serialize)]
struct JudgeReport {
    trip: Option<TripReport>,
    signals: Vec<SignalReport>,
}

/// Why the judge has sent everyone to stable.
#[derive(Serialize)]
struct TripReport {
    verdict: Verdict,
    at: Timestamp,
    /// Of the kill.
    generation: Generation,
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
    answers: AnswerReport,
}

/// How the answers of an arm went that have ended since the proxy started, over all workers.
#[derive(Serialize)]
struct AnswerReport {
    /// Requests that the split sent here: neither pinned nor without a unit.
    drawn: u64,
    ended: u64,
    errors: u64,
    slow_first_byte: u64,
    slow: u64,
    unscanned: u64,
    redactions: Map<Entity, Redactions>,
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
    /// When the control was written, by the clock of the worker that wrote it.
    accepted_at: Timestamp,
    workers: WorkersInForce,
}

#[derive(Serialize)]
struct Receipt {
    id: String,
    since: Timestamp,
    after_ms: u64,
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
            // The state was read a moment ago: shared data works.
            let Record { sums, judged } = store.record(name).unwrap_or_default();
            let closed = state.closed(name, None);
            RolloutReport {
                name,
                control: &entry.control,
                percent: closed.map_or_else(|| entry.control.share_at(now), |_| Percent::ZERO),
                closed,
                warrants_after: state.trust().map(|_| entry.floor()),
                since_epoch: entry.since,
                arms: ArmReports {
                    stable: ArmReport::new(metrics.arm(Arm::Stable), sums.stable),
                    canary: ArmReport::new(metrics.arm(Arm::Canary), sums.canary),
                },
                judge: judged.and_then(JudgeReport::new),
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
            trust: state.trust().map(TrustReport::new),
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
            accepted_at: entry.at,
            workers: WorkersInForce::of(operator, entry, now),
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
    pub(crate) fn of(operator: &Operator, entry: &Entry, now: Timestamp) -> Self {
        let roster: Roster = operator.live.store().roster().unwrap_or_default();
        let mut receipts = Vec::new();
        let mut stragglers = Vec::new();
        for (id, since) in roster.in_force(entry.since, now) {
            let id = id.to_string();
            match since {
                Some(since) => receipts.push(Receipt {
                    id,
                    since,
                    after_ms: since.millis().saturating_sub(entry.at.millis()),
                }),
                None => stragglers.push(id),
            }
        }
        Self {
            total: receipts.len().saturating_add(stragglers.len()),
            in_force: receipts.len(),
            delays: Delays::of(&receipts),
            receipts,
            stragglers,
        }
    }
}

// === impl Delays ===

impl Delays {
    /// Of nobody there are none.
    fn of(receipts: &[Receipt]) -> Option<Self> {
        let mut delays: Vec<u64> = receipts.iter().map(|receipt| receipt.after_ms).collect();
        delays.sort_unstable();
        // The nearest rank: the least delay that so many percent do not exceed.
        let percentile = |percent: usize| {
            let rank = delays.len().saturating_mul(percent).div_ceil(100);
            delays.get(rank.saturating_sub(1)).copied()
        };
        Some(Self {
            p50_ms: percentile(50)?,
            p99_ms: percentile(99)?,
            max_ms: *delays.last()?,
        })
    }
}

// === impl TrustReport ===

impl<'a> TrustReport<'a> {
    fn new(trust: &'a Trust) -> Self {
        Self {
            generation: trust.generation,
            keys: trust.keys.iter().map(|key| &key.id).collect(),
        }
    }
}

// === impl JudgeReport ===

impl JudgeReport {
    fn new(judged: Judged) -> Option<Self> {
        let trial = Trial::decode(&judged.trial).ok()?;
        let trip = judged.trip.zip(trial.trip());
        Some(Self {
            signals: trial.report(),
            trip: trip.map(|(Trip { at, generation }, verdict)| TripReport {
                verdict: verdict.clone(),
                at,
                generation,
            }),
        })
    }
}

// === impl ArmReport ===

impl ArmReport {
    fn new(metrics: &ArmMetrics, tally: ArmTally) -> Self {
        Self {
            answers: AnswerReport {
                drawn: tally.requests,
                ended: tally.answers,
                errors: tally.errors,
                slow_first_byte: tally.slow_first_byte,
                slow: tally.slow,
                unscanned: tally.unscanned,
                redactions: tally.redactions,
            },
            requests: metrics.request_count(),
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
