//! `breakglass explain`: where a user goes, and why.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use breakglass_policy::{
    Arm, Bucket, Decision, Gate, OnLapse, Percent, Policy, Reason, Rollout, State, Subject,
    Threshold, Timestamp, limits,
};
use clap::Args;
use serde_json::{Value, json};

use crate::clock::now;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::profile::{policy, rollout};
use crate::typed::time;

/// Tells which bucket and arm a user has, and why.
///
/// Decides as the filter does, by the control that the policy holds; a proxy may have a newer one from
/// an order. The unit is what the rollout's `unit` finds in a request: a user's id, a session, a claim.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The policy, in JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The unit, byte by byte as requests carry it
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    unit: OsString,
    /// The rollout of the policy; needed where it has several
    #[arg(long, value_name = "NAME")]
    rollout: Option<String>,
    /// When, such as 2026-11-23T20:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Write one JSON value; buckets are strings, as most readers of JSON would round them
    #[arg(long)]
    json: bool,
}

/// A decision and what it came from.
struct Explanation<'a> {
    rollout: &'a Rollout,
    unit: String,
    at: Timestamp,
    bucket: Bucket,
    decision: Decision,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let unit = arguments.unit.as_bytes();
    if !(1..=limits::UNIT_BYTES).contains(&unit.len()) {
        bail!(
            "a unit has 1 to {} bytes, this one has {}",
            limits::UNIT_BYTES,
            unit.len()
        );
    }
    let policy = policy(&arguments.policy)?;
    let (_, rollout) = rollout(&policy, arguments.rollout.as_deref())?;
    let at = arguments.at.unwrap_or_else(now);
    let split = rollout.bucketing();
    let explanation = Explanation {
        rollout,
        unit: String::from_utf8_lossy(unit).into_owned(),
        at,
        bucket: split.bucket(unit),
        decision: gate(&policy, rollout, at).decide(&split, Some(unit), at),
    };
    let mut output = Output::new();
    match arguments.json {
        true => output.json(&explanation.to_json())?,
        false => output.write(explanation.to_text().as_bytes())?,
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// The gate of a proxy that knows nothing but this policy: where it names trusted keys, a control
/// without a good warrant puts nobody on the canary.
fn gate(policy: &Policy, rollout: &Rollout, at: Timestamp) -> Gate {
    let mut state = State::default();
    state.publish(policy, at);
    let closed = state.closed(&rollout.name, Some(&Subject::of(rollout)));
    Gate::new(&rollout.control).closed(closed)
}

// === impl Explanation ===

impl Explanation<'_> {
    fn to_json(&self) -> Value {
        json!({
            "rollout": self.rollout.name,
            "unit": self.unit,
            "at": self.at,
            "bucket": self.bucket.0.to_string(),
            "bucket_hex": self.bucket_hex(),
            "arm": self.decision.arm(),
            "version": self.version(),
            "reason": self.decision.reason(),
            "generation": self.rollout.control.generation,
            "ramp_percent": self.share(),
            "enters_at_percent": self.enters_at(),
        })
    }

    fn to_text(&self) -> String {
        let arm = match (self.decision.arm(), self.version()) {
            (Some(arm), Some(version)) => format!("{} ({version})", arm.as_str()),
            _ => "none".into(),
        };
        let rows = [
            ("rollout", self.rollout.name.to_string()),
            ("unit", self.unit.escape_debug().to_string()),
            ("at", self.at.to_string()),
            (
                "bucket",
                format!("{} ({})", self.bucket.0, self.bucket_hex()),
            ),
            ("arm", arm),
            (
                "reason",
                format!("{}: {}", self.decision.reason().as_str(), self.because()),
            ),
        ];
        let rows = rows.map(|(word, value)| format!("{word:8} {value}\n"));
        rows.concat()
    }

    fn because(&self) -> String {
        let (share, enters) = (self.share(), self.enters_at());
        match self.decision.reason() {
            Reason::Kill if self.decision.arm().is_none() => {
                "the kill-switch is on, the agent answers nobody".into()
            }
            Reason::Kill => "the kill-switch is on, everyone goes to stable".into(),
            Reason::Lapse => "the lease has lapsed, everyone goes to stable".into(),
            Reason::NoWarrant => {
                "keys are trusted and no good warrant permits the canary, everyone goes to stable"
                    .into()
            }
            Reason::Keyless => "the request has no unit".into(),
            Reason::Pin => "the policy pins this unit".into(),
            Reason::Ramp => format!("the canary takes {share}, this bucket from {enters} on"),
            Reason::Stable => {
                format!("the canary takes {share}, this bucket only from {enters} on")
            }
        }
    }

    fn bucket_hex(&self) -> String {
        format!("{:016x}", self.bucket.0)
    }

    fn version(&self) -> Option<&str> {
        let arm: Arm = self.decision.arm()?;
        Some(self.rollout.arms.get(arm).version.as_str())
    }

    /// The ramp's share at this time. A lapsed lease that holds stops its clock.
    fn share(&self) -> Percent {
        let control = &self.rollout.control;
        let at = match (control.not_after, control.on_lapse) {
            (Some(end), OnLapse::Hold) => self.at.min(end),
            _ => self.at,
        };
        control.ramp.percent_at(at)
    }

    /// The smallest share that contains the bucket.
    fn enters_at(&self) -> Percent {
        let share = |ppm| Percent::from_ppm(ppm).unwrap_or(Percent::ALL);
        let contains = |ppm| Threshold::of(share(ppm)).contains(self.bucket);
        let (mut low, mut high) = (1, Percent::ALL.ppm());
        while low < high {
            let middle = low.midpoint(high);
            match contains(middle) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        share(low)
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass explain --policy policy.json --unit user-17
  breakglass explain --policy policy.json --rollout support-agent --unit user-17 --at 2026-11-23T20:00:00Z --json";
