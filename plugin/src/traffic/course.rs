//! How one answer goes, as far as it is counted.

use breakglass_policy::{ArmTally, Latency, Millis, Timestamp};

/// What is known so far of an answer.
///
/// It is counted when it ends, or before that when it is found to be slow: one that hangs must not
/// stay unseen until somebody loses patience.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Course {
    /// When it was asked for, where the policy says how long answers may take.
    asked_at: Option<Timestamp>,
    /// Whether its first byte has come.
    begun: bool,
    slow_first_byte: bool,
    slow: bool,
    error: bool,
    unscanned: bool,
    counted: bool,
    over: bool,
}

// === impl Course ===

impl Course {
    pub(crate) fn new(asked_at: Option<Timestamp>) -> Self {
        Self {
            asked_at,
            ..Self::default()
        }
    }

    /// Whether it is known how it ended, or nobody is to know.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it matters when its first byte comes.
    pub(crate) fn awaits_first_byte(&self) -> bool {
        self.asked_at.is_some() && !self.begun
    }

    pub(crate) fn begin(&mut self) {
        self.begun = true;
    }

    pub(crate) fn fail(&mut self) {
        self.error = true;
    }

    pub(crate) fn pass_unscanned(&mut self) {
        self.unscanned = true;
    }

    /// Nobody counts it: the filter took it back, or it never was an answer of the arm's.
    pub(crate) fn withdraw(&mut self) {
        self.over = true;
    }

    /// Counts it as slow if it is late by now; tells whether that was news.
    pub(crate) fn check(&mut self, bounds: &Latency, now: Timestamp, tally: &mut ArmTally) -> bool {
        let Some(asked_at) = self.asked_at.filter(|_| !self.over) else {
            return false;
        };
        let millis = now.millis().saturating_sub(asked_at.millis());
        let late = |bound: Option<Millis>| bound.is_some_and(|bound| millis > bound.get());
        let slow_first_byte = !self.begun && !self.slow_first_byte && late(bounds.first_byte);
        let slow = !self.slow && late(bounds.answer);
        if !slow_first_byte && !slow {
            return false;
        }
        self.slow_first_byte |= slow_first_byte;
        self.slow |= slow;
        self.count(tally);
        add_if(&mut tally.slow_first_byte, slow_first_byte);
        add_if(&mut tally.slow, slow);
        true
    }

    /// Counts it: it has ended.
    pub(crate) fn end(&mut self, tally: &mut ArmTally) {
        self.over = true;
        self.count(tally);
        add_if(&mut tally.errors, self.error);
        add_if(&mut tally.unscanned, self.unscanned);
    }

    fn count(&mut self, tally: &mut ArmTally) {
        let counted = std::mem::replace(&mut self.counted, true);
        add_if(&mut tally.answers, !counted);
    }
}

fn add_if(count: &mut u64, happened: bool) {
    *count = count.saturating_add(u64::from(happened));
}
