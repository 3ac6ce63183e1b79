//! What the keys do, and what stands over the view while they are pressed.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph};

use super::super::keys::Prompt;
use super::super::palette::Palette;
use super::super::text::{duration, left};
use super::super::view::{Phase, View};
use super::wrap;

/// The keys that have a meaning now.
pub(super) fn keys(view: &View, columns: usize, palette: Palette) -> Line<'static> {
    let all = [
        (
            "c",
            "confirm step",
            matches!(
                &view.status,
                Phase::Step {
                    confirmed: false,
                    ..
                }
            ),
        ),
        (
            "h",
            "hold",
            matches!(view.status, Phase::Waiting | Phase::Step { .. }),
        ),
        ("r", "resume", matches!(view.status, Phase::Held { .. })),
        ("K", "KILL", true),
        ("?", "help", true),
        ("q", "quit", true),
    ];
    let shown: Vec<_> = all.into_iter().filter(|(_, _, useful)| *useful).collect();
    let words: usize = shown.iter().map(|(_, word, _)| word.len() + 4).sum();
    // On a small screen what the first letters mean still has to be seen.
    let short = 1 + words > columns;
    let mut spans = vec![Span::raw(" ")];
    for (key, word, _) in shown {
        let style = if key == "K" {
            palette.bad()
        } else {
            palette.strong()
        };
        let (word, gap) = match short {
            true => (word.split(' ').next().unwrap_or(word), " "),
            false => (word, "  "),
        };
        spans.extend([Span::styled(key, style), Span::raw(format!(" {word}{gap}"))]);
    }
    Line::from(spans)
}

pub(super) fn prompt(frame: &mut Frame<'_>, view: &View, prompt: Prompt, palette: Palette) {
    match prompt {
        Prompt::None => {}
        Prompt::Kill { left } => {
            let text = format!(
                "Press K again within {}: everybody to {} at once. Any other key: no.",
                duration(round_up(left)),
                stable(view),
            );
            bar(frame, &text, palette.alarm());
        }
        Prompt::Quit { left } => {
            let text = format!(
                "Press q again within {} to leave. If nobody watches, the ramp holds and the lease \
                 lapses. Any other key: stay.",
                duration(round_up(left)),
            );
            bar(frame, &text, palette.notice());
        }
        Prompt::Help => help(frame, palette),
    }
}

fn stable(view: &View) -> String {
    match view.stable_version.is_empty() {
        true => "stable".into(),
        false => format!("stable ({})", view.stable_version),
    }
}

/// A bar at the bottom that cannot be overlooked.
fn bar(frame: &mut Frame<'_>, text: &str, style: Style) {
    let area = frame.area();
    let columns = usize::from(area.width);
    let mut lines = wrap(text, columns.saturating_sub(4), BAR_ROWS);
    if usize::from(area.height) > BAR_ROWS * 3 {
        lines.insert(0, String::new());
        lines.push(String::new());
    }
    let rows = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .min(area.height);
    let area = Rect {
        y: area.bottom() - rows,
        height: rows,
        ..area
    };
    let line = |text: String| Line::styled(left(&format!("  {text}"), columns), style);
    let lines: Vec<_> = lines.into_iter().map(line).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}

fn help(frame: &mut Frame<'_>, palette: Palette) {
    let screen = frame.area();
    let columns = screen.width.min(HELP_COLUMNS);
    let inner = usize::from(columns.saturating_sub(4));
    let mut lines = Vec::new();
    for (key, what) in HELP {
        let indent = if key.is_empty() { 0 } else { 3 };
        for (at, text) in wrap(what, inner.saturating_sub(indent), usize::MAX)
            .into_iter()
            .enumerate()
        {
            let key = if at == 0 { key } else { "" };
            let style = if key == "K" {
                palette.bad()
            } else {
                palette.strong()
            };
            lines.push(Line::from(vec![
                Span::styled(left(key, indent), style),
                Span::raw(text),
            ]));
        }
    }
    let rows = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - columns) / 2,
        y: screen.y + (screen.height - rows) / 2,
        width: columns,
        height: rows,
    };
    let block = Block::bordered()
        .title(" Keys ")
        .padding(Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// To whole seconds: told as nothing only when it is over.
fn round_up(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

const BAR_ROWS: usize = 4;
const HELP_COLUMNS: u16 = 64;
/// The most needed first: a small screen ends before the last.
const HELP: [(&str, &str); 8] = [
    (
        "K",
        "kill: everybody to stable at once, on every proxy. Press it twice within 3 s.",
    ),
    (
        "h",
        "hold: the ramp stays where it is until somebody resumes.",
    ),
    ("r", "resume a ramp that is held."),
    (
        "c",
        "confirm: the next step may come when this one was held long enough.",
    ),
    (
        "q",
        "quit. If nobody watches, the ramp holds and the lease lapses.",
    ),
    ("?", "open and close this."),
    ("", ""),
    (
        "",
        "e: how strongly the counts speak against the canary. When it reaches the threshold, the judge rolls back. Bars and trends are drawn relative to their own highest.",
    ),
];
