//! What a request takes.

use breakglass_bench::check::Case;
use breakglass_bench::{DifferBy, policy_json};

use crate::Outcome;
use crate::scene::{Headers, Scene, user};

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let mut cases = Vec::new();
    for (differ_by, by) in [(DifferBy::Path, "path"), (DifferBy::Header, "header")] {
        for (rollouts, of) in [(1, "1 rollout"), (1_000, "1,000 rollouts")] {
            let scene = Scene::new(&policy_json(rollouts, differ_by))?;
            let cost = scene.exchanges(|number| user(rollouts, number));
            let name = |what: &str| format!("{what}, {of} by {by}");
            cases.push(Case::new(
                name("request headers"),
                "proxy_on_request_headers",
                cost.headers,
            ));
            cases.push(Case::new(
                name("exchange"),
                "all callbacks of a stream without bodies",
                cost.all,
            ));
        }
    }
    let scene = Scene::new(&policy_json(1, DifferBy::Path))?;
    for (name, headers) in [
        (
            "exchange, no rollout matches",
            elsewhere as fn(usize) -> Headers,
        ),
        ("exchange, forged headers", forged),
    ] {
        let cost = scene.exchanges(headers);
        cases.push(Case::new(
            name,
            "all callbacks of a stream without bodies",
            cost.all,
        ));
    }
    Ok(cases)
}

fn elsewhere(number: usize) -> Headers {
    let mut headers = user(1, number);
    for (name, value) in &mut headers {
        if *name == ":path" {
            "/v1/models".clone_into(value);
        }
    }
    headers
}

/// A client that brings every header that the filter sets.
fn forged(number: usize) -> Headers {
    let mut headers = user(1, number);
    let names = [
        "x-breakglass-rollout",
        "x-breakglass-arm",
        "x-breakglass-version",
        "x-breakglass-generation",
        "x-breakglass-cluster",
    ];
    headers.extend(names.map(|name| (name, "canary".to_owned())));
    headers
}
