//! The ramp as a picture: share, signals and what each arm did.

use breakglass_policy::{ArmTally, Tallies, Timestamp};

use crate::change::Change;
use crate::change::event::Event;
use crate::change::harm::per_1000;
use crate::change::record::Measure;
use crate::plot::{Arm, Mark, MarkKind, Plot, Series, TimeAxis};
use crate::project::config::Config;

/// Draws the ramp as SVG; `None` of one that was never begun.
pub(super) fn of(change: &Change, config: &Config) -> Option<String> {
    let ramp = &change.ramp;
    let start = ramp.started?;
    let moments = ramp.shares.iter().map(|(at, _)| *at);
    let moments = moments.chain(ramp.observations.iter().map(|(at, _)| *at));
    let end = moments.chain(ramp.ended_at()).max().unwrap_or(start);
    // What took no time still has a picture.
    let end = end.max(Timestamp::from_millis(start.millis().saturating_add(1000)));
    let measure = &change.declared.harm.measure;
    let harm = |arm| {
        series(
            change,
            capital(&measure.to_string()),
            arm,
            "of 1,000 answers",
            |tally| per_1000(measure, tally),
        )
    };
    let errors = |arm| {
        series(change, "Errors".into(), arm, "of 1,000 answers", |tally| {
            per_1000(&Measure::Errors, tally)
        })
    };
    let mut drawn = vec![harm(Arm::Stable), harm(Arm::Canary)];
    if *measure != Measure::Errors {
        drawn.extend([errors(Arm::Stable), errors(Arm::Canary)]);
    }
    let plot = Plot {
        title: format!("{}: {}", change.id, change.declared.title),
        time: TimeAxis {
            start: start.millis(),
            end: end.millis(),
            offset_minutes: config.windows.offset_minutes(start),
        },
        ramp: ramp
            .shares
            .iter()
            .map(|(at, percent)| (at.millis(), f64::from(percent.ppm()) / PPM_PER_PERCENT))
            .collect(),
        series: drawn,
        marks: change
            .entries
            .iter()
            .filter_map(|entry| mark(entry.at, &entry.event))
            .collect(),
    };
    Some(plot.to_svg())
}

/// What an arm did between one look and the next.
fn series(
    change: &Change,
    name: String,
    arm: Arm,
    unit: &str,
    rate: impl Fn(&ArmTally) -> Option<f64>,
) -> Series {
    let mut before = ArmTally::default();
    let points = change.ramp.observations.iter().map(|(at, seen)| {
        let Tallies { stable, canary } = &seen.tallies;
        let now = match arm {
            Arm::Stable => stable,
            Arm::Canary => canary,
        };
        let since = now.since(&before);
        before = now.clone();
        // A look without answers is a gap.
        (at.millis(), rate(&since).unwrap_or(f64::NAN))
    });
    Series {
        name,
        arm,
        unit: unit.into(),
        points: points.collect(),
    }
}

/// The title of a panel begins as a sentence does.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn mark(at: Timestamp, event: &Event) -> Option<Mark> {
    let (kind, label) = match event {
        Event::Approved { approver, .. } => (MarkKind::Approval, approver.to_string()),
        Event::StepInForce { step, .. } => (MarkKind::Step, format!("step {}", step + 1)),
        Event::Killed { .. } => (MarkKind::Kill, "kill".into()),
        Event::RolledBack { .. } => (MarkKind::Kill, "rolled back".into()),
        Event::Lapsed { .. } => (MarkKind::Kill, "lease lapsed".into()),
        Event::Signal { signal, .. } => (MarkKind::Note, signal.clone()),
        Event::Held { .. } => (MarkKind::Note, "held".into()),
        Event::HarmStopped(_) => (MarkKind::Note, "harm stopped".into()),
        _ => return None,
    };
    Some(Mark {
        at: at.millis(),
        kind,
        label,
    })
}

const PPM_PER_PERCENT: f64 = 10_000.0;
