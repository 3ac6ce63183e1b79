//! Part eight: keys. Anybody who is trusted may lower exposure; to raise it takes two, and a new
//! warrant after a kill.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use breakglass_examples::http::Answer;
use breakglass_examples::people::{self, Person};
use breakglass_examples::share::Percent;
use breakglass_examples::stack::{Pushed, Stack};
use serde_json::{Value, json};

use crate::ledger::Meaning;
use crate::story::{self, CANARY, People, ROLLOUT, SALT, STABLE};
use crate::traffic::Traffic;
use crate::ui::{Ui, share, thousands};

/// Those whose keys the policy trusts.
struct Trusted {
    engineer: Person,
    security: Person,
    platform: Person,
}

/// Takes over with the kill of generation `killed` in force, and leaves with another one.
pub(crate) async fn warrant(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    everybody: &People,
    killed: u64,
) -> Result<()> {
    ui.part("8. Keys: one lowers, two raise");
    let people = Trusted::new();
    let (pushed, raised, killed_again) = (killed + 1, killed + 2, killed + 3);
    without(ui, stack, traffic, &people, pushed).await?;

    let operator = stack.operator();
    let kill = json!({"rollout": ROLLOUT, "generation": raised, "kill": {"mode": "rollback"}});
    let answer = operator.order(&kill).await?;
    refused(ui, &answer, 401, "unsigned", "an unsigned order");
    let mut forged = people.order(raised, json!({"kill": {"mode": "block"}}))?;
    forged["payload"] = people.order(raised, json!({"ramp": []}))?["payload"].clone();
    let answer = operator.signed(&forged).await?;
    refused(ui, &answer, 401, "bad-signature", "a forged one");
    let alone = people.order(raised, json!({"kill": null, "ramp": {"percent": 10}}))?;
    let answer = operator.signed(&alone).await?;
    refused(ui, &answer, 403, "warrant-missing", "a raise by one person");
    let half = people.warrant(pushed, &[&people.security])?;
    let half = people.order(
        raised,
        json!({"kill": null, "ramp": {"percent": 10}, "warrant": half}),
    )?;
    let answer = operator.signed(&half).await?;
    refused(
        ui,
        &answer,
        403,
        "approval-missing",
        "a warrant that one signed",
    );

    let warrant = people.warrant(pushed, &[&people.security, &people.platform])?;
    let order = json!({"kill": null, "ramp": {"percent": 10}, "warrant": warrant});
    traffic
        .ledger
        .announce(raised, Meaning::Ramp(Percent::whole(10)));
    let answer = operator.signed(&people.order(raised, order)?).await?;
    let all = everybody.all.len();
    if answer.status == 200 {
        let seen = |ledger: &crate::ledger::Ledger| ledger.users_seen(raised);
        traffic.until("users under the warrant", all, seen).await?;
    }
    let tally = traffic.ledger.tallies.get(&raised);
    ui.check(
        answer.status == 200 && tally.is_some_and(|tally| tally.wrong == 0),
        "a raise with a warrant that two signed is carried out",
        tally.map_or_else(
            || answer.text().trim().to_owned(),
            |tally| share(tally.on_canary.len(), tally.users.len()),
        ),
    );
    let beyond = json!({"ramp": {"percent": 50}, "warrant": people::digest(&warrant)});
    let answer = operator
        .signed(&people.order(killed_again, beyond)?)
        .await?;
    refused(ui, &answer, 403, "warrant-exceeded", "more than it permits");

    traffic.ledger.announce(killed_again, Meaning::Killed);
    let kill = json!({"kill": {"mode": "rollback", "in_flight": "drain"}});
    let answer = operator.signed(&people.order(killed_again, kill)?).await?;
    ui.check(
        answer.status == 200,
        "a kill takes one signature",
        format_args!("generation {killed_again}"),
    );
    let again = json!({"kill": null, "ramp": {"percent": 10}, "warrant": warrant});
    let answer = operator
        .signed(&people.order(killed_again + 1, again)?)
        .await?;
    refused(
        ui,
        &answer,
        403,
        "warrant-spent",
        "the same warrant after a kill",
    );
    Ok(())
}

