//! What options do not say is asked, where somebody sits at a terminal.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use breakglass_policy::Name;
use dialoguer::Input;
use jiff::tz::TimeZone;

use crate::commands::init::person::{PersonArgument, read_key};
use crate::project::windows::Zone;
use crate::typed;

/// Whoever is asked, if there is somebody.
pub(super) struct Interview {
    asks: bool,
}

// === impl Interview ===

impl Interview {
    pub(super) fn new(yes: bool) -> Self {
        let asks = !yes && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { asks }
    }

    pub(super) fn targets(&mut self, typed: &[String]) -> Result<Vec<String>> {
        if !typed.is_empty() {
            return Ok(typed.to_vec());
        }
        if !self.asks {
            bail!(
                "which proxies? expected --targets, the operator listeners, such as 127.0.0.1:10001"
            );
        }
        let text = ask(
            "Operator listeners of the proxies, separated by commas",
            "127.0.0.1:10001",
            filled,
        )?;
        Ok(list(&text))
    }

    pub(super) fn durable(&mut self, typed: &[PathBuf]) -> Result<Vec<PathBuf>> {
        if !typed.is_empty() || !self.asks {
            return Ok(typed.to_vec());
        }
        let there = |text: &str| {
            let mut files = list(text).into_iter();
            match files.find(|file| !PathBuf::from(file).is_file()) {
                Some(file) => Err(format!("{file} is not there")),
                None => Ok(()),
            }
        };
        let text = ask(
            "Files that they start from (policy in JSON or ECDS), if you have them here",
            "",
            there,
        )?;
        Ok(list(&text).into_iter().map(PathBuf::from).collect())
    }

    pub(super) fn rollouts(&mut self, typed: &[Name], told: &[Name]) -> Result<Vec<Name>> {
        if !typed.is_empty() {
            return Ok(typed.to_vec());
        }
        if self.asks {
            let told: Vec<_> = told.iter().map(Name::as_str).collect();
            let text = ask(
                "Agents, by the names of their rollouts",
                &told.join(", "),
                names,
            )?;
            return list(&text).iter().map(|name| named(name)).collect();
        }
        match told {
            [] => bail!(
                "which agents? no proxy and no file tells its rollouts; expected --rollout NAME"
            ),
            told => Ok(told.to_vec()),
        }
    }

    pub(super) fn team(&mut self, typed: Option<&Name>) -> Result<Name> {
        match typed {
            Some(team) => Ok(team.clone()),
            None if self.asks => named(&ask("Team that runs them", "", name)?),
            None => bail!("whose agents are they? expected --team NAME"),
        }
    }

    pub(super) fn area(&mut self, typed: Option<&Name>, team: &Name) -> Result<Name> {
        match typed {
            Some(area) => Ok(area.clone()),
            None if self.asks => named(&ask("Area that they are in", team.as_str(), name)?),
            None => Ok(team.clone()),
        }
    }

    /// Those who were named, then those whom the policy trusts, then whoever is told.
    pub(super) fn people(
        &mut self,
        typed: &[PersonArgument],
        told: &[PersonArgument],
    ) -> Result<Vec<PersonArgument>> {
        let mut people = typed.to_vec();
        let is_new = |person: &&PersonArgument| {
            let mut typed = typed.iter();
            // Whoever has a second name for a key means the same one.
            !typed.any(|known| known.id == person.id || known.key == person.key)
        };
        people.extend(told.iter().filter(is_new).cloned());
        if self.asks {
            while let Some(person) = person(&people)? {
                people.push(person);
            }
        } else if people.is_empty() {
            bail!(
                "who acts? expected --person id:name:role:key for each, two at least; or --durable with a policy that has `trust`"
            );
        }
        Ok(people)
    }

    pub(super) fn time_zone(&mut self, typed: Option<&str>) -> Result<String> {
        let zone = match typed {
            Some(zone) => zone.to_owned(),
            None => {
                let here = TimeZone::system();
                let here = here.iana_name().unwrap_or("UTC");
                match self.asks {
                    true => ask("Time zone of change windows", here, |text| {
                        Zone::parse(text)
                            .map(drop)
                            .map_err(|error| format!("{error:#}"))
                    })?,
                    false => here.to_owned(),
                }
            }
        };
        Zone::parse(&zone).context("--time-zone")?;
        Ok(zone)
    }
}

/// Asks for somebody; nothing ends the list.
fn person(known: &[PersonArgument]) -> Result<Option<PersonArgument>> {
    let ids: Vec<_> = known.iter().map(|person| person.id.as_str()).collect();
    let prompt = match ids.as_slice() {
        [] => "Somebody who declares, approves or watches: id".to_owned(),
        ids => format!(
            "Somebody besides {}: id (nothing: that is all)",
            ids.join(", ")
        ),
    };
    let free = |text: &str| match text {
        "" => Ok(()),
        text if ids.contains(&text) => Err("is there already".to_owned()),
        text => name(text),
    };
    let id = ask(&prompt, "", free)?;
    if id.is_empty() {
        return Ok(None);
    }
    let called = ask("  name", &id, filled)?;
    let role = ask(
        "  role (engineer, senior_engineer, platform_lead, security_lead, executive)",
        "engineer",
        name,
    )?;
    let areas = match role.as_str() {
        "senior_engineer" => ask("  areas (nothing: everywhere)", "", |text| match text {
            "" => Ok(()),
            text => names(text),
        })?,
        _ => String::new(),
    };
    let check = |text: &str| {
        read_key(text)
            .map(drop)
            .map_err(|error| format!("{error:#}"))
    };
    let key = ask("  key: a file, or the line `ssh-ed25519 AAAA…`", "", check)?;
    let (key, key_file) = read_key(&key)?;
    let areas: Result<Vec<Name>> = list(&areas).iter().map(|area| named(area)).collect();
    Ok(Some(PersonArgument {
        id: named(&id)?,
        name: called,
        role: named(&role)?,
        areas: areas?,
        key,
        key_file,
    }))
}

/// Asks for a line until `check` has nothing against it.
fn ask(prompt: &str, default: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<String> {
    let mut input = Input::<String>::new()
        .with_prompt(prompt)
        .allow_empty(true)
        .validate_with(|text: &String| check(text.trim()));
    if !default.is_empty() {
        input = input.default(default.to_owned());
    }
    let text = input
        .interact_text()
        .context("cannot ask on the terminal; --yes asks nothing")?;
    Ok(text.trim().to_owned())
}

fn filled(text: &str) -> Result<(), String> {
    match text {
        "" => Err("expected something".into()),
        _ => Ok(()),
    }
}

fn name(text: &str) -> Result<(), String> {
    typed::name(text).map(drop)
}

fn names(text: &str) -> Result<(), String> {
    match list(text).as_slice() {
        [] => Err("expected at least one".into()),
        names => names.iter().try_for_each(|text| name(text)),
    }
}

fn named(text: &str) -> Result<Name> {
    typed::name(text).map_err(anyhow::Error::msg)
}

fn list(text: &str) -> Vec<String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
