//! A client that sees each byte as soon as Envoy has sent it, and knows when Envoy has done so.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::upstream::{LIMIT, position, unchunked};

/// One HTTP/1.1 exchange on a connection of its own.
pub(crate) struct Wire {
    stream: TcpStream,
    raw: Vec<u8>,
    /// How much of the body was told of.
    seen: usize,
    closed: bool,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// The connection closed in its middle.
    Broken,
}

/// Makes sure that Envoy's one worker has done all that it was given before.
pub(crate) struct Barrier {
    stream: TcpStream,
}

// === impl Wire ===

impl Wire {
    /// Sends the head of a request with these lines, and what there is of its body.
    pub(crate) fn send(addr: SocketAddr, head: &str, body: &[u8]) -> Self {
        let mut stream = TcpStream::connect(addr).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        let request = [head.as_bytes(), b"\r\n", body].concat();
        stream.write_all(&request).expect("a request");
        Self {
            stream,
            raw: Vec::new(),
            seen: 0,
            closed: false,
        }
    }

    /// Sends more of the request's body. Who has answered early may have closed.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The bytes of the body that came since the last look; does not wait.
    pub(crate) fn news(&mut self) -> Vec<u8> {
        self.stream.set_nonblocking(true).expect("a socket");
        while self.read() {}
        self.stream.set_nonblocking(false).expect("a socket");
        let (body, _) = self.body();
        let news = body[self.seen..].to_vec();
        self.seen = body.len();
        news
    }

    /// Waits for the end of the answer.
    pub(crate) fn end(&mut self) -> End {
        while !self.body().1 {
            if !self.read() {
                assert!(self.closed, "no end within {LIMIT:?}: {}", self.shown());
                return End::Broken;
            }
        }
        End::Whole
    }

    /// Waits for the head of the answer, and returns it.
    pub(crate) fn head(&mut self) -> String {
        while position(&self.raw, b"\r\n\r\n").is_none() {
            assert!(self.read(), "no answer: {}", self.shown());
        }
        let end = position(&self.raw, b"\r\n\r\n").expect("a head");
        String::from_utf8_lossy(&self.raw[..end]).into_owned()
    }

    pub(crate) fn status(&mut self) -> u16 {
        let head = self.head();
        let status = head.split(' ').nth(1).map(str::parse);
        status.expect("a status").expect("a number")
    }

    pub(crate) fn header(&mut self, name: &str) -> Option<String> {
        let head = self.head();
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    /// The body so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body().0).into_owned()
    }

    /// Every byte so far.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The body so far, and whether it has ended.
    fn body(&self) -> (Vec<u8>, bool) {
        let Some(end) = position(&self.raw, b"\r\n\r\n") else {
            return (Vec::new(), false);
        };
        let (head, body) = (&self.raw[..end], &self.raw[end + 4..]);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        if head.contains("\ntransfer-encoding: chunked") {
            return unchunked(body);
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse::<usize>().ok());
        let ended = length.map_or(self.closed, |length| body.len() >= length);
        (body.to_vec(), ended)
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(size) if size > 0 => {
                self.raw.extend_from_slice(&buffer[..size]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                false
            }
            _ => {
                self.closed = true;
                false
            }
        }
    }
}

// === impl Barrier ===

impl Barrier {
    /// On a listener that answers by itself, of an Envoy with one worker.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        Self { stream }
    }

    /// Waits. The worker takes what comes to its sockets in the order in which it came, and writes in
    /// that order too: when it has answered this, it has passed on what was written before.
    pub(crate) fn wait(&mut self) {
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        self.stream.write_all(request).expect("a connection");
        let (mut answer, mut buffer) = (Vec::new(), [0; 1024]);
        while !answer.ends_with(b"\r\n\r\n.") {
            let size = self.stream.read(&mut buffer).expect("an answer in time");
            assert_ne!(size, 0, "the listener for barriers closed");
            answer.extend_from_slice(&buffer[..size]);
        }
    }
}
