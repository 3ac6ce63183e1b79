//! Where the story takes place: the project's folder, the Envoys, the traffic, and those who type.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use breakglass_examples::agent::{Rate, SENTENCES};
use breakglass_examples::night::{
    self, Background, Closed, Desk, MEERA, Member, Night, PRIYA, PROXIES, RAVI, ROLLOUT, Ran, TEAM,
};
use breakglass_examples::stack::{Options, Stack};
use breakglass_examples::ui::{Ui, cut};
use serde_json::Value;

use crate::traffic::Traffic;

/// Everything that is there while an act is played.
pub(crate) struct Stage<'u> {
    pub(crate) ui: &'u mut Ui,
    pub(crate) night: Night,
    pub(crate) edges: Vec<Stack>,
    pub(crate) traffic: Traffic,
    /// The id of the change, once it is declared.
    pub(crate) change: String,
    /// How many lines of what a command says are shown.
    lines: usize,
}

// === impl Stage ===

impl<'u> Stage<'u> {
    /// Makes keys, starts the Envoys with a policy that trusts them, makes and edits the project.
    pub(crate) async fn open(ui: &'u mut Ui, dir: Option<&Path>, lines: usize) -> Result<Self> {
        ui.part("The place: two Envoys, two versions of an agent, four people and their keys");
        let night = Night::new(dir, Closed::now())?;
        // Who has seen it reads the commands only.
        let setup = if lines < LINES { 0 } else { lines };
        ui.line("Everybody has BREAKGLASS_AS set to who they are, and sits in the project's folder; Ravi");
        ui.line("sits at a machine of his own, and his private key is nowhere else. The hours in the headings are");
        ui.line("the story's; the commands tell the real ones.");
        for member in TEAM {
            let key = member.key();
            let keygen = [
                "keygen",
                "--no-passphrase",
                "--role",
                member.role,
                "--id",
                member.id,
            ];
            let arguments = [&keygen[..], &["--out", &key]].concat();
            // One of four is enough to read.
            let shown = if member == PRIYA { setup } else { 0 };
            let ran = types(ui, &night.desk(member), &arguments, shown).await?;
            ensure!(ran.is_fine(), "keygen: {}", ran.text);
        }
        night.from_laptop(&RAVI.public_key())?;

        let begun = Instant::now();
        let mut edges = Vec::new();
        for proxy in PROXIES {
            edges.push(edge(&night, proxy).await?);
        }
        ui.gap();
        ui.line(format_args!(
            "{} Envoys are up after {:.1} s. Their policy trusts these keys; to raise exposure it asks for",
            edges.len(),
            begun.elapsed().as_secs_f64()
        ));
        ui.line(format_args!(
            "{} and {}; it masks whatever is found, and has a judge of its own.",
            RAVI.role, MEERA.role
        ));
        let targets = edges.iter().map(|edge| edge.operator().addr().to_string());
        let targets: Vec<String> = targets.collect();
        let init = night.init(&targets);
        let init: Vec<&str> = init.iter().map(String::as_str).collect();
        let ran = types(ui, &night.desk(PRIYA), &init, setup).await?;
        ensure!(ran.is_fine(), "init: {}", ran.text);
        night.edit()?;
        ui.gap();
        ui.line("breakglass.toml, edited:");
        for line in Night::edits().lines() {
            ui.faint(line);
        }
        let ran = types(ui, &night.desk(PRIYA), &["doctor"], lines).await?;
        ui.check(
            ran.is_fine(),
            "`breakglass doctor` finds nothing wrong with the project and the proxies",
            status(&ran),
        );
        let traffic = Traffic::start(&edges);
        Ok(Self {
            ui,
            night,
            edges,
            traffic,
            change: String::new(),
            lines,
        })
    }

    /// Somebody types a command, and reads what it says.
    pub(crate) async fn types(&self, who: Member, arguments: &[&str]) -> Result<Ran> {
        types(self.ui, &self.night.desk(who), arguments, self.lines).await
    }

