//! A proxy with the filter on a traffic listener and on an operator listener.

use std::{ops::Deref, time::Duration};

use breakglass_host_tests::{
    End, Error, FailurePolicy, Last, Level, More, Plugin, Profile, Proxy, ProxyBuilder, Stream,
    module,
};
use serde_json::{Value, json};

/// One proxy, both listeners configured. Dropping it checks that nothing trapped and nothing was amiss.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) proxy: Proxy,
    pub(crate) traffic: Plugin,
    pub(crate) operator: Plugin,
}

/// What the operator endpoint answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u32,
    pub(crate) content_type: String,
    pub(crate) headers: breakglass_host_tests::Headers,
    pub(crate) body: Value,
}

/// The name of the rollout in [`rollout`].
pub(crate) const ROLLOUT: &str = "support-agent";
pub(crate) const VM_ID: &str = "breakglass";
pub(crate) const JSON_ORDER: &str = "application/vnd.breakglass.order+json";
pub(crate) const MSGPACK_ORDER: &str = "application/vnd.breakglass.order+msgpack";
/// A tick of the filter, and a little.
pub(crate) const TICK: Duration = Duration::from_millis(25);

// === impl World ===

impl World {
    /// Two workers that have published this policy.
    pub(crate) fn new(policy: &Value) -> Self {
        Self::with_workers(2, policy)
    }

    pub(crate) fn with_workers(workers: usize, policy: &Value) -> Self {
        let world = Self::cold(Proxy::builder(module()).workers(workers), policy);
        world.tick();
        world
    }

    pub(crate) fn on(profile: Profile, policy: &Value) -> Self {
        let world = Self::cold(Proxy::builder(module()).workers(2).profile(profile), policy);
        world.tick();
        world
    }

    /// Configured, and not one tick old.
    pub(crate) fn cold(builder: ProxyBuilder, policy: &Value) -> Self {
        let proxy = builder.build();
        let traffic = proxy
            .plugin("traffic")
            .vm_id(VM_ID)
            .failure_policy(FailurePolicy::Reload)
            .configure(policy.to_string())
            .unwrap_or_else(|error| panic!("{policy}: {error}"));
        let operator = proxy
            .plugin("operator")
            .vm_id(VM_ID)
            .failure_policy(FailurePolicy::Reload)
            .allow_on_headers_stop_iteration()
            .configure(json!({"policy": policy["policy"], "role": "operator"}).to_string())
            .unwrap_or_else(|error| panic!("operator: {error}"));
        Self {
            proxy,
            traffic,
            operator,
        }
    }

    pub(crate) fn tick(&self) {
        self.proxy.advance(TICK);
    }

    pub(crate) fn push(&self, policy: &Value) -> Result<(), Error> {
        self.traffic.update(policy.to_string())
    }

    /// A request whose headers have been sent.
    pub(crate) fn send<K, V>(
        &self,
        worker: usize,
        headers: impl IntoIterator<Item = (K, V)>,
        end: End,
    ) -> Stream
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let mut stream = self.proxy.worker(worker).open(&self.traffic);
        stream.request(headers, end);
        stream
    }

    /// A request of a unit, without a body.
    pub(crate) fn get(&self, worker: usize, unit: &str) -> Stream {
        self.send(worker, of_unit(unit), Last)
    }

    /// The arm that a request of a unit gets; `None` where nothing reached an upstream.
    pub(crate) fn arm(&self, worker: usize, unit: &str) -> Option<String> {
        stamped(&self.get(worker, unit), "arm")
    }

    /// A stream of events that has begun, with nothing of its body sent.
    pub(crate) fn events(&self, worker: usize, unit: &str) -> Stream {
        let mut stream = self.get(worker, unit);
        let head = [(":status", "200"), ("content-type", "text/event-stream")];
        stream.response(head, More);
        stream
    }

    /// A call of the operator endpoint whose headers and body have been sent.
    pub(crate) fn call(
        &self,
        worker: usize,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: Option<&[u8]>,
    ) -> Stream {
        let mut stream = self.proxy.worker(worker).open(&self.operator);
        let mut headers = vec![
            (":method", method),
            (":path", path),
            (":authority", "operator"),
        ];
        headers.extend(content_type.map(|kind| ("content-type", kind)));
        stream.request(headers, End::from(body.is_none()));
        if let Some(body) = body {
            stream.request_body(body, Last);
        }
        stream
    }

    pub(crate) fn read(&self, path: &str) -> Answer {
        Answer::of(&self.call(0, "GET", path, None, None))
    }

    /// Sends an order to a worker and does not wait for the answer.
    pub(crate) fn post(&self, worker: usize, order: &Value) -> Stream {
        let body = order.to_string();
        self.call(
            worker,
            "POST",
            "/v1/orders",
            Some(JSON_ORDER),
            Some(body.as_bytes()),
        )
    }

    /// Sends an order to worker 0 and waits for the answer.
    pub(crate) fn order(&self, order: &Value) -> Answer {
        let stream = self.post(0, order);
        self.wait(&stream)
    }

    /// Ticks until a call is answered.
    pub(crate) fn wait(&self, stream: &Stream) -> Answer {
        for _ in 0..100 {
            if stream.is_over() {
                break;
            }
            self.tick();
        }
        Answer::of(stream)
    }

    /// The control in force as the operator sees it.
    pub(crate) fn control(&self) -> Value {
        let state = self.read("/v1/state").body;
        let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
        let ours = rollouts.into_iter().find(|it| it["name"] == ROLLOUT);
        ours.map(|it| it["control"].clone()).unwrap_or_default()
    }

    /// A counter of [`ROLLOUT`], such as `keyless_total`, with further labels.
    /// A counter, after the tick on which the proxy is told of it.
    pub(crate) fn count(&self, metric: &str, labels: &str) -> u64 {
        self.tick();
        self.proxy
            .counter(&format!("breakglass_{metric};rollout={ROLLOUT}{labels}"))
    }

    pub(crate) fn requests(&self, arm: &str) -> u64 {
        self.count("requests_total", &format!(";arm={arm}"))
    }

    pub(crate) fn killed_streams(&self) -> u64 {
        self.count("killed_streams_total", "")
    }

    /// Log lines at least as grave as a warning.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let lines = self.proxy.logs().into_iter();
        lines
            .filter(|line| line.level >= Level::Warn)
            .map(|line| line.message)
            .collect()
    }

    /// Everything in shared data, for "as it was".
    pub(crate) fn shared(&self) -> Vec<(String, Vec<u8>)> {
        let store = self.proxy.shared_data();
        let keys = store.keys(VM_ID).into_iter();
        keys.filter_map(|key| {
            let (value, _) = store.get(VM_ID, &key)?;
            Some((String::from_utf8_lossy(&key).into_owned(), value))
        })
        .collect()
    }

    /// Every counter and gauge, for "as it was".
    pub(crate) fn metrics(&self) -> Vec<(String, u64)> {
        use breakglass_host_tests::MetricKind::{Counter, Gauge};
        let names = self.proxy.metric_names().into_iter();
        names
            .filter_map(|(kind, name)| match kind {
                Counter => Some((name.clone(), self.proxy.counter(&name))),
                Gauge => Some((name.clone(), self.proxy.gauge(&name))),
                _ => None,
            })
            .collect()
    }
}

