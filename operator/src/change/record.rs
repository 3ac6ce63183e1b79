//! What somebody declares when a change cannot wait: the record that everything else hangs on.

use std::collections::BTreeMap;
use std::fmt;

use breakglass_policy::{Entity, Name, Timestamp};
use serde::{Deserialize, Serialize};

use crate::project::plan::Plan;
use crate::project::span::Span;

/// The id of a change: `chg-2026-0117`.
pub(crate) type ChangeId = Name;

/// The record of a change as it was declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    /// What it is, in a line.
    pub(crate) title: String,
    /// The rollout of the agent that it changes.
    pub(crate) rollout: Name,
    pub(crate) category: Category,
    /// What shows that it is of this category: for each term of [`Category::evidence`] a sentence.
    pub(crate) evidence: BTreeMap<String, String>,
    /// What happens while the change is not out.
    pub(crate) harm_of_waiting: String,
    /// What may happen because something is skipped.
    pub(crate) harm_of_bypassing: String,
    /// What it comes from, in a word that is the same each time: `prompt`, `model`, `data`, …
    pub(crate) cause: Name,
    pub(crate) scope: Scope,
    pub(crate) impact: Impact,
    pub(crate) versions: Versions,
    /// What is skipped. What is not listed stays in force.
    #[serde(default)]
    pub(crate) bypass: Vec<Bypass>,
    /// Steps of its own, where the canary is bypassed; else the project's compressed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
    /// What permits everybody at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maximum: Option<Maximum>,
    /// Who watches the ramp.
    pub(crate) watcher: Name,
    /// Who is asked to approve. None: those with the roles that are needed, where there is no choice.
    #[serde(default)]
    pub(crate) approvers: Vec<Name>,
    /// What customers are told.
    pub(crate) message: Communication,
    /// How the proxies' counts show that the harm has stopped.
    pub(crate) harm: Harm,
    /// An earlier change of the same cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repeats: Option<ChangeId>,
}

/// Why a change cannot wait: exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Category {
    /// Active exploitation or imminent exposure.
    Security,
    /// A deadline that cannot move.
    Regulatory,
    /// An incident whose resolution needs the change.
    ProductionIncident,
    /// Customers are blocked, and there is no way around.
    CustomerBlocking,
}

/// What is often called an emergency and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoEmergency {
    PromisedDate,
    SomebodyWantsIt,
    Inconvenience,
    MissedWindow,
}

/// How far a change reaches in the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// The prompt of one agent.
    Prompt,
    /// More: a model, several agents, the gateway.
    Platform,
}

/// How many customers, how much of the business it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Impact {
    Limited,
    Broad,
}

/// The versions as the policy's arms call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Versions {
    pub(crate) stable: String,
    pub(crate) canary: String,
}

/// One thing that is skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bypass {
    pub(crate) what: Bypassed,
    /// Why this cannot wait for it.
    pub(crate) reason: String,
    pub(crate) compensation: Compensation,
    /// Who is named by the compensation: on call, senior.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) who: Option<Name>,
    /// Who owes what was skipped.
    pub(crate) owner: Name,
    /// How long after the declaration it is due.
    pub(crate) due: Span,
}

/// What can be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bypassed {
    EvalGate,
    Canary,
    ChangeWindow,
    FreezePeriod,
    MultiChange,
}

/// What stands in for what is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compensation {
    /// The eval runs after promotion; a regression rolls back.
    EvalAfterPromotion,
    /// The canary is compressed, not left out.
    CompressedCanary,
    /// Everybody at once, watched intensively.
    IntensiveWatch,
    /// Somebody named is on call for it.
    OnCallCoverage,
    /// Somebody senior has approved it.
    SeniorApproval,
}

/// What permits everybody at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Maximum {
    pub(crate) ground: Ground,
    /// Who decides on the rollback.
    pub(crate) decision_maker: Name,
    /// Who is there to carry it out.
    pub(crate) rollback_staff: Vec<Name>,
}

/// The only grounds for everybody at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ground {
    ActiveExfiltration,
    ImmediateDeadline,
}

/// What customers are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Communication {
    /// A message goes out; `breakglass message` drafts, queues and sends it.
    Needed,
    /// None, and why.
    NotNeeded(String),
}

/// How it shows in the proxies' counts that the harm has stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Harm {
    pub(crate) measure: Measure,
    /// At most so many of a thousand answers of the new version.
    pub(crate) at_most_per_1000: f64,
    /// Over so many answers of it at least.
    #[serde(default = "default_answers")]
    pub(crate) answers: u64,
}

/// What is counted of answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// Those in which the entity was found; `*` for any.
    Redactions(Entity),
    /// Those that are errors.
    Errors,
    /// Those that took longer than the judge's bound.
    Slow,
}

/// A file with a declaration may say what is no emergency, and is told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Claim {
    Emergency(Category),
    Other(NoEmergency),
}

// === impl Declaration ===

impl Declaration {
    pub(crate) fn bypasses(&self, what: Bypassed) -> Option<&Bypass> {
        self.bypass.iter().find(|bypass| bypass.what == what)
    }
}

// === impl Category ===

