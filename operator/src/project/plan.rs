//! Canary plans: which share for how long.

use breakglass_policy::Percent;
use serde::{Deserialize, Serialize};

use crate::project::span::Span;

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// The canary's share in this step.
    pub(crate) percent: Percent,
    /// How long it stands before the next, at least. The last step's is how long the change is still
    /// watched at its full share.
    pub(crate) hold: Span,
}

/// Steps that grow up to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub(crate) struct Plan(Vec<Step>);

// === impl Plan ===

impl Plan {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it has no step below everybody.
    pub(crate) fn is_at_once(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether no step of it is shorter or larger than the other's would be at the same time.
    pub(crate) fn is_as_careful_as(&self, other: &Self) -> bool {
        let mut begins = 0;
        self.0.iter().all(|step| {
            let careful = other.percent_after(begins) >= step.percent;
            begins += step.hold.millis();
            careful
        })
    }

    fn percent_after(&self, millis: u64) -> Percent {
        let mut begins = 0;
        let mut percent = Percent::ZERO;
        for step in &self.0 {
            if begins > millis {
                break;
            }
            percent = step.percent;
            begins += step.hold.millis();
        }
        percent
    }

    /// `1 % 5m, 10 % 10m, 100 % 10m`.
    pub(crate) fn to_text(&self) -> String {
        let steps = self
            .0
            .iter()
            .map(|step| format!("{} {}", step.percent, step.hold));
        steps.collect::<Vec<_>>().join(", ")
    }
}

impl TryFrom<Vec<Step>> for Plan {
    type Error = String;

    fn try_from(steps: Vec<Step>) -> Result<Self, String> {
        let Some(last) = steps.last() else {
            return Err(
                "no step; expected at least one, such as {percent = 100, hold = \"10m\"}".into(),
            );
        };
        if last.percent != Percent::ALL {
            return Err(format!("the last step is {}, expected 100 %", last.percent));
        }
        if steps.len() > STEPS {
            return Err(format!("{} steps, expected at most {STEPS}", steps.len()));
        }
        let mut before = Percent::ZERO;
        for (number, step) in (1..).zip(&steps) {
            if step.percent <= before {
                return Err(format!(
                    "step {number} is {}, expected more than {before}",
                    step.percent
                ));
            }
            before = step.percent;
        }
        Ok(Self(steps))
    }
}

impl From<Plan> for Vec<Step> {
    fn from(plan: Plan) -> Self {
        plan.0
    }
}

/// Somebody confirms each of them.
const STEPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    const STANDARD: &str = r#"[{"percent": 1, "hold": "30m"}, {"percent": 10, "hold": "2h"}, {"percent": 100, "hold": "1h"}]"#;

    #[test]
    fn a_plan_grows_up_to_everybody() {
        for (text, expected) in [
            ("[]", "no step"),
            (
                r#"[{"percent": 50, "hold": "1h"}]"#,
                "the last step is 50 %, expected 100 %",
            ),
            (
                r#"[{"percent": 50, "hold": "1h"}, {"percent": 50, "hold": "1h"}, {"percent": 100, "hold": "1h"}]"#,
                "step 2 is 50 %, expected more than 50 %",
            ),
            (
                r#"[{"percent": 0, "hold": "1h"}, {"percent": 100, "hold": "1h"}]"#,
                "step 1 is 0 %",
            ),
            (r#"[{"percent": 100, "hold": "0s"}]"#, "expected a duration"),
            (r#"[{"percent": 100}]"#, "missing field `hold`"),
        ] {
            let error = plan(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(plan(STANDARD).is_ok());
    }

    #[test]
    fn a_plan_is_careful_where_it_never_has_more_people_at_the_same_time() {
        let standard = plan(STANDARD).unwrap();
        for (text, careful) in [
            (STANDARD, true),
            (
                r#"[{"percent": 1, "hold": "30m"}, {"percent": 5, "hold": "1h"}, {"percent": 10, "hold": "1h"}, {"percent": 100, "hold": "1m"}]"#,
                true,
            ),
            (
                r#"[{"percent": 1, "hold": "29m"}, {"percent": 10, "hold": "3h"}, {"percent": 100, "hold": "1h"}]"#,
                false,
            ),
            (
                r#"[{"percent": 2, "hold": "30m"}, {"percent": 100, "hold": "3h"}]"#,
                false,
            ),
            (r#"[{"percent": 100, "hold": "9h"}]"#, false),
        ] {
            assert_eq!(
                plan(text).unwrap().is_as_careful_as(&standard),
                careful,
                "{text}"
            );
        }
    }
}
