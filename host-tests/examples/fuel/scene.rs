//! The filter on one worker of a proxy that counts instructions.

use std::time::Duration;

use breakglass_bench::request_headers;
use breakglass_host_tests::{Effects, Last, More, Plugin, Proxy, Stream, module};
use serde_json::{Value, json};

use crate::Outcome;

/// A proxy that has published a policy.
pub(crate) struct Scene {
    pub(crate) proxy: Proxy,
    pub(crate) traffic: Plugin,
}

/// Headers of a request.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// What one exchange takes on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// In the callback for request headers.
    pub(crate) headers: u64,
    /// In all callbacks of the stream.
    pub(crate) all: u64,
}

// === impl Scene ===

impl Scene {
    pub(crate) fn new(policy: &Value) -> Outcome<Self> {
        let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
        let traffic = proxy.plugin("traffic").vm_id("breakglass");
        let traffic = traffic.configure(policy.to_string())?;
        let scene = Self { proxy, traffic };
        // The first request publishes the policy, the first tick tells others of it.
        drop(scene.answered(&user(1, 0)));
        scene.tick();
        Ok(scene)
    }

    /// The same with an operator's listener beside it.
    pub(crate) fn operator(&self, policy: &Value) -> Outcome<Plugin> {
        let operator = self
            .proxy
            .plugin("operator")
            .vm_id("breakglass")
            .allow_on_headers_stop_iteration();
        let role = json!({"policy": policy["policy"], "role": "operator"});
        Ok(operator.configure(role.to_string())?)
    }

    /// A request without a body whose headers have been sent.
    pub(crate) fn ask(&self, headers: &Headers) -> Stream {
        let mut stream = self.proxy.worker(0).open(&self.traffic);
        let headers = headers.iter();
        stream.request(headers.map(|(name, value)| (*name, value.as_str())), Last);
        stream
    }

    /// A request and an answer, neither with a body.
    pub(crate) fn answered(&self, headers: &Headers) -> Effects {
        let mut stream = self.ask(headers);
        let head = [(":status", "200"), ("content-type", "application/json")];
        stream.response(head, Last);
        stream.finish()
    }

    /// The mean of [`EXCHANGES`] exchanges, so that which of them makes a table grow does not matter.
    pub(crate) fn exchanges(&self, headers: impl Fn(usize) -> Headers) -> Cost {
        for number in 0..EXCHANGES {
            self.answered(&headers(number));
        }
        let (mut of_headers, mut all) = (0, 0);
        for number in 0..EXCHANGES {
            let effects = self.answered(&headers(number));
            of_headers += spent(&effects, |name| name == "proxy_on_request_headers");
            all += spent(&effects, |_| true);
        }
        Cost {
            headers: of_headers / EXCHANGES as u64,
            all: all / EXCHANGES as u64,
        }
    }

    /// What the answer's body takes.
    pub(crate) fn body(&self, content_type: &str, chunks: &[&[u8]]) -> u64 {
        let mut stream = self.ask(&user(1, 7));
        stream.response([(":status", "200"), ("content-type", content_type)], More);
        for chunk in chunks {
            stream.response_body(chunk, More);
        }
        stream.response_body("", Last);
        spent(&stream.finish(), |name| name == "proxy_on_response_body")
    }

    /// What all threads take for the next tick.
    pub(crate) fn tick(&self) -> u64 {
        let total = || {
            let fuel = self.proxy.fuel();
            fuel.get("proxy_on_tick").map_or(0, |ticks| ticks.total)
        };
        let before = total();
        self.proxy.advance(TICK);
        total() - before
    }
}

/// A request of one of many users for the last rollout of a policy.
pub(crate) fn user(rollouts: usize, number: usize) -> Headers {
    let mut headers = request_headers(rollouts);
    for (name, value) in &mut headers {
        if *name == "x-user-id" {
            *value = format!("user-{:08}", 20_240_117 + number);
        }
    }
    headers
}

/// Instructions in the callbacks of a stream that count.
pub(crate) fn spent(effects: &Effects, counts: impl Fn(&str) -> bool) -> u64 {
    let fuel = effects.fuel.iter().filter(|(name, _)| counts(name));
    fuel.map(|(_, fuel)| fuel).sum()
}

pub(crate) const EXCHANGES: usize = 100;

/// The filter's own period.
const TICK: Duration = Duration::from_millis(20);
