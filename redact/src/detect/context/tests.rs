//! The same, byte by byte, as the plain rules say it.

use super::*;
use crate::detect::Hints;
use crate::profile::{Action, Profile};

/// Some text in lower case, and where its last sentence begins.
#[derive(Default)]
struct Plain {
    text: Vec<u8>,
    from: usize,
}

impl Plain {
    /// The text left of a place, of which `raw` is the end.
    fn left(raw: &[u8]) -> Self {
        let mut text = Vec::new();
        let (mut sentence, mut asked) = (0, false);
        let mut bytes = raw.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let byte = match byte {
                b'\\' => {
                    while bytes.next_if(|next| *next == b'\\').is_some() {}
                    bytes.next();
                    b' '
                }
                byte => byte.to_ascii_lowercase(),
            };
            let ends = match byte {
                b'.' | b'!' | b'?' => bytes
                    .peek()
                    .is_none_or(|next| matches!(next, b' ' | b'\n' | b'\\')),
                0x82 => text.ends_with(&[0xE3, 0x80]),
                _ => false,
            };
            if ends && !is_abbreviation(&text) {
                (sentence, asked) = (text.len(), byte == b'?');
            }
            text.push(byte);
        }
        let short = !asked && text.len() - sentence < SHORT_SENTENCE;
        let from = if short { 0 } else { sentence };
        Self { text, from }
    }

    /// The text right of a place.
    fn right(sight: &mut Sight<'_>, end: usize) -> Self {
        let (mut text, mut seen, mut index) = (Vec::new(), 0, end);
        while text.len() < RIGHT_CHARS && seen <= RIGHT_WORDS {
            let char = sight.text.get(index);
            match char {
                MORE => return Self::default(),
                OTHER | END | b'.' | b'!' | b'?' | b',' | b';' | b'\n' | b'"' | b'<' | b'{'
                | b'}' | b'|' => break,
                b' ' => seen += 1,
                _ => {}
            }
            text.push(char.to_ascii_lowercase());
            index += 1;
        }
        Self { text, from: 0 }
    }

    fn has_any(&self, near: usize, words: &Words) -> bool {
        let from = self.text.len().saturating_sub(near).max(self.from);
        let text = &self.text[from..];
        (0..text.len()).any(|at| {
            let before = if at == 0 { b' ' } else { text[at - 1] };
            words
                .words
                .iter()
                .any(|word| stands_at(&text[at..], before, word.as_bytes()))
        })
    }
}

/// Numbers that look like chance, and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % limit
    }

    fn text(&mut self) -> Vec<u8> {
        const SIGNS: [&str; 30] = [
            " ",
            " ",
            " ",
            " ",
            "\n",
            ". ",
            "! ",
            "? ",
            "。",
            ".",
            ", ",
            "-",
            "_",
            "/",
            "#",
            "\\n",
            "\\\"",
            "\\\\n",
            "\\",
            "\\u00e9",
            "s",
            "s ",
            "1",
            "4111 1111",
            "İ",
            "é",
            "あ",
            "no. ",
            "tel. ",
            "A",
        ];
        let all = |entity: &Entity| Words::for_entity(*entity).words;
        let words: Vec<&str> = Entity::ALL.iter().flat_map(all).copied().collect();
        let mut text = Vec::new();
        for _ in 0..self.below(60) {
            match self.below(8) {
                0 => {
                    let word = words[self.below(words.len())].as_bytes();
                    let (from, to) = (self.below(2), word.len() - self.below(2));
                    text.extend(word.get(from..to).unwrap_or_default());
                }
                1 => text.extend(words[self.below(words.len())].to_ascii_uppercase().bytes()),
                2 => text.extend(words[self.below(words.len())].bytes()),
                3 => text.push(u8::try_from(32 + self.below(95)).unwrap_or(0)),
                4 if self.below(8) == 0 => text.push(u8::try_from(self.below(256)).unwrap_or(0)),
                _ => text.extend(SIGNS[self.below(SIGNS.len())].bytes()),
            }
        }
        text
    }
}

const HINTS: Hints<'_> = Hints {
    key: b"",
    bare: false,
};

fn all_words() -> impl Iterator<Item = &'static Words> {
    let entities = Entity::ALL.iter();
    entities.map(|entity| Words::for_entity(*entity))
}

