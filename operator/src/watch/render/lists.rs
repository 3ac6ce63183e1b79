//! What the judge makes of it, what the proxies have, what happened.

use ratatui::text::{Line, Span};

use super::super::palette::Palette;
use super::super::text::{clean, clip, left, number, percent, width};
use super::super::view::{ArmView, JudgeView, ProxyView, View};
use super::arms::shares;
use super::status::{Part, Urgency};
use super::{Wanted, rule};

/// Rows of a list of so many.
pub(super) fn wanted(lines: usize) -> Wanted {
    Wanted {
        least: 2 + usize::from(lines > 1),
        most: 1 + lines.max(1),
    }
}

pub(super) fn judge(
    view: &View,
    columns: usize,
    rows: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let tripped = view.judge.iter().filter(|judge| judge.tripped).count();
    let sum = match (view.judge.len(), tripped) {
        (0, _) => Part::new(Urgency::None, "no signals"),
        (all, 0) => Part::new(Urgency::Good, format!("{all} watched, none tripped")),
        (all, tripped) => Part::new(Urgency::Bad, format!("{tripped} of {all} TRIPPED")),
    };
    let evidence =
        |judge: &JudgeView| format!("e {} of {}", number(judge.e_value), number(judge.threshold));
    let names = view.judge.iter().map(|judge| width(&judge.signal)).max();
    let names = names.unwrap_or(0).min(LONGEST_NAME);
    let numbers = view.judge.iter().map(|judge| width(&evidence(judge)));
    let numbers = numbers.max().unwrap_or(0);
    // Below its signal if that makes it readable and all of them have the room.
    let below = columns < ROOMY && rows > 2 * view.judge.len();
    let item = |judge: &JudgeView| {
        let (word, urgency) = match judge.tripped {
            true => ("TRIPPED", Urgency::Bad),
            false => ("ok", Urgency::Good),
        };
        let style = urgency.style(palette);
        let mut line = vec![
            Span::styled(format!(" {} ", left(word, WORD)), style),
            Span::raw(left(&judge.signal, names)),
            Span::styled(format!(" {} ", meter(judge.evidence())), style),
            Span::raw(left(&evidence(judge), numbers)),
        ];
        let text = Span::styled(clean(&judge.text), palette.quiet());
        if below {
            let indent = Span::raw(" ".repeat(WORD + 2));
            return vec![line.into(), Line::from(vec![indent, text])];
        }
        line.extend([Span::raw("  "), text]);
        vec![line.into()]
    };
    let items: Vec<_> = view.signals().into_iter().map(item).collect();
    list("Judge", &sum, items, Size { columns, rows }, palette)
}

pub(super) fn proxies(
    view: &View,
    columns: usize,
    rows: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let names = view.proxies.iter().map(|proxy| width(&proxy.name)).max();
    let names = names.unwrap_or(0).min(LONGEST_NAME);
    let item = |proxy: &ProxyView| {
        let (word, urgency) = match proxy.ok {
            true => ("ok", Urgency::Good),
            false => ("NOT OK", Urgency::Bad),
        };
        let generation = proxy.generation.map_or("–".into(), |it| it.to_string());
        let holds = format!(
            "  generation {generation}  workers {}",
            clean(&proxy.workers)
        );
        let mut line = vec![
            Span::styled(format!(" {} ", left(word, WORD)), urgency.style(palette)),
            Span::raw(left(&proxy.name, names)),
        ];
        // What is wrong comes before what is cut off.
        if !proxy.text.is_empty() {
            line.push(Span::raw(format!("  {}", clean(&proxy.text))));
        }
        line.push(Span::styled(holds, palette.quiet()));
        vec![line.into()]
    };
    let items = view.worst_proxies().into_iter().map(item).collect();
    list(
        "Proxies",
        &reach(view),
        items,
        Size { columns, rows },
        palette,
    )
}

pub(super) fn messages(
    view: &View,
    columns: usize,
    rows: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    if rows == 0 {
        return Vec::new();
    }
    let mut lines = vec![rule("Journal", &[], columns, palette)];
    if view.messages.is_empty() {
        lines.push(Line::styled(" nothing yet", palette.quiet()));
    }
    // The newest count.
    let hidden = view.messages.len().saturating_sub(rows - 1);
    for message in &view.messages[hidden..] {
        lines.push(Line::raw(format!(
            " {}",
            clip(message, columns.saturating_sub(1))
        )));
    }
    lines
}

/// The sum of each part, for screens on which the parts have no room.
pub(super) fn summary(view: &View) -> Vec<Part> {
    let tripped: Vec<_> = view.judge.iter().filter(|judge| judge.tripped).collect();
    let judge = match tripped.as_slice() {
        [] => Part::new(Urgency::None, "judge: none tripped"),
        tripped => {
            let names: Vec<_> = tripped.iter().map(|judge| judge.signal.as_str()).collect();
            Part::new(Urgency::Bad, format!("judge TRIPPED: {}", names.join(", ")))
        }
    };
    let errors = |arm: &ArmView| arm.error_percent.map_or("–".into(), percent);
    let [stable, canary] = view.arms.each_ref().map(errors);
    let mut proxies = reach(view);
    proxies.text = format!("proxies {}", proxies.text);
    vec![
        judge,
        proxies,
        Part::new(Urgency::None, shares(view)),
        Part::new(
            Urgency::None,
            format!("errors: stable {stable}, canary {canary}"),
        ),
    ]
}

fn reach(view: &View) -> Part {
    let (ok, all) = (view.proxies_ok(), view.proxies.len());
    match (all, ok == all) {
        (0, _) => Part::new(Urgency::Bad, "none known"),
        (_, true) => Part::new(Urgency::None, format!("all {all} ok")),
        (_, false) => Part::new(Urgency::Bad, format!("{} of {all} NOT OK", all - ok)),
    }
}

struct Size {
    columns: usize,
    rows: usize,
}

/// A titled list that tells how much of it there was no room for.
fn list(
    title: &str,
    sum: &Part,
    items: Vec<Vec<Line<'static>>>,
    size: Size,
    palette: Palette,
) -> Vec<Line<'static>> {
    let Some(mut room) = size.rows.checked_sub(1) else {
        return Vec::new();
    };
    let mut lines = vec![Line::default()];
    let mut hidden = 0;
    for item in items {
        match item.len() <= room {
            true => {
                room -= item.len();
                lines.extend(item.into_iter().map(|line| cut(line, size.columns)));
            }
            false => hidden += 1,
        }
    }
    let mut right = vec![sum.span(size.columns, palette)];
    if hidden > 0 {
        right.push(Span::styled(
            format!(", {hidden} not shown"),
            palette.quiet(),
        ));
    }
    lines[0] = rule(title, &right, size.columns, palette);
    lines
}

/// Cuts a line that is too long, which shows.
fn cut(mut line: Line<'static>, columns: usize) -> Line<'static> {
    let mut room = columns;
    for span in &mut line.spans {
        span.content = clip(&span.content, room).into();
        room -= span.width();
    }
    line
}

/// Full only when the judge has tripped.
fn meter(evidence: f64) -> String {
    let full = ((evidence * METER as f64).floor() as usize).min(METER);
    format!("{}{}", "█".repeat(full), "░".repeat(METER - full))
}

const WORD: usize = 7;
const METER: usize = 5;
const LONGEST_NAME: usize = 28;
/// A list this wide has room for a signal's counts beside it.
const ROOMY: usize = 76;
