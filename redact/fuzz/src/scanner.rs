//! Plain text.

use breakglass_redact::{Action, Entity, Format, Profile, Redactor, Rules, Tally};

use super::Input;
use super::body::{
    assert_released, assert_same, by_spans, pieces, redacted, show, spans, with_custom,
};

/// However a text is cut, what comes out is the redaction of the whole, and nothing too early.
pub fn scanner(data: &[u8]) {
    let Some(Input { mode, seed, text }) = Input::of(data) else {
        return;
    };
    match mode % 8 {
        0 => masks(&Profile::all(Action::Mask), text, seed),
        1 => counts(text, seed),
        2 => masks(&with_custom(), text, seed),
        3 => switches(text, seed),
        4 => is_monotone(text, seed),
        5 => releases(text, seed),
        6 => blocks(text, seed),
        _ => masks(&some(seed), text, seed),
    }
}

fn masks(profile: &Profile, text: &[u8], seed: u16) {
    let whole = by_spans(profile, text);
    let (one, tally) = redacted(Format::Text, profile, [text]);
    assert_same(&one, &whole, "in one piece");
    let (mut redactor, mut out, mut counted) =
        (Redactor::new(Format::Text), Vec::new(), Tally::default());
    for piece in pieces(text, seed) {
        redactor.push(profile, piece, &mut out, &mut counted);
        assert!(
            whole.starts_with(&out),
            "too early:\n  came out {}\n  expected {}",
            show(&out),
            show(&whole)
        );
        let held = redactor.held();
        assert!(
            held <= breakglass_redact::limits::HELD_BYTES,
            "{held} bytes held back"
        );
    }
    redactor.finish(profile, &mut out, &mut counted);
    assert_same(&out, &whole, "in pieces");
    assert_same_counts(&counted, &tally);
}

/// What is counted passes, and is counted as often as it is there.
fn counts(text: &[u8], seed: u16) {
    let profile = Profile::all(Action::Count);
    let (out, tally) = redacted(Format::Text, &profile, pieces(text, seed));
    assert_same(&out, text, "counted only");
    let spans = spans(&profile, text);
    for entity in Entity::ALL {
        let there = spans
            .iter()
            .filter(|span| span.kind == (*entity).into())
            .count();
        assert_eq!(
            tally.of(*entity) as usize,
            there,
            "{entity} in {}",
            show(text)
        );
    }
}

/// The order to mask everything comes in the middle of a text: between words that are nothing, both
/// sides come out as they would alone; anywhere, a profile that is the same changes nothing.
fn switches(text: &[u8], seed: u16) {
    let all = Profile::all(Action::Mask);
    let (before, after) = text.split_at(usize::from(seed >> 2) % (text.len() + 1));
    let stricter = all.mask_all();
    let mut pieces = pieces(before, seed);
    let switch = pieces.len();
    pieces.push(after);
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Text), Vec::new(), Tally::default());
    for (place, piece) in pieces.iter().enumerate() {
        let profile = if place < switch { &all } else { &stricter };
        redactor.push(profile, piece, &mut out, &mut tally);
    }
    redactor.finish(&stricter, &mut out, &mut tally);
    assert_same(&out, &by_spans(&all, text), "the same profile again");

    let few = some(seed);
    let stricter = few.mask_all();
    let first = [before, QUIET].concat();
    let left = by_spans(&few, &first);
    // A private key has no end that is near.
    if !left.ends_with(QUIET) {
        return;
    }
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Text), Vec::new(), Tally::default());
    redactor.push(&few, &first, &mut out, &mut tally);
    redactor.push(&stricter, QUIET, &mut out, &mut tally);
    redactor.push(&stricter, after, &mut out, &mut tally);
    redactor.finish(&stricter, &mut out, &mut tally);
    let second = by_spans(&stricter, &[QUIET, after].concat());
    assert_same(&out, &[left, second].concat(), "switched between words");
}

/// Looking for more never uncovers anything.
fn is_monotone(text: &[u8], seed: u16) {
    let few = some(seed);
    let found = spans(&few.mask_all(), text);
    for span in spans(&few, text) {
        let is_covered =
            (span.start..span.end).all(|at| found.iter().any(|by| by.start <= at && at < by.end));
        assert!(
            is_covered,
            "{span:?} is uncovered in {}: {found:?}",
            show(text)
        );
    }
}

