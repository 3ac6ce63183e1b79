//! A reader of server-sent events, written from the HTML standard (9.2.6, "Interpreting an event stream").

/// One event as a client dispatches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: String,
    /// The byte behind the line end that dispatched it.
    pub(crate) end: usize,
}

/// The events of a stream and whether it ends between two of them.
pub(crate) fn read(stream: &[u8]) -> (Vec<Event>, bool) {
    let mut events = Vec::new();
    let mut open = Event::default();
    let mut lines_open = 0;
    let mut has_data = false;
    let mut at = 0;
    while at < stream.len() {
        let rest = &stream[at..];
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return (events, false);
        };
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        let is_pair = rest[length..].starts_with(b"\r\n");
        at += length + if is_pair { 2 } else { 1 };
        if line.is_empty() {
            let mut event = std::mem::take(&mut open);
            // Dispatched by the first byte of the line end, whatever follows.
            event.end = at - usize::from(is_pair);
            if std::mem::take(&mut has_data) {
                events.push(event);
            }
            lines_open = 0;
            continue;
        }
        lines_open += 1;
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => open.kind = value.to_owned(),
            "data" => {
                if std::mem::replace(&mut has_data, true) {
                    open.data.push('\n');
                }
                open.data.push_str(value);
            }
            _ => {}
        }
    }
    (events, lines_open == 0)
}

#[test]
fn the_reader_follows_the_standard() {
    let stream = b": hi\n\nevent: a\r\ndata: 1\rdata:2\n\r\ndata\n\nevent: lost\n\ndata: x";
    let (events, between) = read(stream);
    let seen: Vec<_> = events
        .iter()
        .map(|it| (it.kind.as_str(), it.data.as_str()))
        .collect();
    assert_eq!(seen, [("a", "1\n2"), ("", "")]);
    assert!(!between);
}
