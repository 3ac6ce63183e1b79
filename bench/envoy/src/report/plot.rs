//! Pictures: horizontal bars with whiskers, as SVG.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Spread;

/// A picture: a bar for each of several things, all in one unit.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    title: String,
    /// Below the axis, with the unit: `added CPU time a request, µs`.
    axis: String,
    scale: Scale,
    bars: Vec<Bar>,
    /// A line across all bars and what it is called: a goal.
    mark: Option<(f64, String)>,
}

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    label: String,
    spread: Spread,
    /// Ours, among others: in another colour.
    ours: bool,
}

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Ten times as much is as far as from there to a hundred times: for things that differ by more.
    Logarithmic,
}

/// The values between the ends of an axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

type Area<'file> = DrawingArea<SVGBackend<'file>, Shift>;

// === impl Plot ===

impl Plot {
    pub(crate) fn new(title: &str, axis: &str, scale: Scale) -> Self {
        Self {
            title: title.to_owned(),
            axis: axis.to_owned(),
            scale,
            bars: Vec::new(),
            mark: None,
        }
    }

    /// Adds a bar below the others.
    pub(crate) fn bar(&mut self, bar: Bar) {
        self.bars.push(bar);
    }

    /// Draws a line across all bars.
    pub(crate) fn mark(&mut self, value: f64, label: &str) {
        self.mark = Some((value, label.to_owned()));
    }

    fn height(&self) -> i32 {
        HEAD + BAR * i32::try_from(self.bars.len()).unwrap_or(i32::MAX / BAR / 2) + FOOT
    }

    fn draw(&self, area: &Area<'_>, top: i32) -> Result<()> {
        let axis = Axis::of(self);
        let (first, bottom) = (top + HEAD, top + self.height() - FOOT);
        let title = ("sans-serif", 17)
            .into_font()
            .style(FontStyle::Bold)
            .color(&INK);
        area.draw_text(&self.title, &title, (MARGIN, top + 8))?;
        for tick in axis.ticks() {
            let x = axis.x(tick);
            line(area, [(x, first - 4), (x, bottom)], &GRID)?;
            text(
                area,
                &number(tick),
                (x, bottom + 6),
                HPos::Center,
                VPos::Top,
            )?;
        }
        text(
            area,
            &self.axis,
            ((LEFT + RIGHT) / 2, bottom + 24),
            HPos::Center,
            VPos::Top,
        )?;
        for (bar, place) in self.bars.iter().zip(0..) {
            bar.draw(area, axis, first + BAR * place)?;
        }
        // From zero, or from the axis' end where there is no zero.
        let zero = axis.x(0.0);
        line(area, [(zero, first - 4), (zero, bottom)], &INK)?;
        if let Some((value, label)) = &self.mark {
            let x = axis.x(*value);
            line(area, [(x, first - 6), (x, bottom)], &MARK)?;
            text(area, label, (x, first - 8), HPos::Center, VPos::Bottom)?;
        }
        Ok(())
    }
}

// === impl Bar ===

impl Bar {
    /// The bar ends at the median; its whisker is the middle half.
    pub(crate) fn new(label: &str, spread: Spread) -> Self {
        Self {
            label: label.to_owned(),
            spread,
            ours: false,
        }
    }

    /// In the colour of what this project makes.
    pub(crate) fn ours(mut self) -> Self {
        self.ours = true;
        self
    }

    fn draw(&self, area: &Area<'_>, axis: Axis, top: i32) -> Result<()> {
        let (middle, half) = (top + BAR / 2, BAR / 2 - 5);
        let x = |value| axis.x(value);
        let (zero, end) = (x(0.0), x(self.spread.median));
        let colour = if self.ours { OURS } else { OTHERS };
        let corners = [
            (zero.min(end), middle - half),
            (zero.max(end), middle + half),
        ];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        let (lower, upper) = (x(self.spread.lower), x(self.spread.upper));
        line(area, [(lower, middle), (upper, middle)], &INK)?;
        for cap in [lower, upper] {
            line(area, [(cap, middle - 4), (cap, middle + 4)], &INK)?;
        }
        text(
            area,
            &self.label,
            (LEFT - 10, middle),
            HPos::Right,
            VPos::Center,
        )?;
        let value = number(self.spread.median);
        text(
            area,
            &value,
            (upper.max(end).max(zero) + 8, middle),
            HPos::Left,
            VPos::Center,
        )
    }
}

// === impl Axis ===

