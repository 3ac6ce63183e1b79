//! `postmortem`: written from the journal, counted only with what is to be done.

use std::fs;

use serde_json::{Value, json};

use crate::project::{AUTHOR, Project};
use crate::seed;

const CHANGE: &str = "chg-2026-0001";

/// A change with a bit of everything.
fn project() -> Project {
    let project = Project::new(2);
    project.configure(
        "[[agents]]",
        "[windows]\ntime_zone = \"Asia/Kolkata\"\n\n[[agents]]",
    );
    let put = |minutes, event| {
        seed::entry(
            &project,
            Some(CHANGE),
            AUTHOR,
            seed::minutes_ago(minutes),
            event,
        )
    };
    seed::declared_as(&project, CHANGE, 90, |declared| {
        declared["title"] = "Stop | repeating <b>numbers</b>".into();
    });
    put(
        85,
        json!({"kind": "refused", "rule": "drill-first", "why": "the rollback was not tried out", "attempted": "start"}),
    );
    put(
        84,
        json!({"kind": "message_drafted", "text": "Some answers showed numbers.\nIt is fixed."}),
    );
    put(
        83,
        json!({"kind": "message_sent", "channel": "status page"}),
    );
    seed::started(&project, CHANGE, 60);
    seed::observed(&project, CHANGE, 55, (500, 20), (50, 0));
    seed::observed(&project, CHANGE, 45, (900, 37), (500, 0));
    put(
        44,
        json!({"kind": "signal", "signal": "latency", "verdict": "slower, but not by enough", "detail": {}}),
    );
    seed::completed(&project, CHANGE, 30);
    put(
        25,
        json!({
            "kind": "harm_stopped", "measure": "answers with IN_AADHAAR", "before_per_1000": 41.1,
            "after_per_1000": 0.0, "answers": 500,
        }),
    );
    put(
        20,
        json!({"kind": "gate_run", "gate": "eval", "result": "regression", "detail": "3 of 40 worse", "late": true}),
    );
    put(
        19,
        json!({"kind": "regression_decided", "gate": "eval", "decision": "intended", "note": "It no longer reads numbers back"}),
    );
    put(
        18,
        json!({"kind": "debt_paid", "debt": "canary", "how": "Read two hundred answers of the first hour"}),
    );
    project
}

fn actions(project: &Project, cause: &str, discipline: &str) -> String {
    let table = |name: &str, what: &str| match what {
        "" => String::new(),
        what => format!("[[{name}]]\nwhat = \"{what}\"\nowner = \"sana\"\ndue = \"2026-12-10\"\n"),
    };
    project.write(
        "actions.toml",
        &(table("cause", cause) + &table("discipline", discipline)),
    )
}

const CAUSE: &str = "Redact numbers before the retrieval index is built";
const DISCIPLINE: &str = "Give the evaluation a short form of ten minutes";