/// What is released too early is not lost, and leaves as it is written or masked.
fn releases(text: &[u8], seed: u16) {
    let count = Profile::all(Action::Count);
    let mask = Profile::all(Action::Mask);
    let mut redactors = [
        (&count, Redactor::new(Format::Text)),
        (&mask, Redactor::new(Format::Text)),
    ];
    let mut outs = [Vec::new(), Vec::new()];
    let mut tally = Tally::default();
    for (place, piece) in pieces(text, seed).into_iter().enumerate() {
        for ((profile, redactor), out) in redactors.iter_mut().zip(&mut outs) {
            redactor.push(profile, piece, out, &mut tally);
            if (place + usize::from(seed)) % 3 == 0 {
                redactor.release(profile, out, &mut tally);
                assert_released(redactor, &tally);
            }
        }
    }
    for ((profile, redactor), out) in redactors.iter_mut().zip(&mut outs) {
        redactor.finish(profile, out, &mut tally);
    }
    assert_same(&outs[0], text, "counted and released");
    releases_once(text, seed);
}

/// Text is released somewhere: what begins after the next quiet place comes out as it would have.
fn releases_once(text: &[u8], seed: u16) {
    let mask = Profile::all(Action::Mask);
    let (before, after) = text.split_at(usize::from(seed >> 2) % (text.len() + 1));
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Text), Vec::new(), Tally::default());
    redactor.push(&mask, before, &mut out, &mut tally);
    redactor.release(&mask, &mut out, &mut tally);
    assert_same(&out, &by_spans(&mask, before), "released");
    let rest = [after, QUIET, text].concat();
    redactor.push(&mask, &rest, &mut out, &mut tally);
    redactor.finish(&mask, &mut out, &mut tally);
    let last = by_spans(&mask, &[QUIET, text].concat());
    let ended = by_spans(&mask, &[text, QUIET].concat());
    if ended.ends_with(QUIET) {
        assert!(
            out.ends_with(&last),
            "after a release:\n  came out {}\n  expected at its end {}",
            show(&out),
            show(&last)
        );
    }
}

/// What blocks ends the text right before it.
fn blocks(text: &[u8], seed: u16) {
    let names: Vec<_> = few(seed).map(Entity::name).collect();
    let mut actions: Vec<_> = names.iter().map(|name| (*name, Action::Block)).collect();
    actions.push(("*", Action::Mask));
    let profile = Profile::new(&Rules {
        actions,
        ..Rules::default()
    })
    .expect("a profile that blocks");
    let all = spans(&profile, text);
    let first = all
        .iter()
        .find(|span| profile.action(span.kind) == Some(Action::Block));
    let mut expected = by_spans(&profile, text);
    if let Some(first) = first {
        expected.truncate(expected.len() - tail_len(&profile, text, first.start));
    }
    let (out, tally) = redacted_blocked(&profile, pieces(text, seed));
    assert_same(&out, &expected, "blocked");
    assert_eq!(tally.blocked().is_some(), first.is_some(), "blocked or not");
}

/// How many bytes of the redaction of `text` come from `start` on.
fn tail_len(profile: &Profile, text: &[u8], start: usize) -> usize {
    let (mut len, mut from) = (0, start);
    for span in spans(profile, text)
        .iter()
        .filter(|span| span.start >= start)
    {
        len += span.start - from + profile.name(span.kind).len() + 2;
        from = span.end;
    }
    len + text.len() - from
}

fn redacted_blocked<'a>(
    profile: &Profile,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Tally) {
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Text), Vec::new(), Tally::default());
    for piece in pieces {
        redactor.push(profile, piece, &mut out, &mut tally);
    }
    redactor.finish(profile, &mut out, &mut tally);
    (out, tally)
}

/// Some entities masked, as the seed says, the others not looked for.
fn some(seed: u16) -> Profile {
    let actions = few(seed)
        .map(|entity| (entity.name(), Action::Mask))
        .collect();
    let rules = Rules {
        actions,
        ignore_private_ips: seed & 1 == 1,
        ..Rules::default()
    };
    Profile::new(&rules).expect("a profile of a few entities")
}

fn few(seed: u16) -> impl Iterator<Item = Entity> {
    let mask = u64::from(seed).wrapping_mul(0xD6E8_FEB8_6659_FD93) | 1 << (seed % 45);
    let all = Entity::ALL.iter().copied().enumerate();
    all.filter(move |(place, _)| mask >> (place % 64) & 1 == 1)
        .map(|(_, entity)| entity)
}

#[track_caller]
fn assert_same_counts(one: &Tally, other: &Tally) {
    for entity in Entity::ALL {
        assert_eq!(one.of(*entity), other.of(*entity), "{entity} counted");
    }
}

/// Words that are nothing, more of them than any verdict looks back at.
const QUIET: &[u8] = b". Thank you for waiting and for your patience, we have looked at all that came in and have \
    found nothing of it to be wrong. It left our house this morning, and it may be with you soon enough. If not, \
    let us know by all means that are open to you, and we shall be glad to look into it again. ";
