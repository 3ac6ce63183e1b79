//! The rules of the discipline, in one table: what each asks, when, and how to get out of its way.

mod approving;
mod closing;
mod declaring;
mod starting;

use std::fmt;

use breakglass_policy::{Name, Timestamp};
use serde::Serialize;

pub(crate) use approving::chosen;
pub(crate) use declaring::{is_specific, plan_of};

use crate::change::event::Event;
use crate::change::ledger::Ledger;
use crate::change::record::{ChangeId, Declaration};
use crate::change::state::Change;
use crate::journal::Draft;
use crate::project::config::{Config, Person};

/// One rule.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// The paragraph of the discipline that it comes from.
    pub(crate) paragraph: u8,
    pub(crate) when: &'static [When],
    /// What it asks, in a line.
    pub(crate) asks: &'static str,
    check: fn(&Case<'_>) -> Result<(), Denial>,
}

/// When a rule is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    Declare,
    /// When the rollback is tried out.
    Drill,
    /// When the approvers are asked, by whomever.
    Ask,
    Approve,
    /// When an approver says no.
    Decline,
    Start,
    /// Before each further share.
    Step,
    Close,
    /// When a routine promotion is made.
    Routine,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) config: &'a Config,
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Timestamp,
    /// Who wants it.
    pub(crate) actor: &'a Person,
    /// What was, or is to be, declared. None for routine promotions.
    pub(crate) declared: Option<&'a Declaration>,
    /// The change, once it is declared.
    pub(crate) change: Option<&'a Change>,
    /// The rollout that it is about.
    pub(crate) rollout: &'a Name,
}

/// Why a rule does not let something through, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Denial {
    pub(crate) why: String,
    pub(crate) way_out: String,
}

/// What rules do not let through.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    pub(crate) attempted: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<ChangeId>,
    pub(crate) denied: Vec<Denied>,
}

/// A rule with its denial.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Denied {
    pub(crate) rule: &'static str,
    #[serde(flatten)]
    pub(crate) denial: Denial,
}

/// Every rule, in the order of the discipline.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "emergency",
        paragraph: 1,
        when: &[When::Declare],
        asks: "exactly one category, each with its evidence; what is no emergency goes the usual way",
        check: declaring::evidence,
    },
    Rule {
        name: "harms",
        paragraph: 1,
        when: &[When::Declare],
        asks: "the harm of waiting and the harm of bypassing are both written down",
        check: declaring::harms,
    },
    Rule {
        name: "record",
        paragraph: 2,
        when: &[When::Declare],
        asks: "rollout, versions and people are known to the project",
        check: declaring::known,
    },
    Rule {
        name: "bypass",
        paragraph: 2,
        when: &[When::Declare],
        asks: "each bypass has a reason of its own, a compensation that fits, an owner and a due time",
        check: declaring::bypasses,
    },
    Rule {
        name: "canary-plan",
        paragraph: 5,
        when: &[When::Declare, When::Start],
        asks: "a canary that is not bypassed takes the standard steps; a compressed one ends at 100 %",
        check: declaring::plan,
    },
    Rule {
        name: "maximum-compression",
        paragraph: 6,
        when: &[When::Declare, When::Start],
        asks: "100 % at once only for active exfiltration or an immediate deadline, with a decision maker, staff for the rollback, a drill and a queued message",
        check: declaring::maximum,
    },
    Rule {
        name: "not-alone",
        paragraph: 3,
        when: &[When::Declare],
        asks: "there is an approver for every role that is needed, and the author is none of them",
        check: approving::approvers,
    },
    Rule {
        name: QUIET_DRILL,
        paragraph: 4,
        when: &[When::Drill],
        asks: "nobody is on the canary when the rollback is tried out: it would take them back",
        check: starting::quiet,
    },
    Rule {
        name: "drill-first",
        paragraph: 4,
        when: &[When::Ask, When::Approve, When::Start],
        asks: "the rollback was tried out on every proxy, for these versions, and not too long ago",
        check: starting::drill,
    },
    Rule {
        name: "authority",
        paragraph: 3,
        when: &[When::Approve, When::Decline],
        asks: "who approves was asked to, has the role and the area, and is not the author",
        check: approving::authority,
    },
    Rule {
        name: "approved",
        paragraph: 3,
        when: &[When::Start],
        asks: "everybody who must approve has signed the warrant, and it still holds",
        check: starting::approved,
    },
    Rule {
        name: "change-window",
        paragraph: 2,
        when: &[When::Start, When::Routine],
        asks: "inside a change window, unless that is bypassed",
        check: starting::window,
    },
    Rule {
        name: "freeze",
        paragraph: 2,
        when: &[When::Start, When::Routine],
        asks: "outside every freeze, unless that is bypassed",
        check: starting::freeze,
    },
    Rule {
        name: "eval-gate",
        paragraph: 2,
        when: &[When::Start],
        asks: "every gate has passed, unless that is bypassed; a known regression does not start at all",
        check: starting::gates,
    },
    Rule {
        name: "one-change",
        paragraph: 2,
        when: &[When::Start, When::Routine],
        asks: "no other change is active on the same agent, unless that is bypassed",
        check: starting::alone,
    },
    Rule {
        name: "communication",
        paragraph: 8,
        when: &[When::Start],
        asks: "the message to customers is drafted and queued, or it is said why there is none",
        check: starting::message,
    },
    Rule {
        name: "not-ended",
        paragraph: 7,
        when: &[
            When::Drill,
            When::Ask,
            When::Approve,
            When::Start,
            When::Step,
        ],
        asks: "after a kill, a rollback or a lapsed lease nothing rises again before it is rearmed and approved anew",
        check: starting::not_ended,
    },
    Rule {
        name: "held",
        paragraph: 5,
        when: &[When::Step],
        asks: "a ramp that was held goes on when a person resumes it",
        check: starting::not_held,
    },
    Rule {
        name: "overdue-debt",
        paragraph: 9,
        when: &[When::Routine],
        asks: "nothing that was skipped is overdue",
        check: closing::debts_in_time,
    },
    Rule {
        name: "ramp-over",
        paragraph: 9,
        when: &[When::Close],
        asks: "the ramp is over",
        check: closing::ended,
    },
    Rule {
        name: "harm-stopped",
        paragraph: 9,
        when: &[When::Close],
        asks: "the proxies' counts show that the harm has stopped, or a follow-up change takes it on",
        check: closing::harm,
    },
    Rule {
        name: "gates-run",
        paragraph: 9,
        when: &[When::Close],
        asks: "every bypassed gate has run, and each regression is decided: real or intended",
        check: closing::gates,
    },
    Rule {
        name: "debts-paid",
        paragraph: 9,
        when: &[When::Close],
        asks: "everything that was skipped has been made up for",
        check: closing::debts,
    },
    Rule {
        name: "message-sent",
        paragraph: 8,
        when: &[When::Close],
        asks: "the message to customers has been sent",
        check: closing::message,
    },
    Rule {
        name: "postmortem",
        paragraph: 9,
        when: &[When::Close],
        asks: "the postmortem has actions for the cause and for the gaps in discipline",
        check: closing::postmortem,
    },
];

