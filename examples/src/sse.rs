//! Server-sent events, read from bytes as they come.

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field, if the event has one.
    pub name: Option<String>,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
}

/// Cuts a byte stream into events, wherever the chunks may end. Lines end with LF or CRLF.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    name: Option<String>,
    data: Option<String>,
}

/// The `data` that ends a stream of an OpenAI-compatible service.
pub const DONE: &str = "[DONE]";

/// The name of the event that ends a stream of an Anthropic-compatible service.
pub const MESSAGE_STOP: &str = "message_stop";

// === impl Event ===

impl Event {
    /// Whether this event tells of an error: named `error`, or JSON with a member `error`.
    pub fn is_error(&self) -> bool {
        self.name.as_deref() == Some("error")
            || self.json().is_some_and(|data| data.get("error").is_some())
    }

    /// Whether this is the end of the stream.
    pub fn is_done(&self) -> bool {
        self.data == DONE || self.name.as_deref() == Some(MESSAGE_STOP)
    }

    /// The data, if it is JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.data).ok()
    }
}

// === impl Parser ===

impl Parser {
    /// Takes the next bytes and returns the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            events.extend(self.line(&line));
        }
        events
    }

    /// Whether the stream stopped inside an event.
    pub fn is_torn(&self) -> bool {
        !self.line.is_empty() || self.name.is_some() || self.data.is_some()
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        let line = String::from_utf8_lossy(line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if line.is_empty() {
            let (name, data) = (self.name.take(), self.data.take());
            return Some(Event { name, data: data? });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments (an empty field), `id`, `retry` and what is unknown: of no interest here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\ndata: {\"a\":1}\n\ndata: one\r\ndata: two\r\n\r\nevent: error\ndata: {}\n\ndata: [DONE]\n\n";

    #[test]
    fn events_do_not_depend_on_how_the_bytes_are_cut() {
        let whole = Parser::default().push(STREAM.as_bytes());
        for size in 1..STREAM.len() {
            let mut parser = Parser::default();
            let cut: Vec<Event> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| parser.push(chunk))
                .collect();
            assert_eq!(cut, whole, "chunks of {size}");
            assert!(!parser.is_torn(), "chunks of {size}");
        }
    }

    #[test]
    fn names_data_errors_and_the_end_are_told_apart() {
        let events = Parser::default().push(STREAM.as_bytes());
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!(data, ["{\"a\":1}", "one\ntwo", "{}", "[DONE]"]);
        let errors: Vec<bool> = events.iter().map(Event::is_error).collect();
        assert_eq!(errors, [false, false, true, false]);
        assert!(events[3].is_done());
    }

    #[test]
    fn an_event_that_is_not_finished_is_torn() {
        let mut parser = Parser::default();
        assert!(parser.push(b"data: {\"choi").is_empty());
        assert!(parser.is_torn());
    }
}
