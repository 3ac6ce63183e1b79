//! The operator role: `GET /v1/state`, `POST /v1/orders`, `GET /v1/receipts/<generation>`.

mod call;
mod orders;
mod report;

use std::cell::RefCell;

use breakglass_policy::{Epoch, Policy, State, Timestamp};

use crate::host;
use crate::live::Live;
use crate::operator::orders::Accepted;
use crate::problem::Problem;
use crate::vm;

pub(crate) use call::OperatorCall;

/// One configuration of an operator listener on one worker.
#[derive(Debug)]
pub(crate) struct Operator {
    root: u32,
    live: Live,
    /// Calls that are answered once every worker has their order in force.
    pending: RefCell<Vec<Pending>>,
}

/// A call whose order was written and that waits for the workers.
#[derive(Debug)]
struct Pending {
    stream: u32,
    accepted: Accepted,
    deadline: Timestamp,
}

// === impl Operator ===

impl Operator {
    pub(crate) fn new(root: u32, policy: Policy, digest: String) -> Self {
        Self {
            root,
            live: Live::new(policy, digest),
            pending: RefCell::default(),
        }
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    pub(crate) fn tick(&self) {
        self.live.reread();
        let now = host::now();
        self.live.heartbeat(now);
        if self.pending.borrow().is_empty() {
            return;
        }
        let (done, waiting) = self
            .pending
            .take()
            .into_iter()
            .partition(|pending: &Pending| {
                now >= pending.deadline || self.is_in_force(pending.accepted.entry.since, now)
            });
        self.pending.replace(waiting);
        let done: Vec<Pending> = done;
        for Pending {
            stream, accepted, ..
        } in done
        {
            if host::set_effective_context(stream).is_ok() {
                accepted.respond(self, now);
            }
        }
        let _ = host::set_effective_context(self.root);
    }

    /// The state in force, this configuration's own part included.
    fn state(&self) -> Result<State, Problem> {
        self.live.refresh();
        Ok(self.live.store().state()?)
    }

    /// Keeps a call until every worker acknowledged its epoch, or at most [`ANSWER_WITHIN_MILLIS`].
    fn answer_when_in_force(&self, stream: u32, accepted: Accepted) -> Result<(), Problem> {
        let mut pending = self.pending.borrow_mut();
        if pending.len() >= MAX_PENDING {
            let detail =
                "The order is carried out, but too many calls wait for an answer; read /v1/state.";
            let problem = Problem::new(
                429,
                "urn:breakglass:busy",
                "Too many orders at once",
                detail,
            );
            return Err(problem.with_header("retry-after", "1"));
        }
        let deadline = host::now().millis().saturating_add(ANSWER_WITHIN_MILLIS);
        pending.push(Pending {
            stream,
            accepted,
            deadline: Timestamp::from_millis(deadline),
        });
        Ok(())
    }

    fn forget(&self, stream: u32) {
        self.pending
            .borrow_mut()
            .retain(|pending| pending.stream != stream);
    }

    fn is_in_force(&self, epoch: Epoch, now: Timestamp) -> bool {
        let roster = self.live.store().roster().unwrap_or_default();
        let mut workers = roster.in_force(epoch, now);
        workers.all(|(id, since)| since.is_some() || id == vm::worker())
    }
}

/// A worker that hangs for longer must not hold back the answer; the answer then names it.
const ANSWER_WITHIN_MILLIS: u64 = 1_000;
/// Calls that wait on one worker at once. Each is an order that was carried out already.
const MAX_PENDING: usize = 64;
