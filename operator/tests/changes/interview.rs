//! The interview of `declare`, on a terminal.

use serde_json::json;

use crate::project::{AUTHOR, Project};
use crate::terminal::Session;

const DOWN: &str = "\x1b[B";

fn begin(project: &Project) -> Option<Session> {
    let folder = project.path("");
    let session = Session::begin(&["declare", "--project", &folder, "--as", AUTHOR], &[]);
    if session.is_none() {
        eprintln!("no setsid here");
    }
    session
}

#[test]
fn an_interview_makes_a_declaration() {
    let project = Project::new(1);
    let Some(mut session) = begin(&project) else {
        return;
    };
    session.answer("Why can it not wait?", "\r");
    session.answer(
        "What does it change, in a line?",
        "Stop the agent from repeating Aadhaar numbers\r",
    );
    // They stand there already, from the policy.
    session.answer("The version that is in force: prompt-v41", "\r");
    session.answer("The version that is to replace it: prompt-v42", "\r");
    // What says nothing is asked again, with what was said.
    session.answer("What is exposed or exploited, and to whom?", "numbers\r");
    session.answer(
        "Where was it seen (log, report, alert)?",
        "Ticket 4711 of this evening\r",
    );
    session.answer(
        "emergency: the evidence `exposure` says nothing about this case: `numbers`",
        "",
    );
    session.answer(
        "What is exposed or exploited, and to whom?: numbers",
        " of other customers in answers\r",
    );
    session.answer(
        "Where was it seen (log, report, alert)?: Ticket 4711 of this evening",
        "\r",
    );
    session.answer(
        "Who is harmed while it is not out",
        "Forty customers every hour\r",
    );
    session.answer(
        "What may go wrong because gates are skipped?",
        "Harmless questions may be refused\r",
    );
    session.answer("What does it come from, in a word", "\r");
    session.answer("How far does it reach?", "\r");
    session.answer(
        "How many customers, how much of the business does it touch?",
        "\r",
    );
    // The gate and the canary.
    session.answer("What is skipped?", &format!(" {DOWN} \r"));
    session.answer(
        "Why can it not wait for eval_gate?",
        "The evaluation takes five hours\r",
    );
    session.answer("Who owes eval_gate afterwards?", "\r");
    session.answer("Within how long is eval_gate made up for?", "\r");
    session.answer(
        "Why can it not wait for canary?",
        "The standard canary takes a day and a half\r",
    );
    session.answer("What stands in for canary?", "\r");
    session.answer("Who owes canary afterwards?", &format!("{DOWN}\r"));
    session.answer("Within how long is canary made up for?", "2d\r");
    session.answer("Steps", "\r");
    session.answer("Who watches the ramp?", "\r");
    session.answer(
        "It will be approved by sana (senior_engineer) and ravi (security_lead).",
        "",
    );
    session.answer("Are customers told?", "\r");
    session.answer("How does the harm show in the answers?", "\r");
    session.answer("Which entity", "IN_AADHAAR\r");
    session.answer("Of a thousand answers of the new version", "\r");
    session.answer("Over how many answers at least?", "50\r");
    session.answer("Declare it? [Y/n]", "y");
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(0), "{shown}");
    assert!(shown.contains(": declared, security"), "{shown}");
    let declared = &project.events("declared")[0];
    assert_eq!(
        declared["title"],
        "Stop the agent from repeating Aadhaar numbers"
    );
    assert_eq!(
        declared["evidence"],
        json!({"exposure": "numbers of other customers in answers", "seen": "Ticket 4711 of this evening"})
    );
    assert_eq!(
        declared["versions"],
        json!({"stable": "prompt-v41", "canary": "prompt-v42"})
    );
    assert_eq!(
        declared["harm"],
        json!({"measure": {"redactions": "IN_AADHAAR"}, "at_most_per_1000": 1.0, "answers": 50})
    );
    let bypass = declared["bypass"].as_array().unwrap();
    assert_eq!(bypass.len(), 2);
    assert_eq!(bypass[0]["compensation"], "eval_after_promotion");
    assert_eq!(
        (&bypass[0]["owner"], &bypass[0]["due"]),
        (&json!(AUTHOR), &json!("1day"))
    );
    assert_eq!(
        (&bypass[1]["owner"], &bypass[1]["due"]),
        (&json!("sana"), &json!("2days"))
    );
    assert!(project.attempts().is_empty());
}

#[test]
fn who_is_honest_is_told_what_to_do_instead() {
    let project = Project::new(1);
    for (downs, rule, instead) in [
        (
            4,
            "`promised_date` (a date was promised) is no emergency",
            "tell whoever was promised the date",
        ),
        (
            7,
            "`missed_window` (the change window was missed) is no emergency",
            "take the next window",
        ),
    ] {
        let Some(mut session) = begin(&project) else {
            return;
        };
        session.answer("Why can it not wait?", &format!("{}\r", DOWN.repeat(downs)));
        let (shown, ended) = session.end();
        assert_eq!(ended, Some(1), "{shown}");
        assert!(shown.contains(rule) && shown.contains(instead), "{shown}");
    }
    assert_eq!(project.attempts(), ["emergency"; 2]);
    assert!(project.events("declared").is_empty());
}

