//! A project with people, keys and proxies, as long as a test needs it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;

use crate::fake::Endpoint;
use crate::run::{Run, breakglass};

/// A folder with `breakglass.toml`, the keys of everybody in it, and the proxies that it names.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) proxies: Vec<Endpoint>,
}

/// The author of changes: an engineer, who approves nothing.
pub(crate) const AUTHOR: &str = "priya";
/// Approves changes of prompts in the area `support`.
pub(crate) const SENIOR: &str = "sana";
pub(crate) const SECURITY: &str = "ravi";
pub(crate) const PLATFORM: &str = "meera";
pub(crate) const EXECUTIVE: &str = "omar";

/// Everybody, with their roles.
pub(crate) const PEOPLE: [(&str, &str); 5] = [
    (AUTHOR, "engineer"),
    (SENIOR, "senior_engineer"),
    (SECURITY, "security_lead"),
    (PLATFORM, "platform_lead"),
    (EXECUTIVE, "executive"),
];
pub(crate) const ROLLOUT: &str = "support-agent";
/// The generation that the proxies and the durable file begin with.
pub(crate) const GENERATION: u64 = 7;

impl Project {
    /// With so many proxies that have taken [`Project::policy`].
    pub(crate) fn new(proxies: usize) -> Self {
        Self::of(|policy| (0..proxies).map(|_| Endpoint::filter(policy)).collect())
    }

    /// With these proxies, which are told the policy.
    pub(crate) fn of(proxies: impl FnOnce(&Value) -> Vec<Endpoint>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (id, role) in PEOPLE {
            let file = folder.path().join(format!("{id}.key"));
            let arguments = [
                "keygen",
                "--no-passphrase",
                "--id",
                id,
                "--role",
                role,
                "--out",
            ];
            let run = breakglass(&[&arguments[..], &[file.to_str().unwrap()]].concat(), "");
            assert_eq!(run.status, Some(0), "{}", run.stderr);
        }
        let mut project = Self {
            folder,
            proxies: Vec::new(),
        };
        let policy = project.policy();
        project.proxies = proxies(&policy);
        fs::write(project.durable(), format!("{policy:#}\n")).unwrap();
        fs::write(project.file("breakglass.toml"), project.config()).unwrap();
        project
    }

    /// What the proxies and the durable file begin with: everybody on `prompt-v41`, and keys trusted.
    pub(crate) fn policy(&self) -> Value {
        let keys = PEOPLE.map(|(id, role)| json!({"id": id, "role": role, "key": self.public(id)}));
        json!({
            "policy": "support",
            "rollouts": [{
                "name": ROLLOUT,
                "unit": [{"header": "x-user-id"}],
                "salt": "chg-17",
                "pins": {"canary": ["qa-1"], "stable": ["vip-7"]},
                "arms": {"stable": {"version": "prompt-v41"}, "canary": {"version": "prompt-v42"}},
                "control": {"generation": GENERATION, "ramp": {"percent": 0}, "kill": null},
            }],
            "trust": {
                "generation": 1,
                "keys": keys,
                "raise": [["senior_engineer"], ["platform_lead"]],
            },
        })
    }

    fn config(&self) -> String {
        let targets: Vec<_> = self.proxies.iter().map(Endpoint::target).collect();
        let mut text = format!("[proxies]\ntargets = {targets:?}\ntimeout = \"2s\"\n{CONFIG}");
        for (id, role) in PEOPLE {
            let areas = match role {
                "senior_engineer" => "areas = [\"support\"]\n",
                _ => "",
            };
            text.push_str(&format!(
                "\n[[people]]\nid = \"{id}\"\nname = \"{id}\"\nrole = \"{role}\"\n{areas}key = \"{}\"\nkey_file = \"{id}.key\"\n",
                self.public(id)
            ));
        }
        text
    }

    /// Changes `breakglass.toml`; `old` must be there.
    pub(crate) fn configure(&self, old: &str, new: &str) {
        let file = self.file("breakglass.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "`{old}` is not in breakglass.toml");
        fs::write(file, text.replace(old, new)).unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the project's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the project's folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.file(name), text).unwrap();
        self.path(name)
    }

    /// A file in the project's folder, as an argument.
    pub(crate) fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// The file that the proxies start from.
    pub(crate) fn durable(&self) -> PathBuf {
        self.file("policy.json")
    }

    /// Changes the policy in the durable file; the proxies are told nothing of it.
    pub(crate) fn repolicy(&self, change: impl FnOnce(&mut Value)) {
        let text = fs::read_to_string(self.durable()).unwrap();
        let mut policy: Value = serde_json::from_str(&text).unwrap();
        change(&mut policy);
        fs::write(self.durable(), format!("{policy:#}\n")).unwrap();
    }

    /// The control in the durable file.
    pub(crate) fn control(&self) -> Value {
        let text = fs::read_to_string(self.durable()).unwrap();
        let policy: Value = serde_json::from_str(&text).unwrap();
        policy["rollouts"][0]["control"].clone()
    }

    /// The public key of somebody.
    pub(crate) fn public(&self, id: &str) -> String {
        let line = fs::read_to_string(self.file(&format!("{id}.key.pub"))).unwrap();
        line.trim().to_owned()
    }

    /// Runs a command as this person.
    pub(crate) fn run(&self, person: &str, arguments: &[&str]) -> Run {
        self.run_with(person, arguments, "")
    }

    /// The same, with this standard input.
    pub(crate) fn run_with(&self, person: &str, arguments: &[&str], input: &str) -> Run {
        let folder = self.folder().to_str().unwrap();
        let whose = ["--project", folder, "--as", person];
        breakglass(&[arguments, &whose].concat(), input)
    }

