//! Help, completions and manual pages of all commands.

use std::collections::BTreeSet;
use std::fs;

use crate::run::breakglass;

/// The commands as the help lists them.
fn commands() -> Vec<String> {
    let help = breakglass(&["--help"], "").stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // What is indented more goes on with the line before it.
    let lines = lines.filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
    });
    let names = lines.filter_map(|line| line.split_whitespace().next());
    let names = names.filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples_and_exit_statuses() {
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let help = breakglass(&[&command, "--help"], "");
        assert_eq!(help.status, Some(0), "{command}");
        for part in ["Examples:", "Exit status:"] {
            assert!(help.stdout.contains(part), "{command} lacks {part:?}");
        }
    }
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = breakglass(&["completions", shell], "");
        assert_eq!(run.status, Some(0), "{shell}");
        for command in commands() {
            assert!(run.stdout.contains(&command), "{shell} lacks {command}");
        }
    }
    let run = breakglass(&["completions", "tcsh"], "");
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("bash, elvish, fish, powershell, zsh"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let run = breakglass(&["man", "-o", pages.to_str().unwrap()], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let files: BTreeSet<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(files.contains("breakglass.1"));
    for command in commands() {
        let file = format!("breakglass-{command}.1");
        assert!(files.contains(&file), "{file}: {files:?}");
        let page = fs::read_to_string(pages.join(&file)).unwrap();
        assert!(page.starts_with(".ie") || page.contains(".TH"), "{file}");
        assert!(page.contains("Exit status"), "{file}");
    }
    let listed: BTreeSet<String> = run
        .stdout
        .lines()
        .map(|line| line.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(listed, files, "each file is told");
}

#[test]
fn the_manual_page_of_the_command_itself_goes_to_standard_output() {
    let run = breakglass(&["man"], "");
    assert_eq!(run.status, Some(0));
    assert!(run.stdout.contains(".TH breakglass 1"), "{}", run.stdout);
}

#[test]
fn every_command_stands_in_the_reference() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operator.md");
    let page = fs::read_to_string(page).unwrap();
    for command in commands() {
        let named = [format!("`{command}`"), format!("`{command} ")];
        assert!(
            named.iter().any(|name| page.contains(name)),
            "docs/operator.md lacks {command}"
        );
    }
    for status in 0..=4 {
        assert!(page.contains(&format!("\n| {status} | ")), "{status}");
    }
}
