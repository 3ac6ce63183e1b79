//! Several measurements of one thing.

use serde_json::{Value, json};

/// The middle of some measurements and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    /// A quarter lies below.
    pub(crate) lower: f64,
    pub(crate) median: f64,
    /// A quarter lies above.
    pub(crate) upper: f64,
    pub(crate) max: f64,
    pub(crate) count: usize,
}

// === impl Spread ===

impl Spread {
    /// Of these measurements; `None` if there are none.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        Some(Self {
            min,
            lower: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper: quantile(&sorted, 0.75),
            max,
            count: sorted.len(),
        })
    }

    /// `1.72 (1.65–1.80)`: the median and the middle half.
    pub(crate) fn text(&self, decimals: usize) -> String {
        let Self {
            lower,
            median,
            upper,
            ..
        } = self;
        format!("{median:.decimals$} ({lower:.decimals$} to {upper:.decimals$})")
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "min": self.min, "lower_quartile": self.lower, "median": self.median,
            "upper_quartile": self.upper, "max": self.max, "count": self.count,
        })
    }
}

/// The value below which this part of the sorted samples lies, between two of them if need be; 0 of
/// none.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = part.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let share = place - place.floor();
    sorted[below] * (1.0 - share) + sorted[above] * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half_of_some_samples() {
        let spread = Spread::of([5.0, 1.0, 2.0, 4.0, 3.0]).unwrap();
        let found = [
            spread.min,
            spread.lower,
            spread.median,
            spread.upper,
            spread.max,
        ];
        assert_eq!(found, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(spread.text(1), "3.0 (2.0 to 4.0)");
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Spread::of([]), None);
    }
}
