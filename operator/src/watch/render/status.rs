//! The top of the view: which change, where its ramp stands, who keeps it going.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::palette::Palette;
use super::super::text::{clean, clip, duration, left, plural, width};
use super::super::view::{Phase, StepState, View};
use super::wrap;

/// Something to be told beside others.
pub(super) struct Part {
    pub(super) urgency: Urgency,
    pub(super) text: String,
}

/// The most urgent comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    Bad,
    Warning,
    Good,
    None,
}

/// All of the status, in as few rows as can be.
pub(super) fn lines(view: &View, columns: usize, palette: Palette) -> Vec<Line<'static>> {
    with(view, Vec::new(), KEEPER_ROWS, columns, palette)
}

/// The status with more to be told below, among what keeps the ramp going, in so many rows.
pub(super) fn with(
    view: &View,
    more: Vec<Part>,
    rows: usize,
    columns: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let mut lines = vec![header(view, columns, palette)];
    let style = style(view, palette);
    let status = wrap(
        &clean(&sentence(view)),
        columns.saturating_sub(2),
        STATUS_ROWS,
    );
    let bar = |text: &String| Line::styled(left(&format!(" {text}"), columns), style);
    lines.extend(status.iter().map(bar));
    lines.extend(next(&view.status, columns, palette));
    if !view.steps.is_empty() {
        lines.push(steps(view, columns, palette));
    }
    let mut parts = keepers(view);
    parts.extend(more);
    parts.sort_by_key(|part| part.urgency);
    lines.extend(fold(parts, rows, columns, palette));
    lines
}

/// Where the ramp stands, in one sentence.
pub(crate) fn sentence(view: &View) -> String {
    let with = |word: &str, why: &str| match why.is_empty() {
        true => word.to_owned(),
        false => format!("{word}: {why}"),
    };
    match &view.status {
        Phase::Waiting => format!("WAITING: everybody is on {}", view.stable_version),
        Phase::Step {
            index,
            of,
            percent,
            asked_since,
            hold_left,
            ..
        } => {
            let since = duration(*asked_since);
            let hold = match hold_left {
                Some(left) => format!("held for another {}", duration(*left)),
                None => "held long enough".into(),
            };
            format!("STEP {index} of {of}: {percent} % for {since}, {hold}")
        }
        Phase::Held { why } => with("HELD", why),
        Phase::RolledBack { why } => with("ROLLED BACK", why),
        Phase::Killed { by, why } => with(&format!("KILLED by {by}"), why),
        Phase::Complete => format!("COMPLETE: everybody is on {}", view.canary_version),
    }
}

/// What the next step waits for; empty where there is none to wait for.
pub(crate) fn awaited(phase: &Phase) -> String {
    let Phase::Step {
        hold_left,
        confirmed,
        waiting_for,
        ..
    } = phase
    else {
        return String::new();
    };
    let confirmed = if *confirmed { "Confirmed. " } else { "" };
    match (waiting_for.is_empty(), hold_left) {
        (false, _) => format!("{confirmed}Next step waits for {}", waiting_for.join(", ")),
        (true, Some(_)) => format!("{confirmed}Next step comes after the hold"),
        (true, None) => format!("{confirmed}Next step comes now"),
    }
}

fn style(view: &View, palette: Palette) -> Style {
    let everywhere = view.proxies_ok() == view.proxies.len();
    match view.status {
        Phase::RolledBack { .. } | Phase::Killed { .. } => palette.alarm(),
        // Not green while nobody moves it on or takes it back.
        Phase::Step { .. } if everywhere && view.engine_alive => palette.calm(),
        Phase::Complete if everywhere => palette.calm(),
        _ => palette.notice(),
    }
}

fn header(view: &View, columns: usize, palette: Palette) -> Line<'static> {
    let versions = format!("{} → {}", view.stable_version, view.canary_version);
    let whole = format!("{}: {versions}", view.rollout);
    // The change is named in any case.
    let least = width(&view.change) + 3;
    let mut right = [clean(&whole), clean(&versions), String::new()];
    right.sort_by_key(|text| std::cmp::Reverse(width(text)));
    let right = right
        .into_iter()
        .find(|text| least + width(text) <= columns);
    let right = right.unwrap_or_default();
    let room = columns.saturating_sub(width(&right) + 1);
    let change = clip(&view.change, room);
    let title = left(
        &format!(" {}", view.title),
        room.saturating_sub(width(&change)),
    );
    Line::from(vec![
        Span::styled(change, palette.strong()),
        Span::raw(title),
        Span::raw(" "),
        Span::styled(right, palette.strong()),
    ])
}

fn next(phase: &Phase, columns: usize, palette: Palette) -> Vec<Line<'static>> {
    let text = awaited(phase);
    if text.is_empty() {
        return Vec::new();
    }
    let lines = wrap(&clean(&text), columns.saturating_sub(2), STATUS_ROWS);
    let line = |text| Line::styled(format!(" {text}"), palette.strong());
    lines.into_iter().map(line).collect()
}

/// The first of its forms that fits.
fn steps(view: &View, columns: usize, palette: Palette) -> Line<'static> {
    let forms = [Form::Full, Form::Short, Form::Tiny];
    let mut lines = forms.map(|form| ladder(view, form, palette)).into_iter();
    let fitting = lines.find(|line| line.width() <= columns);
    fitting.unwrap_or_else(|| around(view, columns, palette))
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Full,
    Short,
    Tiny,
}

