//! `breakglass approve`: what the approvers are asked, and their signatures.

mod ask;
mod away;
mod show;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Envelope, Name};
use clap::Args;
use dialoguer::Confirm;
use serde_json::json;

use crate::change::Change;
use crate::change::approval::{self, Approval};
use crate::change::event::Event;
use crate::change::rules::{Denial, Refusal, When};
use crate::commands::in_force::{self, InForce};
use crate::commands::on_terminal;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome, note, refuse_in_json};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, Deciding, JsonArgument, Session};
use crate::signer::SignerArguments;

/// Approves a change, as one of those who must.
///
/// Shows the whole record: who wants what and why, what is skipped, both harms, the steps, the drill, and
/// what a signature permits. Whoever says yes signs the warrant, without which no proxy gives the canary a
/// share. It is written when the first approver is asked, for the last drill; a kill, another drill or its
/// end make a new one necessary.
///
/// Approvers on another machine: --export writes the request, --sign shows and signs it there, without
/// the project, and --import takes the signature in when it holds.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Do not ask: the record has been read
    #[arg(long)]
    yes: bool,
    /// Say no, for the record
    #[arg(long, requires = "why", conflicts_with_all = ["yes", "export", "sign", "import"])]
    decline: bool,
    /// Why not
    #[arg(long, value_name = "TEXT", requires = "decline")]
    why: Option<String>,
    /// Write the request for an approver on another machine; `-` for standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sign", "import"])]
    export: Option<PathBuf>,
    /// Sign such a request, with --key or --agent; needs no project
    #[arg(long, value_name = "FILE", requires = "output", conflicts_with_all = ["import", "change"])]
    sign: Option<PathBuf>,
    /// Where the signed warrant goes
    #[arg(short, long, value_name = "FILE", requires = "sign")]
    output: Option<PathBuf>,
    /// Take the signatures of a signed warrant in
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// The policy that the proxies have [default: the files of proxies.durable]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    signer: SignerArguments,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    if let (Some(file), Some(output)) = (&arguments.sign, &arguments.output) {
        refuse_in_json(arguments.json.json);
        return away::sign(arguments, file, output);
    }
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let change = session.ledger()?.change(&id)?.clone();
    if arguments.decline {
        return decline(arguments, &mut session, &change);
    }
    if let Some(file) = &arguments.import {
        return away::import(arguments, &mut session, &change, file);
    }
    let rollout = &change.declared.rollout;
    let in_force = in_force::look(&session.project, rollout, arguments.policy.as_deref())?;
    for silent in in_force.silent() {
        note(&format!("{silent}; its generation is not known"));
    }
    if let Some(file) = &arguments.export {
        return away::export(arguments, &mut session, &change, &in_force, file);
    }
    let actor = session.actor()?.clone();
    let (change, approval) = asked(&mut session, &change, &in_force, When::Approve)?;
    if approval.signed.iter().any(|signed| signed.by == actor.id) {
        note(&format!("`{}` has signed it already", actor.id));
        return tell(arguments, &change, &approval);
    }
    let shown = show::record(&session.project.config, &change, &approval);
    if !agreed(arguments, &shown)? {
        bail!(
            "not signed; `breakglass approve {} --decline --why …` says so in the record",
            change.id
        );
    }
    let signer = match arguments.signer.signer()? {
        Some(signer) => signer,
        None => session.project.signer(&actor)?,
    };
    let mut envelope = Envelope::new(
        approval.envelope.payload_type(),
        approval.envelope.payload().to_vec(),
    );
    signer.sign(&mut envelope)?;
    let approval = take_in(&mut session, &change, &envelope)?;
    tell(arguments, &change, &approval)
}

/// The warrant that is being signed for this change; a new one where there is none that still holds.
fn asked(
    session: &mut Session,
    change: &Change,
    in_force: &InForce,
    when: When,
) -> Result<(Change, Approval)> {
    let id = &change.id;
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        deciding.check(when, "approve", change)?;
        ask::check(deciding, change, in_force)?;
        if ask::holds(deciding, change, in_force)? {
            return Ok(Vec::new());
        }
        let warrant = ask::warrant(deciding, change, in_force)?;
        let payload = serde_json::to_string(&warrant)?;
        Ok(vec![Draft::of(id, Event::ApprovalAsked { payload })])
    })?;
    let change = session.ledger()?.change(id)?.clone();
    let approval = change.approval.clone().context("nobody was asked")?;
    Ok((change, approval))
}

