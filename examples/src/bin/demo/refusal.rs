//! Part six: a broken policy, and an old one that would undo the kill.

use anyhow::Result;
use breakglass_examples::stack::{Pushed, Stack, Stats};

use crate::ledger::Ledger;
use crate::story::{self, People, ROLLOUT};
use crate::traffic::Traffic;
use crate::ui::{Ui, ms, thousands};

/// Pushes what must not take effect, while the kill of generation `killed` is in force.
pub(crate) async fn refusal(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &People,
    killed: u64,
) -> Result<()> {
    ui.part("6. Mistakes: a broken policy, and an old one pushed again");
    let before = stack.admin().stats().await?;
    let pushed = stack
        .push_policy(&story::policy(killed + 1, "lots"))
        .await?;
    let (refused, said) = match pushed {
        Pushed::Refused { reason, .. } => (reason.contains("ramp.percent"), reason),
        Pushed::Accepted { .. } => (false, "it was accepted".to_owned()),
    };
    ui.check(
        refused,
        "a broken policy is refused, and the reason names the place",
        "",
    );
    ui.faint(said);
    unchanged(
        ui,
        stack,
        traffic,
        people,
        killed,
        "traffic and kill stay as they were",
    )
    .await?;
    let lost = lost(&before, &stack.admin().stats().await?);
    ui.check(lost.is_empty(), "no counter is lost", lost.join(", "));

    // An older generation, without a kill: what a revert in the configuration's repository does.
    let took = match stack.push_policy(&story::policy(killed - 2, 50)).await? {
        Pushed::Accepted { took } => format!("accepted after {}", ms(took)),
        Pushed::Refused { reason, .. } => format!("refused: {reason}"),
    };
    ui.line(format_args!(
        "the policy for 50 % of a while ago, pushed again: {took}"
    ));
    unchanged(
        ui,
        stack,
        traffic,
        people,
        killed,
        "an older policy does not undo the kill",
    )
    .await
}

/// Lets as many requests pass as there are users, and checks that the kill holds.
async fn unchanged(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &People,
    killed: u64,
    promise: &str,
) -> Result<()> {
    let served = |ledger: &Ledger| {
        ledger
            .tallies
            .get(&killed)
            .map_or(0, |tally| tally.requests)
    };
    let (before, faults) = (served(&traffic.ledger), traffic.ledger.faults);
    let all = people.all.len();
    traffic
        .until("requests", all, |ledger| served(ledger) - before)
        .await?;

    let state = stack.operator().state().await?;
    let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
    let rollout = rollouts.iter().find(|rollout| rollout["name"] == ROLLOUT);
    let control = rollout
        .map(|rollout| rollout["control"].clone())
        .unwrap_or_default();
    let on_canary = traffic.ledger.tallies[&killed].on_canary.len();
    ui.check(
        control["generation"] == killed
            && control["kill"]["mode"] == "rollback"
            && on_canary == 0
            && traffic.ledger.faults == faults,
        promise,
        format_args!(
            "{} requests, {on_canary} to the new version; state: generation {}, kill {}",
            thousands(served(&traffic.ledger) - before),
            control["generation"],
            control["kill"]["mode"],
        ),
    );
    Ok(())
}

/// Counters of the filter that went down or away.
fn lost(before: &Stats, after: &Stats) -> Vec<String> {
    let counters = before
        .named("breakglass_")
        .filter(|sample| sample.name.ends_with("_total"));
    counters
        .filter_map(|sample| {
            let labels: Vec<(&str, &str)> = sample
                .labels
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            let now = after.value(&sample.name, &labels);
            let kept = now.is_some_and(|now| now >= sample.value);
            (!kept).then(|| format!("{} {labels:?}", sample.name))
        })
        .collect()
}
