//! Every input that fuzzing found wrong, and the corpus: the properties of `redact/fuzz` hold for
//! all of them. The name of a finding begins with the target that found it.

#[path = "../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "it is a crate of its own where fuzzing uses it"
)]
mod properties;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[test]
fn every_finding_is_fixed() {
    let findings = files(&crate_dir().join("cases/findings"));
    assert!(!findings.is_empty(), "no findings to try");
    let mut broken = Vec::new();
    for path in findings {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let target = name.split('-').next().unwrap().to_owned();
        if !holds(&target, &path) {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "broken: {broken:?}");
}

#[test]
fn the_corpus_of_every_target_holds() {
    for target in TARGETS {
        let inputs = files(&crate_dir().join("fuzz/corpus").join(target));
        assert!(!inputs.is_empty(), "no corpus of {target}");
        let broken: Vec<_> = inputs.iter().filter(|path| !holds(target, path)).collect();
        assert!(broken.is_empty(), "broken: {broken:?}");
    }
}

fn holds(target: &str, path: &Path) -> bool {
    let input = fs::read(path).unwrap();
    let property = match target {
        "scanner" => properties::scanner,
        "json" => properties::json,
        "sse" => properties::sse,
        "ndjson" => properties::ndjson,
        other => panic!(
            "{}: no target is called {other}, expected one of {TARGETS:?}",
            path.display()
        ),
    };
    catch_unwind(|| property(&input)).is_ok()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const TARGETS: [&str; 4] = ["scanner", "json", "sse", "ndjson"];