/// Shows the record and asks; without a terminal there must be --yes.
fn agreed(arguments: &Arguments, shown: &[String]) -> Result<bool> {
    if arguments.yes {
        return Ok(true);
    }
    if !on_terminal() {
        bail!(
            "nobody to ask whether this is approved; expected a terminal, or --yes from whoever has read the record"
        );
    }
    for line in shown {
        // Beside the question, whatever standard output is.
        eprintln!("{line}");
    }
    let question = Confirm::new()
        .with_prompt("Approve and sign this?")
        .default(false);
    Ok(question.interact_opt()?.unwrap_or(false))
}

/// Writes the signatures down that hold and are new.
///
/// # Errors
/// That it was not this that was asked, that a signature is bad, or that somebody signed who was not
/// asked.
fn take_in(session: &mut Session, change: &Change, envelope: &Envelope) -> Result<Approval> {
    let id = &change.id;
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        // Whoever brings a signature need not be who gave it.
        deciding.check(When::Ask, "approve", change)?;
        let approval = change.approval.as_ref().context("nobody was asked to approve it")?;
        if envelope.digest() != approval.digest() {
            bail!(
                "it is signed for another warrant than the one of {id} now, {}; expected it signed anew: `breakglass approve {id} --export FILE`",
                approval.digest()
            );
        }
        let drafts = signatures(deciding, change, approval, envelope)?;
        Ok(drafts)
    })?;
    let ledger = session.ledger()?;
    ledger
        .change(id)?
        .approval
        .clone()
        .context("nobody was asked to approve it")
}

fn signatures(
    deciding: &Deciding<'_>,
    change: &Change,
    approval: &Approval,
    envelope: &Envelope,
) -> Result<Vec<Draft>> {
    let id = &change.id;
    let refuse = |why: String, way_out: String| {
        let denial = Denial::new(why, way_out);
        anyhow::Error::from(Refusal::one("approve", Some(id), "authority", denial))
    };
    let trust = approval::trust(&deciding.project.config)?;
    let signers = envelope.signers(&trust).map_err(|refused| {
        refuse(
            format!("the signature does not hold: {refused}"),
            "sign with the key whose public half is in breakglass.toml".into(),
        )
    })?;
    let mut drafts = Vec::new();
    for key in signers {
        let asked = approval.warrant.approvers.iter();
        let Some(approver) = asked.clone().find(|approver| approver.id == key.id) else {
            let asked: Vec<_> = asked
                .map(|asked| format!("{} ({})", asked.id, asked.role))
                .collect();
            return Err(refuse(
                format!("`{}` signed it and was not asked to", key.id),
                format!("asked are: {}", asked.join(", ")),
            ));
        };
        if approval.signed.iter().all(|signed| signed.by != key.id) {
            drafts.push(Draft::of(
                id,
                Event::Approved {
                    approver: approver.id.clone(),
                    role: approver.role.clone(),
                    warrant: envelope.clone(),
                },
            ));
        }
    }
    Ok(drafts)
}

fn decline(arguments: &Arguments, session: &mut Session, change: &Change) -> Result<Outcome> {
    let why = arguments.why.as_deref().unwrap_or_default().trim();
    if why.is_empty() {
        bail!("--why is empty; expected what would have to be different");
    }
    let id = &change.id;
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        deciding.check(When::Decline, "decline", change)?;
        if !change.is_open() {
            bail!("{id} is {}", change.stage());
        }
        Ok(vec![Draft::of(id, Event::Declined { why: why.into() })])
    })?;
    let by: Name = session.project.actor_id()?;
    let mut output = Output::new();
    match arguments.json.json {
        true => output.json(&json!({"change": id, "declined": by, "why": why}))?,
        false => output.line(&format!("{id}: declined by {by}"))?,
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Who has signed, and who is missing.
fn tell(arguments: &Arguments, change: &Change, approval: &Approval) -> Result<Outcome> {
    let (id, missing) = (&change.id, approval.missing());
    let mut output = Output::new();
    if arguments.json.json {
        let signed: Vec<_> = approval.signed.iter().map(|signed| &signed.by).collect();
        output.json(&json!({
            "change": id, "warrant": approval.digest(), "signed": signed, "missing": missing,
            "not_after": approval.warrant.not_after,
        }))?;
    } else {
        for signed in &approval.signed {
            output.line(&format!(
                "{id}: approved by {} ({})",
                signed.by, signed.role
            ))?;
        }
        output.line(&match (
            missing.is_empty(),
            change.needs_message() && change.message.queued.is_none(),
        ) {
            (false, _) => format!("waits for {}", missing.join(", ")),
            (true, true) => format!("next: breakglass message draft {id}"),
            (true, false) => format!("next: breakglass start {id}"),
        })?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass approve chg-2026-0117
  breakglass approve chg-2026-0117 --decline --why 'the canary can wait until the window at 23:00'
  breakglass approve chg-2026-0117 --export request.json
  breakglass approve --sign request.json -o signed.json --agent --id anna
  breakglass approve chg-2026-0117 --import signed.json";