fn ladder(view: &View, form: Form, palette: Palette) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (at, step) in view.steps.iter().enumerate() {
        if at > 0 {
            let arrow = if form == Form::Tiny { " " } else { "  →  " };
            spans.push(Span::styled(arrow, palette.quiet()));
        }
        let (percent, hold) = (clean(&step.percent), clean(&step.hold));
        let hold = match form == Form::Full && !hold.is_empty() {
            true => format!(" ({hold})"),
            false => String::new(),
        };
        spans.push(match (step.state, form) {
            (StepState::Done, Form::Tiny) => Span::styled(format!("{percent}✓"), palette.good()),
            (StepState::Now, Form::Tiny) => Span::styled(format!("[{percent}]"), palette.strong()),
            (StepState::Next, Form::Tiny) => Span::styled(percent, palette.quiet()),
            (StepState::Done, _) => Span::styled(format!("✓ {percent} % done"), palette.good()),
            (StepState::Now, _) => {
                Span::styled(format!("▶ {percent} % now{hold}"), palette.strong())
            }
            (StepState::Next, _) => Span::styled(format!("{percent} %{hold}"), palette.quiet()),
        });
    }
    if form == Form::Tiny {
        spans.push(Span::raw(" %"));
    }
    Line::from(spans)
}

/// Where even the shortest is too long: the step that counts, and how many there are about it.
fn around(view: &View, columns: usize, palette: Palette) -> Line<'static> {
    let count = |state| view.steps.iter().filter(|step| step.state == state).count();
    let now = view.steps.iter().find(|step| step.state == StepState::Now);
    let now = now.map_or(String::new(), |step| format!("[{} %] ", step.percent));
    let (done, next) = (count(StepState::Done), count(StepState::Next));
    let text = format!(" {done} done {now}{next} to come");
    Line::styled(clip(&text, columns), palette.strong())
}

/// What keeps the ramp going, and what is left undone.
fn keepers(view: &View) -> Vec<Part> {
    let mut parts = Vec::new();
    if view.debts_overdue > 0 {
        let duties = plural(view.debts_overdue, "DUTY", "DUTIES");
        parts.push(Part::new(Urgency::Bad, format!("{duties} OVERDUE")));
    }
    parts.extend(view.lease_left.map(|left| lease(left, view.short_lease)));
    parts.push(match (&view.engine, view.engine_alive) {
        (Some(engine), true) => Part::new(Urgency::None, format!("engine {engine}")),
        (Some(engine), false) => Part::new(Urgency::Bad, format!("ENGINE SILENT: {engine}")),
        (None, _) => Part::new(Urgency::Bad, "NO ENGINE: nobody moves the ramp"),
    });
    if view.status.is_under_way() && !view.watchers.iter().any(|watcher| watcher.fresh) {
        parts.push(Part::new(Urgency::Bad, "NOBODY WATCHES: the ramp holds"));
    }
    parts.extend(view.watchers.iter().map(|watcher| {
        let seen = format!("{} ({} ago)", watcher.who, duration(watcher.since));
        match watcher.fresh {
            true => Part::new(Urgency::None, format!("watching {seen}")),
            false => Part::new(Urgency::Warning, format!("GONE {seen}")),
        }
    }));
    parts
}

fn lease(left: Duration, short: Duration) -> Part {
    match left {
        Duration::ZERO => Part::new(Urgency::Bad, "LEASE LAPSED"),
        left if left < short => Part::new(
            Urgency::Warning,
            format!("LEASE ENDS in {}", duration(left)),
        ),
        left => Part::new(Urgency::None, format!("lease {} left", duration(left))),
    }
}

/// Puts parts into as few rows as they fit in this order, and no more than there are.
fn fold(parts: Vec<Part>, most: usize, columns: usize, palette: Palette) -> Vec<Line<'static>> {
    let mut rows: Vec<Vec<Span<'static>>> = Vec::new();
    let mut used = 0;
    for part in parts {
        let span = part.span(columns.saturating_sub(1), palette);
        let beside = used + width(SEPARATOR) + span.width();
        if let Some(row) = rows.last_mut()
            && beside <= columns
        {
            row.extend([Span::styled(SEPARATOR, palette.quiet()), span]);
            used = beside;
        } else if rows.len() < most {
            used = 1 + span.width();
            rows.push(vec![Span::raw(" "), span]);
        } else {
            break;
        }
    }
    rows.into_iter().map(Line::from).collect()
}

// === impl Part ===

impl Part {
    pub(super) fn new(urgency: Urgency, text: impl Into<String>) -> Self {
        Self {
            urgency,
            text: text.into(),
        }
    }

    pub(super) fn span(&self, columns: usize, palette: Palette) -> Span<'static> {
        Span::styled(clip(&self.text, columns), self.urgency.style(palette))
    }
}

// === impl Urgency ===

impl Urgency {
    pub(super) fn style(self, palette: Palette) -> Style {
        match self {
            Self::Bad => palette.bad(),
            Self::Warning => palette.warning(),
            Self::Good => palette.good(),
            Self::None => Style::new(),
        }
    }
}

/// A reason may take this many.
const STATUS_ROWS: usize = 2;
/// With many watchers the last are not shown.
const KEEPER_ROWS: usize = 4;
const SEPARATOR: &str = " · ";
