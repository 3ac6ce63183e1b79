//! What shall be ordered, as it is typed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use breakglass_policy::{
    Digest, Envelope, Generation, InFlight, Kill, KillMode, LiveRedaction, Name, Order, Percent,
    Ramp, Timestamp, WarrantReference, limits,
};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::fleet::Terms;
use crate::input;
use crate::sign;
use crate::typed::{generation, name, percent, time_or_later};

/// What shall be ordered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Order")]
pub(crate) struct TermArguments {
    /// The rollout
    #[arg(long, value_name = "NAME", value_parser = name, required_unless_present = "file")]
    rollout: Option<Name>,
    /// The policy that it stands in; every signed order names it [default: what the proxies say]
    #[arg(long, value_name = "NAME", value_parser = name)]
    policy_name: Option<Name>,
    /// The generation of the order [default: the highest of all proxies and files, and one more]
    #[arg(long, value_name = "N", value_parser = generation, allow_negative_numbers = true)]
    generation: Option<Generation>,
    /// Turn the kill-switch on
    #[arg(long, value_name = "MODE")]
    kill: Option<Mode>,
    /// What happens to requests under way on a killed arm [default: drain]
    #[arg(long, value_name = "WHAT", requires = "kill")]
    in_flight: Option<UnderWay>,
    /// Turn the kill-switch off
    #[arg(long, conflicts_with = "kill")]
    rearm: bool,
    /// A new share of the canary, such as 10 or 0.25
    #[arg(long, value_name = "N", value_parser = percent, allow_negative_numbers = true, conflicts_with = "ramp")]
    percent: Option<Percent>,
    /// A new ramp: its steps in JSON, or a file with them
    #[arg(long, value_name = "FILE|JSON")]
    ramp: Option<String>,
    /// A new end of the lease: a time, or +30m from now on
    #[arg(long, value_name = "TIME", value_parser = time_or_later, conflicts_with = "no_lease")]
    not_after: Option<Timestamp>,
    /// Take the lease away
    #[arg(long)]
    no_lease: bool,
    /// Mask every entity, whatever the policy says
    #[arg(long, conflicts_with = "unmask")]
    mask_all: bool,
    /// Take --mask-all back
    #[arg(long)]
    unmask: bool,
    /// What permits to raise exposure: a warrant's envelope, or the digest of one that the proxies hold
    #[arg(long, value_name = "FILE|sha256:…")]
    warrant: Option<String>,
    /// The order itself, in JSON; what it does not say of rollout, policy and generation is filled in. Or
    /// an order that is signed already, which is sent as it is
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["kill", "rearm", "percent", "ramp", "not_after", "no_lease", "mask_all", "unmask"]
    )]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Everyone to stable
    Rollback,
    /// The agent answers nobody
    Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum UnderWay {
    /// They may finish
    Drain,
    /// They are cut at their next chunk
    Cut,
}

// === impl TermArguments ===

impl TermArguments {
    /// Reads what shall be ordered.
    ///
    /// # Errors
    /// What cannot be ordered, and why; nothing has been sent then.
    pub(crate) fn read(&self) -> Result<Terms> {
        let mut terms = match &self.file {
            Some(file) => self.filed(file)?,
            None => self.typed()?,
        };
        if let Some(text) = &self.warrant {
            let warrant = warrant(text)?;
            terms = terms.with_warrant(warrant).context("--warrant")?;
        }
        let order = terms.order();
        let empty = [
            order.kill.is_none(),
            order.ramp.is_none(),
            order.not_after.is_none(),
            order.redaction.is_none(),
        ];
        if empty == [true; 4] {
            bail!(
                "the order would change nothing; expected --kill, --rearm, --percent, --ramp, --not-after, --no-lease, --mask-all, --unmask or --file"
            );
        }
        Ok(terms)
    }

    fn typed(&self) -> Result<Terms> {
        let rollout = self.rollout.clone().context("--rollout is missing")?;
        let kill = self.kill.map(|mode| Kill {
            mode: mode.into(),
            in_flight: self.in_flight.map_or(InFlight::Drain, InFlight::from),
        });
        let ramp = match (&self.ramp, self.percent) {
            (Some(text), _) => Some(ramp(text)?),
            (None, percent) => percent.map(Ramp::flat),
        };
        let order = Order {
            policy: self.policy_name.clone(),
            ramp,
            not_after: self
                .not_after
                .map(Some)
                .or_else(|| self.no_lease.then_some(None)),
            kill: kill.map(Some).or_else(|| self.rearm.then_some(None)),
            redaction: match (self.mask_all, self.unmask) {
                (true, _) => Some(Some(LiveRedaction::MaskAll)),
                (false, true) => Some(None),
                (false, false) => None,
            },
            ..Terms::blank(rollout)
        };
        Ok(Terms::of(order, self.generation))
    }

