//! What routing costs a request: the filter beside no filter, a filter that does nothing, Lua,
//! `ext_proc` and Envoy's own weighted clusters.

use std::time::Duration;

use anyhow::Result;

use crate::Common;
use crate::contestants::Contestant;
use crate::load::{CONNECTIONS, HTTP2_CONNECTIONS, Protocol, STREAMS};
use crate::report::{Bar, Plot, Report, Scale, Table, thousands};
use crate::section::{Answers, Section};
use crate::turns::{Outcome, Plan};
use crate::upstream::Upstream;

/// What routing costs a request, beside its peers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Only contestants with one of these words in their names; "no filter" is always there.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these sections.
    #[arg(long, value_enum, value_delimiter = ',')]
    section: Vec<Kind>,
    /// Rounds of turns that count.
    #[arg(long)]
    rounds: Option<usize>,
    /// The length of a turn.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "100ms")]
    turn: Duration,
}

/// One table of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Envoy answers itself, over HTTP/1.1.
    Direct,
    /// The agents behind Envoy answer, over HTTP/1.1.
    Agents,
    /// Envoy answers itself, over HTTP/2.
    Http2,
    /// One rollout in the policy and a thousand.
    Rollouts,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        crate::run_on_one_thread(self.measure())
    }

    async fn measure(self) -> Result<()> {
        let modules = self.common.named_modules()?;
        let usual = if self.common.quick { 11 } else { 121 };
        let plan = Plan {
            rounds: self.rounds.unwrap_or(usual),
            turn: self.turn,
        };
        let facts = plan.begin(&modules);
        let mut report = Report::new("routing", "What routing costs in Envoy", ABOUT, facts);
        let upstream = Upstream::start(&[]).await?;
        for kind in self.sections() {
            let mut contestants = kind.contestants(&modules)?;
            contestants.retain(|contestant| self.wants(&contestant.name));
            let section = Section {
                contestants,
                answers: kind.answers(),
                protocol: kind.protocol(),
            };
            let running = section.start(&upstream).await?;
            if kind == Kind::Direct {
                let spent = format!("{:.2} ms of CPU a second", running.idle().await?);
                report.fact("Envoy with all of them in it, idle", spent);
            }
            let outcomes = running.measure(None, plan).await?;
            report.table(kind.table(&outcomes));
            report.plot(kind.plot(&outcomes));
            let outcomes = outcomes.iter().map(Outcome::json).collect();
            report.data(kind.name(), outcomes);
        }
        // A part of the result does not take the place of the whole.
        let partial = !self.only.is_empty() || !self.section.is_empty() || self.rounds.is_some();
        let out = if partial {
            self.common.scratch()
        } else {
            self.common.out()
        };
        report.write(&out)
    }

    fn sections(&self) -> Vec<Kind> {
        match (self.section.as_slice(), self.common.quick) {
            ([], true) => vec![Kind::Direct, Kind::Agents],
            ([], false) => vec![Kind::Direct, Kind::Agents, Kind::Http2, Kind::Rollouts],
            (some, _) => some.to_vec(),
        }
    }

    fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut words = self.only.iter().map(|word| word.to_lowercase());
        name == "no filter" || self.only.is_empty() || words.any(|word| name.contains(&word))
    }
}

// === impl Kind ===

impl Kind {
    fn contestants(self, modules: &[(String, std::path::PathBuf)]) -> Result<Vec<Contestant>> {
        let mut all = vec![Contestant::bare()];
        if self == Self::Direct {
            all.push(Contestant::bare_again());
        }
        if self == Self::Rollouts {
            for (name, module) in modules {
                all.push(Contestant::routing(
                    &format!("{name}, 1 rollout"),
                    module,
                    1,
                ));
                all.push(Contestant::routing(
                    &format!("{name}, 1,000 rollouts"),
                    module,
                    1_000,
                ));
            }
            return Ok(all);
        }
        if self == Self::Agents {
            all.push(Contestant::weights());
        }
        all.push(Contestant::noop()?);
        for (name, module) in modules {
            all.push(Contestant::routing(name, module, 1));
            all.push(Contestant::lean(name, module));
            all.push(Contestant::judged(name, module));
        }
        all.extend([
            Contestant::small_lua(),
            Contestant::lua(),
            Contestant::ext_proc(),
        ]);
        Ok(all)
    }

