//! Where and how a result was taken: without it a figure says nothing.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use breakglass_examples::stack::{envoy_binary, repository};
use serde_json::Value;

/// What to know about a run, in the order in which it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Facts(Vec<(String, String)>);

// === impl Facts ===

impl Facts {
    /// Command, date, machine, programs. Taken at the start of a run: the load average is what
    /// others did before.
    pub(crate) fn collect() -> Self {
        let mut facts = Self(Vec::new());
        facts.add("command", command());
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        facts.add("date", now.replace('T', " ").replace('Z', " UTC"));
        facts.add("processor", processor());
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        facts.add("cores", cores.to_string());
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(3).collect();
        facts.add("load average at the start", load.join(", "));
        facts.add("priority (nice)", priority());
        facts.add("Envoy", envoy());
        facts.add("rustc", output("rustc", &["--version"]));
        facts.add("commit", commit());
        facts
    }

    /// Adds one more.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a build of the filter and its size.
    pub(crate) fn module(&mut self, name: &str, file: &Path) {
        let bytes = std::fs::metadata(file).map_or(0, |data| data.len());
        self.add(&format!("{name}, bytes"), super::table::thousands(bytes));
    }

    pub(super) fn markdown(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|(name, value)| format!("- {name}: {value}\n"));
        lines.collect()
    }

    pub(super) fn json(&self) -> Value {
        let facts = self.0.iter();
        facts
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect()
    }
}

/// As it was called; the program by its last name, for its folder says nothing.
fn command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().to_owned();
    }
    format!("`{}`", words.join(" "))
}

/// 0 unless somebody gave this program and what it starts more or less than others get.
fn priority() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    fields.split(' ').nth(16).unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let named = named.and_then(|rest| rest.split_once(':'));
    named.map_or("unknown", |(_, name)| name.trim()).to_owned()
}

/// `1.40.0`, out of `… version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`.
fn envoy() -> String {
    let Ok(binary) = envoy_binary() else {
        return "none".to_owned();
    };
    let said = output(&binary.to_string_lossy(), &["--version"]);
    let version = said
        .split('/')
        .find(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.'));
    version.unwrap_or(&said).to_owned()
}

fn commit() -> String {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let changed = !output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    format!("{commit}{}", if changed { " and changes" } else { "" })
}

fn output(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .output();
    ran.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
