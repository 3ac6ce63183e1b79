//! `breakglass watch`: the live view of a ramp, and the heartbeat of whoever sits before it.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use breakglass_policy::{InFlight, KillMode};
use clap::Args;

use crate::change::event::Event;
use crate::change::record::ChangeId;
use crate::commands::{kill, ramp};
use crate::engine::presence::Heart;
use crate::outcome::{self, EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};
use crate::watch::gather::{Gathered, Gatherer};
use crate::watch::{Key, Keys, Phase, Plain, Screen, snapshot};

/// Watches a ramp, and counts as the one who watches.
///
/// Shows the step and the time left, the share asked and achieved, requests, errors, latency and
/// redactions of both versions, what the judge has against the new one, and what every proxy has in
/// force. While it runs, the ramp is attended: without anybody it holds, and when the lease ends everybody
/// is back on stable.
///
/// Keys: c confirms the step, h holds, r resumes, K (twice) takes everybody back at once, ? explains,
/// q leaves. Without a terminal it writes lines, until the ramp is over.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Write lines, also on a terminal
    #[arg(long)]
    plain: bool,
    /// Show how it is now and leave; that is not watching
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    if arguments.once {
        return once(session, &id, arguments.json.json);
    }
    let lines = arguments.plain || arguments.json.json || !io::stdout().is_terminal();
    if !lines {
        return show(session, &id);
    }
    let _heart = attend(&mut session, &id)?;
    let views = gather(session, &id)?;
    let (mut plain, mut output) = (Plain::new(), Output::new());
    for gathered in views {
        if arguments.json.json {
            output.json(&gathered.json)?;
        } else {
            for line in plain.lines(&gathered.view, &gathered.time, Instant::now()) {
                output.line(&line)?;
            }
        }
        output.flush()?;
        if let Some(outcome) = over(&gathered.view.status) {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Fine)
}

/// The view on the terminal, until it is left.
pub(crate) fn show(mut session: Session, id: &ChangeId) -> Result<Outcome> {
    let _heart = attend(&mut session, id)?;
    let mut acting = Session::again(&session)?;
    let views = gather(session, id)?;
    // Everything that can go wrong before has been said by now.
    let mut latest = views.recv()?;
    outcome::hush(true);
    let (mut screen, mut keys) = (Screen::open()?, Keys::new());
    let mut outcome = Outcome::Fine;
    loop {
        match views.try_recv() {
            Ok(gathered) => latest = gathered,
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
        if let Some(ended) = over(&latest.view.status) {
            outcome = ended;
        }
        screen.draw(&latest.view, keys.prompt(Instant::now()))?;
        let Some(event) = screen.key(FRAME)? else {
            continue;
        };
        let done = match keys.press(&event, &latest.view.status, Instant::now()) {
            Key::Quit => break,
            Key::Confirm => ramp::confirm(&mut acting, id).map(|_| ()),
            Key::Hold => ramp::hold(&mut acting, id, "held by the watcher"),
            Key::Resume => ramp::resume(&mut acting, id),
            Key::Kill => take_back(&acting, id, &latest),
            Key::Help | Key::None => Ok(()),
        };
        if let Err(error) = done {
            latest.view.messages.push(format!("{error:#}"));
        }
    }
    drop(screen);
    outcome::hush(false);
    // When nothing runs any more, nobody needs to watch.
    acting.record(id, Event::WatchEnded { why: "left".into() })?;
    Ok(outcome)
}

/// How it is now.
fn once(session: Session, id: &ChangeId, json: bool) -> Result<Outcome> {
    let gathered = Gatherer::new(session, id)?.gather();
    let mut output = Output::new();
    match json {
        true => output.json(&gathered.json)?,
        false => {
            for line in snapshot(&gathered.view) {
                output.line(&line)?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Beats as long as the result is held.
fn attend(session: &mut Session, id: &ChangeId) -> Result<mpsc::Sender<()>> {
    let who = session.project.actor_id()?;
    let mut heart = Heart::of(&session.project.store(), id, &who)?;
    heart.beat()?;
    session.record(id, Event::Watching)?;
    let (held, dropped) = mpsc::channel::<()>();
    thread::spawn(move || {
        while dropped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = heart.beat() {
                note(&format!("the ramp does not see that you watch: {error:#}"));
            }
        }
    });
    Ok(held)
}

/// Views, a second apart, gathered where no key waits for a proxy.
fn gather(session: Session, id: &ChangeId) -> Result<Receiver<Gathered>> {
    let mut gatherer = Gatherer::new(session, id)?;
    let (views, received) = mpsc::sync_channel(1);
    thread::spawn(move || {
        loop {
            let began = Instant::now();
            if views.send(gatherer.gather()).is_err() {
                return;
            }
            thread::sleep(EVERY.saturating_sub(began.elapsed()));
        }
    });
    Ok(received)
}

/// Takes everybody back, and says so below the view.
fn take_back(session: &Session, id: &ChangeId, latest: &Gathered) -> Result<()> {
    let (project, actor) = (&session.project, session.actor()?);
    let (mode, in_flight) = (KillMode::Rollback, InFlight::Cut);
    let rollout = &latest.rollout;
    let delivered = kill::kill(project, actor, rollout, mode, in_flight, &mut |_| {})?;
    kill::keep(
        project,
        actor,
        Some(id),
        rollout,
        "pulled by the watcher",
        &delivered,
    );
    Ok(())
}

/// How watching ends with the ramp.
fn over(phase: &Phase) -> Option<Outcome> {
    match phase {
        Phase::Complete => Some(Outcome::Fine),
        Phase::RolledBack { .. } | Phase::Killed { .. } => Some(Outcome::Found),
        Phase::Waiting | Phase::Step { .. } | Phase::Held { .. } => None,
    }
}

const EVERY: Duration = Duration::from_secs(1);
const BEAT: Duration = Duration::from_secs(1);
/// How long a key may wait for the screen.
const FRAME: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  breakglass watch
  breakglass watch chg-2026-0117 --plain | tee night.log
  breakglass watch --once --json";
