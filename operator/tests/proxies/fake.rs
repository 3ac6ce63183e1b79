//! A proxy's operator endpoint in this process: the filter's own rules behind a small HTTP server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use breakglass_policy::{Name, OrderRefused, Percent, Policy, Posted, State, Timestamp};
use serde_json::{Value, json};

/// An endpoint that is there as long as the test.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path: `GET /v1/state`.
    pub(crate) line: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// What a proxy holds that has taken a policy.
pub(crate) struct Filter {
    policy: Name,
    state: Mutex<State>,
    workers: Vec<&'static str>,
}

impl Endpoint {
    /// An endpoint that answers as it is told to.
    pub(crate) fn of(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (seen.clone(), answer.clone());
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    // A client that does not wait for its answer is no fault of the test.
                    let _ = serve(&mut stream, |request| {
                        seen.lock().unwrap().push(request.clone());
                        answer(request)
                    });
                });
            }
        });
        Self { address, requests }
    }

    /// A proxy that has taken this policy.
    pub(crate) fn filter(policy: &Value) -> Self {
        let filter = Filter::new(policy);
        Self::of(move |request| filter.answer(request))
    }

    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The orders that came, in order.
    pub(crate) fn orders(&self) -> Vec<Value> {
        let requests = self.requests();
        let orders = requests.iter().filter(|one| one.line == "POST /v1/orders");
        orders
            .map(|one| serde_json::from_slice(&one.body).unwrap())
            .collect()
    }
}

/// An address at which nobody listens: one that was bound and let go. Everybody else here is at
/// 127.0.0.1, so that nobody gets it again.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Answers requests until the client has no more.
pub(crate) fn serve(
    stream: &mut (impl Read + Write),
    mut answer: impl FnMut(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (mut length, mut content_type) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "content-type" => content_type = value.into(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let line = line.rsplit_once(' ').unwrap().0.to_owned();
        let reply = answer(&Request {
            line,
            content_type,
            body,
        });
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {}\r\nlocation: /elsewhere\r\n\r\n",
            reply.status,
            reply.body.len()
        );
        let stream = reader.get_mut();
        stream.write_all(&[head.as_bytes(), &reply.body].concat())?;
        stream.flush()?;
    }
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::of(200, value.to_string())
    }

    pub(crate) fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, body }
    }

    pub(crate) fn problem(status: u16, kind: &str, detail: &str) -> Self {
        Self::of(
            status,
            json!({"type": format!("urn:breakglass:{kind}"), "title": "No", "status": status, "detail": detail})
                .to_string(),
        )
    }
}

impl Filter {
    pub(crate) fn new(policy: &Value) -> Self {
        let policy = Policy::from_json(policy.to_string().as_bytes()).unwrap();
        let mut state = State::default();
        state.publish(&policy, now());
        Self {
            policy: policy.name.clone(),
            state: Mutex::new(state),
            workers: vec!["w-1", "w-2"],
        }
    }

