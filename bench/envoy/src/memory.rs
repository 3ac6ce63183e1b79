//! What the filter keeps in memory: the resident size of real Envoys without it and with it, at rest, after
//! many requests and updates, and for each open stream.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use breakglass_bench::{DifferBy, policy_json};
use breakglass_examples::agent::{Agent, AgentConfig};
use breakglass_examples::load::{Plan, Shape, Update, users};
use breakglass_examples::stack::{Options, Stack};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::Common;
use crate::config;
use crate::envoy::{Envoy, Placement};
use crate::report::{Facts, Report, Table};

/// What the filter keeps in memory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// What `cargo run -p breakglass-host-tests --example memory` printed: linear memory, to the byte.
    #[arg(long, value_name = "FILE")]
    linear: Option<PathBuf>,
}

/// The resident size of one Envoy over its life, in KiB.
#[derive(Clone, Copy, Debug)]
struct Life {
    at_rest: u64,
    warm: u64,
    after_requests: u64,
    streams_open: u64,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let mut facts = Facts::collect();
        let modules = self.common.modules()?;
        for module in &modules {
            facts.module(&stem(module), module);
        }
        let linear = match &self.linear {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                Some(serde_json::from_str(&text).context("the linear memory is not JSON")?)
            }
            None => None,
        };
        let scale = if self.common.quick { 10 } else { 1 };
        let mut report = Report::new("memory", "What the filter keeps in memory", ABOUT, facts);
        if let Some(linear) = &linear {
            tell_linear(&mut report, linear);
        }
        crate::run_on_one_thread(async {
            tell_lives(&mut report, &modules, scale).await?;
            tell_updates(&mut report, &modules, scale).await
        })?;
        report.write(&self.common.out())
    }
}

/// What the wasmtime host measured.
fn tell_linear(report: &mut Report, linear: &Value) {
    let mut table = Table::new(
        "Linear memory of a VM, to the byte",
        "Counted by the wasmtime host of the tests. A page has 64 KiB; memory that was taken once is kept.",
        &["when", "KiB", "pages"],
    );
    for row in linear["vm"].as_array().into_iter().flatten() {
        let bytes = row["bytes"].as_u64().unwrap_or(0);
        table.row([
            text(&row["case"]),
            (bytes / KIB).to_string(),
            (bytes / PAGE).to_string(),
        ]);
    }
    report.table(table);
    let mut table = Table::new(
        "Linear memory of an open stream",
        "Streams of events whose last word is held back, open at the same time.",
        &["policy", "streams", "bytes a stream"],
    );
    for row in linear["streams"].as_array().into_iter().flatten() {
        table.row([
            text(&row["case"]),
            row["streams"].to_string(),
            row["bytes_per_stream"].to_string(),
        ]);
    }
    report.table(table);
    report.data("linear memory", linear.clone());
}

async fn tell_lives(report: &mut Report, modules: &[PathBuf], scale: usize) -> Result<()> {
    let mut table = Table::new(
        "The resident size of Envoy",
        &format!(
            "MiB, one worker and the main thread, so two VMs with the filter. After {} and {} requests; a stream \
             takes what an Envoy with {STREAMS} open ones has more than before, its own buffers included.",
            REQUESTS / 10 / scale,
            REQUESTS / scale
        ),
        &[
            "Envoy",
            "at rest",
            "a tenth of the requests",
            "all requests",
            "KiB a stream",
            "beyond no filter, at rest",
        ],
    );
    let mut ways: Vec<(String, Vec<Value>)> = vec![("no filter".to_owned(), Vec::new())];
    for module in modules {
        for (what, redaction) in [("filter", false), ("filter with redaction", true)] {
            let mut policy = policy_json(1, DifferBy::Path);
            policy["rollouts"][0]["match"] = json!({"path_prefix": PATH});
            if redaction {
                policy["rollouts"][0]["redaction"] = json!({"response": {"*": "mask"}});
            }
            let name = match modules.len() {
                1 => what.to_owned(),
                _ => format!("{what} ({})", stem(module)),
            };
            ways.push((
                name,
                vec![config::wasm("breakglass", module, Some(&policy))],
            ));
        }
    }
    let mut none = None;
    for (name, filters) in ways {
        let life = life(&filters, scale).await?;
        let bare = *none.get_or_insert(life.at_rest);
        let per_stream =
            life.streams_open.saturating_sub(life.after_requests) as f64 / STREAMS as f64;
        table.row([
            name.clone(),
            mib(life.at_rest),
            mib(life.warm),
            mib(life.after_requests),
            format!("{per_stream:.1}"),
            mib(life.at_rest.saturating_sub(bare)),
        ]);
        report.data(
            &name,
            json!({"at_rest_kib": life.at_rest, "warm_kib": life.warm,
                "after_requests_kib": life.after_requests, "streams_open_kib": life.streams_open}),
        );
    }
    report.table(table);
    Ok(())
}

