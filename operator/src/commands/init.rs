//! `breakglass init`: makes a project.

mod interview;
mod matrix;
mod person;
mod proposal;
mod template;
mod window;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use breakglass_policy::Name;
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::commands::init::interview::Interview;
use crate::commands::init::person::PersonArgument;
use crate::commands::init::proposal::Proposal;
use crate::commands::init::template::Plan;
use crate::commands::init::window::WindowArgument;
use crate::files;
use crate::journal::{Draft, Journal};
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::config::Config;
use crate::project::span::Span;
use crate::project::{CONFIG, ProjectArguments, STORE};
use crate::session::JsonArgument;
use crate::typed::name;

/// Makes a project: a commented breakglass.toml, and the journal.
///
/// On a terminal it asks for what no option says; elsewhere, and with --yes, it takes what is proposed
/// and says which option lacks. Proxies that can be reached tell their rollouts, which are proposed as
/// agents; a durable file whose policy has `trust` tells its keys, which are proposed as people, and
/// which roles must have signed, so that the approvals fit.
///
/// The file is read back before it is written, and none is ever overwritten. It names every term there
/// is, with what it means; `breakglass doctor` then checks that all of it works.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The operator listeners of the proxies, repeated or separated by commas: `host:port`,
    /// `https://…`, `@FILE`, `dns:NAME:PORT`
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    targets: Vec<String>,
    /// What the proxies start from: a policy in JSON, or an Envoy ECDS file; may be repeated
    #[arg(long, value_name = "FILE")]
    durable: Vec<PathBuf>,
    /// How long one call of one proxy may take
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = Span::parse)]
    timeout: Span,
    /// Trust these certificate authorities (PEM) instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Show this client certificate (PEM, with its chain)
    #[arg(long, value_name = "FILE", requires = "cert_key")]
    cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    cert_key: Option<PathBuf>,
    /// An agent, by the name of its rollout; may be repeated [default: all that the proxies tell]
    #[arg(long, value_name = "NAME", value_parser = name)]
    rollout: Vec<Name>,
    /// The team that runs the agents
    #[arg(long, value_name = "NAME", value_parser = name)]
    team: Option<Name>,
    /// The area that the agents are in: senior engineers approve for areas [default: the team]
    #[arg(long, value_name = "NAME", value_parser = name)]
    area: Option<Name>,
    /// Somebody, `id:name:role:key` or `id:name:role:areas:key`; may be repeated. The role is `engineer`,
    /// `senior_engineer`, `platform_lead`, `security_lead`, `executive` or your own; areas are
    /// separated by commas; the key is a file, private or public, or the line `ssh-ed25519 AAAA…`
    #[arg(long = "person", value_name = "PERSON", value_parser = PersonArgument::parse)]
    people: Vec<PersonArgument>,
    /// The time zone of windows and freezes [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// When routine changes may be made, `mon-thu 09:00-17:00`; may be repeated
    #[arg(long, value_name = "WINDOW", value_parser = WindowArgument::parse)]
    window: Vec<WindowArgument>,
    /// Ask nothing: take what is proposed
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let folder = arguments.project.folder();
    let file = folder.join(CONFIG);
    // Asked again when it is made: this is only so that nobody answers questions in vain.
    if file.symlink_metadata().is_ok() {
        bail!(
            "{} is there already, and is never overwritten; `breakglass doctor` checks it",
            file.display()
        );
    }
    let mut interview = Interview::new(arguments.yes);
    let targets = interview.targets(&arguments.targets)?;
    let durable = interview.durable(&arguments.durable)?;
    let proposal = Proposal::ask(arguments, &targets, &durable)?;
    proposal.told.iter().for_each(|told| note(told));

    let plan = plan(
        arguments,
        &mut interview,
        &proposal,
        &folder,
        targets,
        durable,
    )?;
    let text = plan.to_toml();
    let config = Config::from_toml(&text);
    let config = config.context("nothing was written: what was told makes no breakglass.toml")?;

    let made = fs::create_dir_all(&folder);
    made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    files::create(&file, text.as_bytes(), 0o644)?;
    begin(arguments, &config, &folder)?;
    tell(arguments, &config, &proposal, &file)
}

