//! Parts one and three: the old version leaks and the new one does not; users see neither.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use breakglass_examples::agent::{AgentConfig, Writes};
use breakglass_examples::stack::{Stack, Stats};

use crate::ledger::Ledger;
use crate::story::{CANARY, LEAKY_PERCENT, People, ROLLOUT, STABLE, STEPS};
use crate::traffic::{self, Traffic};
use crate::ui::{Ui, thousands};

/// What Envoy counted, by arm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaks {
    stable: ArmLeaks,
    canary: ArmLeaks,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ArmLeaks {
    answers: u64,
    /// Values found in answers, by entity.
    values: BTreeMap<String, u64>,
}

/// Everybody on the old version, once, before the ramp. Returns what was counted.
pub(crate) async fn before(
    ui: &mut Ui,
    stack: &Stack,
    people: &People,
    ledger: &mut Ledger,
) -> Result<Leaks> {
    ui.part("1. The leak: the old version gives away personal data, the policy masks it");
    ui.line(format_args!(
        "{} leaks in {LEAKY_PERCENT} % of its answers, {} in none; everybody gets {}",
        STABLE.version, CANARY.version, STABLE.version,
    ));
    ui.line(r#"policy: "redaction": {"response": {"*": "mask"}}"#);
    // Written at every space: values are cut by writes too, not by events alone.
    let agent = &stack.agents().stable;
    let usual = agent.config();
    agent.reconfigure(AgentConfig {
        writes: Writes::Token,
        ..AgentConfig::clone(&usual)
    });
    traffic::once(stack, people, ledger).await;
    agent.reconfigure(Arc::unwrap_or_clone(usual));

    let seen = &ledger.seen;
    ui.check(
        seen.clear == 0 && seen.masked > 0 && ledger.faults == 0,
        "users see placeholders, never a value",
        format_args!(
            "{} JSON answers and {} streams, in OpenAI's and in Anthropic's shape; {} with \
             placeholders, {} with a value in clear",
            thousands(seen.answers - seen.streams),
            seen.streams,
            seen.masked,
            seen.clear,
        ),
    );
    let said = agent.leaked();
    let said: BTreeMap<String, u64> = said
        .into_iter()
        .map(|(entity, times)| (entity.to_owned(), times))
        .collect();
    let leaks = Leaks::settled(stack, |leaks| leaks.stable.values == said).await?;
    let counted = &leaks.stable.values;
    let total = |values: &BTreeMap<String, u64>| values.values().sum::<u64>();
    ui.check(
        *counted == said && seen.placeholders == said && total(&said) > 0,
        "each leak is counted once, entity by entity",
        format_args!(
            "the agent said {} values of {} entities, Envoy counted {}, users saw {} placeholders",
            total(&said),
            said.len(),
            total(counted),
            total(&seen.placeholders),
        ),
    );
    Ok(leaks)
}

/// Everybody on the new version: generation `ramped`. `before`: what was counted before the ramp.
pub(crate) async fn after(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &People,
    before: &Leaks,
    ramped: u64,
) -> Result<()> {
    ui.part("3. The leak again: what the ramp has done to it, by Envoy's own counters");
    let reached = Leaks::read(&stack.admin().stats().await?);
    traffic.read_streams(stack).await;
    let served = |ledger: &Ledger| ledger.tallies[&ramped].requests;
    let so_far = served(&traffic.ledger);
    let (what, all) = ("100 %: requests", people.all.len());
    traffic
        .until(what, all, |ledger| served(ledger) - so_far)
        .await?;
    let now = Leaks::read(&stack.admin().stats().await?);

    let ramp = reached.since(before);
    let at_the_end = now.since(&reached);
    table(
        ui,
        &[
            ("before", STABLE.version, &before.stable),
            ("on the ramp", STABLE.version, &ramp.stable),
            ("on the ramp", CANARY.version, &ramp.canary),
            ("at 100 %", STABLE.version, &at_the_end.stable),
            ("at 100 %", CANARY.version, &at_the_end.canary),
        ],
    );
    ui.check(
        now.canary.total() == 0 && now.canary.answers > 0 && ramp.stable.total() > 0,
        "the old version leaks on the way, the new one does not",
        format_args!(
            "{} values in {} answers, {} in {}",
            ramp.stable.total(),
            thousands(ramp.stable.answers as usize),
            now.canary.total(),
            thousands(now.canary.answers as usize),
        ),
    );
    ui.check(
        at_the_end.stable.total() + at_the_end.canary.total() == 0
            && at_the_end.canary.answers as usize >= all
            && traffic.ledger.faults == 0,
        format_args!("at {} % the leak has stopped", STEPS[STEPS.len() - 1]),
        format_args!(
            "{} answers later still {} values in all",
            thousands(at_the_end.canary.answers as usize),
            thousands((now.stable.total() + now.canary.total()) as usize),
        ),
    );
    Ok(())
}

/// Leaks per 1,000 answers: a line for each entity, a column for each time and version.
fn table(ui: &Ui, columns: &[(&str, &str, &ArmLeaks)]) {
    let row = |title: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>14}")).collect();
        ui.line(format_args!("{title:<24}{cells}"));
    };
    let cells =
        |cell: &dyn Fn(&(&str, &str, &ArmLeaks)) -> String| columns.iter().map(cell).collect();
    row(
        "leaks per 1,000 answers",
        cells(&|(when, _, _)| (*when).to_owned()),
    );
    row("", cells(&|(_, version, _)| (*version).to_owned()));
    let entities: BTreeSet<&String> = columns
        .iter()
        .flat_map(|(_, _, leaks)| leaks.values.keys())
        .collect();
    for entity in entities {
        row(entity, cells(&|(_, _, leaks)| leaks.rate(entity)));
    }
    let answers = |leaks: &ArmLeaks| thousands(leaks.answers as usize);
    row("answers", cells(&|(_, _, leaks)| answers(leaks)));
}

