use proptest::prelude::*;

use super::*;

/// Pieces that texts are put together of: plain ones, and all ways to write a character.
const PIECES: &[&str] = &[
    "a",
    "12",
    "word",
    " ",
    "-",
    "%40",
    "%4",
    "%",
    "&#64;",
    "&#x0040;",
    "&",
    "&commat;",
    "\\n",
    "\\u0031",
    "\\\\u0040",
    "\\\\\\\\",
    "\\ud83d\\ude00",
    "\u{200b}",
    "\u{ff11}",
    "\u{966}",
    "é",
    "中",
    "😀",
    "a long run of plain characters, ",
];

proptest! {
    #[test]
    fn a_window_shows_the_same_whatever_others_have_seen(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 1..240),
        starts in prop::collection::vec((any::<prop::sample::Index>(), 0..400_usize), 1..12),
        steps in prop::collection::vec(0..90_usize, 12),
        ends: bool,
        cut in 0..4_usize,
    ) {
        let mut raw = pieces.concat().into_bytes();
        raw.truncate(raw.len() - cut.min(raw.len() - 1));
        let mut kept = Window::new(&raw, ends);
        // Windows go forward by small steps and back, and now and then jump.
        let mut start = 0;
        for ((place, index), step) in starts.iter().zip(steps) {
            start = match step {
                0..60 => (start + step).min(raw.len()),
                60..80 => start.saturating_sub(step - 50),
                _ => place.index(raw.len()),
            };
            let mut fresh = Window::new(&raw, ends);
            fresh.begin_at(start);
            kept.begin_at(start);
            let near = (start + index / 4).min(raw.len().saturating_sub(1));
            if start <= near {
                prop_assert_eq!(kept.index_of(near), fresh.index_of(near), "{} from {}", near, start);
            }
            for at in [*index, index / 2, index / 8, 0, *index] {
                prop_assert_eq!(kept.get(at), fresh.get(at), "{} from {}", at, start);
                prop_assert_eq!(kept.undecided, fresh.undecided);
                if fresh.known() > at {
                    prop_assert_eq!(kept.begin(at), fresh.begin(at), "{} from {}", at, start);
                    prop_assert_eq!(kept.end(at + 1), fresh.end(at + 1), "{} from {}", at, start);
                }
            }
        }
    }
}
