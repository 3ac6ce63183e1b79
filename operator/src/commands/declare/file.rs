//! A declaration in a file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::change::record::{Claim, Declaration, NoEmergency};
use crate::input;

/// What a file claims.
pub(super) enum Claimed {
    Emergency(Box<Declaration>),
    NoEmergency(NoEmergency),
}

/// As much of a file as says what it claims to be.
#[derive(Deserialize)]
struct Outline {
    category: Claim,
}

/// Reads a declaration.
///
/// # Errors
/// What is wrong in it, and where. What is no emergency need not be complete.
pub(super) fn read(file: &Path) -> Result<Claimed> {
    let name = match file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => file.display().to_string(),
    };
    let bytes = input::document(file, FILE_BYTES)?;
    if bytes.len() > FILE_BYTES {
        bail!("{name} is longer than {FILE_BYTES} bytes, expected a declaration");
    }
    let text = String::from_utf8(bytes).with_context(|| format!("{name} holds no text"))?;
    let is_json = match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => true,
        Some("toml") => false,
        _ => text.trim_start().starts_with('{'),
    };
    claimed(&text, is_json).with_context(|| format!("{name} is refused"))
}

fn claimed(text: &str, is_json: bool) -> Result<Claimed> {
    // Its syntax first, or everything else would be told as missing.
    parse::<IgnoredAny>(text, is_json)?;
    let outline = parse::<Outline>(text, is_json);
    if let Ok(Outline {
        category: Claim::Other(kind),
    }) = outline
    {
        return Ok(Claimed::NoEmergency(kind));
    }
    parse(text, is_json).map(Claimed::Emergency)
}

fn parse<T: DeserializeOwned>(text: &str, is_json: bool) -> Result<T> {
    match is_json {
        true => Ok(serde_json::from_str(text)?),
        false => Ok(toml::from_str(text)?),
    }
}

/// Written by hand, by people.
const FILE_BYTES: usize = 1 << 20;
