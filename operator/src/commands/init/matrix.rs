//! Rules of approval, so that what is approved here is enough for the proxies.

use breakglass_policy::Name;

use crate::commands::init::person::PersonArgument;
use crate::project::config::Config;
use crate::project::kinds::{Kind, lacking, suffices};

/// A kind of change and who must approve it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) roles: Vec<Name>,
}

/// For each kind that the built-in roles do not raise at the proxies: those roles and what lacks to the
/// nearest set of `trust.raise`. Where a role is nobody's there is no rule.
pub(super) fn fitting(people: &[PersonArgument], raise: &[Vec<Name>]) -> Vec<Rule> {
    if raise.is_empty() {
        return Vec::new();
    }
    let is_held = |role: &Name| people.iter().any(|person| person.role == *role);
    let rules = Kind::all().filter_map(|kind| {
        let mut roles = Config::usual_roles(kind.category, kind.scope, kind.impact);
        if suffices(&roles, raise) {
            return None;
        }
        let lacks = raise.iter().map(|set| lacking(&roles, set));
        roles.extend(lacks.min_by_key(Vec::len)?);
        roles.iter().all(is_held).then_some(Rule { kind, roles })
    });
    rules.collect()
}
