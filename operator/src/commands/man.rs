//! `breakglass man`: the help texts as manual pages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::files;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;

/// Writes manual pages: the one of the command itself, or a file for each of its commands.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// Write a page for each command into this folder, such as breakglass-declare.1
    #[arg(short, long = "out", value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A manual page.
struct Page {
    /// `breakglass-gate-run.1`.
    file: String,
    text: Vec<u8>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut command = crate::Arguments::command().disable_help_subcommand(true);
    // So that the pages of its commands know their whole names.
    command.build();
    let mut output = Output::new();
    match &arguments.out {
        None => output.write(&Page::of(&command)?.text)?,
        Some(folder) => {
            let made = fs::create_dir_all(folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
            for page in Page::all(&command)? {
                let file = folder.join(&page.file);
                files::replace(&file, &page.text)?;
                output.line(&file.display().to_string())?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

// === impl Page ===

impl Page {
    /// Of the command and of all below it.
    fn all(command: &Command) -> Result<Vec<Self>> {
        let mut pages = vec![Self::of(command)?];
        for below in command.get_subcommands() {
            pages.extend(Self::all(below)?);
        }
        Ok(pages)
    }

    fn of(command: &Command) -> Result<Self> {
        let man = Man::new(command.clone());
        let mut text = Vec::new();
        man.render(&mut text)?;
        Ok(Self {
            file: man.get_filename(),
            text,
        })
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass man | man -l -
  breakglass man -o /usr/local/share/man/man1";
