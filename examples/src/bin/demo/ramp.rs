//! Part two: the ramp, a step at a time, by pushing policies.

use anyhow::{Result, bail};
use breakglass_examples::load::Plan;
use breakglass_examples::share::Percent;
use breakglass_examples::stack::{Pushed, Stack};

use crate::ledger::Meaning;
use crate::story::{self, CANARY, People, STABLE, STEPS};
use crate::traffic::Traffic;
use crate::ui::{Ui, ms, share, thousands};

/// Ramps to 100 %. Returns the generation that is then in force.
pub(crate) async fn ramp(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &People,
) -> Result<u64> {
    ui.part("2. Ramp: each step is a policy pushed to the running Envoy, under load");
    ui.line(format_args!(
        "{:>5}   {:<28}{:<28}{:>9}{:>8}{:>12}{:>11}",
        "asked",
        "exact for these users",
        "achieved",
        "requests",
        "wrong",
        "moved back",
        "push took"
    ));
    let total = people.all.len();
    let (mut exact, mut wrong, mut moved_back, mut requests) = (true, 0, 0, 0);
    let mut generation = 1;
    for step in STEPS {
        generation += 1;
        let percent = Percent::whole(step);
        traffic.ledger.announce(generation, Meaning::Ramp(percent));
        let took = match stack.push_policy(&story::policy(generation, step)).await? {
            Pushed::Accepted { took } => took,
            Pushed::Refused { reason, .. } => {
                bail!("the policy for {step} % was refused: {reason}")
            }
        };
        let what = format!("{step} %: users seen");
        traffic
            .until(&what, total, |ledger| ledger.users_seen(generation))
            .await?;

        let expected = traffic.ledger.expected(&people.all, percent);
        let tally = &traffic.ledger.tallies[&generation];
        let achieved = tally.on_canary.len();
        ui.line(format_args!(
            "{:>5}   {:<28}{:<28}{:>9}{:>8}{:>12}{:>11}",
            format!("{step} %"),
            share(expected, total),
            share(achieved, total),
            thousands(tally.requests),
            tally.wrong,
            tally.moved_back,
            ms(took),
        ));
        exact &= achieved == expected;
    }
    for tally in traffic.ledger.tallies.values() {
        requests += tally.requests;
        wrong += tally.wrong;
        moved_back += tally.moved_back;
    }
    ui.faint("exact: SipHash-2-4 of the user by the salt, computed apart from the filter's code");
    ui.check(
        exact,
        "the share achieved is the exact share, at every step",
        "",
    );
    ui.check(
        wrong == 0 && traffic.ledger.faults == 0,
        "every single decision is the computed one",
        format_args!(
            "{} checked, {} wrong",
            thousands(requests),
            wrong.max(traffic.ledger.faults)
        ),
    );
    ui.check(
        moved_back == 0,
        "no user ever moved back while the ramp grew",
        moved_back,
    );
    Ok(generation)
}

/// Part four: what clients say about their arm does not count.
pub(crate) async fn lies(ui: &mut Ui, stack: &Stack, traffic: &Traffic, people: &People) {
    ui.part("4. Lies: some clients send the filter's own headers");
    let step = |generation: u64| traffic.ledger.tallies.get(&generation);
    // At the first step nearly all of them ask for what they must not get.
    let liars = step(2).map_or(0, |tally| {
        people
            .lying
            .iter()
            .filter(|unit| tally.on_canary.contains(*unit))
            .count()
    });
    let rightful = traffic
        .ledger
        .expected(&people.lying, Percent::whole(STEPS[0]));
    ui.check(
        liars == rightful,
        "a forged x-breakglass-arm or -cluster does not choose an arm",
        format_args!(
            "at {} %, {} users forged it, {liars} got the new version, {rightful} rightly",
            STEPS[0],
            people.lying.len()
        ),
    );

    let mut elsewhere = Plan::new(stack.traffic(), people.lying.clone());
    elsewhere.path = "/v1/chat/completions".to_owned();
    elsewhere.headers = story::lies();
    let answers = elsewhere.run().await;
    let stable = answers
        .iter()
        .filter(|record| record.version.as_deref() == Some(STABLE.version))
        .count();
    let clean = answers.iter().all(|record| {
        record.received["headers"]
            .as_object()
            .is_some_and(|headers| headers.is_empty())
    });
    ui.check(
        stable == answers.len() && clean,
        "nor where no rollout matches",
        format_args!(
            "{stable} of {} forged requests to another path went to {}, {} to {}; forged headers {}",
            answers.len(),
            STABLE.cluster,
            answers.len() - stable,
            CANARY.cluster,
            if clean { "removed" } else { "NOT removed" },
        ),
    );
}
