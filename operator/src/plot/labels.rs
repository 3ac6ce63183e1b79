//! Labels that do not lie over one another, nor under a line.

use super::svg::ems;

/// A mark's label, broken into rows, in the rows of all labels.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) x: f64,
    /// From the bottom, of its lowest row.
    pub(super) lane: usize,
    pub(super) rows: Vec<String>,
}

/// A mark that needs a label.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) x: f64,
    pub(super) text: &'a str,
    /// The size of its font, which makes it as wide as it is.
    pub(super) font: f64,
}

/// Places labels to the right of their marks, whose lines go down from them; `edge` is where the picture
/// ends. In the same order.
pub(super) fn place(marks: &[Wanted<'_>], edge: f64) -> Vec<Placed> {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    // From the right: a label then only meets lines and labels that are placed already.
    order.sort_by(|a, b| marks[*b].x.total_cmp(&marks[*a].x).then(b.cmp(a)));
    let mut placed: Vec<Option<Placed>> = marks.iter().map(|_| None).collect();
    for index in order {
        let others: Vec<_> = placed.iter().flatten().collect();
        // Whichever stays lower; broken only where that helps.
        let forms = [WIDEST, NARROWER].map(|widest| fit(&marks[index], widest, edge, &others));
        let lowest = forms
            .into_iter()
            .min_by_key(|form| form.lane + form.rows.len());
        placed[index] = lowest;
    }
    placed.into_iter().flatten().collect()
}

fn fit(mark: &Wanted<'_>, widest: f64, edge: f64, others: &[&Placed]) -> Placed {
    let room = (edge - mark.x - GAP).min(widest);
    let rows = rows(mark.text, room / mark.font);
    let wide = rows.iter().map(|row| ems(row)).fold(0.0, f64::max) * mark.font;
    // Whoever stands under this label has a line that must begin below it.
    let under = others
        .iter()
        .filter(|other| other.x < mark.x + GAP + wide + GAP);
    let lane = under.map(|other| other.lane + other.rows.len()).max();
    Placed {
        x: mark.x,
        lane: lane.unwrap_or(0),
        rows,
    }
}

/// Moves heights apart until each has its room, as little as that takes, within bounds. In the same
/// order.
pub(super) fn spread(heights: &[f64], room: f64, (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    let mut free = f64::NEG_INFINITY;
    for index in &order {
        moved[*index] = moved[*index].max(free).max(top);
        free = moved[*index] + room;
    }
    let mut free = bottom;
    for index in order.iter().rev() {
        moved[*index] = moved[*index].min(free);
        free = moved[*index] - room;
    }
    moved
}

/// Breaks a text between words; what has no room in the last row is cut, which shows.
fn rows(text: &str, ems_wide: f64) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let last = rows.len() == ROWS;
        let Some(row) = rows.last_mut() else { break };
        let longer = match row.is_empty() {
            true => word.to_owned(),
            false => format!("{row} {word}"),
        };
        if ems(&longer) <= ems_wide || row.is_empty() {
            *row = longer;
        } else if last {
            *row = longer;
            break;
        } else {
            rows.push(word.to_owned());
        }
    }
    rows.iter().map(|row| cut(row, ems_wide)).collect()
}

/// Cuts a text that is too wide, which shows.
pub(super) fn cut(text: &str, ems_wide: f64) -> String {
    if ems(text) <= ems_wide {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while ems(&kept) + ems("…") > ems_wide && kept.pop().is_some() {}
    kept.truncate(kept.trim_end().len());
    kept + "…"
}

/// Between a line and its label, and a label and the next line.
pub(super) const GAP: f64 = 4.0;
/// Wider labels are broken in any case,
const WIDEST: f64 = 320.0;
/// and these if it keeps others from having to climb over them.
const NARROWER: f64 = 170.0;
const ROWS: usize = 2;
