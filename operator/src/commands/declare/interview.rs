//! The interview: asks for all that belongs into the record, and again what a rule refuses.

mod people;
mod terms;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use breakglass_policy::{Entity, Name};
use serde_json::json;

use super::questions::{one_of, text, yes};
use crate::change::record::{
    Category, Communication, Declaration, Harm, Impact, Measure, NoEmergency, Scope, Versions,
};
use crate::change::rules::{Denial, RULES, When};
use crate::commands::in_force::{self, InForce};
use crate::files;
use crate::outcome::note;
use crate::session::{Deciding, Session};

/// How an interview ended.
pub(super) enum Held {
    Declared(Box<Declaration>),
    /// Somebody was honest; there is nothing to ask further.
    NoEmergency(NoEmergency),
    Left,
}

/// What has been answered so far, over what is the usual.
struct Interview<'a> {
    deciding: Deciding<'a>,
    draft: Declaration,
    in_force: Option<InForce>,
}

/// How the questions ended.
enum Answered {
    All,
    NoEmergency(NoEmergency),
    Left,
}

/// What somebody says it is.
#[derive(Clone, Copy)]
enum Chosen {
    Emergency(Category),
    Other(NoEmergency),
}

/// Holds the interview.
///
/// # Errors
/// That nobody sits there any more, or has left.
pub(super) fn hold(session: &Session, policy: Option<&Path>) -> Result<Held> {
    let ledger = session.ledger()?;
    let deciding = Deciding::of(session, &ledger)?;
    let mut interview = Interview {
        draft: blank(&deciding)?,
        deciding,
        in_force: None,
    };
    let asked = interview.ask(policy);
    let Interview { draft, .. } = interview;
    match asked {
        Ok(Answered::All) => Ok(Held::Declared(Box::new(draft))),
        Ok(Answered::NoEmergency(kind)) => Ok(Held::NoEmergency(kind)),
        Ok(Answered::Left) => {
            keep(session, &draft);
            Ok(Held::Left)
        }
        Err(error) => {
            keep(session, &draft);
            Err(error)
        }
    }
}

/// Nobody answers twenty questions twice.
fn keep(session: &Session, draft: &Declaration) {
    let file = session.project.store().join("declaration.toml");
    let written = toml::to_string_pretty(draft).map_err(anyhow::Error::from);
    let name = file.display();
    match written.and_then(|text| files::replace(&file, text.as_bytes())) {
        Ok(()) => note(&format!(
            "what was answered is in {name}, and what was not asked yet as a guess; when that is mended, `breakglass declare --file` takes it"
        )),
        Err(error) => note(&format!("what was answered is lost: {error:#}")),
    }
}

/// A declaration that breaks no rule about what has not been asked yet.
fn blank(deciding: &Deciding<'_>) -> Result<Declaration> {
    let config = &deciding.project.config;
    let agent = config
        .agents
        .first()
        .context("breakglass.toml names no agent")?;
    Ok(Declaration {
        title: "not asked yet".into(),
        rollout: agent.rollout.clone(),
        category: Category::Security,
        evidence: BTreeMap::new(),
        harm_of_waiting: String::new(),
        harm_of_bypassing: String::new(),
        cause: Name::new("prompt").context("no name")?,
        scope: Scope::Prompt,
        impact: Impact::Limited,
        versions: Versions {
            stable: "stable".into(),
            canary: "canary".into(),
        },
        bypass: Vec::new(),
        plan: None,
        maximum: None,
        watcher: deciding.actor.id.clone(),
        approvers: Vec::new(),
        message: Communication::Needed,
        harm: Harm {
            measure: Measure::Errors,
            at_most_per_1000: 1.0,
            answers: 100,
        },
        repeats: None,
    })
}

// === impl Interview ===

