//! `breakglass lint`: reads a policy as the filter will.

use std::path::{Path, PathBuf};

use anyhow::Result;
use breakglass_policy::{
    Arm, Direction, Entity, Policy, Rollout, Signal, State, Timestamp, limits,
};
use breakglass_redact::Profile;
use clap::Args;
use serde_json::{Value, json};

use crate::clock;
use crate::input;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::profile;
use crate::typed;

/// Checks policies as the filter does before it takes one.
///
/// Reads each policy and compiles the redaction of every rollout, for both arms and directions; the
/// judge may watch only what can be found.
/// Prints `FILE: ok`, or what is wrong and where: `FILE: rollouts[0].redaction.response.EMIAL_ADDRESS: …`.
/// Where the policy names trusted keys, warns of what a proxy that starts with it would not permit: a
/// control without a warrant, or with one that is not good at the time.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The policies, in JSON; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// When a proxy starts with it, such as 2026-11-23T20:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = typed::time)]
    at: Option<Timestamp>,
    /// Write one JSON value for each policy
    #[arg(long)]
    json: bool,
}

/// What there is to be said of a policy.
#[derive(Debug, Default)]
struct Findings {
    faults: Vec<Fault>,
    /// What the filter takes, and not as it was meant.
    warnings: Vec<Fault>,
}

/// What is wrong with a policy, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    message: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut output = Output::new();
    let mut outcome = Outcome::Fine;
    for file in &arguments.files {
        let at = arguments.at.unwrap_or_else(clock::now);
        let Findings { faults, warnings } = match check(file, at) {
            Ok(findings) => findings,
            Err(error) => {
                output.flush()?;
                return Err(error);
            }
        };
        if !faults.is_empty() {
            outcome = Outcome::Found;
        }
        let name = file.display();
        if arguments.json {
            let [errors, warnings] = [&faults, &warnings].map(|faults| {
                let faults = faults.iter().map(Fault::to_json);
                faults.collect::<Vec<Value>>()
            });
            let ok = errors.is_empty();
            let file = name.to_string();
            output
                .json(&json!({"file": file, "ok": ok, "errors": errors, "warnings": warnings}))?;
            continue;
        }
        if faults.is_empty() {
            output.line(&format!("{name}: ok"))?;
        }
        for fault in &faults {
            output.line(&format!("{name}: {}", fault.to_line()))?;
        }
        for warning in &warnings {
            output.line(&format!("{name}: warning: {}", warning.to_line()))?;
        }
    }
    output.finish()?;
    Ok(outcome)
}

fn check(file: &Path, at: Timestamp) -> Result<Findings> {
    let json = input::document(file, limits::POLICY_BYTES)?;
    match Policy::from_json(&json) {
        Ok(policy) => Ok(Findings {
            faults: faults(&policy),
            warnings: warnings(&policy, at),
        }),
        Err(error) => Ok(Findings {
            faults: vec![Fault {
                path: error.path().into(),
                message: error.message().into(),
            }],
            warnings: Vec::new(),
        }),
    }
}

/// What a proxy that knows nothing but this policy does not permit.
fn warnings(policy: &Policy, at: Timestamp) -> Vec<Fault> {
    let published = State::default().publish(policy, at);
    let refused = published.refused.into_iter().filter_map(|(name, refused)| {
        let mut rollouts = policy.rollouts.iter();
        let place = rollouts.position(|rollout| rollout.name == name)?;
        Some(Fault {
            path: format!("rollouts[{place}].control.warrant"),
            message: format!("everyone stays on stable: {refused}"),
        })
    });
    let nobody = policy.trust.iter().filter(|trust| !trust.can_raise());
    let nobody = nobody.map(|_| Fault {
        path: "trust.raise".into(),
        message: "no set can sign with these keys, so nobody can raise exposure".into(),
    });
    refused.chain(nobody).collect()
}

/// What the policy's own reader cannot know: which entities there are.
fn faults(policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, rollout) in policy.rollouts.iter().enumerate() {
        let found = redaction_faults(rollout)
            .into_iter()
            .chain(judge_faults(rollout));
        for (path, message) in found {
            let fault = Fault {
                path: format!("rollouts[{place}].{path}"),
                message,
            };
            // Both arms share most of a redaction, and so its faults.
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    faults
}

fn redaction_faults(rollout: &Rollout) -> Vec<(String, String)> {
    let Some(redaction) = &rollout.redaction else {
        return Vec::new();
    };
    let each = Arm::BOTH
        .into_iter()
        .flat_map(|arm| Direction::BOTH.map(|to| (arm, to)));
    let fault = |(arm, to)| {
        let error = Profile::of(redaction, arm, to).err()?;
        Some((error.path, error.message))
    };
    each.filter_map(fault).collect()
}

/// A judge that watches what nobody finds would never trip.
fn judge_faults(rollout: &Rollout) -> Vec<(String, String)> {
    let signals = rollout
        .judge
        .iter()
        .flat_map(|judge| judge.signals.iter().enumerate());
    let named = signals.flat_map(|(place, signal)| {
        let entities: Vec<(String, &Entity)> = match signal {
            Signal::Redactions { entity, .. } => vec![("redactions.entity".into(), entity)],
            Signal::ZeroTolerance(entities) => {
                let each = entities.iter().enumerate();
                each.map(|(at, entity)| (format!("zero_tolerance[{at}]"), entity))
                    .collect()
            }
            _ => Vec::new(),
        };
        entities
            .into_iter()
            .map(move |(path, entity)| (format!("judge.signals[{place}].{path}"), entity))
    });
    let fault = |(path, entity): (String, &Entity)| {
        let error = profile::check_entity(rollout.redaction.as_ref(), entity).err()?;
        // What is wrong with a definition is told where it stands.
        (error.path == entity.as_str()).then_some((path, error.message))
    };
    named.filter_map(fault).collect()
}

// === impl Fault ===

impl Fault {
    fn to_json(&self) -> Value {
        json!({"path": self.path, "message": self.message})
    }

    fn to_line(&self) -> String {
        match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{path}: {}", self.message),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass lint policy.json
  breakglass lint --json policies/*.json";
