//! Whole screens, as text.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use crate::watch::keys::Prompt;
use crate::watch::palette::Palette;
use crate::watch::render;
use crate::watch::tests::sample::{proxy, rolled_back, step, waiting};
use crate::watch::view::{Phase, View};

/// The rows of a screen, without what is blank at their ends.
fn screen(view: &View, prompt: Prompt, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let palette = Palette::coloured();
    let drawn = terminal
        .draw(|frame| render::draw(frame, view, prompt, palette))
        .unwrap();
    let cells = drawn.buffer.content.chunks(columns.into());
    let row = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    };
    cells.map(row).collect::<Vec<_>>().join("\n")
}

fn assert_screen(view: &View, columns: u16, rows: u16, expected: &str) {
    let shown = screen(view, Prompt::None, columns, rows);
    assert_eq!(shown, expected.trim_end_matches('\n'), "shown:\n{shown}");
}

#[test]
fn a_step_on_a_usual_screen() {
    assert_screen(&step(), 80, 24, include_str!("screens/step-80x24.txt"));
}

#[test]
fn a_roll_back_on_a_large_screen() {
    assert_screen(
        &rolled_back(),
        120,
        40,
        include_str!("screens/rolled-back-120x40.txt"),
    );
}

#[test]
fn a_roll_back_on_a_tiny_screen() {
    assert_screen(
        &rolled_back(),
        40,
        10,
        include_str!("screens/rolled-back-40x10.txt"),
    );
}

#[test]
fn no_size_is_too_small_and_no_line_too_long() {
    let left = Duration::from_millis(2_100);
    let prompts = [
        Prompt::None,
        Prompt::Kill { left },
        Prompt::Quit { left },
        Prompt::Help,
    ];
    for view in [step(), rolled_back(), waiting()] {
        for prompt in prompts {
            for (columns, rows) in [
                (1, 1),
                (9, 3),
                (10, 1),
                (12, 2),
                (20, 4),
                (59, 17),
                (60, 18),
            ] {
                screen(&view, prompt, columns, rows);
            }
            for size in (60..=200).step_by(7) {
                let shown = screen(&view, prompt, size, 18 + size / 20);
                let status = shown.lines().nth(1).unwrap();
                assert!(status.contains(['S', 'R', 'W']), "{shown}");
            }
        }
    }
}

#[test]
fn one_row_is_enough_to_say_where_the_ramp_stands() {
    let shown = screen(&step(), Prompt::None, 60, 1);
    assert_eq!(
        shown,
        " STEP 2 of 4: 10 % for 3m 12s, held for another 1m 48s"
    );
}

#[test]
fn the_first_k_shows_what_the_second_will_do() {
    let left = Duration::from_millis(2_100);
    for (columns, rows) in [(120, 40), (80, 24), (40, 10)] {
        let shown = screen(&step(), Prompt::Kill { left }, columns, rows);
        let words: Vec<_> = shown.split_whitespace().collect();
        let expected = "Press K again within 3s: everybody to stable (prompt-v41) at once.";
        assert!(words.join(" ").contains(expected), "{shown}");
        // Where the ramp stands is still to be seen.
        assert!(shown.contains("STEP 2 of 4"), "{shown}");
    }
}

#[test]
fn whoever_leaves_is_told_what_that_means() {
    let left = Duration::from_secs(10);
    let shown = screen(&step(), Prompt::Quit { left }, 80, 24);
    let words: Vec<_> = shown.split_whitespace().collect();
    let expected = "If nobody watches, the ramp holds and the lease lapses.";
    assert!(words.join(" ").contains(expected), "{shown}");
}

#[test]
fn the_keys_shown_are_those_that_do_something() {
    let keys = |view: &View| {
        let shown = screen(view, Prompt::None, 80, 24);
        shown.lines().last().unwrap().trim().to_owned()
    };
    let mut view = step();
    assert_eq!(
        keys(&view),
        "c confirm step  h hold  K KILL  ? help  q quit"
    );
    view.status = Phase::Held { why: String::new() };
    assert_eq!(keys(&view), "r resume  K KILL  ? help  q quit");
    view.status = Phase::Complete;
    assert_eq!(keys(&view), "K KILL  ? help  q quit");
}

#[test]
fn the_status_is_green_only_while_all_is_well() {
    let colour = |change: fn(&mut View)| {
        let mut view = step();
        change(&mut view);
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let draw = |frame: &mut ratatui::Frame<'_>| {
            render::draw(frame, &view, Prompt::None, Palette::coloured());
        };
        terminal.draw(draw).unwrap().buffer[(0, 1)].bg
    };
    assert_eq!(colour(|_| {}), Color::Green);
    assert_eq!(colour(|view| view.engine_alive = false), Color::Yellow);
    assert_eq!(colour(|view| view.proxies[0].ok = false), Color::Yellow);
    let held = |view: &mut View| view.status = Phase::Held { why: String::new() };
    assert_eq!(colour(held), Color::Yellow);
    assert_eq!(colour(|view| *view = rolled_back()), Color::Red);
}

#[test]
fn without_colours_there_are_none() {
    for view in [step(), rolled_back(), waiting()] {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let draw = |frame: &mut ratatui::Frame<'_>| {
            render::draw(frame, &view, Prompt::None, Palette::plain());
        };
        let drawn = terminal.draw(draw).unwrap();
        let colours = drawn.buffer.content.iter().map(|cell| (cell.fg, cell.bg));
        assert!(
            colours
                .clone()
                .all(|pair| pair == (Color::Reset, Color::Reset))
        );
    }
}

#[test]
fn a_title_moves_nothing_and_pushes_nothing_away() {
    let mut view = step();
    view.title = format!("\x1b[2J\u{202e}{}", "漢字 ".repeat(60));
    let shown = screen(&view, Prompt::None, 80, 24);
    let expected = screen(&step(), Prompt::None, 80, 24);
    let below = |text: &str| text.lines().skip(1).map(String::from).collect::<Vec<_>>();
    assert_eq!(below(&shown), below(&expected));
    assert!(
        shown
            .lines()
            .next()
            .unwrap()
            .ends_with("prompt-v41 → prompt-v42")
    );
    assert!(!shown.contains('\u{202e}'));
}

#[test]
fn of_a_thousand_proxies_those_are_shown_that_need_it() {
    let mut view = step();
    view.proxies = (1..=1_000)
        .map(|number| proxy(number, number % 400 != 0))
        .collect();
    let shown = screen(&view, Prompt::None, 80, 24);
    assert!(shown.contains("2 of 1000 NOT OK, 998 not shown"), "{shown}");
    assert!(
        shown.contains("envoy-400.") && shown.contains("envoy-800."),
        "{shown}"
    );
}