/// One Envoy from its start on.
async fn life(filters: &[Value], scale: usize) -> Result<Life> {
    let mut agent = AgentConfig::new("prompt-v41");
    (agent.latency, agent.token_delay) = (Duration::ZERO, Duration::from_secs(1));
    let agent = Agent::start(agent, ([127, 0, 0, 1], 0).into()).await?;
    let routes =
        [json!({"match": {"prefix": "/"}, "route": {"cluster": "agent", "timeout": "0s"}})];
    let mut cluster = config::cluster("agent", agent.addr());
    let limit =
        json!({"max_connections": 4_096, "max_pending_requests": 4_096, "max_requests": 4_096});
    cluster["circuit_breakers"] = json!({"thresholds": [limit]});
    let resources = json!({
        "listeners": [config::listener("edge", filters, &routes)],
        "clusters": [cluster],
    });
    let placement = Placement {
        core: None,
        workers: 1,
    };
    let envoy = Envoy::start(resources, placement).await?;
    let target = envoy.listener("edge")?;
    ask(target, 1).await?;
    settle().await;
    let at_rest = resident(envoy.pid())?;
    ask(target, REQUESTS / 10 / scale).await?;
    settle().await;
    let warm = resident(envoy.pid())?;
    ask(target, REQUESTS / scale - REQUESTS / 10 / scale).await?;
    settle().await;
    let after_requests = resident(envoy.pid())?;

    let (updates, mut news) = mpsc::unbounded_channel();
    let mut plan = Plan::new(target, users(STREAMS));
    (plan.path, plan.concurrency) = (PATH.to_owned(), STREAMS);
    plan.shape = Shape::Stream { tokens: SECONDS };
    let _streams = plan.start(updates);
    for _ in 0..STREAMS {
        match news.recv().await.context("the streams are gone")? {
            Update::Streaming { .. } => {}
            Update::Finished(record) => anyhow::bail!("a stream is over: {record:?}"),
        }
    }
    settle().await;
    Ok(Life {
        at_rest,
        warm,
        after_requests,
        streams_open: resident(envoy.pid())?,
    })
}

async fn tell_updates(report: &mut Report, modules: &[PathBuf], scale: usize) -> Result<()> {
    let updates = UPDATES / scale;
    let mut table = Table::new(
        "The resident size of Envoy over updates of the policy",
        "MiB, the shipped bootstrap with two workers (three VMs). Every update is a policy that differs from the \
         one before, pushed over ECDS and taken.",
        &[
            "build",
            "before",
            "a tenth of the updates",
            "half of them",
            "all",
            "updates",
        ],
    );
    for module in modules {
        let mut options = Options::new(version(1));
        options.module = Some(module.clone());
        let stack = Stack::start(options).await?;
        let mut sizes = vec![resident(stack.pid())?];
        for number in 1..=updates {
            let pushed = stack.push_policy(&version(number + 1)).await?;
            ensure!(pushed.is_accepted(), "update {number}: {pushed:?}");
            if [updates / 10, updates / 2, updates].contains(&number) {
                settle().await;
                sizes.push(resident(stack.pid())?);
            }
        }
        let mut cells = vec![stem(module)];
        cells.extend(sizes.iter().map(|size| mib(*size)));
        cells.push(updates.to_string());
        table.row(cells);
        report.data(&format!("updates, {}", stem(module)), json!(sizes));
    }
    report.table(table);
    Ok(())
}

fn version(number: usize) -> Value {
    let mut policy = policy_json(1, DifferBy::Path);
    let rollout = &mut policy["rollouts"][0];
    rollout["match"] = json!({"path_prefix": PATH});
    rollout["arms"]["canary"]["version"] = format!("prompt-v{number}").into();
    rollout["control"]["generation"] = number.into();
    policy
}

async fn ask(target: std::net::SocketAddr, requests: usize) -> Result<()> {
    let users = users(requests.min(1_000));
    let mut plan = Plan::new(target, users.clone());
    (plan.path, plan.concurrency) = (PATH.to_owned(), 16);
    plan.passes = Some(requests.div_ceil(users.len()));
    let (updates, mut news) = mpsc::unbounded_channel();
    let _load = plan.start(updates);
    while let Some(update) = news.recv().await {
        if let Update::Finished(record) = update {
            ensure!(record.status == Some(200), "not answered: {record:?}");
        }
    }
    Ok(())
}

/// What was freed is given back to the system a little later.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// The resident size of a process in KiB.
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.with_context(|| format!("process {pid} has no VmRSS"))
}

fn mib(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1_024.0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn stem(module: &Path) -> String {
    module
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

const PATH: &str = "/v1/agents/support";

const REQUESTS: usize = 100_000;
const UPDATES: usize = 1_000;
const STREAMS: usize = 1_000;
/// Words of a stream, one a second: it must be open for as long as one looks at it.
const SECONDS: usize = 120;

const KIB: u64 = 1 << 10;
const PAGE: u64 = 64 << 10;

const ABOUT: &str = "
`make bench-memory`. The linear memory of the filter's VM is exact; the resident size of Envoy has everything in it that Envoy and
V8 have: compiled code, buffers, connections, and memory that was freed and is kept for later.";
