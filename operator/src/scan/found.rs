//! What was found, counted by entity, and the summary of it.

use std::io::{self, Write};

use breakglass_redact::{Kind, Profile, Tally};
use serde_json::{Map, Value, json};

/// Hits by kind, and what they were found in.
pub(super) struct Found<'a> {
    profile: &'a Profile,
    hits: Vec<u64>,
    files: u64,
    lines: Option<u64>,
    blocked: Option<Kind>,
}

// === impl Found ===

impl<'a> Found<'a> {
    pub(super) fn new(profile: &'a Profile) -> Self {
        let places = profile.kinds().map(|kind| kind.index() + 1).max();
        let hits = vec![0; places.unwrap_or(0)];
        Self {
            profile,
            hits,
            files: 0,
            lines: None,
            blocked: None,
        }
    }

    pub(super) fn add(&mut self, kind: Kind, times: u64) {
        if let Some(hits) = self.hits.get_mut(kind.index()) {
            *hits += times;
        }
    }

    pub(super) fn add_tally(&mut self, tally: &Tally) {
        for (kind, _, times) in tally.iter() {
            self.add(kind, times.into());
        }
        self.blocked = self.blocked.or(tally.blocked());
    }

    pub(super) fn add_file(&mut self) {
        self.files += 1;
    }

    pub(super) fn add_line(&mut self) {
        *self.lines.get_or_insert(0) += 1;
    }

    pub(super) fn of(&self, kind: Kind) -> u64 {
        self.hits.get(kind.index()).copied().unwrap_or(0)
    }

    /// The summary as one JSON value.
    pub(super) fn to_json(&self) -> Value {
        let hits = self
            .iter()
            .map(|(name, hits)| (name.to_owned(), json!(hits)));
        let mut summary = json!({"files": self.files, "hits": Map::from_iter(hits)});
        if let Some(lines) = self.lines {
            summary["lines"] = json!(lines);
        }
        if let Some(kind) = self.blocked {
            summary["blocked"] = json!(self.profile.name(kind));
        }
        json!({"summary": summary})
    }

    /// Writes the summary for a person, where it does not mix with results.
    pub(super) fn tell(&self) {
        let mut table = String::new();
        let width = self.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, hits) in self.iter() {
            table += &format!("{name:width$}  {hits:>8}\n");
        }
        if table.is_empty() {
            table += "nothing found ";
        }
        table += &format!("in {}", plural(self.files, "input"));
        if let Some(lines) = self.lines {
            table += &format!(", {}", plural(lines, "line"));
        }
        if let Some(kind) = self.blocked {
            let name = self.profile.name(kind);
            table += &format!("\n{name} is to be blocked: what follows it was withheld");
        }
        // Where standard error is closed nobody wants a summary.
        let _ = writeln!(io::stderr(), "{table}");
    }

    fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let kinds = self
            .profile
            .kinds()
            .map(|kind| (self.profile.name(kind), self.of(kind)));
        kinds.filter(|(_, hits)| *hits > 0)
    }
}

fn plural(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
