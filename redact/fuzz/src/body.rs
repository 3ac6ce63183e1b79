//! Bodies in pieces, and what comes out of them.

use breakglass_redact::{
    Action, Custom, Entity, Format, Profile, Redactor, Rules, Span, Tally, find,
};

/// Cuts `text` as `seed` says: byte by byte, in two, or in pieces of about the same size.
pub(crate) fn pieces(text: &[u8], seed: u16) -> Vec<&[u8]> {
    let mut random = Random::new(seed);
    match seed % 4 {
        0 => text.chunks(1).collect(),
        1 => {
            let (a, b) = text.split_at(usize::from(seed >> 2) % (text.len() + 1));
            vec![a, b]
        }
        sort => {
            let most = if sort == 2 { 6 } else { 60 };
            let (mut pieces, mut rest) = (Vec::new(), text);
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(random.below(most + 1).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces
        }
    }
}

/// What comes out of a body that comes in these pieces; what has left must stay as the body ends.
pub(crate) fn redacted<'a>(
    format: Format,
    profile: &Profile,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Tally) {
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    for piece in pieces {
        redactor.push(profile, piece, &mut out, &mut tally);
    }
    redactor.finish(profile, &mut out, &mut tally);
    assert_eq!(redactor.held(), 0, "held back after the end");
    (out, tally)
}

/// The redaction of a whole text by what [`find`] lists in it.
pub(crate) fn by_spans(profile: &Profile, text: &[u8]) -> Vec<u8> {
    let (mut out, mut from) = (Vec::new(), 0);
    for Span { start, end, kind } in spans(profile, text) {
        out.extend_from_slice(&text[from..start]);
        out.push(b'[');
        out.extend_from_slice(profile.name(kind).as_bytes());
        out.push(b']');
        from = end;
    }
    out.extend_from_slice(&text[from..]);
    out
}

/// What [`find`] lists, which must be in order, apart from each other and within the text.
pub(crate) fn spans(profile: &Profile, text: &[u8]) -> Vec<Span> {
    let spans = find(profile, text, false);
    let mut from = 0;
    for span in &spans {
        let is_sound = from <= span.start && span.start < span.end && span.end <= text.len();
        assert!(is_sound, "{span:?} after {from} in {} bytes", text.len());
        from = span.end;
    }
    spans
}

/// Asserts that two outputs are the same, and shows both as text if they are not.
#[track_caller]
pub(crate) fn assert_same(out: &[u8], expected: &[u8], what: &str) {
    assert!(
        out == expected,
        "{what}:\n  came out {}\n  expected {}",
        show(out),
        show(expected)
    );
}

/// Asserts that nothing waits after a release, unless it is the end of a private key, which is
/// masked in any case. However its first line was written, it has been counted.
#[track_caller]
pub(crate) fn assert_released(redactor: &Redactor, tally: &Tally) {
    let is_key = tally
        .iter()
        .any(|(kind, _, _)| kind == Entity::Secret.into());
    assert!(
        redactor.held() == 0 || is_key,
        "{} bytes held back after a release",
        redactor.held()
    );
}

/// Bytes as a literal.
pub(crate) fn show(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

/// Every built-in entity masked, and one more that is defined.
pub(crate) fn with_custom() -> Profile {
    let custom = vec![Custom {
        name: "EMPLOYEE",
        literals: vec!["Jane Roe of Leeds", "user1"],
        shapes: vec!["EMP-####", "##@@##", "*-*-*-*-*"],
    }];
    let rules = Rules {
        actions: vec![("*", Action::Mask)],
        custom,
        ..Rules::default()
    };
    Profile::new(&rules).expect("the profile of the fuzz targets")
}

/// A profile that is the same as before, from somewhere in the body on, changes nothing.
pub(crate) fn switched(format: Format, text: &[u8], seed: u16) {
    let (one, other) = (
        Profile::all(Action::Mask),
        Profile::all(Action::Mask).mask_all(),
    );
    let (whole, _) = redacted(format, &one, [text]);
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    for (place, piece) in pieces(text, seed).into_iter().enumerate() {
        let profile = if (place + usize::from(seed)) % 5 < 3 {
            &one
        } else {
            &other
        };
        redactor.push(profile, piece, &mut out, &mut tally);
    }
    redactor.finish(&other, &mut out, &mut tally);
    assert_same(&out, &whole, "the same profile again");
}

/// A few numbers out of one.
pub(crate) struct Random(u64);

// === impl Random ===

impl Random {
    pub(crate) fn new(seed: u16) -> Self {
        Self((u64::from(seed) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}
