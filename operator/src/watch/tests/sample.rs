//! Views to be drawn: an evening on which a support agent was repaired.

use std::time::Duration;

use crate::watch::view::{
    ArmView, JudgeView, Phase, ProxyView, RedactionView, StepState, StepView, Trends, View,
    WatcherView,
};

/// The second of four steps, all well.
pub(crate) fn step() -> View {
    View {
        change: "chg-2026-0117".into(),
        title: "Support agent shows e-mail addresses of other customers".into(),
        rollout: "support-agent".into(),
        stable_version: "prompt-v41".into(),
        canary_version: "prompt-v42".into(),
        status: Phase::Step {
            index: 2,
            of: 4,
            percent: "10".into(),
            asked_since: Duration::from_secs(192),
            hold_left: Some(Duration::from_secs(108)),
            confirmed: false,
            waiting_for: vec!["a watcher to confirm".into()],
        },
        steps: [
            ("1", "2m", StepState::Done),
            ("10", "5m", StepState::Now),
            ("50", "10m", StepState::Next),
            ("100", "15m", StepState::Next),
        ]
        .map(|(percent, hold, state)| StepView {
            percent: percent.into(),
            hold: hold.into(),
            state,
        })
        .into(),
        lease_left: Some(Duration::from_secs(250)),
        short_lease: Duration::from_secs(60),
        engine: Some("priya@ops-1, 2 s ago".into()),
        engine_alive: true,
        watchers: vec![watcher("priya", 2, true)],
        asked_percent: 10.0,
        achieved_percent: Some(9.87),
        arms: [
            ArmView {
                requests: 12_345,
                requests_per_s: 102.3,
                errors: 12,
                error_percent: Some(0.0972),
                slow: 3,
                redactions: vec![
                    redaction("EMAIL_ADDRESS", "41.2"),
                    redaction("IN_AADHAAR", "0.3"),
                ],
                trends: Trends {
                    requests: wave(100, 30, 60),
                    errors: wave(0, 2, 60),
                    redactions: wave(4, 3, 60),
                },
            },
            ArmView {
                requests: 1_352,
                requests_per_s: 11.2,
                errors: 1,
                error_percent: Some(0.0740),
                slow: 0,
                redactions: vec![
                    redaction("EMAIL_ADDRESS", "0.7"),
                    redaction("PHONE_NUMBER", "0.1"),
                ],
                trends: Trends {
                    requests: wave(10, 4, 40),
                    errors: vec![0; 40],
                    redactions: wave(0, 1, 40),
                },
            },
        ],
        judge: vec![
            judge("error_rate", "1 of 1,352 against 12 of 12,345", 0.42, false),
            judge(
                "redactions *",
                "2 of 1,352 against 514 of 12,345",
                0.003,
                false,
            ),
            judge("latency", "0 of 1,352 against 3 of 12,345", 3.7, false),
            judge("zero_tolerance IN_AADHAAR", "none", 0.0, false),
        ],
        proxies: (1..=3).map(|number| proxy(number, true)).collect(),
        messages: [
            "20:08:11  declared by priya: security, PII in answers",
            "20:09:40  approved by ravi (security_lead)",
            "20:10:02  drill: 3 of 3 proxies in 41 ms",
            "20:10:30  1 % asked, generation 5",
            "20:12:33  10 % asked, generation 6",
        ]
        .map(String::from)
        .into(),
        debts_overdue: 0,
    }
}

/// The judge has found the canary wanting; much else is wrong.
pub(crate) fn rolled_back() -> View {
    let mut view = step();
    view.status = Phase::RolledBack {
        why: "error_rate: 31 errors in 402 answers of the canary, 12 in 12,345 of stable".into(),
    };
    view.judge[0] = judge(
        "error_rate",
        "31 of 402 against 12 of 12,345",
        48_211.7,
        true,
    );
    view.proxies
        .extend((4..=12).map(|number| proxy(number, number != 7)));
    view.engine_alive = false;
    view.engine = Some("priya@ops-1, 4m ago".into());
    view.lease_left = Some(Duration::ZERO);
    view.watchers = vec![watcher("priya", 243, false), watcher("ravi", 3, true)];
    view.debts_overdue = 2;
    view
}

/// Nothing has begun, nothing is known.
pub(crate) fn waiting() -> View {
    let mut view = step();
    view.status = Phase::Waiting;
    for step in &mut view.steps {
        step.state = StepState::Next;
    }
    view.lease_left = None;
    view.engine = None;
    view.engine_alive = false;
    view.watchers.clear();
    view.asked_percent = 0.0;
    view.achieved_percent = None;
    view.arms = [ArmView::default(), ArmView::default()];
    view.judge.clear();
    view.proxies.clear();
    view.messages.clear();
    view
}

pub(crate) fn watcher(who: &str, seconds: u64, fresh: bool) -> WatcherView {
    WatcherView {
        who: who.into(),
        since: Duration::from_secs(seconds),
        fresh,
    }
}

pub(crate) fn judge(signal: &str, text: &str, e_value: f64, tripped: bool) -> JudgeView {
    JudgeView {
        signal: signal.into(),
        text: text.into(),
        e_value,
        threshold: 1_000.0,
        tripped,
    }
}

pub(crate) fn proxy(number: usize, ok: bool) -> ProxyView {
    ProxyView {
        name: format!("envoy-{number}.internal:10001"),
        ok,
        generation: Some(if ok { 6 } else { 5 }),
        workers: if ok { "4/4" } else { "1/4" }.into(),
        text: if ok { "" } else { "timed out after 2 s" }.into(),
    }
}

fn redaction(entity: &str, per_1000: &str) -> RedactionView {
    RedactionView {
        entity: entity.into(),
        per_1000: per_1000.into(),
    }
}

fn wave(level: u64, swing: u64, samples: u64) -> Vec<u64> {
    let sample = |at: u64| level + swing * (at * 7 % 11) / 10 * (at / 5 % 2);
    (0..samples).map(sample).collect()
}
