//! `breakglass verify`: who signed an order or a warrant, and whether that is enough.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use breakglass_policy::{
    Envelope, Order, Policy, Subject, Timestamp, Trust, TrustedKey, Warrant, WarrantReference,
    limits,
};
use clap::Args;
use serde_json::{Value, json};

use crate::clock;
use crate::input;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::profile;
use crate::sign::Kind;
use crate::typed::time;

/// Checks the signatures of an order or a warrant against `trust` of a policy.
///
/// Of a warrant it tells whether everybody has signed who must have by `trust.raise` and by itself, what
/// it permits and when, and whether it is for what the policy says. Of an order whether it could be
/// obeyed: by age, policy and rollout, and by the warrant that it carries.
///
/// What a proxy has seen since then it cannot know: a kill or a newer warrant that spends this one, a
/// higher generation.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The envelope; `-` for standard input
    #[arg(value_name = "ENVELOPE")]
    envelope: PathBuf,
    /// The policy whose `trust` counts, in JSON
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// When, such as 2026-11-23T20:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Write one JSON value
    #[arg(long)]
    json: bool,
}

/// What is known of an envelope.
struct Finding<'a> {
    envelope: &'a Envelope,
    at: Timestamp,
    signers: Vec<&'a TrustedKey>,
    /// Named in signatures, but by nobody's key.
    unknown: Vec<&'a str>,
    document: Document,
    /// Why it is worth nothing.
    faults: Vec<String>,
}

enum Document {
    Order(Box<Order>),
    Warrant(Box<Warrant>),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let policy = profile::policy(&arguments.policy)?;
    let Some(trust) = &policy.trust else {
        bail!(
            "{} names no `trust`, so that nobody's signature counts; expected a policy with `trust.keys`",
            arguments.policy.display()
        );
    };
    let name = arguments.envelope.display();
    let json = input::document(&arguments.envelope, limits::ORDER_BYTES)?;
    let envelope = Envelope::from_json(&json);
    let envelope = envelope.with_context(|| format!("{name} is no envelope"))?;
    let at = arguments.at.unwrap_or_else(clock::now);
    let finding = Finding::new(&envelope, &policy, trust, at);
    let finding = finding.with_context(|| format!("{name} is refused"))?;

    let mut output = Output::new();
    match arguments.json {
        true => output.json(&finding.to_json())?,
        false => output.write(finding.to_text().as_bytes())?,
    }
    output.finish()?;
    Ok(match finding.faults.is_empty() {
        true => Outcome::Fine,
        false => Outcome::Found,
    })
}

// === impl Finding ===

impl<'a> Finding<'a> {
    fn new(
        envelope: &'a Envelope,
        policy: &'a Policy,
        trust: &'a Trust,
        at: Timestamp,
    ) -> Result<Self> {
        let mut faults = Vec::new();
        let document = match Kind::carried(envelope.payload_type(), None)? {
            Kind::Order => {
                let order = envelope.order()?;
                faults.extend(order_faults(&order, policy, trust, at));
                Document::Order(Box::new(order))
            }
            Kind::Warrant => {
                let warrant = envelope.warrant()?;
                faults.extend(warrant_faults(envelope, &warrant, policy, trust, at));
                Document::Warrant(Box::new(warrant))
            }
        };
        let signers = match envelope.signers(trust) {
            Ok(signers) => signers,
            Err(refused) => {
                // Of a warrant it has been said already.
                if matches!(document, Document::Order(_)) {
                    faults.insert(0, refused.to_string());
                }
                Vec::new()
            }
        };
        let keyids = envelope
            .signatures()
            .iter()
            .map(|signature| &*signature.keyid);
        let unknown = keyids.filter(|keyid| trust.key(keyid).is_none());
        Ok(Self {
            envelope,
            at,
            signers,
            unknown: unknown.collect(),
            document,
            faults,
        })
    }

    fn to_json(&self) -> Value {
        let signers = self.signers.iter().map(
            |key| json!({"id": key.id, "role": key.role, "fingerprint": key.key.fingerprint()}),
        );
        let mut value = json!({
            "ok": self.faults.is_empty(),
            "type": self.envelope.payload_type(),
            "digest": self.envelope.digest(),
            "at": self.at,
            "signers": signers.collect::<Vec<_>>(),
            "unknown": self.unknown,
            "faults": self.faults,
        });
        let (name, document) = match &self.document {
            Document::Order(order) => ("order", json!(order)),
            Document::Warrant(warrant) => ("warrant", json!(warrant)),
        };
        value[name] = document;
        value
    }

    fn to_text(&self) -> String {
        let mut rows = vec![
            ("type", self.envelope.payload_type().as_str().to_owned()),
            ("digest", self.envelope.digest().to_string()),
        ];
        rows.extend(self.signers.iter().map(|key| {
            let fingerprint = key.key.fingerprint();
            (
                "signed by",
                format!("{} as {} ({fingerprint})", key.id, key.role),
            )
        }));
        let unknown = self.unknown.iter().map(|keyid| keyid.escape_debug());
        rows.extend(unknown.map(|keyid| ("not trusted", format!("`{keyid}`"))));
        match &self.document {
            Document::Order(order) => rows.extend(order_rows(order, self.at)),
            Document::Warrant(warrant) => rows.extend(warrant_rows(warrant)),
        }
        rows.extend(self.faults.iter().map(|fault| ("fault", fault.clone())));
        let verdict = match (self.faults.is_empty(), &self.document) {
            (true, Document::Order(_)) => format!("good: could be obeyed at {}", self.at),
            (true, Document::Warrant(_)) => format!("good: permits raising at {}", self.at),
            (false, _) => format!("not good at {}", self.at),
        };
        rows.push(("verdict", verdict));
        let rows = rows
            .into_iter()
            .map(|(word, value)| format!("{word:11} {value}\n"));
        rows.collect()
    }
}