impl Category {
    pub(crate) const ALL: [Self; 4] = [
        Self::Security,
        Self::Regulatory,
        Self::ProductionIncident,
        Self::CustomerBlocking,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Regulatory => "regulatory",
            Self::ProductionIncident => "production_incident",
            Self::CustomerBlocking => "customer_blocking",
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Security => "active exploitation or imminent exposure",
            Self::Regulatory => "a deadline that cannot move",
            Self::ProductionIncident => "an incident whose resolution needs the change",
            Self::CustomerBlocking => "customers are blocked and there is no workaround",
        }
    }

    /// The terms of evidence that it asks for, each with the question.
    pub(crate) fn evidence(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Security => &[
                ("exposure", "What is exposed or exploited, and to whom?"),
                ("seen", "Where was it seen (log, report, alert)?"),
            ],
            Self::Regulatory => &[
                ("authority", "Which authority or rule sets the deadline?"),
                ("deadline", "When is it (2026-11-27T18:00:00Z)?"),
                (
                    "immovable",
                    "Why can it not move, and why was it not planned for?",
                ),
            ],
            Self::ProductionIncident => &[
                ("incident", "Which incident (number, link)?"),
                ("resolution", "Why does its resolution need this change?"),
            ],
            Self::CustomerBlocking => &[
                ("blocked", "Who is blocked, from what?"),
                (
                    "workarounds",
                    "Which workarounds were tried, and why does none do?",
                ),
            ],
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl NoEmergency ===

impl NoEmergency {
    pub(crate) const ALL: [Self; 4] = [
        Self::PromisedDate,
        Self::SomebodyWantsIt,
        Self::Inconvenience,
        Self::MissedWindow,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PromisedDate => "promised_date",
            Self::SomebodyWantsIt => "somebody_wants_it",
            Self::Inconvenience => "inconvenience",
            Self::MissedWindow => "missed_window",
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::PromisedDate => "a date was promised",
            Self::SomebodyWantsIt => "somebody wants it now",
            Self::Inconvenience => "waiting is inconvenient",
            Self::MissedWindow => "the change window was missed",
        }
    }

    /// What to do instead.
    pub(crate) fn instead(self) -> &'static str {
        match self {
            Self::PromisedDate => {
                "tell whoever was promised the date, and release with every gate in the next window"
            }
            Self::SomebodyWantsIt => {
                "have them put it into the plan; if it is worth skipping gates for, they can say which harm waiting does"
            }
            Self::Inconvenience => {
                "wait for the window; if the window itself is the trouble, change `windows` in breakglass.toml"
            }
            Self::MissedWindow => "take the next window; a missed one harms nobody",
        }
    }
}

// === impl Bypassed ===

impl Bypassed {
    pub(crate) const ALL: [Self; 5] = [
        Self::EvalGate,
        Self::Canary,
        Self::ChangeWindow,
        Self::FreezePeriod,
        Self::MultiChange,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EvalGate => "eval_gate",
            Self::Canary => "canary",
            Self::ChangeWindow => "change_window",
            Self::FreezePeriod => "freeze_period",
            Self::MultiChange => "multi_change",
        }
    }

    /// What usually stands in for it, the first by default.
    pub(crate) fn compensations(self) -> &'static [Compensation] {
        use Compensation::*;
        match self {
            Self::EvalGate => &[EvalAfterPromotion],
            Self::Canary => &[CompressedCanary, IntensiveWatch],
            Self::ChangeWindow => &[OnCallCoverage, SeniorApproval],
            Self::FreezePeriod => &[SeniorApproval, OnCallCoverage],
            Self::MultiChange => &[SeniorApproval, IntensiveWatch],
        }
    }

    /// What is owed because it was skipped.
    pub(crate) fn owed(self) -> &'static str {
        match self {
            Self::EvalGate => "run every gate that was skipped, and attach the result",
            Self::Canary => {
                "say what the shorter canary did not see, and how it was looked for since"
            }
            Self::ChangeWindow => {
                "tell those who rely on the window, and review why it had to be left"
            }
            Self::FreezePeriod => {
                "tell those who declared the freeze, and review why it had to be broken"
            }
            Self::MultiChange => "review how the changes at the same time bear on each other",
        }
    }
}

impl fmt::Display for Bypassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Compensation ===

impl Compensation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EvalAfterPromotion => "eval_after_promotion",
            Self::CompressedCanary => "compressed_canary",
            Self::IntensiveWatch => "intensive_watch",
            Self::OnCallCoverage => "on_call_coverage",
            Self::SeniorApproval => "senior_approval",
        }
    }

    /// Whether it means somebody by name.
    pub(crate) fn names_somebody(self) -> bool {
        matches!(self, Self::OnCallCoverage | Self::SeniorApproval)
    }
}

// === impl Scope, Impact, Ground ===

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Platform => "platform",
        }
    }
}

impl Impact {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Broad => "broad",
        }
    }
}

impl Ground {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ActiveExfiltration => "active_exfiltration",
            Self::ImmediateDeadline => "immediate_deadline",
        }
    }
}

// === impl Measure ===

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redactions(entity) if entity.as_str() == "*" => {
                f.write_str("answers with any entity")
            }
            Self::Redactions(entity) => write!(f, "answers with {entity}"),
            Self::Errors => f.write_str("answers that are errors"),
            Self::Slow => f.write_str("slow answers"),
        }
    }
}

/// The time that a text says, for evidence.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    crate::typed::time(text.trim()).ok()
}

fn default_answers() -> u64 {
    100
}