    fn filed(&self, file: &Path) -> Result<Terms> {
        let name = file.display();
        let bytes = input::document(file, limits::ORDER_BYTES)?;
        let tree = serde_json::from_slice(&bytes);
        let mut tree: Value = tree.with_context(|| format!("{name} is no JSON"))?;
        if sign::is_envelope(&tree) {
            return self
                .signed(&bytes)
                .with_context(|| format!("{name} is refused"));
        }
        if let Value::Object(members) = &mut tree {
            fill(
                members,
                "rollout",
                self.rollout.as_ref().map(|name| json!(name)),
            )?;
            fill(
                members,
                "policy",
                self.policy_name.as_ref().map(|name| json!(name)),
            )?;
            fill(
                members,
                "generation",
                self.generation.map(|number| json!(number)),
            )?;
        }
        let has_generation = tree.get("generation").is_some();
        if let (false, Value::Object(members)) = (has_generation, &mut tree) {
            // It is chosen when the proxies have been asked.
            members.insert("generation".into(), json!(0));
        }
        let order = Order::from_json(tree.to_string().as_bytes());
        let order = order.with_context(|| format!("{name} is refused"))?;
        let generation = has_generation.then_some(order.generation);
        Ok(Terms::of(order, generation))
    }

    /// An order that stands as it was signed.
    fn signed(&self, bytes: &[u8]) -> Result<Terms> {
        let terms = Terms::signed(Envelope::from_json(bytes)?)?;
        let order = terms.order();
        let differs = [
            (
                "rollout",
                self.rollout
                    .as_ref()
                    .is_some_and(|name| *name != order.rollout),
            ),
            (
                "policy-name",
                self.policy_name.is_some() && self.policy_name != order.policy,
            ),
            (
                "generation",
                self.generation
                    .is_some_and(|number| number != order.generation),
            ),
            ("warrant", self.warrant.is_some()),
        ];
        if let Some((flag, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            bail!("--{flag} says something else, and a signed order cannot be changed");
        }
        Ok(terms)
    }
}

/// Fills in a member that the order does not have.
fn fill(members: &mut Map<String, Value>, name: &str, typed: Option<Value>) -> Result<()> {
    let Some(typed) = typed else { return Ok(()) };
    match members.get(name) {
        Some(given) if *given != typed => {
            bail!("the order says `{name}`: {given}, the command line {typed}")
        }
        Some(_) => {}
        None => {
            members.insert(name.into(), typed);
        }
    }
    Ok(())
}

fn ramp(text: &str) -> Result<Ramp> {
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| anyhow!("--ramp: {error}"));
    }
    let bytes = input::document(Path::new(text), limits::ORDER_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| anyhow!("--ramp: {text} is refused: {error}"))
}

fn warrant(text: &str) -> Result<WarrantReference> {
    if text.starts_with("sha256:") {
        let digest = Digest::new(text).with_context(|| {
            format!("--warrant: `{text}` is no digest, expected `sha256:` and 64 hexadecimal digits in lower case")
        })?;
        return Ok(WarrantReference::Named(digest));
    }
    let bytes = input::document(Path::new(text), limits::ORDER_BYTES)?;
    let read = || {
        let envelope = Envelope::from_json(&bytes)?;
        envelope.warrant()?;
        anyhow::Ok(WarrantReference::Carried(Box::new(envelope)))
    };
    read().with_context(|| format!("--warrant: {text} is refused"))
}

// === impl Mode, UnderWay ===

impl From<Mode> for KillMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Rollback => Self::Rollback,
            Mode::Block => Self::Block,
        }
    }
}

impl From<UnderWay> for InFlight {
    fn from(what: UnderWay) -> Self {
        match what {
            UnderWay::Drain => Self::Drain,
            UnderWay::Cut => Self::Cut,
        }
    }
}
