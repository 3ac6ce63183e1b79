//! What the operator endpoint answers. Read with an open mind: filters are older and newer.

use breakglass_policy::{Control, Generation, Name, Percent, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The answer to an order that was carried out.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderAnswer {
    pub(crate) generation: Generation,
    #[serde(default)]
    control: Value,
    pub(crate) workers: Workers,
}

/// The answer to `GET /v1/receipts/<generation>`.
#[derive(Debug, Deserialize)]
pub(crate) struct ReceiptsAnswer {
    pub(crate) rollouts: Vec<RolloutReceipt>,
}

/// Who has the control of one rollout in force.
#[derive(Debug, Deserialize)]
pub(crate) struct RolloutReceipt {
    pub(crate) rollout: String,
    pub(crate) generation: Generation,
    #[serde(default)]
    pub(crate) accepted_at: Option<String>,
    pub(crate) workers: Workers,
}

/// How many workers have a control in force, who has not, and after how long half of them, 99 of 100
/// and the last had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workers {
    pub(crate) total: usize,
    pub(crate) in_force: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stragglers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p50_ms: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ms: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_ms: Option<Number>,
}

/// The answer to `GET /v1/state`.
#[derive(Debug, Deserialize)]
pub(crate) struct StateAnswer {
    pub(crate) policy: String,
    #[serde(default)]
    pub(crate) digest: Option<String>,
    #[serde(default)]
    pub(crate) filter: Filter,
    #[serde(default)]
    pub(crate) boot: String,
    #[serde(default)]
    at: Value,
    #[serde(default)]
    trust: Value,
    #[serde(default)]
    pub(crate) rollouts: Vec<RolloutState>,
    #[serde(default)]
    pub(crate) workers: Vec<Worker>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) commit: String,
}

/// One rollout of a state. What not every command needs is read when it is asked for: who kills does not
/// stumble over a count.
#[derive(Debug, Deserialize)]
pub(crate) struct RolloutState {
    pub(crate) name: String,
    #[serde(default)]
    control: Value,
    #[serde(default)]
    warrants_after: Value,
    #[serde(default)]
    arms: Value,
    #[serde(default)]
    judge: Value,
    #[serde(default)]
    pub(crate) percent: Option<Number>,
    #[serde(default)]
    pub(crate) closed: Option<String>,
    #[serde(default)]
    pub(crate) since_epoch: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Worker {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) epoch: u64,
}

/// A problem as the filter tells it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) kind: String,
    pub(crate) status: u16,
    detail: String,
    path: Option<String>,
    pub(crate) json: Value,
}

/// Text of another machine, fit for a terminal: without what would move its cursor.
pub(crate) fn clean(text: &str) -> String {
    let shown = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(shown).collect()
}

fn generation(control: &Value) -> Option<Generation> {
    // Alone: a newer filter's control may have members that nobody here knows.
    known(control.get("generation")?)
}

/// A value, if it is of a form that is known here.
fn known<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

// === impl OrderAnswer ===

impl OrderAnswer {
    /// The control that is in force now; `None` if it is of a form that is not known here.
    pub(crate) fn control(&self) -> Option<Control> {
        known(&self.control)
    }

    /// Whether the control says, in whatever form, that its kill-switch is off.
    pub(crate) fn is_armed(&self) -> bool {
        let control = self.control.as_object();
        control.is_some_and(|terms| terms.get("kill").is_none_or(Value::is_null))
    }
}

// === impl StateAnswer ===

impl StateAnswer {
    pub(crate) fn rollout(&self, name: &Name) -> Option<&RolloutState> {
        let mut rollouts = self.rollouts.iter();
        rollouts.find(|rollout| rollout.name == name.as_str())
    }

    /// When it answered, by its own clock.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        known(&self.at)
    }

    /// The ids of the keys that it trusts, and how often that has changed; `None` where it trusts none.
    pub(crate) fn trusted(&self) -> Option<(Generation, Vec<Name>)> {
        Some((
            known(self.trust.get("generation")?)?,
            known(self.trust.get("keys")?)?,
        ))
    }

    /// That it has no such rollout, and which it has.
    pub(crate) fn lacks(&self, name: &Name) -> String {
        let names = self.rollouts.iter().map(|rollout| clean(&rollout.name));
        let names = names.collect::<Vec<_>>().join(", ");
        format!("no rollout `{name}` is in force there; there are: {names}")
    }
}

