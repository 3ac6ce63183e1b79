//! How soon a kill holds: signed kills and raises in turn, under load on two workers, with token streams
//! open on the canary.

mod round;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use breakglass_examples::people::{Subject, Team};
use breakglass_examples::stack::{Options, Stack};
use serde_json::{Value, json};

use crate::Common;
use crate::report::{Bar, Facts, Plot, Report, Scale, Spread, Table, quantile};
use round::{Cut, Field, Round};

/// How soon a kill holds.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// How many kills.
    #[arg(long, default_value_t = 200)]
    kills: usize,
}

/// Something that is timed.
#[derive(Clone, Copy)]
struct Time(&'static str, fn(&Round) -> f64);

/// What all kills of one build came to.
#[derive(Debug)]
struct Outcome {
    module: String,
    rounds: Vec<Round>,
    requests: usize,
    seconds: f64,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let kills = if self.common.quick { 30 } else { self.kills };
        let mut facts = Facts::collect();
        let modules = self.common.modules()?;
        let mut outcomes = Vec::new();
        for module in &modules {
            facts.module(&name(module), module);
            // Envoy, the agents and the load go where the system puts them: two workers need two cores.
            outcomes.push(run_on_all_cores(measure(module, kills))?);
        }
        report(&outcomes, facts)?.write(&self.common.out())?;
        for outcome in &outcomes {
            outcome.check()?;
        }
        Ok(())
    }
}

fn run_on_all_cores<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped"),
        }
    })
}

async fn measure(module: &Path, kills: usize) -> Result<Outcome> {
    let team = Team::new(SUBJECT);
    let mut options = Options::new(policy(&team));
    options.module = Some(module.to_owned());
    for agent in [&mut options.stable, &mut options.canary] {
        agent.latency = std::time::Duration::ZERO;
        agent.token_delay = TOKEN_DELAY;
    }
    let stack = Stack::start(options).await?;
    stack.in_force(SUBJECT.rollout, 1).await?;
    let mut field = Field::new(&stack, &team);
    let started = Instant::now();
    let mut rounds = Vec::new();
    for number in 0..kills {
        rounds.push(field.round(2 + 2 * number as u64).await?);
    }
    let seconds = started.elapsed().as_secs_f64();
    // What was on its way when the last kill came belongs to it.
    let requests = field.finish(&mut rounds).await?;
    Ok(Outcome {
        module: name(module),
        rounds,
        requests,
        seconds,
    })
}

fn report(outcomes: &[Outcome], facts: Facts) -> Result<Report> {
    let mut report = Report::new("kill", "How soon a kill holds", ABOUT, facts);
    let mut times = Table::new(
        "From the order on",
        "Milliseconds from the moment at which the operator sends a signed kill.",
        &["until", "p50", "p90", "p99", "max", "kills"],
    );
    let mut counts = Table::new(
        "What still came to the canary",
        "Events are tokens of streams that were open when the kill came, one every 5 ms.",
        &["what", "number", "of"],
    );
    let mut plot = Plot::new(
        "From a signed kill, sent, until …",
        "milliseconds (median, whisker: to p99)",
        Scale::Linear,
    );
    for outcome in outcomes {
        let of = |what: &str| match outcomes.len() {
            1 => what.to_owned(),
            _ => format!("{what}, {}", outcome.module),
        };
        for Time(what, of_round) in TIMES {
            let sorted = outcome.sorted(of_round);
            let cell = |part| format!("{:.1}", quantile(&sorted, part));
            let mut cells = vec![of(what)];
            cells.extend([0.5, 0.9, 0.99, 1.0].map(cell));
            cells.push(sorted.len().to_string());
            times.row(cells);
            if let Some(spread) = Spread::of(sorted.iter().copied()) {
                let tail = Spread {
                    lower: quantile(&sorted, 0.5),
                    upper: quantile(&sorted, 0.99),
                    ..spread
                };
                plot.bar(Bar::new(&of(what), tail).ours());
            }
            report.data(&of(what), json!(sorted));
        }
        for (what, number, all) in outcome.counts() {
            counts.row([of(&what), number.to_string(), all]);
        }
    }
    plot.mark(GOAL_MS, "goal: p99 of the last request");
    report.table(times);
    report.table(counts);
    report.plot(plot);
    Ok(report)
}