// === impl Leaks ===

impl Leaks {
    fn read(stats: &Stats) -> Self {
        let arm = |arm| {
            let labels = [("rollout", ROLLOUT), ("arm", arm)];
            let mut values = BTreeMap::new();
            for sample in stats.named("breakglass_redactions_total") {
                let is = |(label, value)| sample.label(label) == Some(value);
                let (Some(entity), true) = (sample.label("entity"), labels.into_iter().all(is))
                else {
                    continue;
                };
                if sample.value > 0.0 {
                    *values.entry(entity.to_owned()).or_default() += sample.value as u64;
                }
            }
            ArmLeaks {
                answers: stats.sum("breakglass_responses_total", &labels) as u64,
                values,
            }
        };
        Self {
            stable: arm("stable"),
            canary: arm("canary"),
        }
    }

    /// Reads the counters until they are as they should be, or will not become it.
    async fn settled(stack: &Stack, settled: impl Fn(&Self) -> bool) -> Result<Self> {
        let deadline = Instant::now() + SETTLED_LIMIT;
        loop {
            let leaks = Self::read(&stack.admin().stats().await?);
            if settled(&leaks) || Instant::now() > deadline {
                return Ok(leaks);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What came after `earlier`.
    fn since(&self, earlier: &Self) -> Self {
        Self {
            stable: self.stable.since(&earlier.stable),
            canary: self.canary.since(&earlier.canary),
        }
    }
}

// === impl ArmLeaks ===

impl ArmLeaks {
    fn since(&self, earlier: &Self) -> Self {
        let values = self.values.iter().map(|(entity, times)| {
            let before = earlier.values.get(entity).copied().unwrap_or_default();
            (entity.clone(), times.saturating_sub(before))
        });
        Self {
            answers: self.answers.saturating_sub(earlier.answers),
            values: values.collect(),
        }
    }

    fn total(&self) -> u64 {
        self.values.values().sum()
    }

    /// Values in a thousand answers; a dash if there is no answer.
    fn rate(&self, entity: &str) -> String {
        if self.answers == 0 {
            return "–".to_owned();
        }
        let values = self.values.get(entity).copied().unwrap_or_default();
        format!("{:.1}", 1000.0 * values as f64 / self.answers as f64)
    }
}

/// Counters reach the admin endpoint within a flush of the workers.
const SETTLED_LIMIT: Duration = Duration::from_secs(3);
