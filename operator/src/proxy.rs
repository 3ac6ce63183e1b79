//! One proxy: calls of its operator endpoint.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use crate::answer::{Problem, clean};

/// The operator endpoint of one proxy. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    name: String,
    base: String,
    timeout: Duration,
    /// Why there is no way to it.
    lost: Option<String>,
    agent: Agent,
}

/// What a proxy answered: as it wrote it, and as it was understood.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) json: Value,
    pub(crate) read: T,
}

/// Why a call has no answer that is of use.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came back.
    Unreachable(String),
    /// What came back is nothing that the filter says.
    Malformed(String),
    /// The filter said no.
    Problem(Box<Problem>),
    /// Nothing was sent, since there was nothing that could be.
    Unsent(String),
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureKind {
    /// Nothing came back. What was sent may have arrived all the same.
    Unreachable,
    /// What came back is nothing that the filter says.
    Unreadable,
    /// The filter said no: nothing has changed there.
    Refused,
    /// The filter would have, but could not (5xx).
    Unable,
    /// Nothing was sent, since there was nothing that could be.
    Unsent,
    /// It was reached, and has not what was asked for.
    Absent,
}

/// Finds the address that is meant, whatever else the name may stand for.
#[derive(Debug)]
enum Address {
    ByName(DefaultResolver),
    Known(SocketAddr),
}

/// Has `work` done for every proxy at the same time; `told` learns of each when it is done.
pub(crate) fn each<T: Send>(
    proxies: &[Proxy],
    work: impl Fn(&Proxy) -> T + Sync,
    mut told: impl FnMut(&Proxy, T),
) {
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        for proxy in proxies {
            let (done, work) = (done.clone(), &work);
            // The receiver outlives every thread.
            scope.spawn(move || drop(done.send((proxy, work(proxy)))));
        }
        drop(done);
        for (proxy, result) in results {
            told(proxy, result);
        }
    });
}

// === impl Proxy ===

impl Proxy {
    pub(crate) fn new(
        name: &str,
        base: &str,
        address: Option<SocketAddr>,
        tls: &TlsConfig,
        timeout: Duration,
    ) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // An order goes where it was sent, by no detour.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(timeout))
            .user_agent(concat!("breakglass/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.clone())
            .build();
        let resolver = match address {
            None => Address::ByName(DefaultResolver::default()),
            Some(address) => Address::Known(address),
        };
        Self {
            name: name.into(),
            base: base.into(),
            timeout,
            lost: None,
            agent: Agent::with_parts(config, DefaultConnector::default(), resolver),
        }
    }

    /// A proxy to which there is no way.
    pub(crate) fn lost(name: &str, why: String) -> Self {
        let (tls, timeout) = (TlsConfig::builder().build(), Duration::ZERO);
        Self {
            lost: Some(why),
            ..Self::new(name, "", None, &tls, timeout)
        }
    }

    /// The proxy as it was named.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, Failure> {
        self.check_way()?;
        let answer = self.agent.get(format!("{}{path}", self.base)).call();
        self.read(answer)
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Answer<T>, Failure> {
        self.check_way()?;
        let url = format!("{}{path}", self.base);
        let request = self.agent.post(url).content_type(content_type);
        match request.send(body) {
            Err(error @ ureq::Error::Timeout(_)) => Err(Failure::Unreachable(format!(
                "{}; whether it has carried the order out is not known",
                self.explain(&error)
            ))),
            answer => self.read(answer),
        }
    }

    fn check_way(&self) -> Result<(), Failure> {
        match &self.lost {
            Some(why) => Err(Failure::Unreachable(why.clone())),
            None => Ok(()),
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<Body>, ureq::Error>,
    ) -> Result<Answer<T>, Failure> {
        let unreachable = |error: ureq::Error| Failure::Unreachable(self.explain(&error));
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES);
        let body = body.read_to_vec().map_err(unreachable)?;
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        let read = match (status, &json) {
            (200, Some(json)) => T::deserialize(json)
                .map_err(|error| format!("answered 200, but not as the filter does: {error}")),
            (_, Some(json)) => match Problem::read(json) {
                Some(problem) => return Err(Failure::Problem(Box::new(problem))),
                None => Err(unexpected(status, &body)),
            },
            (_, None) => Err(unexpected(status, &body)),
        };
        match (read, json) {
            (Ok(read), Some(json)) => Ok(Answer { json, read }),
            (Err(message), _) => Err(Failure::Malformed(message)),
            (Ok(_), None) => Err(Failure::Malformed(unexpected(status, &body))),
        }
    }

    fn explain(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => format!("no answer within {:?}", self.timeout),
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::HostNotFound => "no such host".into(),
            ureq::Error::ConnectionFailed => "cannot connect".into(),
            error => error.to_string(),
        }
    }
}

fn unexpected(status: u16, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let begin: String = clean(body.trim()).chars().take(SHOWN_CHARS).collect();
    let body = match begin.as_str() {
        "" => "nothing more".to_owned(),
        begin => format!("`{begin}`"),
    };
    format!(
        "answered {status} and {body}, which is nothing that the filter says; is it its operator listener?"
    )
}

// === impl Address ===

impl Resolver for Address {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        match self {
            Self::ByName(resolver) => resolver.resolve(uri, config, timeout),
            Self::Known(address) => {
                let mut addresses = self.empty();
                addresses.push(*address);
                Ok(addresses)
            }
        }
    }
}

// === impl Failure, FailureKind ===

impl Failure {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Unreachable(_) => FailureKind::Unreachable,
            Self::Malformed(_) => FailureKind::Unreadable,
            // 5xx: it would have, but could not.
            Self::Problem(problem) if problem.status < 500 => FailureKind::Refused,
            Self::Problem(_) => FailureKind::Unable,
            Self::Unsent(_) => FailureKind::Unsent,
        }
    }

    /// Why, fit for a terminal.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Unreachable(why) | Self::Malformed(why) | Self::Unsent(why) => clean(why),
            Self::Problem(problem) => problem.to_text(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        self.kind().tell(&self.why())
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Unreachable(why) | Self::Malformed(why) | Self::Unsent(why) => {
                serde_json::json!({"error": why})
            }
            Self::Problem(problem) => problem.json.clone(),
        }
    }
}

impl FailureKind {
    /// The failure in a line about its proxy.
    pub(crate) fn tell(self, why: &str) -> String {
        let word = match self {
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            // It is the answer that is told, and its status says the rest.
            Self::Refused | Self::Unable => "refused",
            Self::Unsent | Self::Absent => return why.to_owned(),
        };
        format!("{word:11}  {why}")
    }
}

/// The largest state, of thousands of rollouts.
const ANSWER_BYTES: u64 = 64 << 20;
/// Of an answer that nobody understands, so much is shown.
const SHOWN_CHARS: usize = 120;
