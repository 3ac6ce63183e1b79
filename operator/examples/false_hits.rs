//! Counts hits where there should be none: in generated text without PII, and in source trees.
//!
//! `cargo run --release -p breakglass-operator --example false_hits -- [--show] [DIR...]`
//!
//! Without a DIR it takes the sources in the local cargo registry, if there are any. E-mail and IP
//! addresses in a source tree may well be real: authors, documentation. They are listed apart.

#[path = "corpus/mod.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass_redact::{Action, Entity, Profile, find};
use clap::Parser;
use corpus::{Corpus, Kind};

/// Counts hits where there should be none.
#[derive(Debug, Parser)]
struct Arguments {
    /// Trees whose text files are scanned [default: sources of the local cargo registry]
    #[arg(value_name = "DIR")]
    trees: Vec<PathBuf>,
    /// How many generated lines of each kind
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    lines: usize,
    /// The same seed gives the same lines
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Take each line for a field of a table
    #[arg(long)]
    bare: bool,
    /// Print each hit with its place and text
    #[arg(long)]
    show: bool,
}

/// Lines, and what was found in them.
struct Count<'a> {
    profile: &'a Profile,
    arguments: &'a Arguments,
    lines: u64,
    hits: BTreeMap<String, u64>,
}

fn main() {
    let arguments = Arguments::parse();
    let profile = Profile::all(Action::Mask);
    for kind in Kind::EACH.into_iter().chain([Kind::All, Kind::Lures]) {
        let mut count = Count::new(&profile, &arguments);
        for (place, line) in Corpus::new(kind, arguments.seed)
            .take(arguments.lines)
            .enumerate()
        {
            count.scan(&format!("{kind:?}:{}", place + 1), line.as_bytes());
        }
        count.print(&format!("generated: {kind:?}"), |_| true);
    }
    let registry = if arguments.trees.is_empty() {
        registry()
    } else {
        None
    };
    for tree in arguments.trees.iter().chain(&registry) {
        let mut count = Count::new(&profile, &arguments);
        walk(tree, &mut count);
        let name = tree.display();
        count.print(&format!("{name}: addresses, which may be real"), is_address);
        count.print(&format!("{name}: everything else"), |entity| {
            !is_address(entity)
        });
    }
}

/// Where cargo keeps the sources of what it built.
fn registry() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    Some(home.join("registry/src")).filter(|tree| tree.is_dir())
}

fn is_address(entity: &str) -> bool {
    [Entity::EmailAddress, Entity::IpAddress]
        .iter()
        .any(|address| address.name() == entity)
}

/// Scans every text file below `tree`; what cannot be read is passed over.
fn walk(tree: &Path, count: &mut Count<'_>) {
    let Ok(entries) = fs::read_dir(tree) else {
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, count),
            Ok(kind) if kind.is_file() => {
                let bytes = fs::read(&path).unwrap_or_default();
                if bytes.contains(&0) || std::str::from_utf8(&bytes).is_err() {
                    continue;
                }
                for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                    count.scan(&format!("{}:{}", path.display(), place + 1), line);
                }
            }
            _ => {}
        }
    }
}

// === impl Count ===

impl<'a> Count<'a> {
    fn new(profile: &'a Profile, arguments: &'a Arguments) -> Self {
        Self {
            profile,
            arguments,
            lines: 0,
            hits: BTreeMap::new(),
        }
    }

    fn scan(&mut self, place: &str, line: &[u8]) {
        self.lines += 1;
        for span in find(self.profile, line, self.arguments.bare) {
            let name = self.profile.name(span.kind);
            *self.hits.entry(name.to_owned()).or_default() += 1;
            if self.arguments.show {
                let before = &line[span.start.saturating_sub(40)..span.start];
                let after = &line[span.end..line.len().min(span.end + 30)];
                let [before, hit, after] =
                    [before, &line[span.start..span.end], after].map(String::from_utf8_lossy);
                println!("{place}: {name}: {before}⟦{hit}⟧{after}");
            }
        }
    }

    fn print(&self, title: &str, counts: impl Fn(&str) -> bool) {
        let of_these: Vec<_> = self.hits.iter().filter(|(name, _)| counts(name)).collect();
        let total: u64 = of_these.iter().map(|(_, hits)| **hits).sum();
        let per = |hits: u64| hits as f64 * 100_000.0 / self.lines.max(1) as f64;
        println!(
            "{title}: {total} hits in {} lines, {:.1} per 100,000",
            self.lines,
            per(total)
        );
        for (name, hits) in of_these {
            println!("    {name:28} {hits:6} {:8.2}", per(*hits));
        }
    }
}
