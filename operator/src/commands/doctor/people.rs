//! The people: whether each kind of change finds its approvers, and whether proxies will believe them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Envelope, Name, PayloadType, Policy, Trust};

use crate::change::approval;
use crate::commands::doctor::report::Report;
use crate::project::Project;
use crate::project::config::{Config, Person};
use crate::project::kinds::{Kind, can_approve, lacking, suffices};

pub(super) fn look(project: &Project, policies: &[Policy], report: &mut Report) -> Result<()> {
    let config = &project.config;
    authors(config, report)?;
    for policy in policies {
        match &policy.trust {
            Some(trust) => {
                raise(config, trust, report)?;
                keys(config, trust, report)?;
            }
            None => report.fail(
                "trust",
                format!("the durable policy `{}` trusts no keys: anybody can lower exposure, nobody can raise it by an order", policy.name),
                "put `trust` into it, with the keys of `people`, and push it",
            )?,
        }
    }
    if policies.is_empty() {
        report.warning(
            "trust",
            "no durable file says which roles the proxies ask for, so approvals cannot be compared with it",
            "name the file that the proxies start from as proxies.durable",
        )?;
    }
    actor(project, report)
}

/// Who could declare what: whoever is not needed to approve it.
fn authors(config: &Config, report: &mut Report) -> Result<()> {
    let mut areas: Vec<&Name> = config.agents.iter().map(|agent| &agent.area).collect();
    areas.sort();
    areas.dedup();
    for area in areas {
        let mut by_authors: BTreeMap<Vec<&str>, Vec<Kind>> = BTreeMap::new();
        for kind in Kind::all() {
            let roles = kind.roles(config);
            let may = config.people.iter();
            let may = may
                .filter(|author| can_approve(&config.people, &roles, Some(area), Some(&author.id)));
            let authors = may.map(|author| author.id.as_str()).collect();
            by_authors.entry(authors).or_default().push(kind);
        }
        let mut is_well = true;
        for (authors, kinds) in &by_authors {
            let kinds_text = some(kinds);
            match authors.as_slice() {
                [] => {
                    is_well = false;
                    let roles = kinds.first().map_or(Vec::new(), |kind| kind.roles(config));
                    report.fail(
                        "people",
                        format!("{area}: nobody could declare {kinds_text}: no {} are left to approve it", list(&roles)),
                        "give the roles to more people, or say in [[approvals]] who approves such changes",
                    )?;
                }
                [only] => {
                    is_well = false;
                    report.warning(
                        "people",
                        format!("{area}: only {only} could declare {kinds_text}; everybody else would have to approve it"),
                        "give the roles to more people: who is needed may be asleep",
                    )?;
                }
                _ => {}
            }
        }
        if is_well {
            report.ok("people", format!("{area}: every kind of change has its approvers, whoever of at least two declares it"))?;
        }
    }
    Ok(())
}

/// Whether who must approve here is enough for the proxies.
fn raise(config: &Config, trust: &Trust, report: &mut Report) -> Result<()> {
    let mut short: BTreeMap<(Vec<Name>, Vec<Name>), Vec<Kind>> = BTreeMap::new();
    for kind in Kind::all() {
        let roles = kind.roles(config);
        if !suffices(&roles, &trust.raise) {
            let nearest = trust.raise.iter().map(|set| lacking(&roles, set));
            let nearest = nearest.min_by_key(Vec::len).unwrap_or_default();
            short.entry((roles, nearest)).or_default().push(kind);
        }
    }
    if short.is_empty() {
        return report.ok(
            "approvals",
            "whoever must approve a change is enough for `trust.raise`, for every kind",
        );
    }
    if trust.raise.is_empty() {
        return report.fail(
            "approvals",
            "`trust.raise` is empty: nobody can raise exposure",
            "name the roles that together may, in the policy",
        );
    }
    for ((roles, nearest), kinds) in short {
        report.fail(
            "approvals",
            format!(
                "{}: approved by {}, for which the proxies would not raise exposure",
                some(&kinds),
                list(&roles)
            ),
            format!(
                "add {} in a rule of [[approvals]], or such a set to `trust.raise`",
                list(&nearest)
            ),
        )?;
    }
    Ok(())
}