/// Pushes a policy that trusts keys and would end the kill, but has no warrant for it.
async fn without(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &Trusted,
    generation: u64,
) -> Result<()> {
    let mut policy = story::policy(generation, 50);
    policy["trust"] = people::trust(
        1,
        &[&people.engineer, &people.security, &people.platform],
        &[&["security_lead", "platform_lead"]],
    );
    traffic
        .ledger
        .announce(generation, Meaning::Ramp(Percent::whole(0)));
    if let Pushed::Refused { reason, .. } = stack.push_policy(&policy).await? {
        anyhow::bail!("the policy with keys was refused: {reason}");
    }
    let state = stack.in_force(ROLLOUT, generation).await?;
    let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
    let ours = rollouts.iter().find(|rollout| rollout["name"] == ROLLOUT);
    let ours = ours.context("the state has no such rollout")?;
    let served = |ledger: &crate::ledger::Ledger| {
        let tally = ledger.tallies.get(&generation);
        tally.map_or(0, |tally| tally.requests)
    };
    traffic.until("requests", SOME, served).await?;
    let tally = &traffic.ledger.tallies[&generation];
    ui.check(
        ours["control"]["kill"]["mode"] == "rollback"
            && ours["percent"] == 0
            && tally.on_canary.is_empty(),
        "a pushed policy that ends the kill for 50 % without a warrant reaches nobody",
        format_args!(
            "{} requests, {} to the new version; kill: {}",
            thousands(tally.requests),
            tally.on_canary.len(),
            ours["control"]["kill"]["mode"]
        ),
    );
    Ok(())
}

/// Checks that an order was refused for this reason, and shows the filter's words.
fn refused(ui: &mut Ui, answer: &Answer, status: u16, kind: &str, what: &str) {
    let problem = answer.json().unwrap_or_default();
    let is_so =
        answer.status == status && problem["type"] == format!("urn:breakglass:{kind}").as_str();
    ui.check(
        is_so,
        format_args!("refused: {what}"),
        format_args!("{} {kind}", answer.status),
    );
    ui.faint(problem["detail"].as_str().unwrap_or_default());
}

// === impl Trusted ===

impl Trusted {
    fn new() -> Self {
        Self {
            engineer: Person::new("engineer-1", "senior_engineer"),
            security: Person::new("security-lead-1", "security_lead"),
            platform: Person::new("platform-lead-1", "platform_lead"),
        }
    }

    /// An order with these terms, signed by the engineer.
    fn order(&self, generation: u64, terms: Value) -> Result<Value> {
        let mut order = json!({
            "policy": "support",
            "rollout": ROLLOUT,
            "generation": generation,
            "issued_at": at(SystemTime::now()),
        });
        for (name, term) in terms.as_object().context("terms are an object")? {
            order[name] = term.clone();
        }
        Ok(people::sign(people::ORDER, &order, &[&self.engineer]))
    }

    /// A warrant for 10 % after this generation, with these signatures.
    fn warrant(&self, after: u64, signers: &[&Person]) -> Result<Value> {
        let now = SystemTime::now();
        let hour = Duration::from_secs(3_600);
        let approvers: Vec<_> = signers.iter().map(|person| person.approver()).collect();
        let warrant = json!({
            "change": SALT,
            "policy": "support",
            "rollout": ROLLOUT,
            "subject": {"stable": STABLE.version, "canary": CANARY.version, "salt": SALT},
            "ramp": {"percent": 10},
            "after": after,
            "not_before": at(now - hour),
            "not_after": at(now + hour),
            "drill": {"receipt": people::digest(&json!({})), "at": at(now - hour)},
            "author": self.engineer.id(),
            "approvers": approvers,
        });
        Ok(people::sign(people::WARRANT, &warrant, signers))
    }
}

fn at(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Requests that show where everybody goes.
const SOME: usize = 500;
