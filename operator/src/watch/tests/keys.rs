//! Keys, one after the other.

use std::time::{Duration, Instant};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::watch::keys::Prompt;
use crate::watch::tests::sample::step;
use crate::watch::{Key, Keys, Phase};

const HELD: Phase = Phase::Held { why: String::new() };

/// Somebody at the keyboard, and their clock.
struct Hands {
    keys: Keys,
    phase: Phase,
    now: Instant,
}

impl Hands {
    fn on(phase: Phase) -> Self {
        Self {
            keys: Keys::new(),
            phase,
            now: Instant::now(),
        }
    }

    fn event(&mut self, event: KeyEvent) -> Key {
        self.keys.press(&event, &self.phase, self.now)
    }

    fn press(&mut self, letter: char) -> Key {
        self.event(KeyCode::Char(letter).into())
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    fn prompt(&self) -> Prompt {
        self.keys.prompt(self.now)
    }
}

#[test]
fn a_kill_takes_two_presses() {
    let mut hands = Hands::on(step().status);
    assert_eq!(hands.press('K'), Key::None);
    hands.wait(1_000);
    let left = Duration::from_secs(2);
    assert_eq!(hands.prompt(), Prompt::Kill { left });
    assert_eq!(hands.press('K'), Key::Kill);
    assert_eq!(hands.prompt(), Prompt::None);
    // The third is a first one.
    assert_eq!(hands.press('K'), Key::None);
}

#[test]
fn the_second_press_may_not_come_late() {
    let mut hands = Hands::on(step().status);
    hands.press('K');
    hands.wait(3_000);
    assert_eq!(hands.prompt(), Prompt::None);
    assert_eq!(hands.press('K'), Key::None);
    hands.wait(2_999);
    assert_eq!(hands.press('K'), Key::Kill);
}

#[test]
fn another_key_between_takes_the_first_press_back() {
    for between in ['x', 'q', 'k', '?', 'c'] {
        let mut hands = Hands::on(step().status);
        hands.press('K');
        hands.press(between);
        assert_eq!(hands.press('K'), Key::None, "{between}");
    }
}

#[test]
fn a_key_that_is_held_down_or_let_go_is_no_second_press() {
    for kind in [KeyEventKind::Repeat, KeyEventKind::Release] {
        let mut hands = Hands::on(step().status);
        hands.press('K');
        let event = KeyEvent::new_with_kind(KeyCode::Char('K'), KeyModifiers::SHIFT, kind);
        assert_eq!(hands.event(event), Key::None);
        assert!(matches!(hands.prompt(), Prompt::Kill { .. }));
    }
}

#[test]
fn a_kill_is_possible_in_every_phase() {
    let (by, why) = (String::new(), String::new());
    let phases = [
        Phase::Waiting,
        step().status,
        HELD,
        Phase::RolledBack { why: why.clone() },
        Phase::Killed { by, why },
        Phase::Complete,
    ];
    for phase in phases {
        let mut hands = Hands::on(phase);
        hands.press('K');
        assert_eq!(hands.press('K'), Key::Kill, "{:?}", hands.phase);
    }
}

#[test]
fn whoever_leaves_a_ramp_is_asked_again() {
    for phase in [Phase::Waiting, step().status, HELD] {
        let mut hands = Hands::on(phase);
        assert_eq!(hands.press('q'), Key::None);
        assert!(matches!(hands.prompt(), Prompt::Quit { .. }));
        hands.wait(9_999);
        assert_eq!(hands.press('q'), Key::Quit);
    }
}

#[test]
fn nobody_is_asked_where_nothing_is_left_to_watch() {
    let why = String::new();
    for phase in [Phase::Complete, Phase::RolledBack { why }] {
        assert_eq!(Hands::on(phase).press('q'), Key::Quit);
    }
}

#[test]
fn an_interrupt_leaves_as_q_does() {
    let mut hands = Hands::on(step().status);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(hands.event(interrupt), Key::None);
    assert_eq!(hands.event(interrupt), Key::Quit);
}

#[test]
fn keys_mean_something_only_where_they_can_be_meant() {
    let cases = [
        (step().status, [Key::Confirm, Key::Hold, Key::None]),
        (HELD, [Key::None, Key::Hold, Key::Resume]),
        (Phase::Waiting, [Key::None, Key::Hold, Key::None]),
        (Phase::Complete, [Key::None, Key::None, Key::None]),
    ];
    for (phase, expected) in cases {
        let mut hands = Hands::on(phase);
        let pressed = ['c', 'h', 'r'].map(|letter| hands.press(letter));
        assert_eq!(pressed, expected, "{:?}", hands.phase);
    }
}

#[test]
fn with_control_or_alt_a_letter_is_another_key() {
    for modifier in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
        for letter in ['h', 'K', 'q'] {
            let mut hands = Hands::on(step().status);
            let event = KeyEvent::new(KeyCode::Char(letter), modifier);
            assert_eq!(hands.event(event), Key::None);
            assert_eq!(hands.prompt(), Prompt::None, "{letter}");
        }
    }
}

#[test]
fn help_opens_and_closes_and_gives_way_to_a_kill() {
    let mut hands = Hands::on(step().status);
    assert_eq!(hands.press('?'), Key::Help);
    assert_eq!(hands.prompt(), Prompt::Help);
    hands.press('K');
    assert!(matches!(hands.prompt(), Prompt::Kill { .. }));
    assert_eq!(hands.event(KeyCode::Esc.into()), Key::Help);
    assert_eq!(hands.prompt(), Prompt::None);
    hands.press('?');
    hands.press('?');
    assert_eq!(hands.prompt(), Prompt::None);
}