/// Whether the policy knows everybody as the project does.
fn keys(config: &Config, trust: &Trust, report: &mut Report) -> Result<()> {
    let mut is_well = true;
    for person in &config.people {
        let Some(fault) = key_fault(person, trust) else {
            continue;
        };
        is_well = false;
        let way_out = format!(
            "make both the same: in `people`, or in `trust.keys` with a higher trust.generation than {}",
            trust.generation
        );
        match needed(config, person) {
            true => report.fail("keys", fault, way_out)?,
            // Who only declares and watches can do so; but their kill would be refused.
            false => report.warning(
                "keys",
                format!("{fault}; orders that they sign, a kill too, would be refused"),
                way_out,
            )?,
        }
    }
    if is_well {
        report.ok(
            "keys",
            "the policy trusts everybody's key, each with the role that it has here",
        )?;
    }
    Ok(())
}

fn key_fault(person: &Person, trust: &Trust) -> Option<String> {
    let Person { id, role, key, .. } = person;
    let Some(known) = trust.keys.iter().find(|known| known.id == *id) else {
        return Some(match trust.keys.iter().find(|known| known.key == *key) {
            Some(other) => format!("the policy calls the key of `{id}` `{}`", other.id),
            None => format!("the policy does not trust the key of `{id}`"),
        });
    };
    if known.key != *key {
        return Some(format!(
            "the policy trusts another key of `{id}`, {}",
            known.key.fingerprint()
        ));
    }
    (known.role != *role).then(|| format!("`{id}` is {role} here and {} in the policy", known.role))
}

/// Whether somebody has a role that some kind of change needs.
pub(super) fn needed(config: &Config, person: &Person) -> bool {
    Kind::all().any(|kind| kind.roles(config).contains(&person.role))
}

/// Whether whoever runs this could sign tonight.
fn actor(project: &Project, report: &mut Report) -> Result<()> {
    let person = match project.actor() {
        Ok(person) => person,
        Err(error) => {
            return report.warning(
                "key",
                format!("{error:#}"),
                "have everybody run `breakglass doctor` where they would act",
            );
        }
    };
    let id = &person.id;
    match signs(project, person) {
        Ok(()) => report.ok("key", format!("`{id}` signs, {}", person.key.fingerprint())),
        Err(error) => report.fail(
            "key",
            format!("`{id}` could not sign: {error:#}"),
            "mend what it says: ssh-add FILE, `key_file` in `people`, or `breakglass keygen`",
        ),
    }
}

fn signs(project: &Project, person: &Person) -> Result<()> {
    // Nothing that anybody could take for an order.
    let payload = b"breakglass doctor".to_vec();
    let mut envelope = Envelope::new(PayloadType::OrderJson, payload);
    project.signer(person)?.sign(&mut envelope)?;
    let trust = approval::trust(&project.config)?;
    let signers = envelope.signers(&trust);
    let signers = signers.context("what was signed does not fit the key of breakglass.toml")?;
    match signers.iter().any(|signer| signer.id == person.id) {
        true => Ok(()),
        false => bail!("what was signed does not fit the key of breakglass.toml"),
    }
}

/// `8 of 16 kinds, such as security/prompt/limited`.
fn some(kinds: &[Kind]) -> String {
    match kinds {
        [] => "nothing".into(),
        [only] => only.to_string(),
        [first, ..] => format!(
            "{} of {} kinds, such as {first}",
            kinds.len(),
            Kind::all().count()
        ),
    }
}

fn list(roles: &[Name]) -> String {
    let roles: Vec<_> = roles.iter().map(Name::as_str).collect();
    roles.join(" + ")
}