    /// Runs a command that must do what it should; its standard output.
    pub(crate) fn done(&self, person: &str, arguments: &[&str]) -> String {
        let run = self.run(person, arguments);
        assert_eq!(
            run.status,
            Some(0),
            "{arguments:?}\n{}{}",
            run.stdout,
            run.stderr
        );
        run.stdout
    }

    /// Runs a command that this rule must not let through: status 1, the rule's name, and the attempt in
    /// the journal.
    pub(crate) fn refused(&self, person: &str, arguments: &[&str], rule: &str) -> Run {
        self.refused_with(person, arguments, "", rule)
    }

    /// The same, with this standard input.
    pub(crate) fn refused_with(
        &self,
        person: &str,
        arguments: &[&str],
        input: &str,
        rule: &str,
    ) -> Run {
        let before = self.attempts().len();
        let run = self.run_with(person, arguments, input);
        assert_eq!(
            run.status,
            Some(1),
            "{arguments:?}\n{}{}",
            run.stdout,
            run.stderr
        );
        let told = format!("\n  {rule}: ");
        assert!(run.stderr.contains(&told), "not `{rule}`:\n{}", run.stderr);
        let attempts = self.attempts();
        let new = attempts.get(before..).unwrap();
        assert!(
            new.iter().any(|known| known == rule),
            "not `{rule}`: {new:?}"
        );
        run
    }

    /// Every entry of the journal.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let file = self.file(".breakglass/journal.db");
        if !file.exists() {
            return Vec::new();
        }
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database
            .busy_timeout(std::time::Duration::from_secs(10))
            .unwrap();
        let mut statement = database
            .prepare("SELECT line FROM events ORDER BY seq")
            .unwrap();
        let lines = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    }

    /// The events of this kind, oldest first.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let entries = self
            .entries()
            .into_iter()
            .map(|mut entry| entry["event"].take());
        entries.filter(|event| event["kind"] == kind).collect()
    }

    /// The kinds of all events, oldest first.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let entries = self.entries().into_iter();
        entries
            .map(|entry| entry["event"]["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The rules that did not let something through, oldest first.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let refused = self.events("refused").into_iter();
        refused
            .map(|event| event["rule"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Declares [`declaration`]; the id of the change.
    pub(crate) fn declared(&self) -> String {
        self.declare(&declaration())
    }

    /// Declares this; the id of the change.
    pub(crate) fn declare(&self, declaration: &Table) -> String {
        let arguments = ["declare", "--file", "-", "--json"];
        let run = self.run_with(AUTHOR, &arguments, &declaration.to_string());
        assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        told["change"].as_str().unwrap().to_owned()
    }

    /// Declares and drills.
    pub(crate) fn drilled(&self) -> String {
        let change = self.declared();
        self.done(AUTHOR, &["drill", &change]);
        change
    }

    /// Declares, drills and has everybody approve who must.
    pub(crate) fn approved(&self) -> String {
        let change = self.drilled();
        for approver in [SENIOR, SECURITY] {
            self.done(approver, &["approve", &change, "--yes"]);
        }
        change
    }

    /// Approved, and with its message queued: all that it needs to start.
    pub(crate) fn ready(&self) -> String {
        let change = self.approved();
        self.done(AUTHOR, &["message", "draft", &change, "--text", MESSAGE]);
        self.done(
            AUTHOR,
            &["message", "queue", &change, "--channel", "status page"],
        );
        change
    }
}

/// A declaration that every rule lets through. Whoever wants another changes it:
/// `declaration["category"] = "regulatory".into()`.
pub(crate) fn declaration() -> Table {
    DECLARATION.parse().unwrap()
}

pub(crate) const MESSAGE: &str =
    "Some answers of the support agent showed numbers that they must not show. It is fixed.";
/// Steps and spans are short: tests wait for them.
const CONFIG: &str = r#"durable = ["policy.json"]

[[agents]]
rollout = "support-agent"
team = "support-platform"
area = "support"

[canary]
standard = [{percent = 1, hold = "30m"}, {percent = 10, hold = "2h"}, {percent = 50, hold = "4h"}, {percent = 100, hold = "24h"}]
compressed = [{percent = 1, hold = "1s"}, {percent = 10, hold = "1s"}, {percent = 50, hold = "1s"}, {percent = 100, hold = "1s"}]

[ramp]
lease = "5s"
heartbeat = "2s"
poll = "100ms"
silence = "3s"
drill_lifetime = "4h"
approval_lifetime = "24h"
min_answers = 0

[[gates]]
name = "eval"
command = ["true"]
"#;
const DECLARATION: &str = r#"
title = "Stop the support agent from repeating Aadhaar numbers"
rollout = "support-agent"
category = "security"
harm_of_waiting = "Every hour some forty customers read the identity number of somebody else."
harm_of_bypassing = "The new prompt may refuse harmless questions about invoices."
cause = "prompt"
scope = "prompt"
impact = "limited"
watcher = "priya"
approvers = ["sana", "ravi"]
message = "needed"

[evidence]
exposure = "Answers of the support agent repeat Aadhaar numbers of other customers."
seen = "Ticket 4711 and the redaction counts of the gateway since 21:40."

[versions]
stable = "prompt-v41"
canary = "prompt-v42"

[harm]
measure = {redactions = "IN_AADHAAR"}
at_most_per_1000 = 1.0
answers = 10

[[bypass]]
what = "eval_gate"
reason = "The evaluation takes five hours, and numbers leak meanwhile."
compensation = "eval_after_promotion"
owner = "priya"
due = "24h"

[[bypass]]
what = "canary"
reason = "The standard canary takes a day and a half of further exposure."
compensation = "compressed_canary"
owner = "priya"
due = "3d"
"#;
