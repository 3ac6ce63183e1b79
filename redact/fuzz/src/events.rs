//! Streams of events: as they come, and as providers write them with a text cut over events.

use breakglass_redact::{Action, Format, Profile, Redactor, Tally};

use super::Input;
use super::body::{Random, assert_same, by_spans, pieces, redacted, show, switched, with_custom};
use super::json::{blocks, plain_document};
use super::shape::Shape;

/// Server-sent events. From `@` on, the mode says how a provider would write the text.
pub fn sse(data: &[u8]) {
    any(Format::Sse, data);
}

/// The same, of JSON lines.
pub fn ndjson(data: &[u8]) {
    any(Format::NdJson, data);
}

fn any(format: Format, data: &[u8]) {
    let Some(input) = Input::of(data) else { return };
    let Input { mode, seed, text } = input;
    let all = Profile::all(Action::Mask);
    if mode & 0x40 != 0 {
        return streams(format, input);
    }
    match mode % 8 {
        0 => keeps_lines(format, &all, text, seed),
        1 => keeps_lines(format, &Profile::all(Action::Count), text, seed),
        2 => keeps_lines(format, &with_custom(), text, seed),
        3 => keeps_lines(format, &all, &with_long_events(text), seed),
        4 => nothing_in_it(format, text, seed),
        5 => releases(format, text, seed),
        6 => blocks(format, text, seed),
        _ => switched(format, text, seed),
    }
}

/// However the stream is cut, the same comes out, and no line that carries no data goes missing.
fn keeps_lines(format: Format, profile: &Profile, body: &[u8], seed: u16) {
    let (whole, tally) = redacted(format, profile, [body]);
    let (out, counted) = redacted(format, profile, pieces(body, seed));
    assert_same(&out, &whole, "in pieces");
    for (kind, action, times) in tally.iter() {
        let other = counted
            .iter()
            .find(|(of, by, _)| (*of, *by) == (kind, action));
        assert_eq!(
            other.map(|(_, _, times)| times),
            Some(times),
            "{} counted",
            profile.name(kind)
        );
    }
    assert_keeps_lines(format, body, &whole);
}

/// Each byte 1 becomes so many words that an event with a few of them is too long to be kept.
fn with_long_events(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for byte in text {
        match byte {
            1 if body.len() < 40_000 => body.extend(b"usual words, ".iter().cycle().take(3_000)),
            byte => body.push(*byte),
        }
    }
    body
}

fn assert_keeps_lines(format: Format, body: &[u8], out: &[u8]) {
    if format == Format::NdJson {
        let (before, after) = (count(body, b'\n'), count(out, b'\n'));
        assert!(
            before <= after,
            "{before} lines, then {after}: {} -> {}",
            show(body),
            show(out)
        );
        return;
    }
    let mut after = other_lines(out);
    for line in other_lines(body) {
        let is_there = after.any(|other| other == line);
        assert!(
            is_there,
            "the line {} went missing: {} -> {}",
            show(line),
            show(body),
            show(out)
        );
    }
}

fn count(text: &[u8], byte: u8) -> usize {
    text.iter().filter(|other| **other == byte).count()
}

/// The lines of a stream that carry no data.
fn other_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(|line| {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        !line.is_empty() && !line.starts_with(b"data:") && *line != *b"data"
    })
}

/// Events of short words and numbers, in no provider's shape, pass as they are.
fn nothing_in_it(format: Format, text: &[u8], seed: u16) {
    let mut body = Vec::new();
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let document = [b"{\"word\":", &*plain_document(line), b"}"].concat();
        if format == Format::Sse {
            body.extend_from_slice(format!(": ping\nid: {place}\ndata: ").as_bytes());
        }
        body.extend_from_slice(&document);
        body.extend_from_slice(if format == Format::Sse {
            b"\n\n"
        } else {
            b"\n"
        });
    }
    let (out, tally) = redacted(format, &Profile::all(Action::Mask), pieces(&body, seed));
    assert_same(&out, &body, "nothing in it");
    assert_eq!(tally.iter().count(), 0, "{tally:?} in {}", show(&body));
}

/// Releases do no harm to any stream.
fn releases(format: Format, body: &[u8], seed: u16) {
    let profile = Profile::all(Action::Count);
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    for (place, piece) in pieces(body, seed).into_iter().enumerate() {
        redactor.push(&profile, piece, &mut out, &mut tally);
        if (place + usize::from(seed)) % 3 == 0 {
            redactor.release(&profile, &mut out, &mut tally);
        }
    }
    redactor.finish(&profile, &mut out, &mut tally);
    assert_keeps_lines(format, body, &out);
}

/// A text cut over the events of a provider: put together again, it is the redaction of the whole.
fn streams(format: Format, Input { mode, seed, text }: Input<'_>) {
    let shape = Shape::of(format, mode & 0x0F);
    let mut random = Random::new(seed ^ 0x5555);
    let units = shape.units(text, seed);
    let (first, second) = units.split_at(if shape.is_double() {
        units.len() / 2
    } else {
        units.len()
    });
    let texts = [first.concat(), second.concat()];
    let (body, count) = shape.body(first, second, &mut random);
    let first_end = count - shape.ends().len() + usize::from(shape.has_text_to_the_end());

    let (profile, releases) = match mode >> 4 & 3 {
        0 => (Profile::all(Action::Mask), false),
        1 => (Profile::all(Action::Count), true),
        2 => (with_custom(), false),
        _ => (Profile::all(Action::Count), false),
    };
    let changes = profile.changes_text() && !shape.is_signed();
    let expected = texts.map(|text| match changes {
        true => String::from_utf8(by_spans(&profile, text.as_bytes())).expect("UTF-8 stays UTF-8"),
        false => text,
    });
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    for (place, piece) in pieces(&body, seed).into_iter().enumerate() {
        redactor.push(&profile, piece, &mut out, &mut tally);
        if releases && (place + usize::from(seed)) % 3 == 0 {
            redactor.release(&profile, &mut out, &mut tally);
        }
    }
    redactor.finish(&profile, &mut out, &mut tally);
    if !releases {
        let (whole, _) = redacted(format, &profile, [&body[..]]);
        assert_same(&out, &whole, "in pieces");
    }
    let read = shape.read(&out, &body, first_end);
    for (got, raw) in read.texts.iter().zip(&expected) {
        let expected = shape.decode(raw);
        assert!(
            *got == expected,
            "{shape:?} put together:\n  came out {got:?}\n  expected {expected:?}\n  body {}\n  out {}",
            show(&body),
            show(&out)
        );
    }
    // What was held back leaves in an event like an earlier one, which has its id.
    let mut ids: Vec<usize> = Vec::new();
    for id in read.ids {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    assert_eq!(
        ids,
        (0..count).collect::<Vec<_>>(),
        "order of events: {}",
        show(&out)
    );
    assert!(
        read.events >= count,
        "{} events of {count}: {}",
        read.events,
        show(&out)
    );
    assert!(!read.is_late, "text after its end: {}", show(&out));
}