fn plan(
    arguments: &Arguments,
    interview: &mut Interview,
    proposal: &Proposal,
    folder: &Path,
    targets: Vec<String>,
    durable: Vec<PathBuf>,
) -> Result<Plan> {
    let rollouts = interview.rollouts(&arguments.rollout, &proposal.rollouts)?;
    let team = interview.team(arguments.team.as_ref())?;
    let area = interview.area(arguments.area.as_ref(), &team)?;
    let people = interview.people(&arguments.people, &proposal.people)?;
    let time_zone = interview.time_zone(arguments.time_zone.as_deref())?;
    let from = Folder::of(folder);
    let path = |file: &PathBuf| from.path(file);
    // A list of proxies is found from wherever a command is run.
    let target = |target: String| match target.strip_prefix('@') {
        Some(list) => format!("@{}", Folder::whole(Path::new(list)).display()),
        None => target,
    };
    Ok(Plan {
        targets: targets.into_iter().map(target).collect(),
        timeout: arguments.timeout,
        durable: durable.iter().map(path).collect(),
        ca: arguments.ca.as_ref().map(path),
        cert: arguments.cert.as_ref().map(path),
        cert_key: arguments.cert_key.as_ref().map(path),
        rollouts,
        team,
        area,
        approvals: matrix::fitting(&people, &proposal.raise),
        people: people
            .into_iter()
            .map(|person| person.in_folder(&from))
            .collect(),
        time_zone,
        windows: arguments.window.clone(),
    })
}

/// The first entry of the journal; one that is there already goes on.
fn begin(arguments: &Arguments, config: &Config, folder: &Path) -> Result<()> {
    let mut journal = Journal::open(&folder.join(STORE))?;
    if !journal.lines()?.is_empty() {
        note("the journal that is here already goes on");
        return Ok(());
    }
    let opened = arguments.project.open_in(folder)?;
    let by = opened.actor_id().ok();
    let by = by.or_else(|| config.people.first().map(|person| person.id.clone()));
    let by = by.context("breakglass.toml names nobody")?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    journal.write(&by, |_, _| {
        Ok(vec![Draft {
            change: None,
            event: Event::Begun { version },
        }])
    })?;
    Ok(())
}

fn tell(
    arguments: &Arguments,
    config: &Config,
    proposal: &Proposal,
    file: &Path,
) -> Result<Outcome> {
    let folder = arguments.project.folder();
    let advice = git_advice(&folder);
    let next = match folder == Path::new(".") {
        true => "breakglass doctor".to_owned(),
        false => format!("breakglass doctor --project {}", folder.display()),
    };
    let mut output = Output::new();
    if arguments.json.json {
        output.json(&json!({
            "config": file, "journal": folder.join(STORE),
            "agents": config.agents.iter().map(|agent| &agent.rollout).collect::<Vec<_>>(),
            "people": config.people.iter().map(|person| &person.id).collect::<Vec<_>>(),
            "proxies": {"reached": proposal.reached, "named": proposal.named},
            "notes": proposal.told.iter().chain(&advice).collect::<Vec<_>>(),
            "next": next,
        }))?;
    } else {
        output.line(&format!("written  {}", file.display()))?;
        output.line(&format!("journal  {}", folder.join(STORE).display()))?;
        output.line(&format!("agents   {}", config.rollouts()))?;
        output.line(&format!("people   {}", config.ids()))?;
        output.line(&format!(
            "proxies  {} of {} reached",
            proposal.reached, proposal.named
        ))?;
        if let Some(advice) = &advice {
            output.line(&format!("git      {advice}"))?;
        }
        output
            .line("read it: windows, canary, ramp, gates and approvals are what most teams do")?;
        output.line(&format!("next: {next}"))?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// A database that several people write is nothing for git.
fn git_advice(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let repository = folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())?;
    let ignores = |folder: &Path| {
        let text = fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
        text.lines()
            .any(|line| line.trim().trim_matches('/') == STORE)
    };
    let ignored = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(repository))
        .any(ignores);
    (!ignored).then(|| {
        format!(
            "add {STORE}/ and private keys to {}; commit {CONFIG}",
            repository.join(".gitignore").display()
        )
    })
}

/// The project's folder, from which the paths of its configuration go on.
pub(super) struct Folder(PathBuf);

// === impl Folder ===

impl Folder {
    fn of(folder: &Path) -> Self {
        Self(Self::whole(folder))
    }

    fn whole(file: &Path) -> PathBuf {
        std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
    }

    /// The path of a file that was named from the current folder on.
    fn path(&self, file: &Path) -> PathBuf {
        let whole = Self::whole(file);
        match whole.strip_prefix(&self.0) {
            Ok(inside) => inside.to_owned(),
            Err(_) => whole,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass init
  breakglass init --targets 127.0.0.1:10001 --durable envoy/ecds/breakglass.yaml --team support \\
    --person 'asha:Asha Rao:engineer:keys/asha' \\
    --person 'sana:Sana Iyer:senior_engineer:support:keys/sana.pub' \\
    --person 'ravi:Ravi Menon:security_lead:ssh-ed25519 AAAA…' --time-zone Asia/Kolkata --yes";

#[cfg(test)]
mod tests;