impl Interview<'_> {
    fn ask(&mut self, policy: Option<&Path>) -> Result<Answered> {
        if let Some(kind) = self.what(policy)? {
            return Ok(Answered::NoEmergency(kind));
        }
        self.why()?;
        self.skipped()?;
        self.people()?;
        self.after()?;
        Ok(match yes("Declare it?", true)? {
            true => Answered::All,
            false => Answered::Left,
        })
    }

    /// What it is; the kind of what is no emergency.
    fn what(&mut self, policy: Option<&Path>) -> Result<Option<NoEmergency>> {
        let emergencies = Category::ALL.map(|category| {
            let text = format!("{category}: {}", category.meaning());
            (text, Chosen::Emergency(category))
        });
        let others = NoEmergency::ALL.map(|kind| (kind.meaning().to_owned(), Chosen::Other(kind)));
        let choices = [&emergencies[..], &others[..]].concat();
        match one_of("Why can it not wait?", &choices)? {
            Chosen::Other(kind) => return Ok(Some(kind)),
            Chosen::Emergency(category) => self.draft.category = category,
        }
        let agents = self.deciding.project.config.agents.iter();
        let agents: Vec<_> = agents
            .map(|agent| {
                (
                    format!("{} ({})", agent.rollout, agent.team),
                    agent.rollout.clone(),
                )
            })
            .collect();
        self.draft.rollout = match &agents[..] {
            [(_, only)] => only.clone(),
            several => one_of("Which agent?", several)?,
        };
        let in_force = in_force::look(self.deciding.project, &self.draft.rollout, policy)?;
        for silent in in_force.silent() {
            note(&format!("{silent}; what it has could not be checked"));
        }
        if let Some(described) = &in_force.described {
            self.draft.versions = described.versions();
        }
        self.in_force = Some(in_force);
        self.until(&["record"], |interview| {
            interview.draft.title = text("What does it change, in a line?", "")?;
            Ok(())
        })?;
        self.until(&["record"], |interview| {
            let Versions { stable, canary } = &interview.draft.versions;
            interview.draft.versions = Versions {
                stable: text("The version that is in force", stable)?,
                canary: text("The version that is to replace it", canary)?,
            };
            Ok(())
        })?;
        Ok(None)
    }

    /// Evidence and harms.
    fn why(&mut self) -> Result<()> {
        self.until(&["emergency"], |interview| {
            let before = std::mem::take(&mut interview.draft.evidence);
            for (term, question) in interview.draft.category.evidence() {
                let known = before.get(*term).map_or("", String::as_str);
                let answer = text(question, known)?;
                interview.draft.evidence.insert((*term).into(), answer);
            }
            Ok(())
        })?;
        self.until(&["harms"], |interview| {
            let draft = &mut interview.draft;
            draft.harm_of_waiting = text(
                "Who is harmed while it is not out, how, how many?",
                &draft.harm_of_waiting,
            )?;
            draft.harm_of_bypassing = text(
                "What may go wrong because gates are skipped?",
                &draft.harm_of_bypassing,
            )?;
            Ok(())
        })
    }

    /// How it will show that the harm has stopped, and whether it has happened before.
    fn after(&mut self) -> Result<()> {
        self.until(&["record"], |interview| {
            interview.draft.harm = terms::harm()?;
            Ok(())
        })?;
        let draft = &self.draft;
        let earlier = self.deciding.ledger.changes().rev();
        let alike = earlier.filter(|change| {
            (&change.declared.rollout, &change.declared.cause) == (&draft.rollout, &draft.cause)
        });
        let mut choices = vec![("no".to_owned(), None)];
        choices.extend(alike.map(|change| {
            let title = crate::words::one_line(&change.declared.title);
            (format!("{}: {title}", change.id), Some(change.id.clone()))
        }));
        if choices.len() > 1 {
            self.draft.repeats = one_of("Does it repeat an earlier one of this cause?", &choices)?;
        }
        Ok(())
    }

    /// Asks until these rules let the answer through.
    fn until(&mut self, rules: &[&str], ask: impl Fn(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            ask(self)?;
            let Some((rule, denial)) = self.denied(rules) else {
                return Ok(());
            };
            tell(rule, &denial);
        }
    }

    fn denied(&self, rules: &[&str]) -> Option<(&'static str, Denial)> {
        let case = self.deciding.case_of(&self.draft);
        let asked = RULES.iter().filter(|rule| rules.contains(&rule.name));
        let asked = asked.filter(|rule| rule.when.contains(&When::Declare));
        let mut denied = asked.filter_map(|rule| Some((rule.name, rule.check(&case).err()?)));
        if let Some(denied) = denied.next() {
            return Some(denied);
        }
        // Of versions and approvers the proxies have a say too.
        let in_force = self.in_force.as_ref()?;
        let denials = in_force::denials(in_force, &self.draft, &self.chosen().unwrap_or_default());
        let mut denials = denials.into_iter().filter(|(rule, _)| rules.contains(rule));
        denials.next()
    }
}

/// Why an answer will not do.
fn tell(rule: &str, Denial { why, way_out }: &Denial) {
    note(&format!("{rule}: {why}\n    → {way_out}"));
}

/// An entity as it is typed.
fn entity(text: &str) -> Result<Entity, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}