fn order_faults(order: &Order, policy: &Policy, trust: &Trust, at: Timestamp) -> Vec<String> {
    let mut faults = Vec::new();
    match &order.policy {
        None => faults.push("`policy` is missing, which a signed order must name".into()),
        Some(name) if *name != policy.name => {
            faults.push(format!("the order is for the policy `{name}`"));
        }
        Some(_) => {}
    }
    match order.issued_at {
        None => faults.push("`issued_at` is missing, which a signed order must name".into()),
        Some(time) if at.since(time) > limits::ORDER_LIFETIME => faults.push(format!(
            "the order was issued at {time}; expected one that is at most {} seconds old",
            limits::ORDER_LIFETIME.as_secs()
        )),
        Some(time) if time.since(at) > limits::CLOCK_SKEW => faults.push(format!(
            "the order was issued at {time}, which is in the future; expected at most {} seconds ahead",
            limits::CLOCK_SKEW.as_secs()
        )),
        Some(_) => {}
    }
    faults.extend(unknown_rollout(policy, &order.rollout));
    if let Some(WarrantReference::Carried(envelope)) = &order.warrant {
        match envelope.warrant() {
            Ok(warrant) => faults.extend(warrant_faults(envelope, &warrant, policy, trust, at)),
            Err(error) => faults.push(format!("the warrant cannot be read: {error}")),
        }
    }
    faults
}

fn warrant_faults(
    envelope: &Envelope,
    warrant: &Warrant,
    policy: &Policy,
    trust: &Trust,
    at: Timestamp,
) -> Vec<String> {
    let mut faults = Vec::new();
    if let Err(refused) = Warrant::open(envelope, trust) {
        faults.push(refused.to_string());
    }
    if warrant.policy != policy.name {
        let name = &warrant.policy;
        faults.push(format!("the warrant is for the policy `{name}`"));
    }
    if at < warrant.not_before {
        let time = warrant.not_before;
        faults.push(format!("the warrant cannot be used before {time}"));
    }
    if at > warrant.not_after {
        let time = warrant.not_after;
        faults.push(format!("the warrant could be used until {time}"));
    }
    let mut rollouts = policy.rollouts.iter();
    match rollouts.find(|rollout| rollout.name == warrant.rollout) {
        Some(rollout) => {
            let checked = warrant.subject.check(&Subject::of(rollout));
            faults.extend(checked.err().map(|refused| refused.to_string()));
        }
        None => faults.extend(unknown_rollout(policy, &warrant.rollout)),
    }
    faults
}

fn unknown_rollout(policy: &Policy, name: &breakglass_policy::Name) -> Option<String> {
    let known = policy.rollouts.iter().any(|rollout| rollout.name == *name);
    (!known).then(|| format!("the policy has no rollout `{name}`"))
}

fn order_rows(order: &Order, at: Timestamp) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("rollout", order.rollout.to_string()),
        ("generation", order.generation.to_string()),
    ];
    if let Some(time) = order.issued_at {
        let age = at.since(time).as_secs();
        rows.push(("issued", format!("{time}, {age} s before")));
    }
    // As the document says it: shorter than any sentence.
    let terms = json!(order);
    for term in ["kill", "ramp", "not_after", "redaction"] {
        rows.extend(terms.get(term).map(|value| (term, value.to_string())));
    }
    rows.extend(order.warrant.as_ref().map(|warrant| match warrant {
        WarrantReference::Carried(envelope) => ("warrant", envelope.digest().to_string()),
        WarrantReference::Named(digest) => (
            "warrant",
            format!("{digest}, if the proxy holds it: it is not in the order"),
        ),
    }));
    rows
}

fn warrant_rows(warrant: &Warrant) -> Vec<(&'static str, String)> {
    let approvers = warrant.approvers.iter();
    let approvers = approvers.map(|approver| format!("{} as {}", approver.id, approver.role));
    let subject = &warrant.subject;
    let pins = match subject.pins.as_slice() {
        [] => String::new(),
        pins => format!(", pinned: {}", pins.join(", ").escape_debug()),
    };
    vec![
        (
            "change",
            format!("{} by {}", warrant.change, warrant.author),
        ),
        (
            "for",
            format!("policy {}, rollout {}", warrant.policy, warrant.rollout),
        ),
        (
            "subject",
            format!(
                "{} → {}, salt {}{pins}",
                subject.stable.as_str(),
                subject.canary.as_str(),
                subject.salt.as_str()
            ),
        ),
        ("permits", permitted(warrant)),
        (
            "window",
            format!("{} to {}", warrant.not_before, warrant.not_after),
        ),
        (
            "after",
            format!(
                "generation {}: a kill or a newer warrant of a higher one spends it",
                warrant.after
            ),
        ),
        (
            "drill",
            format!("{} of {}", warrant.drill.receipt, warrant.drill.at),
        ),
        ("approvers", approvers.collect::<Vec<_>>().join(", ")),
    ]
}

fn permitted(warrant: &Warrant) -> String {
    let steps = warrant.ramp.steps().iter().map(|step| match step.at {
        Timestamp::EPOCH => format!("up to {}", step.percent),
        at => format!("up to {} from {at}", step.percent),
    });
    let mut permitted: Vec<String> = steps.collect();
    if warrant.unmask {
        permitted.push("to take mask_all back".into());
    }
    match permitted.is_empty() {
        true => "nobody on the canary".into(),
        false => permitted.join(", "),
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass verify --policy policy.json warrant.dsse
  breakglass verify --policy policy.json --at 2026-11-23T20:00:00Z --json order.dsse";
