//! A fake agent: answers like an OpenAI-compatible service, or an Anthropic-compatible one, as
//! slowly, as wrongly and as leakily as it is told to, and remembers what reached it.

mod answer;
mod anthropic;
mod log;
mod openai;
mod pii;
mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use log::{Ending, Seen};
pub use pii::{
    AADHAAR, API_KEY, CARD, Datum, EMAIL, MOBILE, PAN, PERSONAL, SENTENCES, Sentence, UPI_ID,
};

use log::Log;

/// How an agent behaves. May be changed while it runs: see [`Agent::reconfigure`].
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The `model` of every answer.
    pub name: String,
    /// The version it answers with: `version` in every answer and every event.
    pub version: String,
    /// From the request's last byte to the answer's first one.
    pub latency: Duration,
    /// Words in an answer, unless the request asks for a number with `max_tokens`.
    pub tokens: usize,
    /// Between two events of a stream.
    pub token_delay: Duration,
    /// How an answer is cut into writes.
    pub writes: Writes,
    /// Between two writes of one answer, the pauses between events aside.
    pub write_delay: Duration,
    /// Share of requests that fail.
    pub error_rate: Rate,
    /// How they fail.
    pub failure: Failure,
    /// Share of answers that leak made-up personal data: once, and a long answer again and again.
    pub pii_rate: Rate,
    /// What it leaks, one sentence after the other; what of it, says [`Agent::leaked`].
    pub pii: &'static [Sentence],
}

/// How an answer is cut into writes to the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// A JSON answer at once, a stream event by event.
    #[default]
    Event,
    /// Cut after every space: inside events, between words.
    Token,
    /// Byte by byte.
    Byte,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failure {
    /// With status 500.
    #[default]
    Status,
    /// With an error event in the middle of the stream; what is to be no stream, with status 500.
    ErrorEvent,
    /// The connection closes in the middle of the answer.
    BreakOff,
}

/// A share of the requests, spread evenly and without chance: of any n requests in a row, it hits
/// n times the share, give or take one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    ppm: u32,
}

/// A running agent. Stops when dropped, and resets what it has open.
#[derive(Debug)]
pub struct Agent {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What the agent and its connections share.
#[derive(Debug)]
struct Shared {
    config: RwLock<Arc<AgentConfig>>,
    log: Log,
}

// === impl Agent ===

impl Agent {
    /// Starts an agent on `addr`; port 0 takes a free one.
    pub async fn start(config: AgentConfig, addr: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(addr)
            .await
            .with_context(|| format!("agent {}: cannot listen on {addr}", config.version))?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config: RwLock::new(Arc::new(config)),
            log: Log::default(),
        });
        let task = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How it behaves now.
    pub fn config(&self) -> Arc<AgentConfig> {
        self.shared.config()
    }

    /// Behaves differently from the next request on.
    pub fn reconfigure(&self, config: AgentConfig) {
        *self
            .shared
            .config
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// What reached it, oldest first; at most the last [`SEEN_LIMIT`] requests.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log.entries()
    }

    /// How many requests reached it since the start or since [`Agent::forget`].
    pub fn seen_total(&self) -> u64 {
        self.shared.log.total()
    }

    /// How often it wrote personal data, by entity, since the start or since [`Agent::forget`].
    pub fn leaked(&self) -> BTreeMap<&'static str, u64> {
        self.shared.log.leaked()
    }

    /// Forgets what reached it so far, and what it leaked.
    pub fn forget(&self) {
        self.shared.log.clear();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // The connections belong to the task and go with it.
        self.task.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn config(&self) -> Arc<AgentConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl AgentConfig ===

impl AgentConfig {
    /// A quick and correct agent of this version.
    pub fn new(version: &str) -> Self {
        Self {
            name: "support".to_owned(),
            version: version.to_owned(),
            latency: Duration::from_millis(3),
            tokens: 12,
            token_delay: Duration::from_millis(20),
            writes: Writes::default(),
            write_delay: Duration::ZERO,
            error_rate: Rate::default(),
            failure: Failure::default(),
            pii_rate: Rate::default(),
            pii: &SENTENCES,
        }
    }
}

// === impl Rate ===

impl Rate {
    /// Hits nothing.
    pub const NEVER: Self = Self { ppm: 0 };
    /// Hits every request.
    pub const ALWAYS: Self = Self { ppm: 1_000_000 };

    /// A share in percent, 0 to 100, kept to four places.
    pub fn percent(percent: f64) -> Result<Self> {
        ensure!(
            (0.0..=100.0).contains(&percent),
            "a share is 0 to 100 percent, not {percent}"
        );
        Ok(Self {
            ppm: (percent * 10_000.0).round() as u32,
        })
    }

    /// Whether the request with this number, counted from 0, is hit.
    fn hits(self, number: u64) -> bool {
        self.hits_before(number.saturating_add(1)) > self.hits_before(number)
    }

    /// Which of its hits the request with this number is, counted from 0, if it is hit.
    fn hit(self, number: u64) -> Option<u64> {
        self.hits(number).then(|| self.hits_before(number))
    }

    fn hits_before(self, number: u64) -> u64 {
        let hits = u128::from(number) * u128::from(self.ppm) / 1_000_000;
        u64::try_from(hits).unwrap_or(u64::MAX)
    }
}

impl FromStr for Rate {
    type Err = anyhow::Error;

    /// `2.5` or `2.5%`.
    fn from_str(text: &str) -> Result<Self> {
        let percent = text.trim_end_matches('%').trim();
        Self::percent(
            percent
                .parse()
                .map_err(|_| anyhow!("not a percentage: {text}"))?,
        )
    }
}

// === impl Writes ===

impl FromStr for Writes {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "event" => Ok(Self::Event),
            "token" => Ok(Self::Token),
            "byte" => Ok(Self::Byte),
            _ => Err(anyhow!(
                "not a way to write: {text}; it is event, token or byte"
            )),
        }
    }
}

// === impl Failure ===

impl FromStr for Failure {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "status" => Ok(Self::Status),
            "error-event" => Ok(Self::ErrorEvent),
            "break-off" => Ok(Self::BreakOff),
            _ => Err(anyhow!(
                "not a way to fail: {text}; it is status, error-event or break-off"
            )),
        }
    }
}

/// Requests that an agent remembers: some hundred bytes each, so tens of megabytes at the most.
pub const SEEN_LIMIT: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_hits_its_exact_share() {
        for (percent, expected) in [
            (0.0, 0),
            (0.1, 10),
            (2.5, 250),
            (33.3333, 3333),
            (100.0, 10_000),
        ] {
            let rate = Rate::percent(percent).unwrap();
            let hits = (0..10_000).filter(|&number| rate.hits(number)).count();
            assert_eq!(hits, expected, "{percent} %");
            let turns: Vec<u64> = (0..10_000).filter_map(|number| rate.hit(number)).collect();
            assert_eq!(turns, (0..expected as u64).collect::<Vec<_>>());
        }
        assert!(Rate::percent(101.0).is_err());
    }
}