    fn answers(self) -> Answers {
        match self {
            Self::Agents => Answers::Agents,
            Self::Direct | Self::Http2 | Self::Rollouts => Answers::Envoy,
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::Http2 => Protocol::Http2,
            Self::Direct | Self::Agents | Self::Rollouts => Protocol::Http1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Agents => "agents",
            Self::Http2 => "http2",
            Self::Rollouts => "rollouts",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Direct => "Envoy answers itself, HTTP/1.1",
            Self::Agents => "Agents behind Envoy answer, HTTP/1.1",
            Self::Http2 => "Envoy answers itself, HTTP/2",
            Self::Rollouts => "One rollout and a thousand",
        }
    }

    fn note(self) -> String {
        match self {
            Self::Direct => format!(
                "{CONNECTIONS} connections, one request at a time on each. Nothing but the filter differs: \
                 \"no filter, again\" shows how far two equal listeners come out apart."
            ),
            Self::Agents => "The same load; the agents are one more Envoy, which answers at once. Those \
                 that choose pay for the choice of the cluster too, and their requests carry five more \
                 headers (\"hash and one header\": one)."
                .to_owned(),
            Self::Http2 => format!(
                "{HTTP2_CONNECTIONS} connections with {STREAMS} requests at a time on each."
            ),
            Self::Rollouts => "HTTP/1.1, Envoy answers itself. The rollouts differ by path; the request \
                 is for the last one."
                .to_owned(),
        }
    }

    fn table(self, outcomes: &[Outcome]) -> Table {
        let helped = outcomes.iter().any(|outcome| outcome.helper.is_some());
        let mut columns = vec!["", "CPU, µs", "times no filter", "added, µs"];
        if helped {
            columns.extend(["server, µs", "added in all, µs"]);
        }
        columns.extend(["requests/s", "p50, µs", "p99, µs"]);
        let mut table = Table::new(self.title(), &self.note(), &columns);
        for (place, outcome) in outcomes.iter().enumerate() {
            // The first is what the others are compared with.
            let added = |text: String| if place == 0 { "–".to_owned() } else { text };
            let mut cells = vec![
                outcome.name.clone(),
                outcome.cpu.text(1),
                added(outcome.ratio.text(2)),
                added(outcome.added.text(1)),
            ];
            if helped {
                let server = outcome.helper.map(|helper| helper.text(1));
                cells.push(server.unwrap_or_else(|| "–".to_owned()));
                cells.push(added(outcome.in_all.text(1)));
            }
            cells.extend([
                thousands(outcome.rate.median as u64),
                thousands(outcome.p50.median as u64),
                thousands(outcome.p99.median as u64),
            ]);
            table.row(cells);
        }
        table
    }

    fn plot(self, outcomes: &[Outcome]) -> Plot {
        let axis = "CPU time a request beside no filter, µs: median of the rounds, middle half";
        // A server of its own costs ten times what a filter does.
        let (axis, scale) = match self {
            Self::Rollouts => (axis.to_owned(), Scale::Linear),
            _ => (format!("{axis}; logarithmic"), Scale::Logarithmic),
        };
        let mut plot = Plot::new(self.title(), &axis, scale);
        let filters = outcomes
            .iter()
            .filter(|outcome| !outcome.name.starts_with("no filter"));
        for outcome in filters {
            let bar = |label: &str, spread| {
                let bar = Bar::new(label, spread);
                if outcome.ours { bar.ours() } else { bar }
            };
            plot.bar(bar(&outcome.name, outcome.added));
            if outcome.helper.is_some() {
                plot.bar(bar(
                    &format!("{} and its server", outcome.name),
                    outcome.in_all,
                ));
            }
        }
        plot
    }
}

/// What to know about the tables.
const ABOUT: &str = include_str!("routing/about.md");