    /// Answers as the filter does.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        match request.line.as_str() {
            "GET /v1/state" => Reply::json(&self.state_report()),
            "POST /v1/orders" => self.carry_out(request),
            line => match line.strip_prefix("GET /v1/receipts/") {
                Some(generation) => self.receipts(generation.parse().unwrap()),
                None => Reply::problem(404, "not-found", "no such call"),
            },
        }
    }

    /// Somebody else's order gets in first.
    pub(crate) fn overtake(&self, order: &Value) {
        let posted = Posted::from_json(order.to_string().as_bytes()).unwrap();
        let mut state = self.state.lock().unwrap();
        state.obey(&posted, &self.policy, now()).unwrap();
    }

    fn workers(&self) -> Value {
        let receipts = self
            .workers
            .iter()
            .map(|id| json!({"id": id, "after_ms": 4}));
        let total = self.workers.len();
        json!({
            "total": total, "in_force": total, "receipts": receipts.collect::<Vec<_>>(), "stragglers": [],
            "p50_ms": 4, "p99_ms": 9, "max_ms": 9,
        })
    }

    fn state_report(&self) -> Value {
        let mut state = self.state.lock().unwrap();
        // Its workers look every 20 ms.
        let over = state.rollouts().filter(|(_, entry)| {
            let end = entry.control.not_after;
            end.is_some_and(|end| end < now())
        });
        let over = over.map(|(name, entry)| (name.clone(), entry.control.generation));
        for (name, generation) in over.collect::<Vec<_>>() {
            state.lapse(&name, generation);
        }
        let rollouts = state.rollouts().map(|(name, entry)| {
            json!({
                "name": name, "control": entry.control, "percent": state.closed(name, None).map_or_else(|| entry.control.share_at(now()), |_| Percent::ZERO),
                "closed": state.closed(name, None), "since_epoch": entry.since,
                "warrants_after": state.trust().map(|_| entry.floor()),
            })
        });
        let workers = self.workers.iter();
        let workers = workers.map(|id| json!({"id": id, "epoch": state.epoch(), "since": now()}));
        json!({
            "policy": self.policy, "digest": "sha256:0123456789abcdef", "boot": "b007",
            "filter": {"version": "0.1.0", "commit": "abc123"}, "at": now(), "epoch": state.epoch(),
            "rollouts": rollouts.collect::<Vec<_>>(), "workers": workers.collect::<Vec<_>>(),
        })
    }

    fn carry_out(&self, request: &Request) -> Reply {
        let posted = match request.content_type.as_str() {
            "application/vnd.breakglass.order+json" => Posted::from_json(&request.body),
            "application/vnd.dsse.envelope.v1+json" => Posted::from_envelope(&request.body),
            other => panic!("content type {other}"),
        };
        let posted = match posted {
            Ok(posted) => posted,
            Err(error) => return Reply::problem(400, "malformed", &error.to_string()),
        };
        let mut state = self.state.lock().unwrap();
        let name = &posted.order().rollout;
        if let Err(refused) = state.obey(&posted, &self.policy, now()) {
            let (status, kind) = match refused {
                OrderRefused::Unsigned | OrderRefused::Signature(_) => (401, "unsigned"),
                OrderRefused::UnknownRollout(_) => (404, "unknown-rollout"),
                OrderRefused::Stale { .. } => (409, "stale"),
                _ => (403, "not-permitted"),
            };
            let mut problem = Reply::problem(status, kind, &refused.to_string());
            if let (403 | 409, Some(entry)) = (status, state.get(name)) {
                let mut json: Value = serde_json::from_slice(&problem.body).unwrap();
                json["control"] = json!(entry.control);
                problem.body = json.to_string().into();
            }
            return problem;
        }
        let entry = state.get(name).unwrap();
        Reply::json(&json!({
            "rollout": name, "generation": entry.control.generation, "at": entry.at,
            "control": entry.control, "workers": self.workers(),
        }))
    }

    fn receipts(&self, generation: u64) -> Reply {
        let state = self.state.lock().unwrap();
        let reached = state
            .rollouts()
            .filter(|(_, entry)| entry.control.generation.get() >= generation);
        let rollouts: Vec<Value> = reached
            .map(|(name, entry)| {
                json!({
                    "rollout": name, "generation": entry.control.generation, "accepted_at": entry.at,
                    "workers": self.workers(),
                })
            })
            .collect();
        match rollouts.is_empty() {
            true => Reply::problem(404, "unknown-generation", "no rollout has reached it"),
            false => {
                Reply::json(&json!({"generation": generation, "at": now(), "rollouts": rollouts}))
            }
        }
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(since.as_millis().try_into().unwrap())
}

/// A policy with one rollout at this generation and share.
pub(crate) fn policy(generation: u64, percent: u64) -> Value {
    json!({
        "policy": "support",
        "rollouts": [{
            "name": "agent",
            "unit": [{"header": "x-user-id"}],
            "salt": "chg-17",
            "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
            "control": {"generation": generation, "ramp": {"percent": percent}, "kill": null},
        }],
    })
}
