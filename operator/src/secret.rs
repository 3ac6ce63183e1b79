//! Passphrases: from a file, or from whoever sits at the terminal.

use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use crate::input;
use crate::terminal;

/// The first line of `file`.
pub(crate) fn from_file(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(input::document(file, PASSPHRASE_BYTES)?);
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line);
    let text = text.with_context(|| format!("{} holds no text", file.display()))?;
    if text.is_empty() {
        bail!(
            "the first line of {} is empty, expected a passphrase",
            file.display()
        );
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Asks on the terminal, without showing what is typed. `None` where nobody sits there.
pub(crate) fn ask(prompt: &str) -> Result<Option<Zeroizing<String>>> {
    // Standard input may be the document, so that the prompt's place decides. Whoever takes standard
    // error away, as scripts do, must not be left waiting for an answer.
    if !io::stderr().is_terminal() {
        return Ok(None);
    }
    let typed = terminal::ask(prompt).context("cannot ask on the terminal")?;
    Ok(Some(typed))
}

/// Asks for a new passphrase, twice, since nobody sees what is typed.
pub(crate) fn ask_twice() -> Result<Option<Zeroizing<String>>> {
    let Some(first) = ask("Passphrase for the new key: ")? else {
        return Ok(None);
    };
    if first.is_empty() {
        bail!("no passphrase was given; expected one, or --no-passphrase");
    }
    let second = ask("The same passphrase again: ")?;
    if second.as_deref() != Some(&*first) {
        bail!("the two passphrases differ; no key was made");
    }
    Ok(Some(first))
}

/// Longer than anybody types.
const PASSPHRASE_BYTES: usize = 4 << 10;
