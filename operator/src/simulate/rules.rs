//! How others decide, on the same traffic: once a minute or an hour, from sums.

/// Answers of both arms, and how many of them were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) stable: u64,
    pub(crate) canary: u64,
    pub(crate) bad_stable: u64,
    pub(crate) bad_canary: u64,
}

/// A rule that is told of every minute.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// An absolute bound on the canary's rate of good answers, checked every minute; it rolls back at
    /// the fifth check that fails, as Flagger does with `interval: 1m`, `threshold: 5`.
    Bound { least_good: f64, failed: u32 },
    /// Mann and Whitney's test of the minutes' rates at 98 %, from the fiftieth minute on and every ten
    /// minutes, as Kayenta's judge does.
    Ranks { stable: Vec<f64>, canary: Vec<f64> },
    /// An asymptotic confidence sequence of the difference at 95 %, looked at every hour, as
    /// GrowthBook's safe rollouts do.
    Hourly { sums: Sums, minutes: u64 },
}

// === impl Rule ===

impl Rule {
    /// Every rule of the others. The bound is tried twice: as the documentation has it, and where
    /// somebody put it who knows the rate of bad answers and which factor matters.
    pub(crate) fn all(bad: f64, worse_by: f64) -> [(String, Self); 4] {
        let bound = |least_good: f64| {
            let name = format!("bound {} %", (least_good * 1e4).round() / 1e2);
            let failed = 0;
            (name, Self::Bound { least_good, failed })
        };
        let (stable, canary) = (Vec::new(), Vec::new());
        let (sums, minutes) = (Sums::default(), 0);
        [
            bound(0.99),
            bound(1.0 - (bad * worse_by).min(1.0)),
            ("ranks".into(), Self::Ranks { stable, canary }),
            ("hourly".into(), Self::Hourly { sums, minutes }),
        ]
    }

    /// Takes a minute; tells whether it rolls back.
    pub(crate) fn minute(&mut self, minute: &Sums) -> bool {
        match self {
            Self::Bound { least_good, failed } => {
                // Without requests the metric has no value, and the check waits.
                if minute.canary == 0 {
                    return false;
                }
                let good = 1.0 - rate(minute.bad_canary, minute.canary);
                *failed += u32::from(good < *least_good);
                *failed >= FAILED_CHECKS
            }
            Self::Ranks { stable, canary } => {
                if minute.stable > 0 && minute.canary > 0 {
                    stable.push(rate(minute.bad_stable, minute.stable));
                    canary.push(rate(minute.bad_canary, minute.canary));
                }
                let minutes = canary.len();
                minutes >= 50 && minutes.is_multiple_of(10) && ranks(stable, canary) > Z_98
            }
            Self::Hourly { sums, minutes } => {
                sums.add(minute);
                *minutes += 1;
                minutes.is_multiple_of(60) && sums.lowest_difference() > 0.0
            }
        }
    }
}

// === impl Sums ===

impl Sums {
    pub(crate) fn count(&mut self, canary: bool, bad: bool) {
        let (answers, bads) = match canary {
            true => (&mut self.canary, &mut self.bad_canary),
            false => (&mut self.stable, &mut self.bad_stable),
        };
        *answers += 1;
        *bads += u64::from(bad);
    }

    fn add(&mut self, other: &Self) {
        self.stable += other.stable;
        self.canary += other.canary;
        self.bad_stable += other.bad_stable;
        self.bad_canary += other.bad_canary;
    }

    /// The lower end of the confidence sequence (Waudby-Smith et al., "Time-uniform central limit
    /// theory", 2021) in the form of GrowthBook's documentation, tuned to 5,000 answers.
    fn lowest_difference(&self) -> f64 {
        if self.stable == 0 || self.canary == 0 {
            return f64::NEG_INFINITY;
        }
        let stable = rate(self.bad_stable, self.stable);
        let canary = rate(self.bad_canary, self.canary);
        let variance = stable * (1.0 - stable) / self.stable as f64
            + canary * (1.0 - canary) / self.canary as f64;
        let answers = (self.stable + self.canary) as f64;
        // One side only: as a guardrail is.
        let alpha = 2.0 * 0.05;
        let ln = -2.0 * f64::ln(alpha);
        let rho2 = (ln + (ln + 1.0).ln()) / 5_000.0;
        let spread = answers * rho2 + 1.0;
        let width = 2.0 * spread / (answers * rho2) * (spread.sqrt() / alpha).ln();
        canary - stable - (variance * width).sqrt()
    }
}

fn rate(bad: u64, of: u64) -> f64 {
    bad as f64 / of as f64
}

/// How many standard deviations the sum of the canary's ranks is above what it would be if both were
/// alike; with the correction for ties.
fn ranks(stable: &[f64], canary: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = Vec::new();
    all.extend(stable.iter().map(|rate| (*rate, false)));
    all.extend(canary.iter().map(|rate| (*rate, true)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut before, mut sum, mut ties) = (0.0, 0.0, 0.0);
    for equal in all.chunk_by(|one, other| one.0 == other.0) {
        let size = equal.len() as f64;
        let canaries = equal.iter().filter(|(_, canary)| *canary).count() as f64;
        sum += canaries * (before + (size + 1.0) / 2.0);
        ties += size * size * size - size;
        before += size;
    }
    let (m, n) = (stable.len() as f64, canary.len() as f64);
    let total = m + n;
    let mean = n * (total + 1.0) / 2.0;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 0.0;
    }
    (sum - mean) / variance.sqrt()
}

const FAILED_CHECKS: u32 = 5;
/// Both ends of an interval of 98 %.
const Z_98: f64 = 2.326;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_textbook() {
        // Without ties: U = 9 of 9, mean 4.5, variance 5.25.
        let z = ranks(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
        assert!((z - 4.5 / 5.25_f64.sqrt()).abs() < 1e-12, "{z}");
        assert_eq!(ranks(&[0.0; 5], &[0.0; 5]), 0.0);
    }

    #[test]
    fn a_bound_rolls_back_at_the_fifth_failed_check() {
        let [(_, mut bound), ..] = Rule::all(0.01, 2.0);
        let minute = |bad_canary| Sums {
            canary: 60,
            bad_canary,
            ..Sums::default()
        };
        let checks = [6, 0, 6, 6, 6, 6].map(|bad| bound.minute(&minute(bad)));
        assert_eq!(checks, [false, false, false, false, false, true]);
    }
}
