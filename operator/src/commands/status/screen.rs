//! One change on one screen of 80 by 24.

use serde_json::{Value, json};

use crate::change::{Change, Ledger};
use crate::clock;
use crate::commands::gate::result;
use crate::commands::status::next;
use crate::session::Session;
use crate::words::{cut, from_now, one_line, rough};

/// The lines about a change.
pub(crate) fn of(session: &Session, ledger: &Ledger, change: &Change) -> Vec<String> {
    let (config, now) = (&session.project.config, clock::now());
    let (declared, windows) = (&change.declared, &config.windows);
    let next = next::of(session, ledger, change);
    let mut lines = vec![row(change.id.as_str(), &declared.title)];
    lines.push(row("stage", &change.stage()));
    // Never cut: it is there to be copied.
    lines.push(format!("{:<LABEL$}{}", "next", one_line(&next.text)));
    lines.extend(next.why.map(|why| row("", &format!("since {why}"))));
    lines.push(row(
        "what",
        &format!(
            "{}, {}, {} impact: {} → {}",
            declared.category,
            declared.scope.as_str(),
            declared.impact.as_str(),
            declared.versions.stable,
            declared.versions.canary
        ),
    ));
    lines.push(row(
        "declared",
        &format!(
            "by {}, {} {} ({})",
            change.author,
            windows.date(change.at),
            windows.time_zone,
            from_now(change.at, now)
        ),
    ));
    lines.push(row("approved", &approvals(change)));
    lines.push(row("drill", &drill(change)));
    lines.push(row("message", &message(change)));
    for gate in config.gates.iter().take(GATE_LINES) {
        let said = result::line(change, &gate.name, config);
        lines.push(row("gate", &format!("{}: {said}", gate.name)));
    }
    let bypassed = declared.bypass.iter().map(|bypass| bypass.what.as_str());
    lines.push(row("bypassed", &join(bypassed, "nothing")));
    lines.push(row("ramp", &ramp(change)));
    if let Some((at, stopped)) = &change.harm_stopped {
        let after = stopped.after_per_1000;
        let text = format!(
            "stopped {}: {after:.1} of 1000, {}",
            windows.date(*at),
            stopped.measure
        );
        lines.push(row("harm", &text));
    }
    let debts = change.debts(config);
    let open: Vec<_> = debts.iter().filter(|debt| debt.is_open()).collect();
    let shown = if open.len() > DEBT_LINES {
        DEBT_LINES - 1
    } else {
        open.len()
    };
    for debt in open.iter().take(shown) {
        lines.push(row("debt", &debt.to_text(windows, now)));
    }
    if open.len() > shown {
        lines.push(row(
            "debt",
            &format!("{} more: breakglass debt list", open.len() - shown),
        ));
    }
    lines
}

/// The same for programs.
pub(crate) fn to_json(session: &Session, ledger: &Ledger, change: &Change) -> Value {
    let (config, now) = (&session.project.config, clock::now());
    let approval = change.approval.as_ref();
    let drill = change.drill.as_ref();
    let gates = config.gates.iter().map(|gate| {
        let run = change.gates.get(&gate.name).map(|(_, _, run)| run);
        let decision = change.decisions.get(&gate.name).map(|(_, _, decision)| decision);
        json!({"gate": gate.name, "result": run.map(|run| run.result), "late": run.map(|run| run.late), "decision": decision})
    });
    let debts = change.debts(config);
    let debts = debts.iter().map(|debt| debt.to_json(change, now));
    let shares = change.ramp.shares.iter();
    let shares = shares.map(|(at, percent)| json!({"at": at, "percent": percent}));
    json!({
        "change": change.id,
        "title": change.declared.title,
        "rollout": change.declared.rollout,
        "category": change.declared.category,
        "versions": change.declared.versions,
        "author": change.author,
        "declared_at": change.at,
        "stage": change.stage(),
        "open": change.is_open(),
        "next": next::of(session, ledger, change),
        "approvals": approval.map(|approval| json!({
            "signed": approval.signed.iter().map(|signed| json!({"by": signed.by, "role": signed.role, "at": signed.at})).collect::<Vec<_>>(),
            "missing": approval.missing(),
            "not_after": approval.warrant.not_after,
        })),
        "drill": drill.map(|drill| json!({"passed": drill.passed, "at": drill.receipt.at, "not_after": drill.receipt.not_after})),
        "message": {
            "needed": change.needs_message(),
            "drafted": change.message.text.is_some(),
            "queued_at": change.message.queued,
            "sent_at": change.message.sent,
        },
        "gates": gates.collect::<Vec<_>>(),
        "bypassed": change.declared.bypass.iter().map(|bypass| bypass.what).collect::<Vec<_>>(),
        "ramp": {
            "running": change.ramp.is_running(),
            "held": change.ramp.held,
            "percent": change.ramp.share(),
            "shares": shares.collect::<Vec<_>>(),
            "watching": change.ramp.watching,
            "end": change.ramp.end_of(),
        },
        "harm_stopped_at": change.harm_stopped.as_ref().map(|(at, _)| at),
        "debts": debts.collect::<Vec<_>>(),
    })
}