impl Axis {
    fn of(plot: &Plot) -> Self {
        let spreads = || plot.bars.iter().map(|bar| bar.spread);
        let mark = plot.mark.iter().map(|&(value, _)| value);
        let highest = spreads()
            .map(|spread| spread.upper.max(spread.median))
            .chain(mark);
        let highest = highest.fold(f64::MIN_POSITIVE, f64::max);
        let lowest = spreads().map(|spread| spread.lower.min(spread.median));
        match plot.scale {
            Scale::Linear => Self {
                scale: plot.scale,
                low: lowest.fold(0.0, f64::min),
                high: highest,
            },
            Scale::Logarithmic => {
                // Some way below the shortest bar, so that it has a length.
                let medians = spreads().map(|spread| spread.median);
                let shortest = medians.filter(|&value| value > 0.0).fold(highest, f64::min);
                Self {
                    scale: plot.scale,
                    low: 10_f64.powf((shortest.log10() - 0.3).floor()),
                    high: highest,
                }
            }
        }
    }

    fn x(self, value: f64) -> i32 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
            }
        };
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
    }

    /// Round numbers along the axis, some five of them, or three in every decade.
    fn ticks(self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let rough = (self.high - self.low) / 5.0;
                let decade = 10_f64.powf(rough.log10().floor());
                let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
                let step = steps
                    .into_iter()
                    .find(|&step| step >= rough)
                    .unwrap_or(decade);
                let first = (self.low / step).ceil();
                let ticks = (0..20).map(|place| (first + f64::from(place)) * step);
                ticks.take_while(|&tick| tick <= self.high).collect()
            }
            Scale::Logarithmic => {
                let first = self.low.log10().round();
                let decades = (0..20).map(|place| 10_f64.powf(first + f64::from(place)));
                let ticks = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * decade));
                ticks.take_while(|&tick| tick <= self.high).collect()
            }
        }
    }
}

/// Draws the pictures below each other.
///
/// # Errors
///
/// If the file cannot be written, or a plot has no bar.
pub(crate) fn draw(file: &Path, plots: &[Plot]) -> Result<()> {
    ensure!(
        plots.iter().all(|plot| !plot.bars.is_empty()),
        "a plot without bars"
    );
    let height: i32 = plots.iter().map(Plot::height).sum();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let mut top = 0;
    for plot in plots {
        plot.draw(&area, top)?;
        top += plot.height();
    }
    area.present()?;
    Ok(())
}

fn text(area: &Area<'_>, text: &str, at: (i32, i32), h: HPos, v: VPos) -> Result<()> {
    let style = ("sans-serif", 13).into_font().color(&INK);
    let style = style.pos(Pos::new(h, v));
    Ok(area.draw_text(text, &style, at)?)
}

fn line(area: &Area<'_>, ends: [(i32, i32); 2], colour: &RGBColor) -> Result<()> {
    Ok(area.draw(&PathElement::new(ends, colour))?)
}

/// Three digits that count; whole numbers with their thousands apart.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1e12 => format!("{value:e}"),
        size if size >= 100.0 => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", super::table::thousands(size.round() as u64))
        }
        size => {
            let decimals = if size >= 10.0 {
                1
            } else if size >= 0.1 {
                2
            } else {
                4
            };
            let text = format!("{value:.decimals$}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            text.to_owned()
        }
    }
}

// In pixels.
const WIDTH: i32 = 900;
const MARGIN: i32 = 20;
/// Where the bars begin and the longest ends.
const LEFT: i32 = 260;
const RIGHT: i32 = WIDTH - 90;
/// Of one bar and the space around it.
const BAR: i32 = 28;
/// Above the bars, with the title.
const HEAD: i32 = 56;
/// Below the bars, with the axis.
const FOOT: i32 = 58;

const INK: RGBColor = RGBColor(34, 34, 34);
const GRID: RGBColor = RGBColor(221, 221, 221);
const MARK: RGBColor = RGBColor(178, 24, 43);
const OURS: RGBColor = RGBColor(33, 102, 172);
const OTHERS: RGBColor = RGBColor(169, 178, 188);

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: Scale, values: &[f64]) -> Axis {
        let mut plot = Plot::new("", "", scale);
        for &value in values {
            plot.bar(Bar::new("", Spread::of([value]).unwrap()));
        }
        Axis::of(&plot)
    }

    #[test]
    fn an_axis_holds_all_its_bars_and_has_round_ticks() {
        let linear = axis(Scale::Linear, &[-3.0, 48.0]);
        assert_eq!((linear.x(-3.0), linear.x(48.0)), (LEFT, RIGHT));
        assert_eq!(linear.ticks(), [0.0, 20.0, 40.0]);
        let logarithmic = axis(Scale::Logarithmic, &[5.0, 60.0]);
        assert_eq!(logarithmic.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!(LEFT < logarithmic.x(5.0) && logarithmic.x(60.0) == RIGHT);
        assert_eq!(logarithmic.x(0.0), LEFT);
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let cases = [
            (0.0, "0"),
            (0.05, "0.05"),
            (4.0, "4"),
            (7.756, "7.76"),
            (53.31, "53.3"),
            (-0.25, "-0.25"),
            (12_345.6, "12,346"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
