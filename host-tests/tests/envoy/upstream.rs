//! An upstream of which the test decides each write: what, and when.
//!
//! Everything here blocks, and runs on threads of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Takes one request on each connection and leaves the answer to whoever takes the [`Call`].
pub(crate) struct Upstream {
    addr: SocketAddr,
    calls: Receiver<Call>,
    received: Arc<Mutex<Vec<u8>>>,
    stopped: Arc<AtomicBool>,
}

/// One request, and the answer to be written.
pub(crate) struct Call {
    /// Request line and headers, the names in small letters.
    pub(crate) head: String,
    /// As far as it came.
    pub(crate) body: Vec<u8>,
    /// Whether it came to its end.
    pub(crate) whole: bool,
    stream: TcpStream,
    chunked: bool,
}

// === impl Upstream ===

impl Upstream {
    /// Answers nothing by itself, but those who ask at the end whether Envoy still serves.
    pub(crate) fn start() -> Self {
        let (sender, calls) = mpsc::channel();
        let sender = Mutex::new(sender);
        Self::listen(calls, move |mut call| {
            if call.head.contains("\nx-user-id: last-") {
                call.answer(200, &[("content-type", "application/json")], b"{}");
                return;
            }
            // Nobody waits for calls any more where a test has failed.
            let _ = sender.lock().unwrap().send(call);
        })
    }

    /// Answers by itself, each request on a thread of its own.
    #[cfg(feature = "clients")]
    pub(crate) fn serve(answer: impl Fn(Call) + Send + Sync + 'static) -> Self {
        let (_, calls) = mpsc::channel();
        Self::listen(calls, answer)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next request that has come whole, or as far as it ever will.
    pub(crate) fn next(&self) -> Call {
        self.calls.recv_timeout(LIMIT).expect("a request upstream")
    }

    /// Every byte of every request so far, as it came.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }

    fn listen(calls: Receiver<Call>, answer: impl Fn(Call) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let stopped = Arc::new(AtomicBool::new(false));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen, stop) = (Arc::new(answer), received.clone(), stopped.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, seen) = (answer.clone(), seen.clone());
                let stream = stream.expect("a connection");
                thread::spawn(move || {
                    if let Some(call) = Call::read(stream, &seen) {
                        answer(call);
                    }
                });
            }
        });
        Self {
            addr,
            calls,
            received,
            stopped,
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.addr);
    }
}

// === impl Call ===

impl Call {
    /// A header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            (key == name).then_some(value)
        });
        found.map(str::trim)
    }

    /// The path of the request.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// A whole answer, with its length.
    pub(crate) fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let length = body.len().to_string();
        self.head(status, &[headers, &[("content-length", &length)]].concat());
        self.chunked = false;
        self.write(body);
    }

    /// The head of an answer whose body comes in [`Self::write`]s, up to [`Self::end`].
    pub(crate) fn begin(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.head(
            status,
            &[headers, &[("transfer-encoding", "chunked")]].concat(),
        );
        self.chunked = true;
    }

    /// An answer that has no body by its status.
    pub(crate) fn bare(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.head(status, headers);
    }

    /// Writes at once, as one chunk. Whoever has gone does not read it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let framed = match self.chunked {
            true => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
            false => bytes.to_vec(),
        };
        self.stream.write_all(&framed).is_ok()
    }

    /// Ends the answer in good form.
    pub(crate) fn end(mut self) {
        let _ = self.stream.write_all(b"0\r\n\r\n");
    }

    /// Waits until the other side has left.
    pub(crate) fn assert_dropped(mut self) {
        let mut rest = Vec::new();
        let over = self.stream.read_to_end(&mut rest);
        let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(
            over.as_ref().is_ok() || over.as_ref().is_err_and(reset),
            "the answer is still wanted: {over:?}"
        );
    }

    fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        // Each request has a connection of its own.
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let _ = self.stream.write_all(head.as_bytes());
    }

    fn read(stream: TcpStream, seen: &Mutex<Vec<u8>>) -> Option<Self> {
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(LIMIT));
        let mut call = Self {
            head: String::new(),
            body: Vec::new(),
            whole: false,
            stream,
            chunked: false,
        };
        let (mut raw, mut buffer) = (Vec::new(), [0; 16 << 10]);
        loop {
            if let Some(head) = position(&raw, b"\r\n\r\n") {
                let body = &raw[head + 4..];
                call.head = small(&String::from_utf8_lossy(&raw[..head]));
                let length = call.header("content-length").map(str::parse::<usize>);
                (call.body, call.whole) = match length {
                    Some(length) => (body.to_vec(), body.len() >= length.ok()?),
                    None if call.header("transfer-encoding").is_some() => unchunked(body),
                    None => (Vec::new(), true),
                };
            }
            if call.whole {
                return Some(call);
            }
            match call.stream.read(&mut buffer) {
                Ok(size) if size > 0 => {
                    raw.extend_from_slice(&buffer[..size]);
                    seen.lock().unwrap().extend_from_slice(&buffer[..size]);
                }
                _ => return (!raw.is_empty()).then_some(call),
            }
        }
    }
}

/// What a body in chunks says so far, and whether it has ended.
pub(crate) fn unchunked(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = position(raw, b"\r\n") {
        let size = std::str::from_utf8(&raw[..line]).unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
        let rest = &raw[line + 2..];
        if size == 0 {
            return (body, rest.starts_with(b"\r\n"));
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        if rest.len() < size + 2 {
            break;
        }
        raw = &rest[size + 2..];
    }
    (body, false)
}

pub(crate) fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

/// A head with the names of its headers in small letters.
fn small(head: &str) -> String {
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) if !name.contains(' ') => {
            format!("{}: {value}\n", name.to_ascii_lowercase())
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// Everything asked here is answered in milliseconds; more means that something hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
