//! Help texts and usage errors.

mod run;

use run::breakglass;

#[test]
fn every_help_has_examples_and_exit_statuses() {
    for command in [
        "scan", "lint", "explain", "simulate", "keygen", "sign", "verify", "order", "receipts",
        "state",
    ] {
        for flag in ["-h", "--help"] {
            let help = breakglass(&[command, flag], "");
            assert_eq!(help.status, Some(0), "{command} {flag}");
            for part in [
                &format!("breakglass {command} "),
                "Examples:",
                "Exit status:",
                "--json",
            ] {
                assert!(
                    help.stdout.contains(part),
                    "{command} {flag} lacks {part:?}:\n{}",
                    help.stdout
                );
            }
        }
    }
}

#[test]
fn the_help_of_scan_says_what_its_lines_mean() {
    let help = breakglass(&["scan", "--help"], "").stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        r#"{"id": …, "text": "…"}"#,
        "offsets count Unicode code points",
        "each line a text of its own",
        "file:line:column: ENTITY",
    ] {
        assert!(help.contains(part), "{part:?}");
    }
}

#[test]
fn every_exit_status_is_explained() {
    let help = breakglass(&["order", "--help"], "").stdout;
    for status in 0..=4 {
        assert!(help.contains(&format!("\n  {status}  ")), "{status}");
    }
}

#[test]
fn bad_usage_is_status_2_and_says_why() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage:"),
        (&["scam"], "scam"),
        (&["scan", "--format", "json"], "--mask"),
        (&["scan", "--mask", "--format", "xml"], "xml"),
        (&["scan", "--show-values"], "--text"),
        (&["scan", "--arm", "canary"], "--policy"),
        (&["scan", "--text", "--no-bare"], "--no-bare"),
        (&["scan", "--list", "--mask"], "--mask"),
        (
            &["scan", "--entities", "all", "--policy", "p.json"],
            "--policy",
        ),
        (&["lint"], "FILE"),
        (&["explain", "--unit", "a"], "--policy"),
        (&["sign"], "DOCUMENT"),
        (&["verify", "a.dsse"], "--policy"),
        (
            &["verify", "--policy", "p.json", "a.dsse", "--at", "now"],
            "a time in UTC",
        ),
        (&["order", "--targets", "a:1", "--rearm"], "--rollout"),
        (&["order", "--rollout", "a", "--rearm"], "--targets"),
        (&["receipts", "--targets", "a:1"], "GENERATION"),
        (&["state"], "--targets"),
    ];
    for (arguments, part) in cases {
        let run = breakglass(arguments, "");
        assert_eq!(run.status, Some(2), "{arguments:?}");
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    }
}
