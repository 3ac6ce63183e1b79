//! Ending a stream of server-sent events in the middle, so that clients read it to a clean end.

mod errors;

pub(crate) use errors::ErrorEvents;

/// Follows a stream far enough to know whether an event is open.
///
/// A blank line ends an event; lines end with LF, CR or CR LF
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boundary {
    /// The stream's last bytes; a stream begins as if after a blank line.
    tail: [u8; TAIL],
}

/// How many of a chunk's last bytes a [`Boundary`] needs to see.
pub(crate) const TAIL: usize = 4;

// === impl Boundary ===

impl Boundary {
    /// The beginning of a stream.
    pub(crate) const START: Self = Self {
        tail: [b'\n'; TAIL],
    };

    /// Notes the end of a chunk that was passed on.
    pub(crate) fn pass(&mut self, chunk: &[u8]) {
        for byte in chunk {
            self.push(*byte);
        }
    }

    /// What to send in the place of `chunk` so that the stream ends here: what is left of an open
    /// event, then the `last` ones: an error and the terminator that clients of chat streams wait for.
    ///
    /// An event that is still open after `chunk` is broken off. Its client was going to lose it.
    pub(crate) fn cut(mut self, chunk: &[u8], last: &str) -> Vec<u8> {
        let mut open = chunk.iter();
        while !self.is_between_events() {
            let Some(byte) = open.next() else {
                return [b"\n\n", last.as_bytes()].concat();
            };
            self.push(*byte);
        }
        let rest = chunk.strip_suffix(open.as_slice()).unwrap_or_default();
        [rest, last.as_bytes()].concat()
    }

    /// Whether no event is open.
    pub(crate) fn is_between_events(&self) -> bool {
        let line = match self.tail {
            [.., b'\r', b'\n'] => self.tail.get(..TAIL - 2),
            [.., b'\n' | b'\r'] => self.tail.get(..TAIL - 1),
            _ => None,
        };
        line.is_some_and(|line| line.ends_with(b"\n") || line.ends_with(b"\r"))
    }

    /// Whether no line is open.
    pub(crate) fn is_between_lines(&self) -> bool {
        matches!(self.tail, [.., b'\n' | b'\r'])
    }

    fn push(&mut self, byte: u8) {
        let [_, a, b, c] = self.tail;
        self.tail = [a, b, c, byte];
    }
}

/// The last events of a stream that a kill ends. Read as an error by clients of OpenAI's and of
/// Anthropic's streams alike.
pub(crate) const KILLED: &str = "event: error\n\
data: {\"type\":\"error\",\"error\":{\"type\":\"breakglass_killed\",\"code\":\"breakglass_killed\",\
\"message\":\"This answer was withdrawn while it was being sent. Please ask again.\"}}\n\n\
data: [DONE]\n\n";

/// The last events of a stream whose rest is withheld because of what is in it.
pub(crate) const WITHHELD: &str = "event: error\n\
data: {\"type\":\"error\",\"error\":{\"type\":\"breakglass_withheld\",\"code\":\"breakglass_withheld\",\
\"message\":\"The rest of this answer was withheld: it contains personal data.\"}}\n\n\
data: [DONE]\n\n";
