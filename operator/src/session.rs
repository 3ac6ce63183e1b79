//! What commands about changes have in common: the project, its journal, who is acting, and which change is meant.

use anyhow::Result;
use breakglass_policy::{Name, Timestamp};
use clap::Args;

use crate::change::event::Event;
use crate::change::record::{ChangeId, Declaration};
use crate::change::rules::{self, Case, When};
use crate::change::{Change, Ledger};
use crate::clock;
use crate::journal::{Draft, Journal, Written};
use crate::notify;
use crate::outcome;
use crate::project::config::Person;
use crate::project::{Project, ProjectArguments};
use crate::typed;

/// Which change is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChangeArgument {
    /// The change [default: the only one that is open]
    #[arg(value_name = "CHANGE", value_parser = typed::name)]
    change: Option<ChangeId>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct JsonArgument {
    /// Write one JSON value
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A project at work.
pub(crate) struct Session {
    pub(crate) project: Project,
    pub(crate) journal: Journal,
}

// === impl Session ===

impl Session {
    /// Opens the project and its journal.
    pub(crate) fn open(arguments: &ProjectArguments, json: JsonArgument) -> Result<Self> {
        outcome::refuse_in_json(json.json);
        let project = arguments.open()?;
        let journal = project.journal()?;
        Ok(Self { project, journal })
    }

    /// The same project once more, for another thread.
    pub(crate) fn again(other: &Self) -> Result<Self> {
        let project = other.project.clone();
        let journal = project.journal()?;
        Ok(Self { project, journal })
    }

    /// Who is acting.
    pub(crate) fn actor(&self) -> Result<&Person> {
        self.project.actor()
    }

    /// Everything that is known.
    pub(crate) fn ledger(&self) -> Result<Ledger> {
        self.journal.ledger()
    }

    /// Writes an event of a change down, and tells whoever is to be told.
    pub(crate) fn record(&mut self, change: &ChangeId, event: Event) -> Result<Written> {
        let by = self.project.actor_id()?;
        let written = self.journal.append(&by, change, event)?;
        notify::tell(&self.project, std::slice::from_ref(&written));
        Ok(written)
    }

    /// Writes down what `decide` makes of all that is known, with nobody else writing in between, and
    /// tells whoever is to be told.
    ///
    /// # Errors
    /// Also what a rule refuses; the journal keeps that it was tried.
    pub(crate) fn decide(
        &mut self,
        decide: impl FnOnce(&Deciding<'_>) -> Result<Vec<Draft>>,
    ) -> Result<Vec<Written>> {
        let (project, journal) = (&self.project, &mut self.journal);
        let actor = project.actor()?;
        let written = journal.write(&actor.id, |ledger, now| {
            decide(&Deciding {
                project,
                ledger,
                actor,
                now,
            })
        })?;
        notify::tell(project, &written);
        Ok(written)
    }
}

/// What a decision is made from.
#[derive(Clone, Copy)]
pub(crate) struct Deciding<'a> {
    pub(crate) project: &'a Project,
    pub(crate) ledger: &'a Ledger,
    pub(crate) actor: &'a Person,
    pub(crate) now: Timestamp,
}

// === impl Deciding ===

impl<'a> Deciding<'a> {
    /// What is known now, for questions that write nothing.
    pub(crate) fn of(session: &'a Session, ledger: &'a Ledger) -> Result<Self> {
        Ok(Self {
            project: &session.project,
            ledger,
            actor: session.actor()?,
            now: clock::now(),
        })
    }

    /// What rules look at for this change.
    pub(crate) fn case(&self, change: &'a Change) -> Case<'a> {
        Case {
            change: Some(change),
            ..self.case_of(&change.declared)
        }
    }

    /// What rules look at before it is a change.
    pub(crate) fn case_of(&self, declared: &'a Declaration) -> Case<'a> {
        Case {
            declared: Some(declared),
            ..self.case_on(&declared.rollout)
        }
    }

    /// What rules look at for a routine promotion.
    pub(crate) fn case_on(&self, rollout: &'a Name) -> Case<'a> {
        Case {
            config: &self.project.config,
            ledger: self.ledger,
            now: self.now,
            actor: self.actor,
            declared: None,
            change: None,
            rollout,
        }
    }

    /// Looks at every rule for this moment of a change.
    ///
    /// # Errors
    /// What they refuse.
    pub(crate) fn check(
        &self,
        when: When,
        attempted: &'static str,
        change: &'a Change,
    ) -> Result<()> {
        Ok(rules::check(when, attempted, &self.case(change))?)
    }
}

// === impl ChangeArgument ===

impl ChangeArgument {
    /// The change that is meant.
    pub(crate) fn of<'l>(&self, ledger: &'l Ledger) -> Result<&'l Change> {
        match &self.change {
            Some(id) => ledger.change(id),
            None => ledger.only_open(),
        }
    }

    /// Whether one was named.
    pub(crate) fn is_named(&self) -> bool {
        self.change.is_some()
    }

    /// The id of the change that is meant.
    pub(crate) fn id(&self, session: &Session) -> Result<ChangeId> {
        let ledger = session.ledger()?;
        Ok(self.of(&ledger)?.id.clone())
    }
}
