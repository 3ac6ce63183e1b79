//! What a stream of tokens waits: through Envoy alone, with the filter, and with redaction.

mod agent;
mod prose;
mod reader;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Common;
use crate::config;
use crate::cpu;
use crate::envoy::{Envoy, Placement};
use crate::report::{Bar, Facts, Plot, Report, Scale, Spread, Table, quantile};
use agent::{Agent, Pace};
use reader::Reading;

/// What a stream of tokens waits.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
}

/// A way through Envoy.
#[derive(Clone, Debug)]
struct Way {
    name: String,
    ours: bool,
    filters: Vec<Value>,
    addr: Option<SocketAddr>,
}

/// What came of a pace.
#[derive(Debug)]
struct Taken {
    pace: Pace,
    /// By way; a list of readings a round.
    rounds: BTreeMap<usize, Vec<Vec<Reading>>>,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let mut facts = Facts::collect();
        let modules = self.common.modules()?;
        for module in &modules {
            facts.module(&stem(module), module);
        }
        cpu::pin(cpu::OTHERS);
        let rounds = if self.common.quick { 3 } else { ROUNDS };
        let report = crate::run_on_one_thread(measure(&modules, rounds, facts))?;
        report.write(&self.common.out())
    }
}

async fn measure(modules: &[std::path::PathBuf], rounds: usize, facts: Facts) -> Result<Report> {
    let agent = Agent::start().await?;
    let mut ways = ways(modules);
    let routes =
        [json!({"match": {"prefix": "/"}, "route": {"cluster": "agent", "timeout": "0s"}})];
    let listeners: Vec<Value> = ways
        .iter()
        .map(|way| config::listener(&way.name, &way.filters, &routes))
        .collect();
    let resources = json!({
        "listeners": listeners,
        "clusters": [config::cluster("agent", agent.addr())],
    });
    let envoy = Envoy::start(resources, Placement::MEASURED).await?;
    for way in &mut ways {
        way.addr = Some(envoy.listener(&way.name)?);
    }
    check(&ways, &agent).await?;
    let mut report = Report::new("delay", "What a stream of tokens waits", ABOUT, facts);
    for pace in [Pace::EVERY_5_MS, Pace::AT_ONCE] {
        let taken = take(&ways, &agent, pace, rounds).await?;
        tell(&mut report, &ways, &taken);
    }
    let log = envoy.log();
    let complaint = log
        .lines()
        .find(|line| line.contains("][wasm]") || line.contains("[error]"));
    ensure!(complaint.is_none(), "Envoy complains: {complaint:?}");
    Ok(report)
}

/// No filter, and each build with routing and with redaction.
fn ways(modules: &[std::path::PathBuf]) -> Vec<Way> {
    let mut ways = vec![Way {
        name: "no filter".to_owned(),
        ours: false,
        filters: Vec::new(),
        addr: None,
    }];
    for (number, module) in modules.iter().enumerate() {
        let build = match modules.len() {
            1 => String::new(),
            _ => format!(" ({})", stem(module)),
        };
        for (what, redaction) in [
            ("filter", None),
            (
                "filter with redaction",
                Some(json!({"response": {"*": "mask"}})),
            ),
        ] {
            let id = format!("{}-{number}", what.replace(' ', "-"));
            let policy = policy(&id, redaction);
            ways.push(Way {
                name: format!("{what}{build}"),
                ours: true,
                filters: vec![config::wasm(&id, module, Some(&policy))],
                addr: None,
            });
        }
    }
    ways
}

fn policy(name: &str, redaction: Option<Value>) -> Value {
    let arm = |version: &str| json!({"version": version, "cluster": "agent"});
    let mut rollout = json!({
        "name": "support-agent",
        "match": {"path_prefix": agent::PATH},
        "unit": [{"header": "x-user-id"}],
        "salt": "chg-2026-0117",
        "arms": {"stable": arm("prompt-v41"), "canary": arm("prompt-v42")},
        "control": {"generation": 1, "ramp": {"percent": 50}},
    });
    if let Some(redaction) = redaction {
        rollout["redaction"] = redaction;
    }
    json!({"policy": name, "rollouts": [rollout]})
}

/// Fails unless every way does what it is called: only redaction masks, only the filter stamps.
async fn check(ways: &[Way], agent: &Agent) -> Result<()> {
    for way in ways {
        let reading = reader::read(way.addr, agent, Pace::CHECK).await?;
        let masked =
            reading.text.contains("[EMAIL_ADDRESS]") && !reading.text.contains("example.com");
        let redacts = way.name.contains("redaction");
        ensure!(masked == redacts, "{}: {:?}", way.name, reading.text);
        ensure!(
            reading.stamped == way.ours,
            "{}: stamped: {}",
            way.name,
            reading.stamped
        );
    }
    Ok(())
}