/// Also asked of what the proxies tell, which only the command knows.
pub(crate) const QUIET_DRILL: &str = "quiet-drill";

/// Looks at every rule for this moment.
///
/// # Errors
/// Every rule that does not let it through.
pub(crate) fn check(when: When, attempted: &'static str, case: &Case<'_>) -> Result<(), Refusal> {
    let rules = RULES.iter().filter(|rule| rule.when.contains(&when));
    let denied = rules.filter_map(|rule| {
        let denial = (rule.check)(case).err()?;
        Some(Denied {
            rule: rule.name,
            denial,
        })
    });
    let denied: Vec<_> = denied.collect();
    match denied.is_empty() {
        true => Ok(()),
        false => Err(Refusal {
            attempted,
            change: case.change.map(|change| change.id.clone()),
            denied,
        }),
    }
}

// === impl Rule ===

impl Rule {
    /// Whether it lets this through.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self, case: &Case<'_>) -> Result<(), Denial> {
        (self.check)(case)
    }
}

// === impl Case ===

impl<'a> Case<'a> {
    /// For rules that are looked at only once a change is declared.
    fn of_change(&self) -> Result<&'a Change, Denial> {
        self.change.ok_or_else(|| {
            Denial::new("there is no change yet", "declare it: `breakglass declare`")
        })
    }

    /// For rules about what is declared.
    fn of_declaration(&self) -> Result<&'a Declaration, Denial> {
        self.declared
            .ok_or_else(|| Denial::new("nothing is declared", "declare it: `breakglass declare`"))
    }
}

// === impl Denial ===

impl Denial {
    pub(crate) fn new(why: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            way_out: way_out.into(),
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// One rule's refusal.
    pub(crate) fn one(
        attempted: &'static str,
        change: Option<&ChangeId>,
        rule: &'static str,
        denial: Denial,
    ) -> Self {
        Self {
            attempted,
            change: change.cloned(),
            denied: vec![Denied { rule, denial }],
        }
    }

    /// Adds what something else than a rule's own look has found.
    pub(crate) fn and(mut self, rule: &'static str, denial: Denial) -> Self {
        self.denied.push(Denied { rule, denial });
        self
    }

    /// What the journal keeps of it: an attempt counts.
    pub(crate) fn drafts(&self) -> Vec<Draft> {
        let drafts = self.denied.iter().map(|denied| Draft {
            change: self.change.clone(),
            event: Event::Refused {
                rule: denied.rule.into(),
                why: denied.denial.why.clone(),
                attempted: self.attempted.into(),
            },
        });
        drafts.collect()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempted, .. } = self;
        match &self.change {
            Some(change) => write!(f, "refused: {attempted} {change}")?,
            None => write!(f, "refused: {attempted}")?,
        }
        for Denied { rule, denial } in &self.denied {
            write!(f, "\n  {rule}: {}\n    → {}", denial.why, denial.way_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
