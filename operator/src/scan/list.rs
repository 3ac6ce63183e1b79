//! `breakglass scan --list`: the entities there are.

use anyhow::Result;
use breakglass_redact::{Entity, Evidence};
use serde_json::json;

use crate::outcome::Outcome;
use crate::output::Output;

pub(super) fn run(json: bool) -> Result<Outcome> {
    let mut output = Output::new();
    let width = Entity::ALL.iter().map(|entity| entity.name().len()).max();
    let width = width.unwrap_or(0);
    if !json {
        output.line(&format!(
            "{:width$}  {:8}  {}",
            "ENTITY", "EVIDENCE", "WHAT IT IS"
        ))?;
    }
    for entity in Entity::ALL {
        let (name, evidence, about) = (entity.name(), word(entity.evidence()), entity.about());
        match json {
            true => output.json(&json!({"entity": name, "evidence": evidence, "about": about}))?,
            false => output.line(&format!("{name:width$}  {evidence:8}  {about}"))?,
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Context => "context",
        Evidence::Shape => "shape",
        Evidence::Checksum => "checksum",
    }
}
