//! Lays the picture out and draws it, from the top.

use super::axis::Scale;
use super::labels::{GAP, Placed, Wanted, cut, place, spread};
use super::svg::{Anchor, BOLDER, Svg, bold_ems, coordinate};
use super::words::{description, end, number};
use super::{Arm, Mark, MarkKind, Millis, Plot, Series, TimeAxis};

/// What is drawn of one name.
struct Panel<'a> {
    title: String,
    scale: Scale,
    top: f64,
    series: Vec<&'a Series>,
}

pub(super) fn draw(plot: &Plot) -> String {
    let mut svg = Svg::new(WIDTH);
    let title = cut(&plot.title, (WIDTH - 2.0 * MARGIN) / TITLE_FONT / BOLDER);
    svg.text("title", (MARGIN, 30.0), Anchor::Start, &title);
    svg.text("quiet", (MARGIN, 50.0), Anchor::Start, &plot.time.range());
    legend(&mut svg);

    let marks: Vec<_> = plot
        .marks
        .iter()
        .filter(|mark| plot.time.holds(mark.at))
        .collect();
    let wanted: Vec<_> = marks.iter().map(|mark| mark.wanted(&plot.time)).collect();
    let labels = place(&wanted, WIDTH - MARGIN);
    let lanes = labels
        .iter()
        .map(|label| label.lane + label.rows.len())
        .max();
    let marks_bottom = HEAD + lanes.unwrap_or(0) as f64 * ROW;

    let mut panels = vec![Panel::ramp(plot)];
    panels.extend(Panel::of_series(&plot.series));
    let mut top = marks_bottom + PANEL_TITLE;
    for panel in &mut panels {
        panel.top = top;
        top += PANEL + PANEL_GAP + PANEL_TITLE;
    }
    let bottom = top - PANEL_GAP - PANEL_TITLE;

    for panel in &panels {
        panel.frame(&mut svg);
    }
    times(&mut svg, &plot.time, &panels, bottom);
    for (mark, label) in marks.iter().zip(&labels) {
        draw_mark(&mut svg, &plot.time, mark, label, marks_bottom, bottom);
    }
    for (number, panel) in panels.iter().enumerate() {
        let place = (LEFT, panel.top - 9.0);
        svg.text("name halo", place, Anchor::Start, &panel.title);
        match number {
            0 => panel.draw_ramp(&mut svg, plot),
            _ => panel.draw_series(&mut svg, &plot.time),
        }
    }
    svg.finish(bottom + FOOT, &plot.title, &description(plot))
}

/// How each arm is drawn, at the top right.
fn legend(svg: &mut Svg) {
    let mut right = WIDTH - MARGIN;
    for arm in [Arm::Canary, Arm::Stable] {
        let name = arm.as_str();
        svg.text(&format!("{name}-text"), (right, 50.0), Anchor::End, name);
        let sample = right - bold_ems(name) * FONT - 6.0;
        svg.line(
            &format!("{name}-line"),
            (sample - 26.0, 46.0),
            (sample, 46.0),
        );
        right = sample - 26.0 - 18.0;
    }
}

/// Lines for round times in every panel, and what the clock says below the last.
fn times(svg: &mut Svg, time: &TimeAxis, panels: &[Panel<'_>], bottom: f64) {
    for (at, label) in time.ticks() {
        let x = x(time, at);
        for panel in panels {
            svg.line("grid", (x, panel.top), (x, panel.top + PANEL));
        }
        svg.line("base", (x, bottom), (x, bottom + 4.0));
        svg.text("quiet", (x, bottom + 18.0), Anchor::Middle, &label);
    }
}

fn draw_mark(
    svg: &mut Svg,
    time: &TimeAxis,
    mark: &Mark,
    label: &Placed,
    labels_bottom: f64,
    bottom: f64,
) {
    let class = mark.kind.class();
    let said = format!("{}  {}", time.clock(mark.at), mark.label);
    svg.group(&said, |svg| {
        let lowest = labels_bottom - label.lane as f64 * ROW - 4.0;
        let top = lowest - label.rows.len() as f64 * ROW + 4.0;
        svg.line(&format!("{class}-line"), (label.x, top), (label.x, bottom));
        for (number, row) in label.rows.iter().enumerate() {
            let above = (label.rows.len() - 1 - number) as f64 * ROW;
            let place = (label.x + GAP, lowest - above);
            svg.text(&format!("{class}-text"), place, Anchor::Start, row);
        }
    });
}

// === impl Mark ===

impl Mark {
    fn wanted(&self, time: &TimeAxis) -> Wanted<'_> {
        Wanted {
            x: x(time, self.at),
            text: &self.label,
            font: match self.kind {
                MarkKind::Kill => FONT * BOLDER,
                _ => FONT,
            },
        }
    }
}

// === impl Panel ===

impl<'a> Panel<'a> {
    fn ramp(plot: &Plot) -> Self {
        let shares = plot.ramp.iter().map(|(_, percent)| *percent);
        Self {
            title: "Canary's share, asked (%)".into(),
            scale: Scale::of_percent(shares.filter(|share| share.is_finite()).fold(0.0, f64::max)),
            top: 0.0,
            series: Vec::new(),
        }
    }

    fn of_series(all: &'a [Series]) -> Vec<Self> {
        let mut panels: Vec<Self> = Vec::new();
        for series in all {
            let title = match series.unit.is_empty() {
                true => series.name.clone(),
                false => format!("{} ({})", series.name, series.unit),
            };
            match panels.iter_mut().find(|panel| panel.title == title) {
                Some(panel) => panel.series.push(series),
                None => panels.push(Self {
                    title,
                    scale: Scale::up_to(0.0),
                    top: 0.0,
                    series: vec![series],
                }),
            }
        }
        for panel in &mut panels {
            let points = panel.series.iter().flat_map(|series| &series.points);
            let values = points
                .map(|(_, value)| *value)
                .filter(|value| value.is_finite());
            panel.scale = Scale::up_to(values.fold(0.0, f64::max));
        }
        panels
    }

