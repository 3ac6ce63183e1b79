//! HTTP/1.1 with keep-alive, one request on its way at a time, as light as it can be: what the load
//! costs, Envoy cannot have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Answers;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    requests: Arc<[Vec<u8>]>,
    next: usize,
    /// Read and not yet used: `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunked,
}

// === impl Connection ===

impl Connection {
    /// Connects. The first request is the one with the number `first`.
    pub(super) async fn open(
        addr: SocketAddr,
        requests: Arc<[Vec<u8>]>,
        first: usize,
    ) -> Result<Self> {
        let stream = TcpStream::connect(addr)
            .await
            .with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            requests,
            next: first,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
        })
    }

    /// Asks until then.
    pub(super) async fn ask(&mut self, until: Instant) -> Result<Answers> {
        let mut answers = Answers::default();
        let mut now = Instant::now();
        while now < until {
            let request = &self.requests[self.next % self.requests.len()];
            self.stream.write_all(request).await?;
            self.next += 1;
            let length = self.head().await?;
            answers.bytes += match length {
                Length::Bytes(bytes) => self.skip(bytes).await?,
                Length::Chunked => self.chunks().await?,
            } as u64;
            let answered = Instant::now();
            answers.latencies.push(answered - now);
            now = answered;
        }
        Ok(answers)
    }

    /// Reads an answer's head.
    async fn head(&mut self) -> Result<Length> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut headers);
            let unused = &self.buffer[self.start..self.end];
            if let httparse::Status::Complete(bytes) = head.parse(unused)? {
                ensure!(
                    head.code == Some(200),
                    "{}",
                    String::from_utf8_lossy(unused)
                );
                let length = Length::of(head.headers)?;
                self.start += bytes;
                return Ok(length);
            }
            self.more().await?;
        }
    }

    /// Reads and drops so many bytes.
    async fn skip(&mut self, bytes: usize) -> Result<usize> {
        let mut rest = bytes;
        loop {
            let here = rest.min(self.end - self.start);
            self.start += here;
            rest -= here;
            if rest == 0 {
                return Ok(bytes);
            }
            self.more().await?;
        }
    }

    /// Reads and drops a body in chunks; returns how many bytes were in them.
    async fn chunks(&mut self) -> Result<usize> {
        let mut bytes = 0;
        loop {
            let unused = &self.buffer[self.start..self.end];
            let size = httparse::parse_chunk_size(unused)
                .map_err(|_| anyhow::anyhow!("not the size of a chunk"))?;
            let httparse::Status::Complete((line, size)) = size else {
                self.more().await?;
                continue;
            };
            self.start += line;
            let size = usize::try_from(size)?;
            // The end of the line too; Envoy sends no trailers.
            self.skip(size + 2).await?;
            if size == 0 {
                return Ok(bytes);
            }
            bytes += size;
        }
    }

    /// Reads what has come.
    async fn more(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            ensure!(
                self.end < self.buffer.len(),
                "a head of more than {BUFFER} bytes"
            );
        }
        match self.stream.read(&mut self.buffer[self.end..]).await? {
            0 => bail!("the connection was closed"),
            read => self.end += read,
        }
        Ok(())
    }
}

// === impl Length ===

impl Length {
    fn of(headers: &[httparse::Header<'_>]) -> Result<Self> {
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                return Ok(Self::Bytes(std::str::from_utf8(header.value)?.parse()?));
            }
            if header.name.eq_ignore_ascii_case("transfer-encoding") {
                return Ok(Self::Chunked);
            }
        }
        bail!("an answer without a length")
    }
}

/// More than the largest body that is asked for in one piece.
const BUFFER: usize = 64 << 10;
