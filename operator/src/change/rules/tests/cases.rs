//! The cases, in the order of the rules.

use serde_json::{Value, json};

use super::Try;
use super::scene::{ID, OTHER, Scene};

macro_rules! cases {
    ($($rule:literal, $what:literal, $scene:expr, $denied:expr;)*) => {
        &[$(Try { rule: $rule, what: $what, scene: $scene, denied: $denied }),*]
    };
}

fn regulatory(scene: Scene, deadline: &str) -> Scene {
    let evidence = json!({
        "authority": "The data protection board, order 12 of 2026", "deadline": deadline,
        "immovable": "The order was served this morning, with a fine from tomorrow on",
    });
    scene
        .with("/category", json!("regulatory"))
        .with("/evidence", evidence)
}

fn at_once(scene: Scene, ground: &str) -> Scene {
    let maximum = json!({"ground": ground, "decision_maker": "ravi", "rollback_staff": ["sana"]});
    scene
        .with("/plan", json!([{"percent": 100, "hold": "10m"}]))
        .with("/maximum", maximum)
}

fn signed(scene: Scene, warrant: Value) -> Scene {
    let both = [("sana", "senior_engineer", 2), ("ravi", "security_lead", 4)];
    scene.drilled(true, json!({})).approved(&both, warrant)
}

fn gate(scene: Scene, result: &str) -> Scene {
    scene.event("priya", json!({"kind": "gate_run", "gate": "eval", "result": result, "detail": "40 of 40", "late": false}))
}

fn postmortem(scene: Scene, cause: Value, discipline: Value) -> Scene {
    let event = json!({"kind": "postmortem_written", "digest": "sha256:00", "cause_actions": cause, "discipline_actions": discipline});
    scene.completed().event("priya", event)
}

fn killed() -> Value {
    let delivered =
        json!({"generation": 9, "control": null, "proxies": [], "files": [], "elapsed_ms": 9});
    json!({"kind": "killed", "why": "it answers in Latin", "delivered": delivered})
}

