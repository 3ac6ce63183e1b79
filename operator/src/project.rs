//! The project: the folder with `breakglass.toml` and the journal, found from inside it as `git` finds its own.

pub(crate) mod config;
pub(crate) mod kinds;
pub(crate) mod plan;
pub(crate) mod span;
pub(crate) mod windows;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use breakglass_policy::Name;
use clap::Args;

use crate::fleet::Fleet;
use crate::input;
use crate::journal::Journal;
use crate::project::config::{Config, Person};
use crate::signer::Signer;
use crate::targets::Targets;

/// Which project, and who is acting.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Project")]
pub(crate) struct ProjectArguments {
    /// The folder with breakglass.toml [default: $BREAKGLASS_PROJECT, or the nearest above this one]
    #[arg(long, value_name = "DIR", global = true)]
    project: Option<PathBuf>,
    /// Who is acting: an id of breakglass.toml [default: $BREAKGLASS_AS, or the only one whose key is here]
    #[arg(long = "as", value_name = "PERSON", global = true)]
    person: Option<String>,
}

/// A folder with its configuration.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
    pub(crate) config: Config,
    person: Option<String>,
}

// === impl ProjectArguments ===

impl ProjectArguments {
    /// Finds and reads the project.
    ///
    /// # Errors
    /// That there is none, or what is wrong in its `breakglass.toml` and where.
    pub(crate) fn open(&self) -> Result<Project> {
        let named = self.project.clone().or_else(|| env_path(PROJECT_VARIABLE));
        let root = match named {
            Some(root) if root.join(CONFIG).is_file() => root,
            Some(root) => bail!(
                "{} has no {CONFIG}; `breakglass init` makes one",
                root.display()
            ),
            None => above(&env::current_dir().context("there is no current folder")?)?,
        };
        let file = root.join(CONFIG);
        let bytes = input::document(&file, CONFIG_BYTES)?;
        let text = String::from_utf8(bytes);
        let text = text.with_context(|| format!("{} holds no text", file.display()))?;
        let config = Config::from_toml(&text);
        let config = config.with_context(|| format!("{} is refused", file.display()))?;
        Ok(Project {
            root,
            config,
            person: self
                .person
                .clone()
                .or_else(|| env::var(PERSON_VARIABLE).ok()),
        })
    }

    /// Reads the project in this folder, whatever was named.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub(crate) fn open_in(&self, folder: &Path) -> Result<Project> {
        let project = Some(folder.to_owned());
        let person = self.person.clone();
        Self { project, person }.open()
    }

    /// The folder that was named, to make a project in; else the current one.
    pub(crate) fn folder(&self) -> PathBuf {
        self.project.clone().unwrap_or_else(|| PathBuf::from("."))
    }
}

fn env_path(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn above(folder: &Path) -> Result<PathBuf> {
    let mut folders = folder.ancestors();
    let found = folders.find(|folder| folder.join(CONFIG).is_file());
    found.map(Path::to_owned).with_context(|| {
        format!(
            "no {CONFIG} here or above; expected to be inside a project, or --project DIR; `breakglass init` makes one"
        )
    })
}

// === impl Project ===

impl Project {
    /// The journal; made when it is not there yet.
    pub(crate) fn journal(&self) -> Result<Journal> {
        Journal::open(&self.store())
    }

    /// Whether there is a journal already.
    pub(crate) fn has_journal(&self) -> bool {
        self.store().is_dir()
    }

    /// The folder of the journal and of what lies beside it.
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join(STORE)
    }

    /// A file named in the configuration: from the project's folder on.
    pub(crate) fn file(&self, file: &Path) -> PathBuf {
        self.root.join(file)
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Who is acting.
    ///
    /// # Errors
    /// That nobody said, or that the configuration knows nobody of this id.
    pub(crate) fn actor(&self) -> Result<&Person> {
        if let Some(id) = &self.person {
            return self.person(id);
        }
        let mut holders = self
            .config
            .people
            .iter()
            .filter(|person| self.holds_key(person));
        match (holders.next(), holders.next()) {
            (Some(person), None) => Ok(person),
            _ => bail!(
                "who are you? expected --as or ${PERSON_VARIABLE} with one of: {}",
                self.config.ids()
            ),
        }
    }

    /// Somebody of the configuration.
    pub(crate) fn person(&self, id: &str) -> Result<&Person> {
        let found = self.config.person(id);
        found.with_context(|| {
            format!(
                "breakglass.toml knows no `{id}`; it knows: {}",
                self.config.ids()
            )
        })
    }

    /// Who signs for this person: their key's file where the configuration names one, else ssh-agent.
    pub(crate) fn signer(&self, person: &Person) -> Result<Signer> {
        match &person.key_file {
            Some(file) => Signer::from_file(&self.file(file), person.id.as_str()),
            None => Signer::from_agent(&person.key, person.id.as_str()),
        }
        .with_context(|| format!("the key of `{}`", person.id))
    }

    /// The proxies, and the files that they start from.
    pub(crate) fn fleet(&self) -> Result<Fleet> {
        let durable = self.config.proxies.durable.iter();
        let durable = durable.map(|file| self.file(file)).collect();
        Ok(Fleet::new(self.targets()?, durable))
    }

    /// The proxies, and no file.
    pub(crate) fn proxies_alone(&self) -> Result<Fleet> {
        Ok(Fleet::new(self.targets()?, Vec::new()))
    }

    fn targets(&self) -> Result<Targets> {
        let proxies = &self.config.proxies;
        let path = |file: &Option<PathBuf>| file.as_ref().map(|file| self.file(file));
        let (ca, cert, key) = (
            path(&proxies.ca),
            path(&proxies.cert),
            path(&proxies.cert_key),
        );
        // A list of proxies lies in the project's folder too, whoever runs us where.
        let targets = proxies
            .targets
            .iter()
            .map(|target| match target.strip_prefix('@') {
                Some(file) => format!("@{}", self.file(Path::new(file)).display()),
                None => target.clone(),
            });
        Targets::parse(
            &targets.collect::<Vec<_>>(),
            "breakglass.toml: proxies.targets",
            ca.as_deref(),
            cert.as_deref(),
            key.as_deref(),
            proxies.timeout.duration(),
        )
    }

    fn holds_key(&self, person: &Person) -> bool {
        let file = person.key_file.as_ref();
        file.is_some_and(|file| self.file(file).is_file())
    }

    /// The id of a person as the journal writes it.
    pub(crate) fn actor_id(&self) -> Result<Name> {
        Ok(self.actor()?.id.clone())
    }
}

/// The name of the configuration's file, by which a project is found.
pub(crate) const CONFIG: &str = "breakglass.toml";
/// What the tool itself keeps.
pub(crate) const STORE: &str = ".breakglass";
const PROJECT_VARIABLE: &str = "BREAKGLASS_PROJECT";
const PERSON_VARIABLE: &str = "BREAKGLASS_AS";
/// Written by hand, by people.
const CONFIG_BYTES: usize = 1 << 20;
