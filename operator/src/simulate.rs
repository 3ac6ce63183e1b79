//! `breakglass simulate`: how soon a judge finds a bad canary, and how often it is wrong.

mod plot;
mod rules;
mod show;
mod traffic;
mod trials;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Alpha, Entity, Factor, Judge, Percent, Signal, SignalName};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::files;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::profile::{policy, rollout};
use crate::typed;
use rules::Rule;
use show::Row;
use traffic::{Pattern, Step, Traffic};
use trials::Experiment;

/// Tries a judge on simulated traffic: false alarms, and how long a bad canary lives.
///
/// Each trial is a rollout of --for; the judge, the filter's own code, looks after every request. In the
/// trials of the first row the canary is as good as the stable arm: whatever rolls back is a false
/// alarm. In the others it has --times as many bad answers (0 for a redactor that fell silent).
/// Requests are answered at once and come from as many users. The same seed gives the same numbers.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The policy whose judge is tried, in JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The rollout of the policy; needed where it has several
    #[arg(long, value_name = "NAME", requires = "policy")]
    rollout: Option<String>,
    /// Without a policy: the chance of a false alarm
    #[arg(long, value_name = "CHANCE", default_value = "0.001", value_parser = alpha, conflicts_with = "policy")]
    alpha: Alpha,
    /// Without a policy: how many times worse the canary must be [default: 2]
    #[arg(long, value_name = "FACTOR", value_parser = factor, conflicts_with = "policy")]
    worse_by: Option<Factor>,
    /// What is bad of an answer; the judge must watch it
    #[arg(long, value_name = "WHAT", default_value = "error-rate")]
    signal: Watched,
    /// Bad answers of the stable arm in percent
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = typed::percent)]
    bad: Percent,
    /// How many times as many the canary has; several with commas
    #[arg(
        long,
        value_name = "FACTORS",
        default_value = "2,5,10",
        value_delimiter = ',',
        value_parser = times
    )]
    times: Vec<f64>,
    /// The canary's share in percent; a ramp as `1,10@10m,50@30m`
    #[arg(long, value_name = "RAMP", default_value = "10", value_delimiter = ',', value_parser = step)]
    share: Vec<Step>,
    /// Requests a second, both arms
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = rate)]
    rate: f64,
    /// How the load and the bad answers of both arms change
    #[arg(long, value_name = "PATTERN", default_value = "constant")]
    pattern: Pattern,
    /// How long a rollout lasts
    #[arg(long = "for", value_name = "DURATION", default_value = "2h", value_parser = typed::duration)]
    duration: Duration,
    /// Trials of each row
    #[arg(long, value_name = "NUMBER", default_value = "200", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    trials: u64,
    /// Where the random numbers begin
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    seed: u64,
    /// Try how others decide on the same traffic: a bound checked every minute (Flagger), ranks of
    /// minutes (Kayenta), a sequential test every hour (GrowthBook)
    #[arg(long)]
    compare: bool,
    /// Write the plot to a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write one JSON value
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Watched {
    /// Errors
    ErrorRate,
    /// Answers whose first byte comes too late
    SlowFirstByte,
    /// Answers that end too late
    Slow,
    /// Answers in which an entity is found
    Redactions,
    /// Answers that were not scanned
    Unscanned,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let experiment = experiment(arguments)?;
    let rules = experiment.rules();
    let mut cases = vec![1.0];
    cases.extend(arguments.times.iter().filter(|times| **times != 1.0));
    let runs = with_progress(cases.len() as u64 * experiment.trials, |done| {
        let each = cases.iter().map(|times| experiment.run(*times, done));
        each.collect::<Vec<_>>()
    });
    let rows = cases.iter().zip(runs).flat_map(|(times, run)| {
        let rows = rules.iter().zip(run);
        rows.map(|(rule, delays)| Row::new(rule, *times, delays))
    });
    let rows: Vec<Row> = rows.collect();
    if let Some(file) = &arguments.svg {
        let svg = plot::svg(&rows, experiment.seconds);
        files::replace(file, svg.as_bytes())?;
    }
    let mut output = Output::new();
    match arguments.json {
        true => output.json(&json!({
            "judge": experiment.judge,
            "seed": experiment.seed,
            "seconds": experiment.seconds,
            "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        }))?,
        false => {
            output.write(show::table(&rows).as_bytes())?;
            output.write(plot::text(&rows, experiment.seconds).as_bytes())?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn experiment(arguments: &Arguments) -> Result<Experiment> {
    let signal = arguments.signal.name();
    let judge = match &arguments.policy {
        Some(file) => {
            let policy = policy(file)?;
            let (_, rollout) = rollout(&policy, arguments.rollout.as_deref())?;
            let judge = rollout.judge.clone();
            judge.with_context(|| {
                let name = &rollout.name;
                format!(
                    "rollout `{name}` has no judge; without --policy one can be tried all the same"
                )
            })?
        }
        None => arguments.judge()?,
    };
    let watched = judge.signals.iter().find_map(|watched| match watched {
        Signal::ErrorRate { worse_by, .. } => {
            (signal == SignalName::ErrorRate).then_some((*worse_by, None))
        }
        Signal::Unscanned { worse_by } => {
            (signal == SignalName::Unscanned).then_some((*worse_by, None))
        }
        Signal::Latency(latency) => {
            let bound = match signal {
                SignalName::SlowFirstByte => latency.first_byte,
                SignalName::Slow => latency.answer,
                _ => None,
            };
            bound.map(|_| (latency.worse_by, None))
        }
        Signal::Redactions {
            entity, worse_by, ..
        } => (signal == SignalName::Redactions).then_some((*worse_by, Some(entity))),
        Signal::ZeroTolerance(_) | Signal::SampleRatio { .. } => None,
    });
    let Some((worse_by, entity)) = watched else {
        bail!(
            "the judge does not watch {}, choose what it watches with --signal",
            signal.as_str()
        );
    };
    let ordered = arguments
        .share
        .is_sorted_by(|one, next| one.second < next.second);
    if !ordered || arguments.share.first().is_none_or(|step| step.second > 0) {
        bail!(
            "--share begins with the share at the start, and its steps follow each other, such as 1,10@10m,50@30m"
        );
    }
    let bad = f64::from(arguments.bad.ppm()) / f64::from(Percent::ALL.ppm());
    if bad == 0.0 {
        bail!("without bad answers there is nothing to be compared: --bad must be above 0");
    }
    let entity = entity.filter(|entity| entity.as_str() != "*").cloned();
    let usual = || Entity::new("EMAIL_ADDRESS").context("no entity");
    let seconds = arguments.duration.as_secs();
    if seconds == 0 || seconds > LONGEST {
        bail!("--for is {seconds} s, expected 1s to 30d");
    }
    Ok(Experiment {
        others: match arguments.compare {
            true => Rule::all(bad, worse_by.get()).into(),
            false => Vec::new(),
        },
        traffic: Traffic {
            rate: arguments.rate,
            pattern: arguments.pattern,
            ramp: arguments.share.clone(),
            bad,
        },
        entity: entity.map_or_else(usual, Ok)?,
        trials: arguments.trials,
        seed: arguments.seed,
        judge,
        signal,
        seconds,
    })
}

/// Does a work of so many trials, and says on a terminal how far it is.
fn with_progress<T>(trials: u64, work: impl FnOnce(&AtomicU64) -> T) -> T {
    let done = AtomicU64::new(0);
    if !io::stderr().is_terminal() {
        return work(&done);
    }
    let (over, is_over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            let mut shown = false;
            let mut wait = PATIENCE;
            while is_over.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
                let done = done.load(Ordering::Relaxed);
                eprint!("\r\x1b[K{done} of {trials} trials");
                (shown, wait) = (true, EVERY);
            }
            if shown {
                eprint!("\r\x1b[K");
            }
        });
        let result = work(done);
        drop(over);
        result
    })
}

// === impl Arguments ===

impl Arguments {
    /// The judge of which only alpha and factor were given.
    fn judge(&self) -> Result<Judge> {
        let worse_by = self.worse_by.unwrap_or_default();
        let signal = match self.signal {
            Watched::ErrorRate => json!({"error_rate": {"worse_by": worse_by}}),
            Watched::SlowFirstByte => {
                json!({"latency": {"first_byte": "1s", "worse_by": worse_by}})
            }
            Watched::Slow => json!({"latency": {"answer": "1s", "worse_by": worse_by}}),
            Watched::Redactions => {
                json!({"redactions": {"entity": "EMAIL_ADDRESS", "two_sided": true, "worse_by": worse_by}})
            }
            Watched::Unscanned => json!({"unscanned": {"worse_by": worse_by}}),
        };
        let judge = json!({"alpha": self.alpha, "signals": [signal]});
        Ok(serde_json::from_value(judge)?)
    }
}

// === impl Watched ===

impl Watched {
    fn name(self) -> SignalName {
        match self {
            Self::ErrorRate => SignalName::ErrorRate,
            Self::SlowFirstByte => SignalName::SlowFirstByte,
            Self::Slow => SignalName::Slow,
            Self::Redactions => SignalName::Redactions,
            Self::Unscanned => SignalName::Unscanned,
        }
    }
}

fn alpha(text: &str) -> Result<Alpha, String> {
    let alpha = text.parse().ok().and_then(Alpha::new);
    alpha.ok_or_else(|| "expected a probability above 0 and at most 0.5, such as 0.001".into())
}

fn factor(text: &str) -> Result<Factor, String> {
    let factor = text.parse().ok().and_then(Factor::new);
    factor.ok_or_else(|| "expected a factor above 1, such as 2".into())
}

fn times(text: &str) -> Result<f64, String> {
    let times = text.parse().ok();
    let times = times.filter(|times: &f64| (0.0..=1e6).contains(times));
    times.ok_or_else(|| "expected a factor from 0 on, such as 10".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    let rate = rate.filter(|rate: &f64| *rate > 0.0 && *rate <= 100_000.0);
    rate.ok_or_else(|| "expected requests a second, above 0 and at most 100000".into())
}

fn step(text: &str) -> Result<Step, String> {
    let (percent, second) = match text.split_once('@') {
        Some((percent, after)) => (percent, typed::duration(after)?.as_secs()),
        None => (text, 0),
    };
    let percent = typed::percent(percent)?;
    Ok(Step { percent, second })
}

/// A month, in seconds.
const LONGEST: u64 = 30 * 24 * 60 * 60;
/// What takes no longer needs no progress line.
const PATIENCE: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(250);

const EXAMPLES: &str = "\
Examples:
  breakglass simulate
  breakglass simulate --policy policy.json --share 1,10@10m,50@30m --rate 50 --pattern bursty
  breakglass simulate --compare --svg judge.svg
  breakglass simulate --alpha 0.05 --times 1 --trials 2000 --pattern diurnal --for 24h --rate 1 --json";
