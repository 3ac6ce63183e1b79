//! What the operator endpoint answers. Read with an open mind: filters are older and newer.

use breakglass_policy::{Control, Generation};
use serde::Deserialize;
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

/// How many workers have a control in force.
#[derive(Debug, Deserialize)]
pub(crate) struct Workers {
    pub(crate) total: usize,
    pub(crate) in_force: usize,
    #[serde(default)]
    stragglers: Vec<String>,
    #[serde(default)]
    p50_ms: Option<Number>,
    #[serde(default)]
    p99_ms: Option<Number>,
    #[serde(default)]
    max_ms: Option<Number>,
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

/// One rollout of a state.
#[derive(Debug, Deserialize)]
pub(crate) struct RolloutState {
    pub(crate) name: String,
    #[serde(default)]
    control: Value,
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
    serde_json::from_value(control.get("generation")?.clone()).ok()
}

// === impl OrderAnswer ===

impl OrderAnswer {
    /// The control that is in force now; `None` if it is of a form that is not known here.
    pub(crate) fn control(&self) -> Option<Control> {
        serde_json::from_value(self.control.clone()).ok()
    }

    /// Whether the control says, in whatever form, that its kill-switch is off.
    pub(crate) fn is_armed(&self) -> bool {
        let control = self.control.as_object();
        control.is_some_and(|terms| terms.get("kill").is_none_or(Value::is_null))
    }
}

// === impl RolloutState ===

impl RolloutState {
    pub(crate) fn generation(&self) -> Option<Generation> {
        generation(&self.control)
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
