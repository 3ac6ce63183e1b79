//! The chain of hashes: what makes a change of the past show.

use std::fmt::{self, Write};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The last entry: who knows its hash knows all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) entries: u64,
    pub(crate) hash: String,
}

/// Where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The first entry that is not as it was written, counted from 1.
    pub(crate) entry: u64,
    pub(crate) why: String,
}

/// What the chain needs of an entry.
#[derive(Deserialize)]
struct Link {
    seq: u64,
    prev: String,
}

/// The hash of an entry's line.
pub(crate) fn hash(line: &str) -> String {
    digest(line.as_bytes())
}

/// The hash of any document.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let mut text = String::from(PREFIX);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Checks lines, oldest first, each with its hash where one is stored beside it.
pub(crate) fn verify<'a>(
    lines: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Head, Broken> {
    let mut head = Head {
        entries: 0,
        hash: BEGIN.to_owned(),
    };
    for (line, stored) in lines {
        let entry = head.entries + 1;
        let broken = |why: String| Broken { entry, why };
        let link: Link = serde_json::from_str(line)
            .map_err(|error| broken(format!("it is no entry of a journal: {error}")))?;
        if link.seq != entry {
            let seq = link.seq;
            return Err(broken(format!(
                "it says that it is entry {seq}: one was taken out or put in"
            )));
        }
        if link.prev != head.hash {
            return Err(broken(format!(
                "it follows {}, but the entry before it is {}: that one was changed after it was written",
                link.prev, head.hash
            )));
        }
        let hash = hash(line);
        if stored.is_some_and(|stored| stored != hash) {
            return Err(broken(
                "it was changed after it was written: its hash is another".into(),
            ));
        }
        head = Head {
            entries: entry,
            hash,
        };
    }
    Ok(head)
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: {}", self.entry, self.why)
    }
}

/// What the first entry follows.
pub(crate) const BEGIN: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const PREFIX: &str = "sha256:";
