//! How many of the trials have rolled back by when: in the terminal and as SVG. Time is logarithmic,
//! because one rule needs seconds where another needs an hour.

use std::fmt::Write;
use std::time::Duration;

use super::show::{Row, percent};

/// One line for each row: the part that has rolled back, from nothing to all.
pub(crate) fn text(rows: &[Row], seconds: u64) -> String {
    let names = rows.iter().map(name);
    let width = names.clone().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = format!("\nRolled back by when (from 1 s to {}):\n", time(seconds));
    for (row, name) in rows.iter().zip(names) {
        let bars = (1..=COLUMNS).map(|column| {
            let part = part_by(row, moment(column, COLUMNS, seconds));
            match part {
                0.0 => '·',
                _ => BARS[((part * 8.0).ceil() as usize).clamp(1, 8) - 1],
            }
        });
        let bars: String = bars.collect();
        let _ = writeln!(text, "  {name:width$}  {bars}");
    }
    text
}

/// A curve for each row.
pub(crate) fn svg(rows: &[Row], seconds: u64) -> String {
    let height = TOP + HEIGHT + 40 + LINE * rows.len() as u32 + 20;
    let full = LEFT + WIDTH + 20;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {height}" font-family="sans-serif" font-size="12">
<title>Trials rolled back by time</title>
<rect width="{full}" height="{height}" fill="#ffffff"/>
"##
    );
    for quarter in 0..=4 {
        let (part, y) = (
            f64::from(quarter) / 4.0,
            TOP + HEIGHT - HEIGHT * quarter / 4,
        );
        let _ = writeln!(
            svg,
            r##"<path d="M{LEFT} {y}h{WIDTH}" stroke="#dddddd"/><text x="{}" y="{}" text-anchor="end">{}</text>"##,
            LEFT - 6,
            y + 4,
            percent(part)
        );
    }
    let (mut ticks, bottom) = (vec![1, 10, 60, 600, 3_600, 21_600, 86_400], TOP + HEIGHT);
    ticks.retain(|tick| *tick <= seconds);
    for tick in ticks {
        let _ = writeln!(
            svg,
            r##"<path d="M{x:.1} {bottom}v5" stroke="#666666"/><text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"##,
            bottom + 18,
            time(tick),
            x = place(tick as f64, seconds),
        );
    }
    for (number, row) in rows.iter().enumerate() {
        // One colour for each rule, one kind of line for each canary.
        let rule = rows.iter().position(|other| other.rule == row.rule);
        let canary = rows.iter().filter(|other| other.rule == row.rule);
        let canary = canary.take_while(|other| other.times != row.times).count();
        let colour = COLOURS[rule.unwrap_or(0) % COLOURS.len()];
        let dash = DASHES[canary % DASHES.len()];
        let points = (0..=STEPS).map(|step| {
            let at = moment(step, STEPS, seconds);
            let y = f64::from(bottom) - f64::from(HEIGHT) * part_by(row, at);
            format!("{:.1},{y:.1}", place(at, seconds))
        });
        let points = points.collect::<Vec<_>>().join(" ");
        let y = bottom + 40 + LINE * number as u32;
        let _ = writeln!(
            svg,
            r##"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>
<path d="M{LEFT} {y}h30" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/><text x="{}" y="{}">{}</text>"##,
            LEFT + 38,
            y + 4,
            name(row)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn name(row: &Row) -> String {
    match row.is_good() {
        true => format!("{}, good canary", row.rule),
        false => format!("{}, {} ×", row.rule, row.times),
    }
}

fn time(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

fn part_by(row: &Row, moment: f64) -> f64 {
    let by = row
        .delays
        .partition_point(|delay| delay.seconds as f64 <= moment + 0.5);
    by as f64 / row.trials as f64
}

/// The time at one of so many steps.
fn moment(step: u32, steps: u32, seconds: u64) -> f64 {
    (seconds as f64).powf(f64::from(step) / f64::from(steps))
}

fn place(moment: f64, seconds: u64) -> f64 {
    let part = if seconds > 1 {
        moment.ln() / (seconds as f64).ln()
    } else {
        1.0
    };
    f64::from(LEFT) + f64::from(WIDTH) * part
}

const COLUMNS: u32 = 48;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const STEPS: u32 = 240;
const LEFT: u32 = 60;
const TOP: u32 = 20;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 280;
const LINE: u32 = 18;
/// Okabe and Ito's, which colour-blind readers tell apart.
const COLOURS: [&str; 7] = [
    "#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];
const DASHES: [&str; 4] = ["1 5", "8 3 2 3", "6 3", "none"];