/// All ways at once where the agent pauses, one after the other where it does not: what does not wait
/// for anything would wait for the others.
async fn take(ways: &[Way], agent: &Agent, pace: Pace, rounds: usize) -> Result<Taken> {
    let mut taken = Taken {
        pace,
        rounds: BTreeMap::new(),
    };
    for round in 0..=rounds {
        let mut readings: BTreeMap<usize, Vec<Reading>> = BTreeMap::new();
        // Another one first in every round.
        let order = (0..ways.len()).map(|place| (place + round) % ways.len());
        if pace.pause.is_zero() {
            for way in order {
                for _ in 0..pace.streams {
                    let reading = reader::read(ways[way].addr, agent, pace).await?;
                    readings.entry(way).or_default().push(reading);
                }
            }
        } else {
            let streams = (0..pace.streams).flat_map(|_| order.clone());
            let mut tasks = Vec::new();
            for (place, way) in streams.enumerate() {
                let (addr, agent) = (ways[way].addr, agent.clone());
                let task = tokio::spawn(async move {
                    // Apart from each other, so that no event waits for another stream's.
                    tokio::time::sleep(STAGGER * u32::try_from(place).unwrap_or(0)).await;
                    reader::read(addr, &agent, pace).await
                });
                tasks.push((way, task));
            }
            for (way, task) in tasks {
                readings.entry(way).or_default().push(task.await??);
            }
        }
        // The first round warms up.
        if round > 0 {
            for (way, readings) in readings {
                taken.rounds.entry(way).or_default().push(readings);
            }
        }
    }
    Ok(taken)
}

fn tell(report: &mut Report, ways: &[Way], taken: &Taken) {
    let pace = taken.pace;
    let mut table = Table::new(
        &format!("An event, from the agent to the client: {}", pace.name),
        &format!(
            "Milliseconds. {} The added delay is the difference to no filter of the quantiles of a round: the \
             median of the rounds, and their middle half.",
            pace.about
        ),
        &[
            "way",
            "p50",
            "p90",
            "p99",
            "max",
            "added, p50",
            "added, p99",
            "first event",
            "events",
        ],
    );
    let mut held = Table::new(
        &format!("What redaction holds back: {}", pace.name),
        "Tokens of plain prose, after the event that brings each. A word is held until it is certain that it \
         is no part of anything personal; a number may wait for the word behind it.",
        &[
            "way",
            "events",
            "events missing at the next one",
            "more than the current word held",
            "most bytes held",
        ],
    );
    let mut plot = Plot::new(
        &format!("An event on its way: {}", pace.name),
        "milliseconds (median, whisker: p99)",
        Scale::Linear,
    );
    let part = |way: usize, round: usize, part: f64| {
        quantile(&sorted(taken.rounds[&way][round].iter()), part)
    };
    for (number, way) in ways.iter().enumerate() {
        let rounds = &taken.rounds[&number];
        let all = sorted(rounds.iter().flatten());
        let firsts = Spread::of(rounds.iter().flatten().map(|reading| millis(reading.first)));
        let added = |of: f64| {
            let differences =
                (0..rounds.len()).map(|round| part(number, round, of) - part(0, round, of));
            let spread = Spread::of(differences);
            match number {
                0 => "–".to_owned(),
                _ => spread.map_or_else(String::new, |spread| spread.text(3)),
            }
        };
        let mut cells = vec![way.name.clone()];
        cells.extend([0.5, 0.9, 0.99, 1.0].map(|part| format!("{:.3}", quantile(&all, part))));
        cells.extend([added(0.5), added(0.99)]);
        cells.push(firsts.map_or_else(String::new, |spread| format!("{:.3}", spread.median)));
        cells.push(all.len().to_string());
        table.row(cells);

        let sum = |of: fn(&Reading) -> usize| rounds.iter().flatten().map(of).sum::<usize>();
        let most = rounds
            .iter()
            .flatten()
            .map(|reading| reading.most_held)
            .max();
        held.row([
            way.name.clone(),
            all.len().to_string(),
            sum(|reading| reading.events_missing).to_string(),
            sum(|reading| reading.beyond_word).to_string(),
            most.unwrap_or(0).to_string(),
        ]);
        if let Some(spread) = Spread::of(all.iter().copied()) {
            let tail = Spread {
                lower: spread.median,
                upper: quantile(&all, 0.99),
                ..spread
            };
            let bar = Bar::new(&way.name, tail);
            plot.bar(if way.ours { bar.ours() } else { bar });
        }
        let quantiles = [0.5, 0.9, 0.99, 0.999, 1.0].map(|part| quantile(&all, part));
        report.data(
            &format!("{}, {}", pace.name, way.name),
            json!({"quantiles_ms": {"p50": quantiles[0], "p90": quantiles[1], "p99": quantiles[2],
                "p99.9": quantiles[3], "max": quantiles[4]}, "events": all.len()}),
        );
    }
    report.table(table);
    report.table(held);
    report.plot(plot);
}

fn sorted<'a>(readings: impl Iterator<Item = &'a Reading>) -> Vec<f64> {
    let delays = readings.flat_map(|reading| &reading.delays);
    let mut sorted: Vec<f64> = delays.map(|delay| millis(*delay)).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn stem(module: &Path) -> String {
    module
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

const ROUNDS: usize = 15;

/// Between the starts of streams that run side by side: they share the agent's pause.
const STAGGER: Duration = Duration::from_micros(500);

const ABOUT: &str = "
`make bench-delay`. A client reads a stream of `chat.completion.chunk` events, as OpenAI sends them, through an Envoy with one
worker on a core of its own; agent and client are one program on the other core, with one clock. The delay of
an event is the moment at which the client has read it whole, minus the moment at which the agent began to
write it. All ways lead through one Envoy and take turns. *First event*: from the request to the first event,
connecting included, the median.";
