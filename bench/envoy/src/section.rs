//! A section of a result: some contestants in one Envoy, checked, then taking turns.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use breakglass_bench::request_headers;
use serde_json::json;

use crate::check;
use crate::config;
use crate::contestants::{Contestant, ext_proc};
use crate::envoy::{Envoy, Placement};
use crate::load::{Load, Protocol, Requests};
use crate::turns::{Lane, Outcome, Plan};
use crate::upstream::Upstream;

/// Who is compared, and on what.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) contestants: Vec<Contestant>,
    pub(crate) answers: Answers,
    pub(crate) protocol: Protocol,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Envoy itself, with `ok`.
    Envoy,
    /// The agents behind it.
    Agents,
}

/// A section whose Envoy runs, and whose contestants do their work.
#[derive(Debug)]
pub(crate) struct Running<'section> {
    section: &'section Section,
    envoy: Envoy,
    server: Option<ext_proc::Server>,
}

// === impl Section ===

impl Section {
    /// Starts Envoy, and checks that everybody decides as it should.
    ///
    /// # Errors
    ///
    /// Says who does not.
    pub(crate) async fn start(&self, upstream: &Upstream) -> Result<Running<'_>> {
        let mut clusters = upstream.clusters();
        let mut asking = self.contestants.iter().filter(|one| one.asks_a_server);
        let server = asking
            .next()
            .map(|_| ext_proc::Server::start())
            .transpose()?;
        if let Some(server) = &server {
            let mut cluster = config::cluster(ext_proc::CLUSTER, server.addr());
            config::speak_http2(&mut cluster);
            clusters.push(cluster);
        }
        let mut listeners = Vec::new();
        for contestant in &self.contestants {
            listeners.push(contestant.proxied(&to_agents(contestant)));
            if self.answers == Answers::Envoy {
                listeners.push(contestant.direct(&contestant.name));
            }
        }
        let resources = json!({"listeners": listeners, "clusters": clusters});
        let running = Running {
            section: self,
            envoy: Envoy::start(resources, Placement::MEASURED).await?,
            server,
        };
        for contestant in &self.contestants {
            let agents = running.agents(contestant)?;
            let rollout = format!("agent-{:04}", contestant.rollouts - 1);
            check::decides(contestant, agents, &requests(contestant), &rollout).await?;
        }
        let modules = self
            .contestants
            .iter()
            .filter(|contestant| contestant.is_wasm());
        check::modules(&running.envoy, modules.count()).await?;
        Ok(running)
    }
}

// === impl Running ===

impl Running<'_> {
    /// Has everybody take turns; with `path`, the requests are for that one.
    ///
    /// # Errors
    ///
    /// If a request fails.
    pub(crate) async fn measure(&self, path: Option<&str>, plan: Plan) -> Result<Vec<Outcome>> {
        let mut lanes = Vec::new();
        for contestant in &self.section.contestants {
            let addr = match self.section.answers {
                Answers::Envoy => self.envoy.listener(&contestant.name)?,
                Answers::Agents => self.agents(contestant)?,
            };
            let mut requests = requests(contestant);
            if let Some(path) = path {
                requests = requests.path(path);
            }
            let load = Load::open(addr, &requests, self.section.protocol).await?;
            let helper = self.server.as_ref().filter(|_| contestant.asks_a_server);
            let helper = helper.map(ext_proc::Server::pid);
            lanes.push(Lane::new(contestant, load, helper));
        }
        let outcomes = plan.run(&self.envoy, &mut lanes).await;
        outcomes.with_context(|| format!("Envoy's log:\n{}", self.envoy.log()))
    }

    /// What Envoy spends while nobody asks, timers of the filters above all: CPU time a second, ms.
    ///
    /// # Errors
    ///
    /// If Envoy is gone.
    pub(crate) async fn idle(&self) -> Result<f64> {
        let (before, started) = (self.envoy.spent()?, Instant::now());
        tokio::time::sleep(IDLE).await;
        let spent = self.envoy.spent()?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e3 / started.elapsed().as_secs_f64())
    }

    /// A contestant's listener with the agents behind it.
    pub(crate) fn agents(&self, contestant: &Contestant) -> Result<SocketAddr> {
        self.envoy.listener(&to_agents(contestant))
    }
}

fn to_agents(contestant: &Contestant) -> String {
    format!("{} to the agents", contestant.name)
}

/// What a contestant is asked: ten headers, for its last rollout.
pub(crate) fn requests(contestant: &Contestant) -> Requests {
    Requests::new(request_headers(contestant.rollouts))
}

/// How long Envoy is watched while it has nothing to do.
const IDLE: Duration = Duration::from_secs(2);
