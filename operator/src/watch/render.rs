//! Draws a view: what matters most stands on top and stays where there is little room.

pub(crate) mod arms;
mod lists;
mod overlay;
pub(crate) mod status;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::keys::Prompt;
use super::palette::Palette;
use super::text::{clip, width};
use super::view::View;

/// Shows the view on all of the screen.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &View, prompt: Prompt, palette: Palette) {
    let area = frame.area();
    if area.width < NARROWEST || area.height == 0 {
        return;
    }
    let footer = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    // A single row has the status, not the keys.
    let rest = Rect {
        height: (area.height - 1).max(1),
        ..area
    };
    frame.render_widget(
        Paragraph::new(overlay::keys(view, area.width.into(), palette)),
        footer,
    );
    if area.width < SMALL_COLUMNS || area.height < SMALL_ROWS {
        small(frame, view, rest, palette);
    } else if area.width < WIDE_COLUMNS {
        tall(frame, view, rest, palette);
    } else {
        wide(frame, view, rest, palette);
    }
    overlay::prompt(frame, view, prompt, palette);
}

/// The status, and the sum of each of the other parts.
fn small(frame: &mut Frame<'_>, view: &View, area: Rect, palette: Palette) {
    let (columns, rows) = (area.width.into(), area.height.into());
    let mut lines = status::with(view, lists::summary(view), rows, columns, palette);
    // Where the ramp stands counts more than which change it is.
    if rows < 2 {
        lines.remove(0);
    }
    lines.truncate(rows);
    frame.render_widget(Paragraph::new(lines), area);
}

/// One below the other.
fn tall(frame: &mut Frame<'_>, view: &View, area: Rect, palette: Palette) {
    let columns = area.width.into();
    let rows = usize::from(area.height);
    let status = status::lines(view, columns, palette);
    let room = rows.saturating_sub(status.len());
    let wanted = [
        arms::wanted(view),
        lists::wanted(view.judge.len()),
        lists::wanted(view.proxies.len()),
        lists::wanted(view.messages.len()),
    ];
    let [arms, judge, proxies, messages] = share(room, wanted);
    let sections = [
        status,
        arms::lines(view, columns, arms, palette),
        lists::judge(view, columns, judge, palette),
        lists::proxies(view, columns, proxies, palette),
        lists::messages(view, columns, messages, palette),
    ];
    let lines: Vec<_> = sections.into_iter().flatten().take(rows).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Judge and proxies side by side, with air between the parts where there is room for it.
fn wide(frame: &mut Frame<'_>, view: &View, area: Rect, palette: Palette) {
    let columns = area.width.into();
    let rows = usize::from(area.height);
    let air = usize::from(rows >= AIRY_ROWS);
    let status = status::lines(view, columns, palette);
    let room = rows.saturating_sub(status.len() + 3 * air);
    let wanted = [
        arms::wanted(view),
        // Half a screen is too narrow for what a signal has to say, so it takes two rows.
        lists::wanted((2 * view.judge.len()).max(view.proxies.len())),
        lists::wanted(view.messages.len()),
    ];
    let [arms, lists, messages] = share(room, wanted);

    let mut below = area;
    let status_rows = status.len() + air;
    put(frame, &mut below, status, status_rows);
    put(
        frame,
        &mut below,
        arms::lines(view, columns, arms, palette),
        arms + air,
    );
    let half = below.width / 2 - 1;
    let mut sides = [
        Rect {
            width: half,
            ..below
        },
        Rect {
            x: below.x + half + 2,
            width: below.width - half - 2,
            ..below
        },
    ];
    let [left, right] = &mut sides;
    put(
        frame,
        left,
        lists::judge(view, left.width.into(), lists, palette),
        lists + air,
    );
    put(
        frame,
        right,
        lists::proxies(view, right.width.into(), lists, palette),
        lists + air,
    );
    let mut below = Rect {
        y: left.y,
        height: left.height,
        ..below
    };
    put(
        frame,
        &mut below,
        lists::messages(view, columns, messages, palette),
        messages,
    );
}

/// Draws lines at the top of the area, which then begins so many rows lower.
fn put(frame: &mut Frame<'_>, area: &mut Rect, lines: Vec<Line<'static>>, rows: usize) {
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).min(area.height);
    frame.render_widget(
        Paragraph::new(lines),
        Rect {
            height: rows,
            ..*area
        },
    );
    area.y += rows;
    area.height -= rows;
}

/// How many rows each part gets of those there are. Everyone's least comes before anyone's more, and
/// the first come first.
fn share<const N: usize>(mut room: usize, wanted: [Wanted; N]) -> [usize; N] {
    let mut rows = [0; N];
    for (rows, wanted) in rows.iter_mut().zip(&wanted) {
        let least = wanted.least.min(wanted.most);
        if least <= room {
            *rows = least;
            room -= least;
        }
    }
    for (rows, wanted) in rows.iter_mut().zip(&wanted) {
        if *rows > 0 {
            let more = (wanted.most - *rows).min(room);
            *rows += more;
            room -= more;
        }
    }
    rows
}

/// How many rows a part can use.
#[derive(Clone, Copy)]
struct Wanted {
    /// With fewer it says nothing.
    least: usize,
    most: usize,
}

/// The line above a part: its name, and at the right what there is to say of all of it.
fn rule(title: &str, of_all: &[Span<'static>], columns: usize, palette: Palette) -> Line<'static> {
    let right: usize = of_all.iter().map(Span::width).sum();
    let used = width(title) + 4 + right + if right > 0 { 4 } else { 0 };
    let mut spans = vec![
        Span::styled("── ", palette.quiet()),
        Span::styled(title.to_owned(), palette.strong()),
        Span::styled(
            format!(" {}", "─".repeat(columns.saturating_sub(used))),
            palette.quiet(),
        ),
    ];
    if right > 0 {
        spans.push(Span::raw(" "));
        spans.extend_from_slice(of_all);
        spans.push(Span::styled(" ──", palette.quiet()));
    }
    Line::from(spans)
}

/// Fits text into so many columns, word by word, and cuts what goes beyond so many rows.
fn wrap(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let longer = match line.is_empty() {
            true => word.to_owned(),
            false => format!("{line} {word}"),
        };
        if width(&longer) <= columns {
            line = longer;
        } else if line.is_empty() || lines.len() + 1 >= rows {
            let rest: Vec<_> = std::iter::once(longer.as_str()).chain(words).collect();
            line = clip(&rest.join(" "), columns);
            break;
        } else {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        }
    }
    lines.push(line);
    lines
}

/// Nothing can be said in fewer.
const NARROWEST: u16 = 10;
/// With less than this only the status is shown as a whole.
const SMALL_COLUMNS: u16 = 60;
const SMALL_ROWS: u16 = 18;
/// From here on lists go side by side.
const WIDE_COLUMNS: u16 = 110;
/// From here on there are rows to spare.
const AIRY_ROWS: usize = 32;
