//! `breakglass sign`: signs orders and warrants.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Envelope, Name, Order, PayloadType, Timestamp, Warrant, limits};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::clock;
use crate::files;
use crate::input;
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::signer::SignerArguments;
use crate::typed::name;

/// Signs an order or a warrant, or adds a signature to one that others have signed.
///
/// The document is read as the filter reads it, and refused with the path of what is wrong. It is
/// JSON, or MessagePack where its first byte is not ASCII. Its bytes are signed as they are, unless something
/// has to be filled in: an order needs `issued_at`, which becomes now, and `policy`. The envelope (DSSE:
/// `payload`, `payloadType`, `signatures`) goes to standard output, or with -o to a file.
///
/// A signature of the same key that is there already is replaced by the new one.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// An order, a warrant, or an envelope with one of them; `-` for standard input
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,
    /// What the document is [default: what its members say]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// The policy that an order without `policy` is for
    #[arg(long, value_name = "NAME", value_parser = name)]
    policy_name: Option<Name>,
    /// Write the envelope to this file; it may be DOCUMENT itself
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Tell what was signed as one JSON value; the envelope itself is JSON anyway
    #[arg(long, requires = "output")]
    json: bool,
    #[command(flatten)]
    signer: SignerArguments,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A live change of a control
    Order,
    /// The permission to raise exposure
    Warrant,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let bytes = input::document(&arguments.document, limits::ORDER_BYTES)?;
    let name = arguments.document.display();
    let mut envelope = read(&bytes, arguments).with_context(|| format!("{name} is refused"))?;
    let Some(signer) = arguments.signer.signer()? else {
        bail!("nobody to sign: expected --key FILE or --agent");
    };
    signer.sign(&mut envelope)?;

    let json = serde_json::to_string(&envelope)? + "\n";
    if json.len() > limits::ORDER_BYTES {
        bail!(
            "the envelope has {} bytes, expected at most {}",
            json.len(),
            limits::ORDER_BYTES
        );
    }
    let mut output = Output::new();
    let (kind, digest) = (envelope.payload_type().as_str(), envelope.digest());
    let (keyid, count) = (signer.keyid(), envelope.signatures().len());
    match &arguments.output {
        None => output.write(json.as_bytes())?,
        Some(file) => {
            files::replace(file, json.as_bytes())?;
            match arguments.json {
                true => output.json(&json!({
                    "file": file.display().to_string(),
                    "type": kind,
                    "digest": digest,
                    "keyid": keyid,
                    "signatures": count,
                }))?,
                false => output.line(&format!(
                    "{}: {kind} {digest} signed by {keyid}, {count} in all",
                    file.display()
                ))?,
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// The envelope to be signed: the one that was given, or a new one.
fn read(bytes: &[u8], arguments: &Arguments) -> Result<Envelope> {
    let is_json = is_json(bytes);
    let tree: Option<Value> = match is_json {
        true => Some(serde_json::from_slice(bytes)?),
        false => None,
    };
    if tree.as_ref().is_some_and(is_envelope) {
        return signed_before(bytes, arguments);
    }
    let kind = arguments.kind.unwrap_or_else(|| match &tree {
        Some(tree) => Kind::of(tree),
        None if Warrant::from_msgpack(bytes).is_ok() => Kind::Warrant,
        None => Kind::Order,
    });
    match (kind, is_json) {
        (Kind::Warrant, true) => {
            Warrant::from_json(bytes)?;
            Ok(Envelope::new(PayloadType::WarrantJson, bytes.to_vec()))
        }
        (Kind::Warrant, false) => {
            Warrant::from_msgpack(bytes)?;
            Ok(Envelope::new(PayloadType::WarrantMsgPack, bytes.to_vec()))
        }
        (Kind::Order, true) => {
            let order = bound(Order::from_json(bytes)?, arguments)?;
            let payload = match order {
                Some(order) => serde_json::to_vec(&order)?,
                None => bytes.to_vec(),
            };
            Ok(Envelope::new(PayloadType::OrderJson, payload))
        }
        (Kind::Order, false) => {
            let order = bound(Order::from_msgpack(bytes)?, arguments)?;
            let payload = match order {
                Some(order) => rmp_serde::to_vec_named(&order)?,
                None => bytes.to_vec(),
            };
            Ok(Envelope::new(PayloadType::OrderMsgPack, payload))
        }
    }
}

/// An envelope whose payload stands, since others have signed it.
fn signed_before(bytes: &[u8], arguments: &Arguments) -> Result<Envelope> {
    let envelope = Envelope::from_json(bytes)?;
    match Kind::carried(envelope.payload_type(), arguments.kind)? {
        Kind::Warrant => {
            envelope.warrant()?;
        }
        Kind::Order => {
            let order = envelope.order()?;
            for (member, given) in [
                ("policy", order.policy.is_some()),
                ("issued_at", order.issued_at.is_some()),
            ] {
                if !given {
                    bail!(
                        "payload: `{member}` is missing, which every signed order has; expected the order itself to be signed anew"
                    );
                }
            }
            note_age(order.issued_at, clock::now());
        }
    }
    Ok(envelope)
}

/// The order with what binds a signed one to its place and time; `None` where nothing was missing.
fn bound(mut order: Order, arguments: &Arguments) -> Result<Option<Order>> {
    let given = order.clone();
    match (&order.policy, &arguments.policy_name) {
        (Some(policy), Some(name)) if policy != name => {
            bail!("policy: the order is for `{policy}`, --policy-name says `{name}`")
        }
        (Some(_), _) => {}
        (None, Some(name)) => order.policy = Some(name.clone()),
        (None, None) => bail!(
            "policy: missing; a signed order names its policy, so that it is worth nothing elsewhere: add `\"policy\": \"NAME\"`, or use --policy-name NAME"
        ),
    }
    if order.issued_at.is_none() {
        let now = clock::now();
        note(&format!("`issued_at` is missing, {now} is filled in"));
        order.issued_at = Some(now);
    }
    note_age(order.issued_at, clock::now());
    Ok((order != given).then_some(order))
}

fn note_age(issued_at: Option<Timestamp>, now: Timestamp) {
    let Some(issued_at) = issued_at else { return };
    if now.since(issued_at) > limits::ORDER_LIFETIME {
        note(&format!(
            "`issued_at` is {issued_at}; proxies obey an order for {} seconds only",
            limits::ORDER_LIFETIME.as_secs()
        ));
    } else if issued_at.since(now) > limits::CLOCK_SKEW {
        note(&format!(
            "`issued_at` is {issued_at}; proxies obey no order from the future"
        ));
    }
}

/// Whether bytes are meant to be JSON: those of a MessagePack map begin beyond ASCII.
fn is_json(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(u8::is_ascii)
}

/// Whether a document is an envelope rather than what goes into one.
pub(crate) fn is_envelope(tree: &Value) -> bool {
    tree.get("payloadType").is_some() || tree.get("payload").is_some()
}

// === impl Kind ===

impl Kind {
    /// What a document in JSON is most likely meant to be.
    fn of(tree: &Value) -> Self {
        let of_warrants = ["change", "subject", "drill", "approvers", "author"];
        match of_warrants.iter().any(|member| tree.get(member).is_some()) {
            true => Self::Warrant,
            false => Self::Order,
        }
    }

    /// What an envelope carries, if it is what is expected.
    pub(crate) fn carried(carried: PayloadType, expected: Option<Self>) -> Result<Self> {
        let kind = match carried {
            PayloadType::OrderJson | PayloadType::OrderMsgPack => Self::Order,
            PayloadType::WarrantJson | PayloadType::WarrantMsgPack => Self::Warrant,
            PayloadType::DrillJson => {
                bail!("it is the receipt of a drill; `breakglass drill` makes and signs those")
            }
        };
        match expected {
            Some(expected) if expected != kind => bail!(
                "payloadType: `{}` is not that of {}s; expected --type to be left out, or another file",
                carried.as_str(),
                expected.as_str()
            ),
            _ => Ok(kind),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Warrant => "warrant",
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass sign --key anna.key -o warrant.dsse warrant.json
  breakglass sign --agent --id bob -o warrant.dsse warrant.dsse
  breakglass sign --agent --agent-key ~/.ssh/id_ed25519.pub --policy-name support order.json > order.dsse";
