//! What a policy costs: to read it, and to publish it.

use breakglass_bench::check::Case;
use breakglass_bench::{DifferBy, policy_json};
use breakglass_host_tests::{Proxy, module};

use crate::Outcome;

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let mut cases = Vec::new();
    for (rollouts, of) in [(1, "1 rollout"), (1_000, "1,000 rollouts")] {
        let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
        let traffic = proxy.plugin("traffic").vm_id("breakglass");
        traffic.configure(policy_json(rollouts, DifferBy::Path).to_string())?;
        let fuel = proxy.fuel();
        let configured = fuel
            .get("proxy_on_configure")
            .map_or(0, |calls| calls.total);
        cases.push(Case::new(
            format!("configuration, {of}"),
            "proxy_on_configure of the trial VM, main and a worker",
            configured,
        ));
        proxy.advance(std::time::Duration::from_millis(20));
        let fuel = proxy.fuel();
        let published = fuel.get("proxy_on_tick").map_or(0, |ticks| ticks.total);
        cases.push(Case::new(
            format!("publication, {of}"),
            "the first proxy_on_tick of main and a worker",
            published,
        ));
    }
    Ok(cases)
}
