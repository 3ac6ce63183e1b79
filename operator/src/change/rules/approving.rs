//! Rules of approving: who must, who may.

use breakglass_policy::Name;

use crate::change::approval::has_authority;
use crate::change::record::Declaration;
use crate::change::rules::{Case, Denial};
use crate::project::config::{Config, Person};

/// Whoever is asked to approve, each with the role in which they do.
///
/// # Errors
/// A role for which there is nobody, or more than one and none was named.
pub(crate) fn chosen<'c>(
    config: &'c Config,
    declared: &Declaration,
    author: &Name,
) -> Result<Vec<(&'c Person, Name)>, Denial> {
    let area = config.agent(&declared.rollout).map(|agent| &agent.area);
    let mut chosen: Vec<(&Person, Name)> = Vec::new();
    let is_free = |person: &&Person, chosen: &[(&Person, Name)]| {
        person.id != *author && chosen.iter().all(|(known, _)| known.id != person.id)
    };
    for role in config.roles(declared.category, declared.scope, declared.impact) {
        let may = config.people.iter();
        let may = may.filter(|person| has_authority(person, &role, area));
        let may: Vec<&Person> = may.filter(|person| is_free(person, &chosen)).collect();
        let named = may
            .iter()
            .find(|person| declared.approvers.contains(&person.id));
        let person = match (named, &may[..]) {
            (Some(person), _) | (None, [person]) => *person,
            (None, []) => {
                return Err(Denial::new(
                    format!("nobody but the author can approve as {role}"),
                    "have somebody else declare it, or give the role to a second person in breakglass.toml",
                ));
            }
            (None, several) => {
                let ids: Vec<_> = several.iter().map(|person| person.id.as_str()).collect();
                return Err(Denial::new(
                    format!("several people can approve as {role}"),
                    format!("name one of them in `approvers`: {}", ids.join(", ")),
                ));
            }
        };
        chosen.push((person, role));
    }
    // Those who were named beyond that are asked as well, in the role that they have.
    for name in &declared.approvers {
        let person = config.people.iter().find(|person| person.id == *name);
        if let Some(person) = person.filter(|person| is_free(person, &chosen)) {
            chosen.push((person, person.role.clone()));
        }
    }
    Ok(chosen)
}

/// There is somebody for every role, and the author is nobody's approver.
pub(super) fn approvers(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    let author = case.change.map_or(&case.actor.id, |change| &change.author);
    if declared.approvers.contains(author) {
        return Err(Denial::new(
            format!("`{author}` declares it and would approve it"),
            "name somebody else: nobody approves their own change",
        ));
    }
    chosen(case.config, declared, author).map(|_| ())
}

/// Who approves may.
pub(super) fn authority(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let actor = case.actor;
    if actor.id == change.author {
        return Err(Denial::new(
            format!("`{}` declared it", actor.id),
            "somebody else approves: nobody approves their own change",
        ));
    }
    let chosen = chosen(case.config, &change.declared, &change.author)?;
    if chosen.iter().any(|(person, _)| person.id == actor.id) {
        return Ok(());
    }
    let asked: Vec<_> = chosen
        .iter()
        .map(|(person, role)| format!("{} ({role})", person.id))
        .collect();
    Err(Denial::new(
        format!(
            "`{}` ({}) is not asked to approve this change",
            actor.id, actor.role
        ),
        format!("asked are: {}", asked.join(", ")),
    ))
}
