//! `breakglass completions`: what a shell needs to complete the command's words.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;

/// Writes the completions of a shell to standard output.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut script = Vec::new();
    let mut command = crate::Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    let mut output = Output::new();
    output.write(&script)?;
    output.finish()?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass completions bash > ~/.local/share/bash-completion/completions/breakglass
  breakglass completions zsh > ~/.zfunc/_breakglass
  breakglass completions fish > ~/.config/fish/completions/breakglass.fish";