// === impl RolloutState ===

impl RolloutState {
    pub(crate) fn generation(&self) -> Option<Generation> {
        generation(&self.control)
    }

    /// The control; `None` if it is of a form that is not known here.
    pub(crate) fn control(&self) -> Option<Control> {
        known(&self.control)
    }

    /// The canary's share at this moment.
    pub(crate) fn share(&self) -> Option<Percent> {
        known(&Value::Number(self.percent.clone()?))
    }

    /// What the approvers of the next warrant must have seen at least.
    pub(crate) fn warrants_after(&self) -> Option<Generation> {
        known(&self.warrants_after)
    }

    /// What came to an arm.
    pub(crate) fn arm(&self, name: &str) -> Option<&Value> {
        self.arms.get(name)
    }

    /// What made the filter's judge take everybody back.
    pub(crate) fn judge_trip(&self) -> Option<&Value> {
        self.judge.get("trip").filter(|trip| !trip.is_null())
    }

    /// Whether the filter itself compares the arms.
    pub(crate) fn has_judge(&self) -> bool {
        !self.judge.is_null()
    }

    /// A term of the control, unless it is `null`.
    pub(crate) fn term(&self, name: &str) -> Option<&Value> {
        self.control.get(name).filter(|term| !term.is_null())
    }
}

// === impl Workers ===

impl Workers {
    /// Of a state: those that have seen the epoch.
    pub(crate) fn of_state(workers: &[Worker], since_epoch: u64) -> Self {
        let late = workers.iter().filter(|worker| worker.epoch < since_epoch);
        let stragglers: Vec<String> = late.map(|worker| worker.id.clone()).collect();
        Self {
            total: workers.len(),
            in_force: workers.len() - stragglers.len(),
            stragglers,
            p50_ms: None,
            p99_ms: None,
            max_ms: None,
        }
    }

    pub(crate) fn all(&self) -> bool {
        self.in_force >= self.total
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("workers {}/{}", self.in_force, self.total);
        for (word, delay) in [
            ("p50", &self.p50_ms),
            ("p99", &self.p99_ms),
            ("max", &self.max_ms),
        ] {
            if let Some(delay) = delay {
                text.push_str(&format!("  {word} {delay} ms"));
            }
        }
        if !self.stragglers.is_empty() {
            let stragglers = clean(&self.stragglers.join(", "));
            text.push_str(&format!("  missing: {stragglers}"));
        }
        text
    }
}

// === impl Problem ===

impl Problem {
    /// Reads a problem; `None` if it is none.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        let text = |member: &str| json.get(member)?.as_str().map(str::to_owned);
        Some(Self {
            kind: text("type")?,
            status: json.get("status")?.as_u64()?.try_into().ok()?,
            detail: text("detail").or_else(|| text("title")).unwrap_or_default(),
            path: text("path"),
            json: json.clone(),
        })
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.kind == "urn:breakglass:stale"
    }

    /// The generation that is in force instead.
    pub(crate) fn current(&self) -> Option<Generation> {
        generation(self.json.get("control")?)
    }

    pub(crate) fn to_text(&self) -> String {
        let Self {
            kind,
            status,
            detail,
            path,
            ..
        } = self;
        let text = match path {
            // The filter's details name the path as well, where there is one.
            Some(path) if !detail.contains(path.as_str()) => {
                format!("{status} {kind}: {path}: {detail}")
            }
            _ => format!("{status} {kind}: {detail}"),
        };
        match self.kill() {
            Some(kill) => clean(&format!("{text}; its kill-switch is on: {kill}")),
            None => clean(&text),
        }
    }

    /// The kill that is in force instead.
    fn kill(&self) -> Option<String> {
        let kill = self.json.get("control")?.get("kill")?;
        let word = |member: &str| kill.get(member).and_then(Value::as_str);
        Some(format!("{}, {}", word("mode")?, word("in_flight")?))
    }
}
