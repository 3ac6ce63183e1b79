//! One JSON document.

use breakglass_redact::{Action, Format, Profile, Redactor, Tally};
use serde_json::Value;

use super::Input;
use super::body::{
    assert_released, assert_same, by_spans, pieces, redacted, show, switched, with_custom,
};

/// However a document is cut, the same comes out; JSON stays JSON of the same shape.
pub fn json(data: &[u8]) {
    let Some(Input { mode, seed, text }) = Input::of(data) else {
        return;
    };
    let all = Profile::all(Action::Mask);
    match mode % 8 {
        0 => stays_json(&all, text, seed),
        1 => counts(text, seed),
        2 => stays_json(&with_custom(), text, seed),
        3 => strings(&all, text, seed),
        4 => nothing_in_it(text, seed),
        5 => releases(text, seed),
        6 => blocks(Format::Json, text, seed),
        _ => switched(Format::Json, text, seed),
    }
}

fn stays_json(profile: &Profile, text: &[u8], seed: u16) {
    let (whole, _) = redacted(Format::Json, profile, [text]);
    let (out, _) = redacted(Format::Json, profile, pieces(text, seed));
    assert_same(&out, &whole, "in pieces");
    let Ok(before) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    match serde_json::from_slice::<Value>(&whole) {
        Ok(after) => assert!(
            is_same_shape(&before, &after),
            "another shape: {} -> {}",
            show(text),
            show(&whole)
        ),
        Err(error) => panic!(
            "no JSON any more, {error}: {} -> {}",
            show(text),
            show(&whole)
        ),
    }
}

/// Whether nothing but strings differs, and what repeats them.
fn is_same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_shape(a, b))
        }
        // Two names may become the same placeholder.
        (Value::Object(a), Value::Object(b)) => a.iter().all(|(name, a)| match b.get(name) {
            Some(_) if name == "logprobs" => true,
            Some(b) => is_same_shape(a, b),
            None => b.keys().any(|name| name.contains('[')),
        }),
        (Value::String(_), Value::String(_)) => true,
        (a, b) => a == b,
    }
}

fn counts(text: &[u8], seed: u16) {
    let profile = Profile::all(Action::Count);
    let (one, tally) = redacted(Format::Json, &profile, [text]);
    assert_same(&one, text, "counted only, in one piece");
    let (out, counted) = redacted(Format::Json, &profile, pieces(text, seed));
    assert_same(&out, text, "counted only, in pieces");
    assert_eq!(sum(&tally), sum(&counted), "counted in {}", show(text));
}

fn sum(tally: &Tally) -> u32 {
    tally.iter().map(|(_, _, count)| count).sum()
}

/// Each line of the text is a string of a list, and comes out as it would alone.
fn strings(profile: &Profile, text: &[u8], seed: u16) {
    let text = String::from_utf8_lossy(text);
    let (mut body, mut expected) = (b"[".to_vec(), b"[".to_vec());
    for line in text.split('\n') {
        let written = serde_json::to_string(line).expect("a string");
        let written = &written.as_bytes()[1..written.len() - 1];
        for (document, text) in [
            (&mut body, written.to_vec()),
            (&mut expected, by_spans(profile, written)),
        ] {
            document.push(b'"');
            document.extend_from_slice(&text);
            document.extend_from_slice(b"\",");
        }
    }
    for document in [&mut body, &mut expected] {
        document.pop();
        document.push(b']');
    }
    let (out, _) = redacted(Format::Json, profile, pieces(&body, seed));
    assert_same(&out, &expected, "a list of strings");
}

/// A document of short words and numbers passes as it is.
fn nothing_in_it(text: &[u8], seed: u16) {
    let body = plain_document(text);
    assert!(
        serde_json::from_slice::<Value>(&body).is_ok() || text.len() > 100,
        "{}",
        show(&body)
    );
    let (out, tally) = redacted(
        Format::Json,
        &Profile::all(Action::Mask),
        pieces(&body, seed),
    );
    assert_same(&out, &body, "nothing in it");
    assert!(tally.is_empty(), "{tally:?} in {}", show(&body));
}

/// Objects, lists, words and numbers by the bytes of `text`.
pub(crate) fn plain_document(text: &[u8]) -> Vec<u8> {
    let (mut out, mut open) = (b"[".to_vec(), vec![b']']);
    let mut is_first = true;
    for byte in text {
        if byte % 8 == 2 {
            if open.len() > 1 {
                out.extend(open.pop());
                is_first = false;
            }
            continue;
        }
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        let word = WORDS[usize::from(byte >> 3) % WORDS.len()];
        if open.last() == Some(&b'}') {
            out.extend_from_slice(format!("\"{word}\": ").as_bytes());
        }
        match byte % 8 {
            0 => (out.push(b'{'), open.push(b'}'), is_first = true).2,
            1 => (out.push(b'['), open.push(b']'), is_first = true).2,
            3 => out.extend_from_slice(b"null"),
            4 => out.extend_from_slice(format!("{}", u32::from(*byte) * 40_503).as_bytes()),
            5 => out.extend_from_slice(b"-1.5e3"),
            6 => out.extend_from_slice(
                format!("\"{word}, \\\"{word}\\\" \\u00e9\\n{word}.\"").as_bytes(),
            ),
            _ => out.extend_from_slice(format!("\"{word}\"").as_bytes()),
        }
    }
    out.extend(open.into_iter().rev());
    out
}

/// What is released too early is not lost.
fn releases(text: &[u8], seed: u16) {
    let profile = Profile::all(Action::Count);
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Json), Vec::new(), Tally::default());
    for (place, piece) in pieces(text, seed).into_iter().enumerate() {
        redactor.push(&profile, piece, &mut out, &mut tally);
        if (place + usize::from(seed)) % 3 == 0 {
            redactor.release(&profile, &mut out, &mut tally);
            assert_released(&redactor, &tally);
        }
    }
    redactor.finish(&profile, &mut out, &mut tally);
    assert_same(&out, text, "counted and released");
}

/// What blocks ends the body somewhere in what would have left masked.
pub(crate) fn blocks(format: Format, text: &[u8], seed: u16) {
    let (masked, _) = redacted(format, &Profile::all(Action::Mask), [text]);
    let block = Profile::all(Action::Block);
    let run = |pieces: Vec<&[u8]>| {
        let (mut redactor, mut out, mut tally) =
            (Redactor::new(format), Vec::new(), Tally::default());
        for piece in pieces {
            redactor.push(&block, piece, &mut out, &mut tally);
        }
        redactor.finish(&block, &mut out, &mut tally);
        (out, tally.blocked().is_some())
    };
    let (whole, is_blocked) = run(vec![text]);
    let (out, is_cut_blocked) = run(pieces(text, seed));
    assert_same(&out, &whole, "blocked in pieces");
    assert_eq!(is_blocked, is_cut_blocked, "blocked or not");
    let is_prefix = masked.starts_with(&whole) && (is_blocked || masked == whole);
    assert!(
        is_prefix,
        "blocked:\n  came out {}\n  masked is {}",
        show(&whole),
        show(&masked)
    );
}

const WORDS: [&str; 16] = [
    "role",
    "content",
    "type",
    "text",
    "name",
    "delta",
    "choices",
    "message",
    "id",
    "index",
    "usage",
    "a",
    "usual words",
    "parts",
    "logprob",
    "thinking",
];
