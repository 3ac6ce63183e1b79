//! The drill and the ramp, in numbers.

use breakglass_policy::{ArmTally, Percent, Tallies};

use super::{Markdown, Page, safe};
use crate::change::event::Event;
use crate::change::harm::per_1000;
use crate::fleet::Delivered;
use crate::words::rough;

/// Something that is counted of an arm.
type Count = fn(&ArmTally) -> u64;

// === impl Page ===

impl Page<'_> {
    pub(super) fn drill(&self, page: &mut Markdown) {
        page.title("Rollback drill");
        let Some(drill) = &self.change.drill else {
            page.line("None: the rollback was not tried out.");
            return;
        };
        let receipt = &drill.receipt;
        let word = if drill.passed { "Passed" } else { "**Failed**" };
        page.line(&format!(
            "{word} at {}: {}. It proved the rollback until {}.",
            self.moment(receipt.at),
            receipt.delivered.summary(),
            self.moment(receipt.not_after)
        ));
        proxies(&receipt.delivered, page);
    }

    pub(super) fn ramp(&self, page: &mut Markdown) {
        page.title("Ramp and signals");
        let ramp = &self.change.ramp;
        let Some(plan) = &ramp.plan else {
            page.line("It was never started.");
            return;
        };
        page.line(&format!("Planned: {}.", plan.to_text()));
        if let Some(picture) = self.picture {
            page.line(&format!(
                "\n![The canary's share over time, and how each arm did]({picture})"
            ));
        }
        page.table(&["Share", "From", "For"]);
        for (index, (at, percent)) in ramp.shares.iter().enumerate() {
            let next = ramp.shares.get(index + 1).map(|(next, _)| *next);
            let until = next.or(ramp.ended_at().filter(|ended| ended > at));
            let lasted = until.map_or_else(|| "since".into(), |until| rough(until.since(*at)));
            let share = match *percent {
                Percent::ZERO => "nobody".to_owned(),
                percent => percent.to_string(),
            };
            page.row(&[&share, &self.moment(*at), &lasted]);
        }
        self.arms(page);
        let mut signals = self
            .change
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Signal {
                    signal, verdict, ..
                } => Some((entry.at, signal, verdict)),
                _ => None,
            })
            .peekable();
        if signals.peek().is_none() {
            page.line("\nNo signal was of concern.");
            return;
        }
        page.table(&["Signal", "When", "Verdict"]);
        for (at, signal, verdict) in signals {
            page.row(&[signal, &self.moment(at), verdict]);
        }
    }

    /// What came to each arm while the ramp grew.
    fn arms(&self, page: &mut Markdown) {
        let Some((at, seen)) = self.change.ramp.observations.last() else {
            page.line("\nNobody has counted what came to the arms.");
            return;
        };
        let Tallies { stable, canary } = &seen.tallies;
        page.line(&format!(
            "\nSince the ramp began, over all proxies, as of {}:",
            self.moment(*at)
        ));
        let versions = &self.change.declared.versions;
        page.table(&[
            "",
            &format!("stable ({})", safe(&versions.stable)),
            &format!("canary ({})", safe(&versions.canary)),
        ]);
        let counts: [(&str, Count); 6] = [
            ("requests", |arm| arm.requests),
            ("answers", |arm| arm.answers),
            ("errors", |arm| arm.errors),
            ("slow first byte", |arm| arm.slow_first_byte),
            ("slow", |arm| arm.slow),
            ("not scanned", |arm| arm.unscanned),
        ];
        for (what, count) in counts {
            page.row(&[what, &count(stable).to_string(), &count(canary).to_string()]);
        }
        let found = stable.redactions.iter().chain(canary.redactions.iter());
        let mut entities: Vec<_> = found.map(|(entity, _)| entity).collect();
        entities.sort();
        entities.dedup();
        for entity in entities {
            let answers = |arm: &ArmTally| {
                let found = arm.redactions.get(entity);
                found.map_or(0, |found| found.answers).to_string()
            };
            let what = format!("answers with {}", entity.as_str());
            page.row(&[&what, &answers(stable), &answers(canary)]);
        }
        let measure = &self.change.declared.harm.measure;
        let rate =
            |arm| per_1000(measure, arm).map_or_else(|| "–".into(), |rate| format!("{rate:.1}"));
        page.row(&[&format!("{measure}, of 1000"), &rate(stable), &rate(canary)]);
    }
}

/// How each proxy and file took it.
fn proxies(delivered: &Delivered, page: &mut Markdown) {
    page.table(&["Where", "After", "How"]);
    for proxy in &delivered.proxies {
        page.row(&[
            &proxy.name,
            &format!("{} ms", proxy.elapsed_ms),
            &proxy.to_text(),
        ]);
    }
    for file in &delivered.files {
        page.row(&[&file.file, "", &file.to_text()]);
    }
}