fn name(module: &Path) -> String {
    let name = module.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Nobody is on the canary yet.
fn policy(team: &Team) -> Value {
    let Subject {
        policy,
        rollout,
        stable,
        canary,
        salt,
    } = SUBJECT;
    json!({
        "policy": policy,
        "rollouts": [{
            "name": rollout,
            "match": {"path_prefix": "/v1/agents/support"},
            "unit": [{"header": "x-user-id"}],
            "salt": salt,
            "arms": {
                "stable": {"version": stable, "cluster": "agent-v41"},
                "canary": {"version": canary, "cluster": "agent-v42"},
            },
            "control": {"generation": 1, "ramp": []},
        }],
        "trust": team.trust(1),
    })
}

// === impl Outcome ===

impl Outcome {
    /// A time of every kill, in milliseconds, the shortest first.
    fn sorted(&self, of_round: fn(&Round) -> f64) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.rounds.iter().map(of_round).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn counts(&self) -> Vec<(String, usize, String)> {
        let sum = |of_round: fn(&Round) -> usize| self.rounds.iter().map(of_round).sum::<usize>();
        let streams: Vec<_> = self
            .rounds
            .iter()
            .flat_map(|round| &round.streams)
            .collect();
        let with = |counts: fn(&Cut) -> bool| streams.iter().filter(|cut| counts(cut)).count();
        let all = format!("{} streams", streams.len());
        let rate = self.requests as f64 / self.seconds;
        let requests = format!("{} requests, {rate:.0} a second", self.requests);
        vec![
            (
                "requests begun after the receipt that were decided for the canary".to_owned(),
                sum(|round| round.begun_after_receipt),
                requests.clone(),
            ),
            (
                "requests that waited at the canary and were told to ask again".to_owned(),
                sum(|round| round.told),
                requests,
            ),
            (
                "open streams that ended with an error event and [DONE]".to_owned(),
                streams.iter().filter(|stream| stream.ended_well).count(),
                all.clone(),
            ),
            (
                "streams without another event after the order was sent".to_owned(),
                with(|cut| cut.after_order == 0),
                all.clone(),
            ),
            (
                "streams with one".to_owned(),
                with(|cut| cut.after_order == 1),
                all.clone(),
            ),
            (
                "streams with two to four".to_owned(),
                with(|cut| (2..5).contains(&cut.after_order)),
                all.clone(),
            ),
            (
                "streams with more".to_owned(),
                with(|cut| cut.after_order > 4),
                all.clone(),
            ),
            (
                "streams with an event after the receipt".to_owned(),
                with(|cut| cut.after_receipt > 0),
                all,
            ),
        ]
    }

    /// What must never be is an error of the run, beside a figure in the report.
    fn check(&self) -> Result<()> {
        let late: usize = self
            .rounds
            .iter()
            .map(|round| round.begun_after_receipt)
            .sum();
        ensure!(
            late == 0,
            "{}: {late} requests begun after a receipt",
            self.module
        );
        Ok(())
    }
}

/// What is timed: its name, and what it is of a kill, in milliseconds.
const TIMES: [Time; 4] = [
    Time(
        "the last request begins that is decided for the canary",
        |round| round.last_begun,
    ),
    Time("the last request is at the canary's agent", |round| {
        round.last_seen
    }),
    Time(
        "the last event of an open stream is at its client",
        |round| round.last_event,
    ),
    Time("the receipt: in force on every worker", |round| {
        round.receipt
    }),
];

const SUBJECT: Subject = Subject {
    policy: "support",
    rollout: "support-agent",
    stable: "prompt-v41",
    canary: "prompt-v42",
    salt: "chg-2026-0117",
};

/// Between two events of a stream.
const TOKEN_DELAY: std::time::Duration = std::time::Duration::from_millis(5);

const GOAL_MS: f64 = 10.0;

const ABOUT: &str = "
`make bench-kill`. Everybody is on the canary, over HTTP/1.1 and HTTP/2 on both workers of one Envoy, and sixteen token streams
(an event every 5 ms) are open on it. An operator then sends a kill (`rollback`, `in_flight: cut`), signed;
the filter verifies it, obeys it and answers with a receipt once every worker has it in force. A warrant
raises the canary again, and so on. *Begun* is the moment at which a client starts to send a request; all
clocks are one clock. Envoy, the agents, all clients and the operator share the machine, so what a client
measures has its own waiting for a core in it.";
