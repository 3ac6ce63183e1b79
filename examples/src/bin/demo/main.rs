//! The whole story on a real Envoy, in half a minute: leak, ramp, lies, kill, mistakes, keys. Every promise is
//! checked, and the exit status says whether all of them held.

mod kill;
mod leak;
mod ledger;
mod mask;
mod ramp;
mod refusal;
mod story;
mod traffic;
mod warrant;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use breakglass_examples::agent::Rate;
use breakglass_examples::http;
use breakglass_examples::share::Percent;
use breakglass_examples::stack::{Options, Stack, filter_module};
pub(crate) use breakglass_examples::ui;

use ledger::{Ledger, Meaning};
use story::{CANARY, People, ROLLOUT, SALT, STABLE};
use traffic::Traffic;
use ui::{Ui, ms, thousands};

#[tokio::main]
async fn main() -> ExitCode {
    let mut ui = Ui::new();
    let outcome = tokio::select! {
        outcome = demo(&mut ui) => outcome,
        // Dropping the demo takes Envoy, the agents and their files with it.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\ninterrupted; everything is stopped");
            return ExitCode::from(130);
        }
    };
    if let Err(error) = outcome {
        ui.check(
            false,
            "the demo comes to its end",
            format_args!("{error:#}"),
        );
    }
    match ui.verdict() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn demo(ui: &mut Ui) -> Result<()> {
    let begun = Instant::now();
    let people = People::new();
    ui.part("Breakglass on a real Envoy");
    let stack = start().await?;
    introduce(ui, &stack, &people, begun).await?;

    let outcome = acts(ui, &stack, &people).await;
    if outcome.is_err() {
        // The log goes with the stack: show what matters while it is there.
        for line in stack
            .log()
            .lines()
            .filter(|line| is_trouble(line))
            .take(LOG_LINES)
        {
            ui.faint(line);
        }
    }
    stack.stop();
    ui.faint(format_args!(
        "stopped and cleaned up after {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    outcome
}

async fn start() -> Result<Stack> {
    let mut options = Options::new(story::policy(1, 0));
    options.stable.version = STABLE.version.to_owned();
    options.canary.version = CANARY.version.to_owned();
    for agent in [&mut options.stable, &mut options.canary] {
        agent.token_delay = story::WORD_EVERY;
    }
    options.stable.pii_rate = Rate::percent(story::LEAKY_PERCENT)?;
    Stack::start(options).await
}

async fn introduce(ui: &Ui, stack: &Stack, people: &People, begun: Instant) -> Result<()> {
    let info = http::get(stack.admin().addr(), "/server_info")
        .await?
        .json()?;
    // `hash/1.40.0/Clean/RELEASE/BoringSSL`
    let version = info["version"]
        .as_str()
        .and_then(|version| version.split('/').nth(1))
        .unwrap_or("?");
    let size = std::fs::metadata(filter_module()?)?.len() / 1024;
    ui.line(format_args!(
        "Envoy {version}, 2 workers, ready after {}; the filter has {size} KB",
        ms(begun.elapsed())
    ));
    ui.line(format_args!(
        "old: {} on {}    new: {} on {}",
        STABLE.version, STABLE.cluster, CANARY.version, CANARY.cluster
    ));
    ui.line(format_args!(
        "{} users, over HTTP/1.1 and HTTP/2, all the time",
        thousands(people.all.len())
    ));
    Ok(())
}

async fn acts(ui: &mut Ui, stack: &Stack, people: &People) -> Result<()> {
    let mut ledger = Ledger::new(SALT, &story::vips());
    ledger.announce(1, Meaning::Ramp(Percent::whole(0)));
    let leaks = leak::before(ui, stack, people, &mut ledger).await?;

    let mut traffic = Traffic::start(stack, people, ledger);
    let ramped = ramp::ramp(ui, stack, &mut traffic, people).await?;
    leak::after(ui, stack, &mut traffic, people, &leaks, ramped).await?;
    ramp::lies(ui, stack, &traffic, people).await;
    let killed = ramped + 1;
    kill::kill(ui, stack, &mut traffic, people, killed).await?;
    refusal::refusal(ui, stack, &mut traffic, people, killed).await?;
    mask::mask_all(ui, stack, killed).await?;
    warrant::warrant(ui, stack, &mut traffic, people, killed).await?;
    books(ui, stack, traffic.stop().await).await
}

/// Part nine: the filter's counters against the ledger.
async fn books(ui: &mut Ui, stack: &Stack, ledger: Ledger) -> Result<()> {
    ui.part("9. The books");
    let rollout = [("rollout", ROLLOUT)];
    let deadline = Instant::now() + COUNTERS_LIMIT;
    // Workers may hand in their last counts a moment later.
    let (counted, killed_streams) = loop {
        let stats = stack.admin().stats().await.context("no counters")?;
        let counted = stats.sum("breakglass_requests_total", &rollout) as usize;
        if counted >= ledger.requests || Instant::now() > deadline {
            break (
                counted,
                stats.sum("breakglass_killed_streams_total", &rollout) as usize,
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    ui.check(
        counted == ledger.requests,
        "Envoy's counters agree with the users' own count",
        format_args!(
            "breakglass_requests_total {}, requests sent {}",
            thousands(counted),
            thousands(ledger.requests)
        ),
    );
    ui.line(format_args!(
        "breakglass_killed_streams_total {killed_streams}"
    ));
    let seen = &ledger.seen;
    ui.check(
        seen.clear == 0,
        "in all that time no user saw a value in clear",
        format_args!(
            "{} answers, {} with placeholders",
            thousands(seen.answers),
            thousands(seen.masked)
        ),
    );
    ui.check(
        ledger.faults == 0,
        "nothing else went wrong in all that time",
        ledger.complaints.join("; "),
    );
    Ok(())
}

fn is_trouble(line: &str) -> bool {
    ["[warning]", "[error]", "[critical]", "wasm log"]
        .iter()
        .any(|mark| line.contains(mark))
}

/// Lines of Envoy's log that are shown when something broke.
const LOG_LINES: usize = 20;

/// Counters reach the admin endpoint within a flush of the workers.
const COUNTERS_LIMIT: Duration = Duration::from_secs(3);