#[test]
fn a_draft_says_all_that_the_journal_knows_and_counts_for_nothing() {
    let project = project();
    let page = project.done(AUTHOR, &["postmortem", CHANGE]);
    for part in [
        "# Postmortem of chg-2026-0001: Stop \\| repeating &lt;b>numbers&lt;/b>\n",
        "**Draft.**",
        "- **Harm of waiting**: Every hour some forty customers",
        "- **Team**: support-platform\n",
        "- **Until the ramp began**: 30m 0s\n",
        "- **Time to harm stopped**: 1h 5m, 20",
        "harm stopped: answers with IN_AADHAAR: 0.0 of 1000 over 500 answers, before 41.1",
        "Times are of Asia/Kolkata.",
        " +05:30 | 30m 0s | priya | step 1 in force: carried out by 1 of 1 proxies; after 12 ms |\n",
        "| eval_gate | The evaluation takes five hours, and numbers leak meanwhile. | eval_after_promotion | priya | ",
        "by priya: Read two hundred answers of the first hour |\n",
        "None: the rollback was not tried out.",
        "| 10 % | ",
        "| answers | 900 | 500 |\n",
        "| answers with IN_AADHAAR | 37 | 0 |\n",
        "| answers with IN_AADHAAR, of 1000 | 41.1 | 0.0 |\n",
        "slower, but not by enough",
        "| priya | start | drill-first | the rollback was not tried out |\n",
        "| eval | REGRESSION, after the start | ",
        "| intended (priya): It no longer reads numbers back | 3 of 40 worse |\n",
        "> Some answers showed numbers.\n> It is fixed.\n",
        "- priya owes `postmortem` until ",
        "- What would have to be different so that `eval_gate` need not be bypassed the next time?\n",
        "- `drill-first` stood in the way: was it not known, or is it in the wrong place?\n",
        "- The eval set of eval was out of date: who keeps it, and when is it looked at?\n",
        "### For the original cause\n\n*None yet.*\n",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(project.events("postmortem_written").is_empty());
}

#[test]
fn with_actions_it_counts_and_its_digest_is_in_the_journal() {
    let project = project();
    let (file, actions) = (project.path("pm.md"), actions(&project, CAUSE, DISCIPLINE));
    let told = project.done(
        AUTHOR,
        &[
            "postmortem",
            CHANGE,
            "-o",
            &file,
            "--actions",
            &actions,
            "--json",
        ],
    );
    let told: Value = serde_json::from_str(&told).unwrap();
    let page = fs::read_to_string(&file).unwrap();
    let written = &project.events("postmortem_written")[0];
    assert_eq!(written["digest"], seed::hash(&page));
    assert_eq!(
        (&told["digest"], &told["draft"]),
        (&written["digest"], &json!(false))
    );
    assert_eq!(written["discipline_actions"][0]["what"], DISCIPLINE);
    assert!(
        page.contains(&format!("| {CAUSE} | sana | 2026-12-10 |\n")),
        "{page}"
    );
    assert!(
        !page.contains("**Draft.**") && !page.contains("owes `postmortem`"),
        "{page}"
    );
    assert!(
        page.contains("![The canary's share over time, and how each arm did](pm.svg)"),
        "{page}"
    );
    let svg = fs::read_to_string(project.file("pm.svg")).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
    assert!(svg.contains("Answers with IN_AADHAAR"), "{svg}");
}

#[test]
fn actions_for_one_side_only_are_refused() {
    let project = project();
    let file = project.path("pm.md");
    for (cause, discipline) in [(CAUSE, ""), ("", DISCIPLINE), ("", ""), (CAUSE, "be fast")] {
        let actions = actions(&project, cause, discipline);
        let arguments = ["postmortem", CHANGE, "-o", &file, "--actions", &actions];
        project.refused(AUTHOR, &arguments, "postmortem");
    }
    assert!(!project.file("pm.md").exists());
    assert!(project.events("postmortem_written").is_empty());
}

#[test]
fn actions_name_people_and_days_that_there_are() {
    let project = project();
    for (old, new, expected) in [
        (
            "sana",
            "nobody",
            "cause[0].owner: breakglass.toml knows no `nobody`",
        ),
        ("2026-12-10", "soon", "cause[0].due: `soon` is no day"),
        ("owner", "owned", "unknown field `owned`"),
    ] {
        actions(&project, CAUSE, DISCIPLINE);
        let text = fs::read_to_string(project.file("actions.toml")).unwrap();
        let file = project.write("actions.toml", &text.replacen(old, new, 1));
        let run = project.run(AUTHOR, &["postmortem", CHANGE, "--actions", &file]);
        assert_eq!(run.status, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
}

#[test]
fn while_the_ramp_runs_there_is_only_a_draft() {
    let project = Project::new(1);
    seed::declared(&project, CHANGE, 90);
    seed::started(&project, CHANGE, 60);
    let actions = actions(&project, CAUSE, DISCIPLINE);
    let run = project.refused(
        AUTHOR,
        &["postmortem", CHANGE, "--actions", &actions],
        "postmortem",
    );
    assert!(
        run.stderr.contains("what it came to is not known yet"),
        "{}",
        run.stderr
    );
    assert!(
        project
            .done(AUTHOR, &["postmortem", CHANGE])
            .contains("**Draft.**")
    );
}