impl Deref for World {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.proxy
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.proxy.traps(), [], "the filter trapped");
            assert_eq!(
                self.proxy.complaints(),
                [""; 0],
                "the filter misused the proxy"
            );
        }
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn of(stream: &Stream) -> Self {
        let client = stream.client();
        assert!(client.ended, "not answered: {:?}", stream.effects());
        let body = client.body();
        Self {
            status: client.status(),
            content_type: client.headers.text("content-type").unwrap_or_default(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            headers: client.headers,
        }
    }
}

/// A policy with these rollouts.
pub(crate) fn policy(rollouts: impl IntoIterator<Item = Value>) -> Value {
    let rollouts: Vec<_> = rollouts.into_iter().collect();
    json!({"policy": "support", "rollouts": rollouts})
}

/// A policy of one rollout, [`rollout`] with this control.
pub(crate) fn controlled(control: Value) -> Value {
    policy([rollout(control)])
}

/// Everybody on the canary.
pub(crate) fn all_canary() -> Value {
    controlled(json!({"generation": 1, "ramp": {"percent": 100}}))
}

/// Everybody on the canary of a rollout "other", but those who send `x-mine: 1`: they are on that of
/// [`ROLLOUT`].
pub(crate) fn beside_another() -> Value {
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let mine = json!({"match": {"headers": {"x-mine": "1"}}});
    let other = json!({"name": "other"});
    policy([
        with(rollout(control.clone()), mine),
        with(rollout(control), other),
    ])
}

/// The order of a kill.
pub(crate) fn kill(generation: u64, mode: &str, in_flight: &str) -> Value {
    let kill = json!({"mode": mode, "in_flight": in_flight});
    json!({"rollout": ROLLOUT, "generation": generation, "kill": kill})
}

/// A rollout of every request, by the header `x-user-id`.
pub(crate) fn rollout(control: Value) -> Value {
    json!({
        "name": ROLLOUT,
        "unit": [{"header": "x-user-id"}],
        "salt": "chg-2026-0117",
        "arms": {
            "stable": {"version": "prompt-v41", "cluster": "agent-v41"},
            "canary": {"version": "prompt-v42", "cluster": "agent-v42"}
        },
        "control": control
    })
}

/// `document` with `fields` put in, object by object.
pub(crate) fn with(mut document: Value, fields: Value) -> Value {
    fn merge(into: &mut Value, from: Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, from) => *into = from,
        }
    }
    merge(&mut document, fields);
    document
}

pub(crate) fn of_unit(unit: &str) -> [(&str, &str); 4] {
    [
        (":method", "GET"),
        (":path", "/v1/chat"),
        (":authority", "api.example.com"),
        ("x-user-id", unit),
    ]
}

/// What the upstream got in `x-breakglass-…`.
pub(crate) fn stamped(stream: &Stream, header: &str) -> Option<String> {
    let name = format!("x-breakglass-{header}");
    stream.upstream()?.headers.text(&name)
}

/// A small generator of pseudo-random numbers (xorshift64*), so that a failure can be repeated.
#[derive(Debug)]
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or(0) % bound
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
    }
}