#[test]
fn what_stands_left_is_what_the_rules_say() {
    let (profile, mut chance) = (Profile::all(Action::Mask), Chance(0x9E37_79B9_7F4A_7C15));
    let (mut found, mut escaped, mut ended) = (0, 0, 0);
    for _ in 0..400 {
        let raw = chance.text();
        let mut sight = Sight::new(&profile, HINTS, &raw, true);
        let mut at = 0;
        while at <= raw.len() {
            sight.begin_at(at, 0);
            let read = &raw[at.saturating_sub(LEFT_BYTES)..at];
            let plain = Plain::left(read);
            escaped += usize::from(read.contains(&b'\\'));
            ended += usize::from(plain.from > 0);
            let letters = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0xC0;
            let seen = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            let text = seen(sight.left_text(0));
            // Without a letter nobody reads it.
            if !text.is_empty() || read.iter().any(letters) {
                let expected = seen(&plain.text[plain.from..]);
                assert_eq!(text, expected, "{at} of {:?}", seen(&raw));
            }
            for words in all_words() {
                for near in [LEFT_BYTES, 28, chance.below(LEFT_BYTES)] {
                    let expected = plain.has_any(near, words);
                    found += usize::from(expected);
                    let seen = || format!("{words:?} in {near} before {at} of {:?}", seen(&raw));
                    let known = sight.left(0).has_any(near, words, false);
                    assert_eq!(known, expected, "{}", seen());
                    assert_eq!(sight.left_has(0, near, *words), expected, "{}", seen());
                }
            }
            at = match chance.below(10) {
                0 => at.saturating_sub(chance.below(9)) + 1,
                1 => at + chance.below(300),
                _ => at + 1 + chance.below(12),
            };
        }
    }
    assert!(
        found > 5000 && escaped > 500 && ended > 500,
        "{found} {escaped} {ended}"
    );
}

#[test]
fn a_word_at_the_end_of_the_text_left_is_one_whatever_is_behind_it() {
    let profile = Profile::all(Action::Mask);
    for words in all_words() {
        for word in words.words {
            let raw = format!("my {word}qx");
            let mut sight = Sight::new(&profile, HINTS, raw.as_bytes(), true);
            sight.begin_at(raw.len() - 2, 0);
            assert!(sight.left(0).has_any(LEFT_BYTES, words, false), "{word}");
        }
    }
}

#[test]
fn a_word_behind_an_escape_is_one_wherever_that_is_cut() {
    let profile = Profile::all(Action::Mask);
    for blanks in 0..130 {
        let raw = format!("{}\\ncall me ", " ".repeat(blanks));
        let mut sight = Sight::new(&profile, HINTS, raw.as_bytes(), true);
        for at in [64, raw.len()].into_iter().filter(|at| *at <= raw.len()) {
            sight.begin_at(at, 0);
            let words = Words::for_entity(Entity::PhoneNumber);
            let found = sight.left(0).has_any(LEFT_BYTES, words, false);
            assert_eq!(
                found,
                Plain::left(&raw.as_bytes()[at.saturating_sub(64)..at]).has_any(64, words)
            );
        }
    }
}

#[test]
fn what_stands_right_is_what_the_rules_say() {
    let (profile, mut chance) = (Profile::all(Action::Mask), Chance(0x2545_F491_4F6C_DD1D));
    let (mut found, mut undecided) = (0, 0);
    for turn in 0..2000 {
        let raw = chance.text();
        let ends = turn % 3 > 0;
        let mut sight = Sight::new(&profile, HINTS, &raw, ends);
        let mut other = Sight::new(&profile, HINTS, &raw, ends);
        for end in [0, chance.below(9), chance.below(40)] {
            let plain = Plain::right(&mut other, end);
            for words in all_words() {
                let expected = plain.has_any(LEFT_BYTES, words);
                found += usize::from(expected);
                assert_eq!(
                    sight.right_has(end, words),
                    expected,
                    "{words:?} from {end} on in {:?}",
                    String::from_utf8_lossy(&raw)
                );
            }
            assert_eq!(sight.text.undecided, other.text.undecided);
            undecided += usize::from(other.text.undecided);
        }
    }
    assert!(found > 1000 && undecided > 100);
}