/// A label and what stands beside it, as wide as the screen at most.
pub(crate) fn row(label: &str, text: &str) -> String {
    let label = format!("{label:<LABEL$}");
    let left = WIDTH.saturating_sub(label.chars().count());
    // A label that is an id may be longer than its column.
    let gap = if label.ends_with(' ') { "" } else { "  " };
    format!("{label}{gap}{}", cut(text, left.saturating_sub(gap.len())))
}

fn approvals(change: &Change) -> String {
    let Some(approval) = &change.approval else {
        let declined = change
            .declined
            .iter()
            .map(|(by, why)| format!("declined by {by}: {why}"));
        return join(declined, "by nobody yet");
    };
    let signed = approval
        .signed
        .iter()
        .map(|s| format!("{} ({})", s.by, s.role));
    let missing = approval
        .missing()
        .into_iter()
        .map(|who| format!("WAITS for {who}"));
    let (until, now) = (approval.warrant.not_after, clock::now());
    let until = match until < now {
        true => "EXPIRED".to_owned(),
        false => format!("usable for {}", rough(until.since(now))),
    };
    join(signed.chain(missing).chain([until]), "")
}

fn drill(change: &Change) -> String {
    let Some(drill) = &change.drill else {
        return "none".into();
    };
    let (until, now) = (drill.receipt.not_after, clock::now());
    match (drill.passed, until < now) {
        (false, _) => "FAILED".into(),
        (true, true) => "passed, but its lifetime is over".into(),
        (true, false) => format!("passed, {} left", rough(until.since(now))),
    }
}

fn message(change: &Change) -> String {
    let message = &change.message;
    match (&message.text, message.queued, message.sent) {
        (_, _, Some(_)) => "sent".into(),
        (_, Some(_), None) => "queued".into(),
        (Some(_), None, None) => "drafted, not queued".into(),
        (None, None, None) if change.needs_message() => "needed, not drafted".into(),
        (None, None, None) => "not needed".into(),
    }
}

fn ramp(change: &Change) -> String {
    let ramp = &change.ramp;
    let Some(plan) = &ramp.plan else {
        return "not started".into();
    };
    let watched = match (ramp.is_running(), ramp.watching.is_empty()) {
        (false, _) => String::new(),
        (true, true) => "; nobody watches".into(),
        (true, false) => {
            let watching: Vec<_> = ramp.watching.iter().map(|name| name.as_str()).collect();
            format!("; watched by {}", watching.join(", "))
        }
    };
    format!("{} of {}{watched}", ramp.share(), plan.to_text())
}

fn join(parts: impl Iterator<Item = impl Into<String>>, nothing: &str) -> String {
    let parts: Vec<String> = parts.map(Into::into).collect();
    match parts.is_empty() {
        true => nothing.to_owned(),
        false => parts.join(", "),
    }
}

/// A terminal as it comes.
const WIDTH: usize = 80;
const LABEL: usize = 11;
/// Whoever has more lists them with `breakglass gate list`.
const GATE_LINES: usize = 3;
const DEBT_LINES: usize = 4;