    /// Somebody types a command that goes on; its lines come as they are said.
    pub(crate) fn begins(&self, who: Member, arguments: &[&str]) -> Result<Background> {
        let desk = self.night.desk(who);
        self.ui.typed(desk.who.id, &night::spelled(arguments));
        let name = arguments.first().copied().unwrap_or_default();
        let mark = format!("{} ({name}):", desk.who.id);
        desk.start(arguments, move |line| {
            println!("   {mark} {}", cut(line));
        })
    }

    /// What the journal knows of the change; nobody types this.
    pub(crate) async fn status(&self) -> Result<Value> {
        let desk = self.night.desk(PRIYA);
        let ran = desk.run(&["status", &self.change, "--json"]).await?;
        let status: Value = serde_json::from_str(&ran.text)
            .with_context(|| format!("status says no JSON: {}", ran.text))?;
        Ok(status["changes"][0].clone())
    }

    /// Waits until this is so of the journal.
    pub(crate) async fn until(
        &self,
        what: &str,
        limit: Duration,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.status().await?;
            if is(&status) {
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "{what}: not within {limit:?}: {}, {}",
                status["stage"],
                status["ramp"]
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What every proxy has of the rollout.
    pub(crate) async fn rollouts(&self) -> Result<Vec<Value>> {
        let mut rollouts = Vec::new();
        for edge in &self.edges {
            let state = edge.operator().state().await?;
            let all = state["rollouts"].as_array().cloned().unwrap_or_default();
            let found = all.into_iter().find(|rollout| rollout["name"] == ROLLOUT);
            rollouts.push(found.context("a proxy has no such rollout")?);
        }
        Ok(rollouts)
    }

    /// Stops everything; what went wrong is explained by the ends of the Envoys' logs.
    pub(crate) async fn close(self, outcome: Result<()>) -> Result<()> {
        self.traffic.stop().await;
        if outcome.is_err() {
            for (proxy, edge) in PROXIES.iter().zip(&self.edges) {
                let log = edge.log();
                let trouble = log
                    .lines()
                    .filter(|line| line.contains("wasm log") || line.contains("[critical]"));
                for line in trouble.take(LOG_LINES) {
                    self.ui.faint(format_args!("{proxy}: {line}"));
                }
            }
        }
        outcome
    }
}

/// One Envoy with its two agents; its files are in the project's folder.
async fn edge(night: &Night, proxy: &str) -> Result<Stack> {
    let mut options = Options::new(night.policy()?);
    options.dir = Some(night.proxy(proxy));
    // PAN, UPI id and e-mail address.
    options.stable.pii = &SENTENCES[2..4];
    options.stable.pii_rate = Rate::percent(LEAKY_PERCENT)?;
    for agent in [&mut options.stable, &mut options.canary] {
        agent.token_delay = Duration::from_millis(10);
    }
    Stack::start(options).await
}

async fn types(ui: &Ui, desk: &Desk, arguments: &[&str], lines: usize) -> Result<Ran> {
    ui.typed(desk.who.id, &night::spelled(arguments));
    let ran = desk.run(arguments).await?;
    if lines > 0 {
        ui.said(&ran.text, lines);
    }
    if !ran.is_fine() {
        ui.faint(status(&ran));
    }
    Ok(ran)
}

/// How a command ended.
pub(crate) fn status(ran: &Ran) -> String {
    match ran.status {
        Some(status) => format!("exit status {status}"),
        None => "killed".to_owned(),
    }
}

/// Of what a command says.
pub(crate) const LINES: usize = 16;
/// Where the reader has seen it before.
pub(crate) const FEW_LINES: usize = 9;

/// The old version leaks in so many of a hundred answers.
const LEAKY_PERCENT: f64 = 8.0;

const LOOK_EVERY: Duration = Duration::from_millis(250);

const LOG_LINES: usize = 15;