pub(super) const CASES: &[Try] = cases! {
    "emergency", "as it should be", |s| s, None;
    "emergency", "no evidence", |s| s.without("/evidence/seen"), Some("the evidence `seen` is missing");
    "emergency", "evidence of nothing", |s| s.with("/evidence/seen", json!("urgent")), Some("says nothing about this case");
    "emergency", "evidence of two categories", |s| s.with("/evidence/incident", json!("INC-7 of the payment team")), Some("asks for no evidence `incident`");
    "emergency", "a deadline tomorrow", |s| regulatory(s, "2026-11-27T12:00:00Z"), None;
    "emergency", "a deadline in a month", |s| regulatory(s, "2026-12-26T12:00:00Z"), Some("30 days away");
    "emergency", "a deadline that is over", |s| regulatory(s, "2026-11-26T11:59:00Z"), Some("is over");
    "emergency", "a deadline that is no time", |s| regulatory(s, "soon"), Some("is no time");
    "harms", "as it should be", |s| s, None;
    "harms", "one missing", |s| s.with("/harm_of_bypassing", json!("")), Some("the harm of bypassing is missing");
    "harms", "in general", |s| s.with("/harm_of_waiting", json!("very urgent for the business")), Some("says nothing about this case");
    "harms", "twice the same", |s| s.with("/harm_of_bypassing", json!("Forty customers an hour read numbers of others.")), Some("the same words");
    "record", "as it should be", |s| s, None;
    "record", "an unknown agent", |s| s.with("/rollout", json!("sales-agent")), Some("no agent with the rollout");
    "record", "one version", |s| s.with("/versions/canary", json!("prompt-v41")), Some("both versions are");
    "record", "no title", |s| s.with("/title", json!(" ")), Some("no title");
    "record", "an unknown watcher", |s| s.with("/watcher", json!("nobody")), Some("knows no `nobody`");
    "record", "an unknown owner", |s| s.with("/bypass/0/owner", json!("nobody")), Some("knows no `nobody`");
    "record", "repeats what never was", |s| s.with("/repeats", json!("chg-2020-0001")), Some("does not know");
    "record", "no message without a why", |s| s.with("/message", json!({"not_needed": "no"})), Some("why customers are told nothing");
    "record", "a bound beyond all answers", |s| s.with("/harm/at_most_per_1000", json!(2000.0)), Some("at_most_per_1000");
    "bypass", "as it should be", |s| s, None;
    "bypass", "twice", |s| s.bypass("canary", "compressed_canary", None), Some("bypassed twice");
    "bypass", "no reason", |s| s.with("/bypass/0/reason", json!("")), Some("the reason to bypass `eval_gate` is missing");
    "bypass", "the reason of another", |s| s.with("/bypass/0/reason", json!("A day and a half of further exposure.")), Some("the same words");
    "bypass", "what does not stand in for it", |s| s.with("/bypass/0/compensation", json!("on_call_coverage")), Some("does not stand in");
    "bypass", "nobody on call", |s| s.bypass("change_window", "on_call_coverage", None), Some("names nobody");
    "bypass", "somebody on call", |s| s.bypass("change_window", "on_call_coverage", Some("rosa")), None;
    "bypass", "a senior who is not asked", |s| s.bypass("freeze_period", "senior_approval", Some("rosa")), Some("is not asked to");
    "bypass", "due some day", |s| s.with("/bypass/0/due", json!("30d")), Some("due in 30days");
    "canary-plan", "compressed", |s| s, None;
    "canary-plan", "the standard steps", |s| s.unbypassed(), None;
    "canary-plan", "slower than standard", |s| s.unbypassed().with("/plan", json!([{"percent": 1, "hold": "2h"}, {"percent": 100, "hold": "1h"}])), None;
    "canary-plan", "faster without a bypass", |s| s.unbypassed().with("/plan", json!([{"percent": 1, "hold": "1m"}, {"percent": 100, "hold": "1h"}])), Some("faster than the standard ones");
    "maximum-compression", "a canary", |s| s, None;
    "maximum-compression", "100 % at once", |s| s.with("/plan", json!([{"percent": 100, "hold": "10m"}])), Some("thirty minutes of canary");
    "maximum-compression", "exfiltration", |s| at_once(s, "active_exfiltration"), None;
    "maximum-compression", "a deadline that is none", |s| at_once(s, "immediate_deadline"), Some("is no ground");
    "maximum-compression", "a deadline in hours", |s| at_once(regulatory(s, "2026-11-27T00:00:00Z"), "immediate_deadline"), None;
    "maximum-compression", "a deadline in two days", |s| at_once(regulatory(s, "2026-11-28T12:00:00Z"), "immediate_deadline"), Some("is no ground");
    "maximum-compression", "nobody for the rollback", |s| at_once(s, "active_exfiltration").with("/maximum/rollback_staff", json!([])), Some("nobody is there");
    "maximum-compression", "no message", |s| at_once(s, "active_exfiltration").with("/message", json!({"not_needed": "Only staff of ours use this agent"})), Some("without a message");
    "not-alone", "as it should be", |s| s, None;
    "not-alone", "the author approves", |s| s.with("/approvers", json!(["priya", "sana"])), Some("would approve it");
    "not-alone", "two could", |s| s.with("/approvers", json!(["sana"])), Some("several people can approve as security_lead");
    "not-alone", "nobody could", |s| s.with("/impact", json!("broad")), Some("nobody but the author can approve as executive");
    "not-alone", "only in another area", |s| s.config("areas = [\"support\"]", "areas = [\"sales\"]"), Some("nobody but the author can approve as senior_engineer");
    "quiet-drill", "nobody on the canary", |s| s, None;
    "quiet-drill", "its own ramp", |s| s.started(ID), Some("no drill under a running ramp");
    "quiet-drill", "the ramp of another", |s| s.other(|_| {}).started(OTHER), Some("no drill under a running ramp");
    "drill-first", "none", |s| s, Some("was not tried out");
    "drill-first", "passed", |s| s.drilled(true, json!({})), None;
    "drill-first", "failed", |s| s.drilled(false, json!({})), Some("the last drill failed");
    "drill-first", "passed, then failed", |s| s.drilled(true, json!({})).drilled(false, json!({})), Some("the last drill failed");
    "drill-first", "of other versions", |s| s.drilled(true, json!({"canary": "prompt-v43"})), Some("for other versions");
    "drill-first", "long ago", |s| s.drilled(true, json!({})).at("2026-11-26T15:00:01Z"), Some("until 2026-11-26T15:00:00Z");
    "drill-first", "before a rearm", |s| s.drilled(true, json!({})).event("priya", json!({"kind": "rearmed", "why": "mended"})), Some("was not tried out");
    "authority", "who is asked", |s| s.by("ravi"), None;
    "authority", "the author", |s| s, Some("`priya` declared it");
    "authority", "the same role, not asked", |s| s.by("rosa"), Some("is not asked");
    "authority", "another area", |s| s.by("sven"), Some("is not asked");
    "approved", "by nobody", |s| s.drilled(true, json!({})), Some("nobody has approved it");
    "approved", "by all", |s| signed(s, json!({})), None;
    "approved", "by one", |s| s.drilled(true, json!({})).approved(&[("sana", "senior_engineer", 2)], json!({})), Some("not approved yet by ravi (security_lead)");
    "approved", "with another's key", |s| s.drilled(true, json!({})).approved(&[("sana", "senior_engineer", 2), ("ravi", "security_lead", 2)], json!({})), Some("do not hold");
    "approved", "for an earlier drill", |s| signed(s, json!({})).drilled(true, json!({"not_after": "2026-11-26T16:00:00Z"})), Some("earlier drill");
    "approved", "too long ago", |s| signed(s, json!({})).at("2026-11-27T00:00:01Z"), Some("could be used until");
    "approved", "for a drill that never was", |s| signed(s, json!({"drill": {"receipt": format!("sha256:{}", "0".repeat(64)), "at": "2026-11-26T11:00:00Z"}})), Some("earlier drill");
    "change-window", "inside", |s| s.unbypassed(), None;
    "change-window", "outside", |s| s.at("2026-11-26T17:00:00Z"), Some("Thu 17:00 UTC is outside every change window");
    "change-window", "outside, bypassed", |s| s.bypass("change_window", "on_call_coverage", Some("rosa")).at("2026-11-26T22:00:00Z"), None;
    "change-window", "outside, another thing bypassed", |s| s.bypass("freeze_period", "on_call_coverage", Some("rosa")).at("2026-11-26T22:00:00Z"), Some("outside every change window");
    "freeze", "none", |s| s, None;
    "freeze", "on", |s| s.at("2026-12-03T12:00:00Z"), Some("the freeze `sale` is on");
    "freeze", "on, bypassed", |s| s.bypass("freeze_period", "on_call_coverage", Some("rosa")).at("2026-12-03T12:00:00Z"), None;
    "freeze", "on, another thing bypassed", |s| s.bypass("change_window", "on_call_coverage", Some("rosa")).at("2026-12-03T12:00:00Z"), Some("the freeze `sale` is on");
    "eval-gate", "bypassed", |s| s, None;
    "eval-gate", "no result", |s| s.unbypassed(), Some("has no result");
    "eval-gate", "a pass", |s| gate(s.unbypassed(), "pass"), None;
    "eval-gate", "a known regression, bypassed", |s| gate(s, "regression"), Some("has shown a regression");
    "one-change", "alone", |s| s, None;
    "one-change", "another declared", |s| s.other(|_| {}), None;
    "one-change", "another active", |s| s.other(|_| {}).started(OTHER), Some("`chg-2026-0002` is active");
    "one-change", "another agent's", |s| s.other(|other| other["rollout"] = "sales-agent".into()).started(OTHER), None;
    "one-change", "another active, bypassed", |s| s.bypass("multi_change", "intensive_watch", None).other(|_| {}).started(OTHER), None;
    "communication", "not drafted", |s| s, Some("not drafted");
    "communication", "drafted", |s| s.event("priya", json!({"kind": "message_drafted", "text": "Mended."})), Some("drafted but not queued");
    "communication", "queued", |s| s.event("priya", json!({"kind": "message_queued", "channel": "status page"})), None;
    "communication", "drafted anew after it was queued", |s| s.event("priya", json!({"kind": "message_queued", "channel": "status page"})).event("priya", json!({"kind": "message_drafted", "text": "Mended."})), Some("drafted but not queued");
    "communication", "none needed", |s| s.with("/message", json!({"not_needed": "Only staff of ours use this agent"})), None;
    "not-ended", "running", |s| s.started(ID), None;
    "not-ended", "killed", |s| s.started(ID).event("ravi", killed()), Some("killed by ravi");
    "not-ended", "killed, then rearmed", |s| s.started(ID).event("ravi", killed()).event("priya", json!({"kind": "rearmed", "why": "mended"})), None;
    "not-ended", "killed after it was complete", |s| s.completed().event("ravi", killed()), Some("killed by ravi");
    "not-ended", "lapsed", |s| s.started(ID).event("priya", json!({"kind": "lapsed", "why": "nobody watched"})), Some("lapsed");
    "not-ended", "withdrawn", |s| s.event("priya", json!({"kind": "withdrawn", "why": "it was none"})), Some("withdrawn");
    "held", "going on", |s| s.started(ID), None;
    "held", "held", |s| s.started(ID).event("ravi", json!({"kind": "held", "why": "an odd answer"})), Some("an odd answer");
    "held", "resumed", |s| s.started(ID).event("ravi", json!({"kind": "held", "why": "an odd answer"})).event("ravi", json!({"kind": "resumed"})), None;
    "overdue-debt", "in time", |s| s.completed(), None;
    "overdue-debt", "overdue", |s| s.completed().at("2026-11-27T12:00:00Z"), Some("chg-2026-0001 eval_gate (priya");
    "overdue-debt", "never begun", |s| s.at("2026-12-27T12:00:00Z"), None;
    "overdue-debt", "paid", |s| gate(s.completed(), "pass").at("2026-11-27T12:00:00Z"), None;
    "overdue-debt", "withdrawn after it had begun", |s| s.started(ID).event("ravi", killed()).event("priya", json!({"kind": "withdrawn", "why": "it was none"})).at("2026-11-27T12:00:00Z"), Some("eval_gate");
    "ramp-over", "complete", |s| s.completed(), None;
    "ramp-over", "never begun", |s| s, Some("never been started");
    "ramp-over", "running", |s| s.started(ID), Some("ramping");
    "harm-stopped", "not shown", |s| s.completed(), Some("do not show yet");
    "harm-stopped", "shown", |s| s.completed().event("priya", json!({"kind": "harm_stopped", "measure": "errors", "after_per_1000": 0.0, "answers": 10})), None;
    "harm-stopped", "shown, then killed", |s| s.completed().event("priya", json!({"kind": "harm_stopped", "measure": "errors", "after_per_1000": 0.0, "answers": 10})).event("ravi", killed()), Some("do not show yet");
    "harm-stopped", "taken on by a follow-up", |s| s.completed().other(|other| other["repeats"] = ID.into()), None;
    "harm-stopped", "taken on, and withdrawn", |s| s.completed().other(|other| other["repeats"] = ID.into()).event_of(OTHER, "sven", json!({"kind": "withdrawn", "why": "no"})), Some("do not show yet");
    "gates-run", "not run", |s| s.completed(), Some("has not run since");
    "gates-run", "passed", |s| gate(s.completed(), "pass"), None;
    "gates-run", "a regression", |s| gate(s.completed(), "regression"), Some("nobody has decided");
    "gates-run", "decided", |s| gate(s.completed(), "regression").event("sana", json!({"kind": "regression_decided", "gate": "eval", "decision": "real", "note": "refuses"})), None;
    "gates-run", "decided, then run again", |s| gate(gate(s.completed(), "regression").event("sana", json!({"kind": "regression_decided", "gate": "eval", "decision": "real", "note": "refuses"})), "regression"), Some("nobody has decided");
    "gates-run", "not bypassed", |s| s.unbypassed().completed(), None;
    "debts-paid", "open", |s| s.completed(), Some("`canary` is owed by priya");
    "debts-paid", "paid", |s| s.completed().event("priya", json!({"kind": "debt_paid", "debt": "canary", "how": "looked"})), None;
    "message-sent", "not sent", |s| s.event("priya", json!({"kind": "message_queued", "channel": "status page"})), Some("has not been sent");
    "message-sent", "sent", |s| s.event("priya", json!({"kind": "message_sent", "channel": "status page"})), None;
    "postmortem", "none", |s| s.completed(), Some("there is no postmortem");
    "postmortem", "for both", |s| postmortem(s, json!([{"what": "w", "owner": "sana", "due": "2026-12-10"}]), json!([{"what": "w", "owner": "sana", "due": "2026-12-10"}])), None;
    "postmortem", "for the cause only", |s| postmortem(s, json!([{"what": "w", "owner": "sana", "due": "2026-12-10"}]), json!([])), Some("no action for the gaps in discipline");
    "postmortem", "for the discipline only", |s| postmortem(s, json!([]), json!([{"what": "w", "owner": "sana", "due": "2026-12-10"}])), Some("no action for the cause");
};