#[test]
fn everybody_at_once_is_asked_for_its_ground() {
    let project = Project::new(1);
    let Some(mut session) = begin(&project) else {
        return;
    };
    session.answer("Why can it not wait?", "\r");
    session.answer("in a line?", "Stop the leak of identity numbers\r");
    session.answer("The version that is in force: prompt-v41", "\r");
    session.answer("The version that is to replace it: prompt-v42", "\r");
    session.answer(
        "What is exposed or exploited, and to whom?",
        "Identity numbers leak to strangers\r",
    );
    session.answer(
        "Where was it seen (log, report, alert)?",
        "Ticket 4711 of this evening\r",
    );
    session.answer(
        "Who is harmed while it is not out",
        "Forty customers every hour\r",
    );
    session.answer("What may go wrong", "Harmless questions may be refused\r");
    session.answer("What does it come from, in a word", "\r");
    session.answer("How far does it reach?", "\r");
    session.answer("does it touch?", "\r");
    session.answer("What is skipped?", &format!("{DOWN} \r"));
    session.answer(
        "Why can it not wait for canary?",
        "Numbers are being drained by a script\r",
    );
    session.answer("What stands in for canary?", &format!("{DOWN}\r"));
    session.answer("Who owes canary afterwards?", "\r");
    session.answer("Within how long is canary made up for?", "\r");
    session.answer("Steps", "100 % 10m\r");
    session.answer("100 % at once, on which ground?", "\r");
    session.answer("Who decides on the rollback?", &format!("{DOWN}\r"));
    // Nobody is marked.
    session.answer("Who is there to carry it out?", "\r");
    session.answer(
        "maximum-compression: nobody is there to carry the rollback out",
        "",
    );
    session.answer("Steps", "100 % 10m\r");
    session.answer("on which ground?", "\r");
    session.answer("Who decides on the rollback?", &format!("{DOWN}\r"));
    session.answer("Who is there to carry it out?", " \r");
    session.answer("Who watches the ramp?", "\r");
    // Then somebody thinks better of it.
    session.answer("Are customers told?", "\x1b");
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(2), "{shown}");
    assert!(shown.contains("left: nothing was declared"), "{shown}");
    assert!(project.entries().is_empty());
    // What was answered is not lost.
    let kept = project.path(".breakglass/declaration.toml");
    let run = project.run(AUTHOR, &["declare", "--file", &kept, "--check"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

/// Answers everything up to the people; `skipped` picks what is skipped.
fn up_to_people(session: &mut Session, skipped: &str) {
    session.answer("Why can it not wait?", "\r");
    session.answer("in a line?", "Stop the leak of identity numbers\r");
    session.answer("The version that is in force: prompt-v41", "\r");
    session.answer("The version that is to replace it: prompt-v42", "\r");
    session.answer(
        "exploited, and to whom?",
        "Identity numbers leak to strangers\r",
    );
    session.answer("Where was it seen", "Ticket 4711 of this evening\r");
    session.answer("Who is harmed", "Forty customers every hour\r");
    session.answer("What may go wrong", "Harmless questions may be refused\r");
    session.answer("in a word", "\r");
    session.answer("How far does it reach?", "\r");
    session.answer("does it touch?", "\r");
    session.answer("What is skipped?", &format!("{skipped}\r"));
}

#[test]
fn who_would_be_alone_is_refused() {
    let project = Project::new(1);
    // The only one who may approve prompts declares it.
    project.configure("role = \"engineer\"", "role = \"senior_engineer\"");
    project.configure(
        "role = \"senior_engineer\"\nareas",
        "role = \"engineer\"\nareas",
    );
    let Some(mut session) = begin(&project) else {
        return;
    };
    up_to_people(&mut session, "");
    session.answer("Who watches the ramp?", "\r");
    session.answer(
        "not-alone: nobody but the author can approve as senior_engineer",
        "",
    );
    session.answer("Who else approves?", "\r");
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(1), "{shown}");
    assert_eq!(project.attempts(), ["not-alone"]);
}

#[test]
fn whose_approval_stands_in_for_something_is_asked_for_it() {
    let project = Project::new(1);
    let Some(mut session) = begin(&project) else {
        return;
    };
    // The freeze.
    up_to_people(&mut session, &format!("{} ", DOWN.repeat(3)));
    session.answer(
        "Why can it not wait for freeze_period?",
        "The sale lasts until Monday morning\r",
    );
    session.answer("What stands in for freeze_period?", "\r");
    // Not the author, who is first everywhere else.
    session.answer("senior_approval: who?", &format!("{}\r", DOWN.repeat(3)));
    session.answer("Who owes freeze_period afterwards?", "\r");
    session.answer("is freeze_period made up for?", "\r");
    session.answer("Who watches the ramp?", "\r");
    session.answer(
        "sana (senior_engineer) and ravi (security_lead) and omar (executive).",
        "",
    );
    session.answer("Are customers told?", &format!("{DOWN}\r"));
    session.answer("Why need they not know?", "no\r");
    session.answer("record: why customers are told nothing says nothing", "");
    session.answer("Are customers told?", "\r");
    session.answer("How does the harm show", &format!("{DOWN}\r"));
    session.answer("Of a thousand answers", "2.5\r");
    session.answer("Over how many answers", "\r");
    session.answer("Declare it?", "y");
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(0), "{shown}");
    let declared = &project.events("declared")[0];
    assert_eq!(declared["approvers"], json!(["omar"]));
    assert_eq!(declared["bypass"][0]["who"], "omar");
    assert_eq!(declared["harm"]["measure"], "errors");
}
