//! The night in Bengaluru on real Envoys, as a guided story: a leak, an emergency change, and all that the
//! discipline asks of it; then its dark twin, in which the fix is worse than what it mends. Every command is printed
//! as it is typed, every promise is checked, and the exit status says whether all of them held.

mod after;
mod book;
mod dark;
mod leak;
mod prepare;
mod ramp;
mod stage;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use breakglass_examples::ui::Ui;
use clap::Parser;

use stage::Stage;

/// The night in Bengaluru, on real Envoys.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only the dark twin: the fix leaks something new, and is taken back without a human
    #[arg(long, conflicts_with = "bright")]
    dark: bool,
    /// Only the night that goes well
    #[arg(long)]
    bright: bool,
    /// Leave the folders here, to look around in them [default: temporary ones, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut ui = Ui::new();
    let outcome = tokio::select! {
        outcome = story(&mut ui, &arguments) => outcome,
        // Dropping the stage takes Envoys, agents, commands and files with it.
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\ninterrupted; everything is stopped");
            return ExitCode::from(130);
        }
    };
    if let Err(error) = outcome {
        ui.check(
            false,
            "the story comes to its end",
            format_args!("{error:#}"),
        );
    }
    match ui.verdict() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn story(ui: &mut Ui, arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    let folder = |name: &str| arguments.dir.as_ref().map(|dir| dir.join(name));
    if !arguments.dark {
        let mut stage = Stage::open(ui, folder("bright").as_deref(), stage::LINES).await?;
        let outcome = bright(&mut stage).await;
        stage.close(outcome).await?;
    }
    if !arguments.bright {
        ui.part("The dark twin: the same night, and a fix that is worse than what it mends");
        let mut stage = Stage::open(ui, folder("dark").as_deref(), stage::FEW_LINES).await?;
        let outcome = dark::dark(&mut stage).await;
        stage.close(outcome).await?;
    }
    ui.faint(format_args!(
        "stopped and cleaned up after {:.0} s",
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn bright(stage: &mut Stage<'_>) -> Result<()> {
    leak::leak(stage).await?;
    prepare::no_emergency(stage).await?;
    prepare::declare(stage).await?;
    prepare::drill(stage).await?;
    prepare::approve(stage).await?;
    prepare::message(stage).await?;
    ramp::ramp(stage).await?;
    after::harm(stage).await?;
    after::owed(stage).await?;
    after::record(stage).await
}
