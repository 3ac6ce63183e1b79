//! Approvals on another machine: the request, its signature there, and the way back.

use std::path::Path;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Envelope, Name, PayloadType, Timestamp, Warrant, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::change::Change;
use crate::change::event::DrillReceipt;
use crate::change::record::{ChangeId, Declaration};
use crate::change::rules::{When, plan_of};
use crate::commands::approve::{Arguments, agreed, asked, show, take_in, tell};
use crate::commands::in_force::InForce;
use crate::files;
use crate::input;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::project::plan::Plan;
use crate::session::{Deciding, Session};

/// What an approver needs who has no project: the record for reading, and what is to be signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    change: ChangeId,
    author: Name,
    declared_at: Timestamp,
    declaration: Declaration,
    plan: Plan,
    /// The receipt of the drill, whose digest stands in the warrant.
    drill: Envelope,
    /// The warrant, byte for byte.
    warrant: String,
}

/// Writes the request.
pub(super) fn export(
    arguments: &Arguments,
    session: &mut Session,
    change: &Change,
    in_force: &InForce,
    file: &Path,
) -> Result<Outcome> {
    let (change, approval) = asked(session, change, in_force, When::Ask)?;
    let ledger = session.ledger()?;
    let deciding = Deciding::of(session, &ledger)?;
    let plan = plan_of(&deciding.case(&change), &change.declared).clone();
    let drill = change
        .last_drill()
        .context("the rollback was not tried out")?;
    let request = Request {
        change: change.id.clone(),
        author: change.author.clone(),
        declared_at: change.at,
        declaration: change.declared.clone(),
        plan,
        drill: drill.clone(),
        warrant: str::from_utf8(approval.envelope.payload())?.to_owned(),
    };
    let text = serde_json::to_string_pretty(&request)? + "\n";
    let mut output = Output::new();
    if file == Path::new("-") {
        output.write(text.as_bytes())?;
    } else {
        files::replace(file, text.as_bytes())?;
        let (id, name) = (&change.id, file.display());
        match arguments.json.json {
            true => output.json(
                &json!({"change": id, "file": name.to_string(), "warrant": approval.digest()}),
            )?,
            false => {
                output.line(&format!(
                    "{name}: the request for {}",
                    approval.missing().join(", ")
                ))?;
                output.line(&format!("next: there, breakglass approve --sign {name} -o signed.json --agent; here, breakglass approve {id} --import signed.json"))?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Shows a request and signs its warrant.
pub(super) fn sign(arguments: &Arguments, file: &Path, to: &Path) -> Result<Outcome> {
    let name = file.display();
    let bytes = input::document(file, REQUEST_BYTES)?;
    if bytes.len() > REQUEST_BYTES {
        bail!(
            "{name} is longer than {REQUEST_BYTES} bytes, expected a request of `breakglass approve --export`"
        );
    }
    let request: Request = serde_json::from_slice(&bytes)
        .with_context(|| format!("{name} is no request of `breakglass approve --export`"))?;
    let (warrant, drill) = request
        .consistent()
        .with_context(|| format!("{name} is refused"))?;
    let signer = arguments.signer.signer()?;
    let signer = signer.context("nobody to sign: expected --key FILE or --agent")?;
    let shown = show::Record {
        change: &request.change,
        author: &request.author,
        at: request.declared_at,
        declared: &request.declaration,
        drill: &drill,
        warrant: &warrant,
        plan: &request.plan,
        message: "as far as the request tells",
        signed: Vec::new(),
        more: Vec::new(),
        date: &|time| time.to_string(),
    };
    if !agreed(arguments, &shown.lines())? {
        bail!("not signed, and nothing was written");
    }
    let mut envelope = Envelope::new(PayloadType::WarrantJson, request.warrant.into_bytes());
    signer.sign(&mut envelope)?;
    files::replace(to, (serde_json::to_string(&envelope)? + "\n").as_bytes())?;
    let mut output = Output::new();
    let (digest, keyid, to) = (envelope.digest(), signer.keyid(), to.display());
    match arguments.json.json {
        true => output.json(&json!({"file": to.to_string(), "warrant": digest, "keyid": keyid}))?,
        false => output.line(&format!("{to}: {digest} signed by {keyid}"))?,
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Takes signatures in.
pub(super) fn import(
    arguments: &Arguments,
    session: &mut Session,
    change: &Change,
    file: &Path,
) -> Result<Outcome> {
    let name = file.display();
    let bytes = input::document(file, limits::ORDER_BYTES)?;
    let envelope = Envelope::from_json(&bytes);
    let envelope = envelope.with_context(|| format!("{name} is no signed warrant"))?;
    let approval = take_in(session, change, &envelope);
    let approval = approval.with_context(|| format!("{name} is refused"))?;
    tell(arguments, change, &approval)
}

// === impl Request ===

impl Request {
    /// The warrant and the drill, if they are about what is shown: only the warrant is signed.
    fn consistent(&self) -> Result<(Warrant, DrillReceipt)> {
        if self.drill.payload_type() != PayloadType::DrillJson {
            bail!("drill: expected the receipt of a drill");
        }
        let warrant = Warrant::from_json(self.warrant.as_bytes()).context("warrant")?;
        let drill: DrillReceipt = serde_json::from_slice(self.drill.payload()).context("drill")?;
        let Self {
            change,
            author,
            declaration,
            ..
        } = self;
        let (subject, versions) = (&warrant.subject, &declaration.versions);
        let percents = warrant.ramp.steps().iter().map(|step| step.percent);
        for (what, same) in [
            ("the change", warrant.change == *change),
            ("the author", warrant.author == *author),
            ("the rollout", warrant.rollout == declaration.rollout),
            (
                "the old version",
                subject.stable.as_str() == versions.stable,
            ),
            (
                "the new version",
                subject.canary.as_str() == versions.canary,
            ),
            ("the drill", warrant.drill.receipt == self.drill.digest()),
            (
                "the steps",
                percents.eq(self.plan.steps().iter().map(|step| step.percent)),
            ),
        ] {
            if !same {
                bail!(
                    "{what} of the record is not that of the warrant, which is what would be signed; expected a request as it was written"
                );
            }
        }
        Ok((warrant, drill))
    }
}

/// A record with long reasons, and a drill of hundreds of proxies.
const REQUEST_BYTES: usize = 4 << 20;