    fn frame(&self, svg: &mut Svg) {
        for tick in &self.scale.ticks {
            let y = self.y(*tick);
            let class = if *tick == 0.0 { "base" } else { "grid" };
            svg.line(class, (LEFT, y), (RIGHT, y));
            svg.text("quiet", (LEFT - 8.0, y + 4.0), Anchor::End, &number(*tick));
        }
    }

    fn draw_ramp(&self, svg: &mut Svg, plot: &Plot) {
        let time = &plot.time;
        // What was asked for before the picture begins holds when it does.
        let steps: Vec<_> = plot
            .ramp
            .iter()
            .filter(|(at, percent)| *at <= time.end && percent.is_finite())
            .map(|(at, percent)| (x(time, (*at).max(time.start)), *percent))
            .collect();
        let Some((first, _)) = steps.first() else {
            return self.nothing(svg);
        };
        let mut path = String::new();
        for (number, (x, percent)) in steps.iter().enumerate() {
            let (x, y) = (coordinate(*x), coordinate(self.y(*percent)));
            match number {
                0 => path += &format!("M{x} {y}"),
                _ => path += &format!("H{x}V{y}"),
            }
        }
        path += &format!("H{}", coordinate(RIGHT));
        let (ground, first) = (coordinate(self.y(0.0)), coordinate(*first));
        svg.path("canary-area", &format!("{path}V{ground}H{first}Z"));
        svg.path("canary-line", &path);
        let ends = steps.iter().skip(1).map(|(x, _)| *x).chain([RIGHT]);
        for ((x, percent), end) in steps.iter().zip(ends) {
            let text = format!("{} %", number(*percent));
            // Beside the next step's line there must be room for it.
            if end - x > bold_ems(&text) * FONT + 2.0 * GAP {
                let y = self.y(*percent);
                let y = if y - 18.0 < self.top {
                    y + 16.0
                } else {
                    y - 6.0
                };
                svg.text("canary-text halo", (x + GAP, y), Anchor::Start, &text);
            }
        }
    }

    fn draw_series(&self, svg: &mut Svg, time: &TimeAxis) {
        let mut ends = Vec::new();
        for series in &self.series {
            let points: Vec<_> = series
                .points
                .iter()
                .filter(|(at, _)| time.holds(*at))
                .collect();
            let places = points.iter().map(|(at, value)| {
                let place = (x(time, *at), self.y(*value));
                value.is_finite().then_some(place)
            });
            svg.path(&format!("{}-line", series.arm.as_str()), &path(places));
            let last = points.iter().rev().find(|(_, value)| value.is_finite());
            ends.extend(last.map(|(_, value)| (series.arm, *value)));
        }
        if ends.is_empty() {
            return self.nothing(svg);
        }
        let heights: Vec<_> = ends.iter().map(|(_, value)| self.y(*value)).collect();
        let heights = spread(&heights, ROW, (self.top + 4.0, self.top + PANEL));
        for ((arm, value), y) in ends.into_iter().zip(heights) {
            let class = format!("{}-text", arm.as_str());
            svg.text(
                &class,
                (RIGHT + 8.0, y + 4.0),
                Anchor::Start,
                &end(arm, value),
            );
        }
    }

    fn nothing(&self, svg: &mut Svg) {
        let middle = ((LEFT + RIGHT) / 2.0, self.top + PANEL / 2.0 + 4.0);
        svg.text("quiet halo", middle, Anchor::Middle, "nothing measured");
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - self.scale.up(value))
    }
}

/// A line through places, with gaps. Of the many in one column of pixels the first, the lowest, the
/// highest and the last are enough: it looks the same.
fn path(places: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    let mut pen = false;
    for place in places.chain([None]) {
        let same = |(x, _): (f64, f64)| {
            column
                .first()
                .is_some_and(|(first, _)| first.floor() == x.floor())
        };
        if place.is_none_or(|place| !same(place)) {
            for (x, y) in thin(&column) {
                let command = if pen { 'L' } else { 'M' };
                path += &format!("{command}{} {}", coordinate(x), coordinate(y));
                // A line of no length has round ends: a place between gaps is seen as a dot.
                path += if pen { "" } else { "h0" };
                pen = true;
            }
            column.clear();
        }
        match place {
            Some(place) => column.push(place),
            None => pen = false,
        }
    }
    path
}

fn thin(column: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if column.len() <= 4 {
        return column.to_vec();
    }
    let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
    let all = || 0..column.len();
    let mut kept: Vec<usize> = [
        Some(0),
        all().min_by(by_height),
        all().max_by(by_height),
        all().last(),
    ]
    .into_iter()
    .flatten()
    .collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| column[index]).collect()
}

fn x(time: &TimeAxis, at: Millis) -> f64 {
    LEFT + (RIGHT - LEFT) * time.along(at)
}

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
/// Where panels begin, right of their numbers, and end, left of the names of their lines.
const LEFT: f64 = 72.0;
const RIGHT: f64 = 836.0;
/// Title and legend.
const HEAD: f64 = 72.0;
const PANEL: f64 = 110.0;
const PANEL_TITLE: f64 = 30.0;
const PANEL_GAP: f64 = 14.0;
/// Times below the last panel.
const FOOT: f64 = 36.0;
/// As in the style sheet.
const FONT: f64 = 12.0;
const TITLE_FONT: f64 = 18.0;
const ROW: f64 = 15.0;
