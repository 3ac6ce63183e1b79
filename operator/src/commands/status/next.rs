//! What the next step of a change is.

use serde::Serialize;

use crate::change::rules::{Denial, RULES, When};
use crate::change::{Change, Ledger};
use crate::commands::rules::look;
use crate::session::Session;

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Next {
    /// The command, or what to do where there is none.
    pub(crate) text: String,
    /// Why it does not go further without.
    pub(crate) why: Option<String>,
}

/// What the next step of a change is.
pub(crate) fn of(session: &Session, ledger: &Ledger, change: &Change) -> Next {
    let id = &change.id;
    let step = |text: String| Next { text, why: None };
    if !change.is_open() {
        return step("nothing is left to do".into());
    }
    let ramp = &change.ramp;
    if ramp.is_running() {
        return match &ramp.held {
            Some(why) => Next {
                text: format!("breakglass resume {id}"),
                why: Some(format!("held: {why}")),
            },
            None if ramp.watching.is_empty() => Next {
                text: format!("breakglass watch {id}"),
                why: Some("nobody watches: the ramp does not rise".into()),
            },
            None => step(format!("breakglass confirm {id}")),
        };
    }
    match ramp.end_of() {
        None => ask(session, ledger, change, When::Start, "start"),
        Some(_) if ramp.is_completed() || is_taken_on(ledger, change) => {
            ask(session, ledger, change, When::Close, "close")
        }
        Some(end) => Next {
            text: format!("breakglass rearm {id}"),
            why: Some(format!(
                "{}; or declare a follow-up that repeats it, then close",
                end.to_text()
            )),
        },
    }
}

/// Whether a follow-up has taken on what it did not mend.
fn is_taken_on(ledger: &Ledger, change: &Change) -> bool {
    let mut others = ledger.changes();
    others.any(|other| {
        other.declared.repeats.as_ref() == Some(&change.id) && other.withdrawn.is_none()
    })
}

/// The way out of the first rule that does not let it through; where all do, the step itself.
fn ask(session: &Session, ledger: &Ledger, change: &Change, when: When, word: &str) -> Next {
    let rules = RULES.iter().filter(|rule| rule.when.contains(&when));
    let mut denied = rules.filter_map(|rule| look(rule, session, ledger, change));
    match denied.next() {
        None => Next {
            text: format!("breakglass {word} {}", change.id),
            why: None,
        },
        Some(Denial { why, way_out }) => Next {
            text: command(&way_out).unwrap_or(&way_out).to_owned(),
            why: Some(why),
        },
    }
}

/// The command in a way out.
fn command(way_out: &str) -> Option<&str> {
    let mut quoted = way_out.split('`').skip(1).step_by(2);
    quoted.find(|text| text.starts_with("breakglass "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_way_out_is_found() {
        for (way_out, expected) in [
            (
                "try it: `breakglass drill chg-1`",
                Some("breakglass drill chg-1"),
            ),
            (
                "mend `people`; then `breakglass approve chg-1` again",
                Some("breakglass approve chg-1"),
            ),
            (
                "wait for one (mon 09:00–17:00), or bypass `change_window` with a reason",
                None,
            ),
        ] {
            assert_eq!(command(way_out), expected);
        }
    }
}
