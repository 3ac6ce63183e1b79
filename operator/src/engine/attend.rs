//! Attendance: a lease is renewed only while somebody watches.

use breakglass_policy::Timestamp;

use crate::change::ramp::Phase;
use crate::clock;
use crate::engine::{Engine, orders};

// === impl Engine ===

impl Engine {
    /// Whether somebody watches; if so, sees to it that the proxies' lease does not run out.
    pub(super) fn attend(&mut self) -> bool {
        let attended = !self.memory.watching.is_empty();
        let Phase::InForce { step, .. } = self.change.ramp.phase else {
            return attended;
        };
        if attended {
            self.renew(step);
            return true;
        }
        let until = self.memory.lease_until.map(|until| until.to_string());
        let until = until.unwrap_or_else(|| "soon".into());
        self.tell(&format!(
            "nobody watches: the ramp holds, and everybody is back on stable when the lease ends, {until}; `breakglass watch {}`",
            self.change.id
        ));
        false
    }

    fn renew(&mut self, step: usize) {
        let now = clock::now();
        let lease = self.session.project.config.ramp.lease.millis();
        let left = self
            .memory
            .lease_until
            .map_or(0, |until| millis(until, now));
        if left > lease / 3 * 2 {
            return;
        }
        let until = self.lease_end(now);
        let terms = match orders::renewal(&self.change, step, until) {
            Ok(terms) => terms,
            Err(error) => return self.tell(&format!("the lease cannot be renewed: {error:#}")),
        };
        let delivered = self.proxies.order(&terms, Some(&self.signer), &mut |_| {});
        match delivered.everywhere() {
            true => {
                self.memory.lease_until = Some(until);
                self.memory.ordered(&delivered);
            }
            // It is tried again at the next look. Whoever is not reached falls back by itself.
            false => self.tell(&format!(
                "the lease is not renewed everywhere: {}; missing: {}",
                delivered.summary(),
                delivered.missing().join(", ")
            )),
        }
    }
}

fn millis(until: Timestamp, now: Timestamp) -> u64 {
    until.millis().saturating_sub(now.millis())
}
