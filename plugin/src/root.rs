//! The root context: one configuration of the filter on one worker.

use std::rc::Rc;
use std::time::Duration;

use breakglass_policy::{Digest, Policy, Role};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::build::Build;
use crate::host::{self, Buffer, Cas, Level};
use crate::live::Live;
use crate::metrics;
use crate::operator::{Operator, OperatorCall};
use crate::store::Store;
use crate::traffic::{Exchange, Traffic};
use crate::vm;

/// One configuration, in the role that it gives the filter.
struct Root {
    id: u32,
    plugin: Plugin,
}

enum Plugin {
    Unconfigured,
    Traffic(Rc<Traffic>),
    Operator(Rc<Operator>),
}

/// One stream, in the role of its configuration. One type for all roles: the SDK's default methods
/// would be in the module once for each type.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every stream is one of traffic"
)]
enum Stream {
    /// Of a root that was never configured.
    Idle,
    Traffic(Exchange),
    Operator(OperatorCall),
}

pub(crate) fn new(id: u32) -> Box<dyn RootContext> {
    Box::new(Root {
        id,
        plugin: Plugin::Unconfigured,
    })
}

// === impl Root ===

impl Root {
    fn configure(&mut self, size: usize) -> Result<(), String> {
        // A configuration that cannot be read is an empty one, and refused as such.
        let bytes = host::buffer(Buffer::PluginConfiguration, 0, size).unwrap_or_default();
        let policy = Policy::from_json(&bytes).map_err(|error| error.to_string())?;
        let digest = Digest::of(&bytes).to_string();
        check_trust(&policy, &digest)?;
        tell_what_is_not_enforced(&policy);
        let plugin = match policy.role {
            Role::Traffic => Plugin::Traffic(Rc::new(Traffic::new(self.id, policy, digest)?)),
            Role::Operator => Plugin::Operator(Rc::new(Operator::new(self.id, policy, digest))),
        };
        // The new one first: this machine is not gone in between.
        if let Some(live) = plugin.live() {
            vm::enter(&live.policy().name);
        }
        std::mem::replace(&mut self.plugin, plugin).end();
        Ok(())
    }
}

impl Plugin {
    fn live(&self) -> Option<&Live> {
        match self {
            Self::Unconfigured => None,
            Self::Traffic(traffic) => Some(traffic.live()),
            Self::Operator(operator) => Some(operator.live()),
        }
    }

    fn end(&self) {
        if let Self::Traffic(traffic) = self {
            traffic.end();
        }
        if let Some(live) = self.live() {
            vm::leave(&live.policy().name, live.store());
        }
    }
}

/// What a context does in the end, it does when the proxy deletes it: `proxy_on_done`, which comes right
/// before, is not exported, so that no request pays for the call.
impl Drop for Root {
    fn drop(&mut self) {
        // Envoy re-arms the timer of a dead root for ever otherwise. Kong traps on a second period.
        if host::is_envoy() {
            let _ = host::set_tick_period(Duration::ZERO);
        }
        self.plugin.end();
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        // Every worker starts a machine of its own; the first one of the process says so.
        if host::set_shared(STARTED_KEY, Build::COMMIT.as_bytes(), Cas::CREATE).is_ok() {
            let host = if host::is_envoy() {
                "Envoy"
            } else {
                "another proxy"
            };
            host::log(Level::Info, &format!("{Build} started on {host}"));
        }
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        if let Err(error) = self.configure(size) {
            metrics::config_rejected().increment();
            host::log(
                Level::Error,
                &format!("configuration refused, the one before stays in force: {error}"),
            );
            return false;
        }
        // A proxy without ticks still decides; leases lapse there with the next request.
        if let (Err(_), Plugin::Traffic(traffic)) = (host::set_tick_period(TICK), &self.plugin) {
            traffic.do_without_ticks();
        }
        true
    }

    fn on_tick(&mut self) {
        match &self.plugin {
            Plugin::Unconfigured => {}
            Plugin::Traffic(traffic) => traffic.tick(),
            Plugin::Operator(operator) => operator.tick(),
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(match &self.plugin {
            Plugin::Unconfigured => Stream::Idle,
            Plugin::Traffic(traffic) => Stream::Traffic(Exchange::new(id, traffic.clone())),
            Plugin::Operator(operator) => Stream::Operator(OperatorCall::new(id, operator.clone())),
        }))
    }
}

/// Parts of a policy that are checked but that this build does not act on yet: silence would be
/// taken for protection.
fn tell_what_is_not_enforced(policy: &Policy) {
    if policy
        .trust
        .as_ref()
        .is_some_and(|trust| !trust.can_raise())
    {
        let message = "trust.raise: no set can sign with these keys, so nobody can raise exposure";
        host::log(Level::Warn, message);
    }
}

/// Whether the policy's trust may follow the one in force. Reads what is shared and changes nothing: a
/// configuration may still be refused by others.
///
/// Asked where a proxy tries a configuration. A worker that refused what the proxy has accepted would
/// be left without a filter, because another trust was published in between: there the one in force
/// stays, and the log says so.
fn check_trust(policy: &Policy, digest: &str) -> Result<(), String> {
    let Some(trust) = policy.trust.as_ref().filter(|_| vm::is_fresh()) else {
        return Ok(());
    };
    let store = Store::new(&policy.name);
    let in_force = store.digest().ok().flatten();
    if in_force.is_some_and(|in_force| in_force == digest) {
        return Ok(());
    }
    // Without a state there is nothing to follow; what cannot be read keeps everyone on stable.
    store.state().unwrap_or_default().check_trust(trust)
}

// === impl Stream ===

impl Drop for Stream {
    fn drop(&mut self) {
        match self {
            Self::Idle => {}
            Self::Traffic(exchange) => exchange.end(),
            Self::Operator(call) => call.end(),
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        match self {
            Self::Idle => Action::Continue,
            Self::Traffic(exchange) => exchange.request_headers(end_of_stream),
            Self::Operator(call) => call.request_headers(end_of_stream),
        }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match self {
            Self::Idle => Action::Continue,
            Self::Traffic(exchange) => exchange.request_body(size, end_of_stream),
            Self::Operator(call) => call.request_body(size, end_of_stream),
        }
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        match self {
            Self::Idle => Action::Continue,
            Self::Traffic(exchange) => exchange.request_trailers(),
            Self::Operator(call) => call.request_trailers(),
        }
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        match self {
            Self::Traffic(exchange) => exchange.response_headers(end_of_stream),
            Self::Idle | Self::Operator(_) => Action::Continue,
        }
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match self {
            Self::Traffic(exchange) => exchange.response_body(size, end_of_stream),
            Self::Idle | Self::Operator(_) => Action::Continue,
        }
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        match self {
            Self::Traffic(exchange) => exchange.response_trailers(),
            Self::Idle | Self::Operator(_) => Action::Continue,
        }
    }
}

/// Bounds how late a waiting request learns of a kill and a worker acknowledges one.
const TICK: Duration = Duration::from_millis(20);
const STARTED_KEY: &str = "breakglass/started";
