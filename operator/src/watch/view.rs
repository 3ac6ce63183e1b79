//! Everything that is shown of a ramp, as it is at one moment.

use std::time::Duration;

/// A change on its way, as whoever watches it sees it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) change: String,
    pub(crate) title: String,
    pub(crate) rollout: String,
    pub(crate) stable_version: String,
    pub(crate) canary_version: String,
    pub(crate) status: Phase,
    pub(crate) steps: Vec<StepView>,
    /// `None` where the control has no lease.
    pub(crate) lease_left: Option<Duration>,
    /// A lease with less left than this has not been renewed when it should have been.
    pub(crate) short_lease: Duration,
    /// Who moves the ramp, and when it was last heard of: "priya@ops-1, 2 s ago".
    pub(crate) engine: Option<String>,
    /// Whether it was heard of lately enough to be believed in.
    pub(crate) engine_alive: bool,
    pub(crate) watchers: Vec<WatcherView>,
    pub(crate) asked_percent: f64,
    /// What the counts say; `None` before there are any.
    pub(crate) achieved_percent: Option<f64>,
    /// Stable, then canary.
    pub(crate) arms: [ArmView; 2],
    pub(crate) judge: Vec<JudgeView>,
    pub(crate) proxies: Vec<ProxyView>,
    /// The journal's last lines, the newest last.
    pub(crate) messages: Vec<String>,
    /// Duties of this and earlier changes whose time has passed.
    pub(crate) debts_overdue: usize,
}

/// Where the ramp stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not begun.
    Waiting,
    Step {
        /// From 1.
        index: usize,
        of: usize,
        /// Without the sign: "10".
        percent: String,
        /// How long ago this share was asked for.
        asked_since: Duration,
        /// How long it must still be held; `None` once that is over.
        hold_left: Option<Duration>,
        /// Whether a watcher has said that the next step may come.
        confirmed: bool,
        /// What keeps the next step from coming, besides time: "a watcher to confirm".
        waiting_for: Vec<String>,
    },
    /// Stays where it is.
    Held {
        why: String,
    },
    /// Everybody is back on stable, by judgement or lapse.
    RolledBack {
        why: String,
    },
    Killed {
        by: String,
        why: String,
    },
    /// The last step was held as long as it had to be.
    Complete,
}

/// A step of the ramp.
#[derive(Clone, Debug)]
pub(crate) struct StepView {
    /// Without the sign: "10".
    pub(crate) percent: String,
    /// How long it is held: "5m".
    pub(crate) hold: String,
    pub(crate) state: StepState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    Done,
    Now,
    Next,
}

/// Somebody who watches.
#[derive(Clone, Debug)]
pub(crate) struct WatcherView {
    pub(crate) who: String,
    /// How long ago their last sign of life came.
    pub(crate) since: Duration,
    /// Whether that is recent enough to count.
    pub(crate) fresh: bool,
}

/// What an arm has done since the change began.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArmView {
    pub(crate) requests: u64,
    pub(crate) requests_per_s: f64,
    pub(crate) errors: u64,
    /// Of its answers; `None` before there are any.
    pub(crate) error_percent: Option<f64>,
    /// Answers above the bound of the judge's latency signal.
    pub(crate) slow: u64,
    pub(crate) redactions: Vec<RedactionView>,
    pub(crate) trends: Trends,
}

/// How often an entity was found in an arm's answers.
#[derive(Clone, Debug)]
pub(crate) struct RedactionView {
    pub(crate) entity: String,
    /// Answers with it, of 1,000: "4.1".
    pub(crate) per_1000: String,
}

/// The last samples of an arm, one a second, the newest last. Each is drawn relative to its own highest,
/// so the unit is free: thousandths keep rates below one a second visible.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trends {
    pub(crate) requests: Vec<u64>,
    pub(crate) errors: Vec<u64>,
    pub(crate) redactions: Vec<u64>,
}

/// What the judge makes of a signal.
#[derive(Clone, Debug)]
pub(crate) struct JudgeView {
    pub(crate) signal: String,
    /// The counts that it looked at, for people.
    pub(crate) text: String,
    pub(crate) e_value: f64,
    /// The e-value at which it trips.
    pub(crate) threshold: f64,
    pub(crate) tripped: bool,
}

/// What a proxy has in force.
#[derive(Clone, Debug)]
pub(crate) struct ProxyView {
    pub(crate) name: String,
    /// Whether it has what was asked of it.
    pub(crate) ok: bool,
    pub(crate) generation: Option<u64>,
    /// In force, of all: "3/3".
    pub(crate) workers: String,
    /// What is wrong, if something is.
    pub(crate) text: String,
}

// === impl View ===

impl View {
    /// Judged signals, the most worrying first.
    pub(crate) fn signals(&self) -> Vec<&JudgeView> {
        let mut signals: Vec<_> = self.judge.iter().collect();
        signals.sort_by(|a, b| {
            let tripped = b.tripped.cmp(&a.tripped);
            tripped.then(b.evidence().total_cmp(&a.evidence()))
        });
        signals
    }

    /// Proxies, those that are not as they should be first.
    pub(crate) fn worst_proxies(&self) -> Vec<&ProxyView> {
        let mut proxies: Vec<_> = self.proxies.iter().collect();
        proxies.sort_by_key(|proxy| proxy.ok);
        proxies
    }

    pub(crate) fn proxies_ok(&self) -> usize {
        self.proxies.iter().filter(|proxy| proxy.ok).count()
    }

    /// Entities found on either arm, in the canary's order, with what each arm has of them.
    pub(crate) fn entities(&self) -> Vec<(&str, [Option<&str>; 2])> {
        let [stable, canary] = &self.arms;
        let mut names: Vec<&str> = Vec::new();
        for redaction in canary.redactions.iter().chain(&stable.redactions) {
            if !names.contains(&redaction.entity.as_str()) {
                names.push(&redaction.entity);
            }
        }
        let both = |name| (name, [stable.redacted(name), canary.redacted(name)]);
        names.into_iter().map(both).collect()
    }
}

// === impl Phase ===

impl Phase {
    /// Whether a ramp is under way, which somebody has to watch.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self, Self::Waiting | Self::Step { .. } | Self::Held { .. })
    }
}

// === impl ArmView ===

impl ArmView {
    fn redacted(&self, entity: &str) -> Option<&str> {
        let mut all = self.redactions.iter();
        let found = all.find(|redaction| redaction.entity == entity)?;
        Some(&found.per_1000)
    }
}

// === impl JudgeView ===

impl JudgeView {
    /// How far it is on its way to the threshold, from 0 to 1, on the scale on which evidence adds up.
    pub(crate) fn evidence(&self) -> f64 {
        if self.tripped {
            return 1.0;
        }
        // An e-value of 1 says nothing; one below speaks for the canary.
        match self.e_value > 1.0 && self.threshold > 1.0 {
            true => (self.e_value.ln() / self.threshold.ln()).min(1.0),
            false => 0.0,
        }
    }
}
