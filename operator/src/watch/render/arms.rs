//! The two versions, side by side.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::palette::Palette;
use super::super::text::{clean, count, left, number, percent, plural, right, width};
use super::super::view::{ArmView, View};
use super::{Wanted, rule};

/// Widths of the table's columns.
struct Columns {
    label: usize,
    /// Of an arm: a count, what it comes to, and how it went lately.
    count: usize,
    rate: usize,
    trend: usize,
}

pub(super) fn wanted(view: &View) -> Wanted {
    Wanted {
        least: FIXED_ROWS,
        most: FIXED_ROWS + 1 + view.entities().len().max(1),
    }
}

pub(super) fn lines(
    view: &View,
    columns: usize,
    rows: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    if rows == 0 {
        return Vec::new();
    }
    let entities = view.entities();
    let table = Columns::new(columns, &entities);
    let [stable, canary] = &view.arms;
    let mut of_all = vec![Span::raw(shares(view))];
    let hidden = (FIXED_ROWS + 1 + entities.len()).saturating_sub(rows);
    if hidden > 0 && !entities.is_empty() {
        let hidden = plural(hidden.min(entities.len()), "entity", "entities");
        of_all.push(Span::styled(
            format!(", {hidden} not shown"),
            palette.quiet(),
        ));
    }
    let mut lines = vec![
        rule("Arms", &of_all, columns, palette),
        table.head(view, palette),
        table.row("requests", view, palette, |arm| {
            let rate = format!("{}/s", number(arm.requests_per_s));
            (count(arm.requests), rate, &arm.trends.requests)
        }),
        table.row("errors", view, palette, |arm| {
            let rate = arm.error_percent.map_or("–".into(), percent);
            (count(arm.errors), rate, &arm.trends.errors)
        }),
        table.row("slow answers", view, palette, |arm| {
            (count(arm.slow), String::new(), &NO_TREND)
        }),
    ];
    let trends = [&stable.trends.redactions, &canary.trends.redactions];
    lines.push(table.redactions(trends, palette));
    if entities.is_empty() {
        lines.push(Line::styled("  none found", palette.quiet()));
    }
    for (entity, found) in entities {
        lines.push(table.entity(entity, found));
    }
    lines.truncate(rows);
    lines
}

/// What was asked of the split and what came of it.
pub(crate) fn shares(view: &View) -> String {
    // As it was asked for: four places are all that a ramp can have.
    let asked = (view.asked_percent * 1e4).round() / 1e4;
    let asked = format!("{asked} %");
    match view.achieved_percent {
        Some(achieved) => format!("asked {asked}, achieved {}", percent(achieved)),
        None => format!("asked {asked}, nothing counted yet"),
    }
}

// === impl Columns ===

impl Columns {
    fn new(columns: usize, entities: &[(&str, [Option<&str>; 2])]) -> Self {
        let names = entities.iter().map(|(entity, _)| 2 + width(entity));
        let label = names
            .max()
            .unwrap_or(0)
            .clamp(SHORTEST_LABEL, LONGEST_LABEL)
            + 1;
        let arm = columns.saturating_sub(label) / 2;
        let (count, rate) = (10, 11);
        Self {
            label,
            count,
            rate,
            // A column of air to what follows.
            trend: arm.saturating_sub(count + 1 + rate + 1).min(SAMPLES),
        }
    }

    fn head(&self, view: &View, palette: Palette) -> Line<'static> {
        let arm = |name, version: &str, style: Style| {
            let text = format!("{name} {}", clean(version));
            Span::styled(
                left(&format!("  {text}"), self.arm()),
                style.patch(palette.strong()),
            )
        };
        Line::from(vec![
            Span::raw(" ".repeat(self.label)),
            arm("stable", &view.stable_version, palette.stable()),
            arm("canary", &view.canary_version, palette.canary()),
        ])
    }

    fn row<'a>(
        &self,
        label: &str,
        view: &'a View,
        palette: Palette,
        cells: impl Fn(&'a ArmView) -> (String, String, &'a Vec<u64>),
    ) -> Line<'static> {
        let mut spans = vec![Span::raw(left(&format!(" {label}"), self.label))];
        let styles = [palette.stable(), palette.canary()];
        for (arm, style) in view.arms.iter().zip(styles) {
            let (count, rate, samples) = cells(arm);
            spans.push(Span::raw(right(&count, self.count)));
            spans.push(Span::raw(format!(" {}", right(&rate, self.rate - 2))));
            spans.push(Span::styled(
                format!("  {} ", trend(samples, self.trend)),
                style,
            ));
        }
        Line::from(spans)
    }

    fn redactions(&self, trends: [&Vec<u64>; 2], palette: Palette) -> Line<'static> {
        let title = " redacted, of 1,000 answers";
        // The title goes on over the stable arm's numbers, which have none of their own in this row.
        let before = self.label + self.count + 1 + self.rate;
        let [stable, canary] = trends.map(|samples| trend(samples, self.trend));
        Line::from(vec![
            Span::raw(left(title, before)),
            Span::styled(format!("{stable} "), palette.stable()),
            Span::raw(" ".repeat(self.count + 1 + self.rate)),
            Span::styled(format!("{canary} "), palette.canary()),
        ])
    }

    fn entity(&self, entity: &str, found: [Option<&str>; 2]) -> Line<'static> {
        let mut spans = vec![Span::raw(left(&format!("   {entity}"), self.label))];
        for found in found {
            let text = right(found.unwrap_or("–"), self.count);
            spans.push(Span::raw(left(&text, self.arm())));
        }
        Line::from(spans)
    }

    fn arm(&self) -> usize {
        self.count + 1 + self.rate + self.trend + 1
    }
}

/// The newest samples as a row of bars, as high as they are against the highest of those shown.
fn trend(samples: &[u64], columns: usize) -> String {
    let shown = &samples[samples.len().saturating_sub(columns)..];
    let highest = shown.iter().copied().max().unwrap_or(0).max(1);
    let bar = |sample: &u64| match sample {
        0 => NO_BAR,
        // Something is never drawn as nothing.
        sample => BARS[(u128::from(*sample) * 7 / u128::from(highest)) as usize],
    };
    let gap = " ".repeat(columns - shown.len());
    gap + &shown.iter().map(bar).collect::<String>()
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// There was a sample, and nothing in it.
const NO_BAR: char = '·';
static NO_TREND: Vec<u64> = Vec::new();
/// Title, names of the arms, requests, errors, slow answers.
const FIXED_ROWS: usize = 5;
/// More of them are not kept.
const SAMPLES: usize = 60;
const SHORTEST_LABEL: usize = 13;
const LONGEST_LABEL: usize = 24;
