//! The night in Bengaluru: a project of the operator's command, and those who type in it.
//!
//! Everything in the folder is made by the real command: keys by `breakglass keygen`, `breakglass.toml` by
//! `breakglass init`, then edited as a team would.

mod config;
mod desk;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::UNIT_HEADER;
use crate::stack::{operator_command, repository};

pub use config::Closed;
pub use desk::{Background, Desk, Ran, spelled};

/// Somebody of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: &'static str,
    pub name: &'static str,
    pub role: &'static str,
}

/// Finds the leak, writes the fix and declares it.
pub const PRIYA: Member = Member {
    id: "priya",
    name: "Priya Nair",
    role: "engineer",
};
/// Is on call, and watches the ramp.
pub const ARJUN: Member = Member {
    id: "arjun",
    name: "Arjun Shetty",
    role: "engineer",
};
/// Approves, at the same machine.
pub const MEERA: Member = Member {
    id: "meera",
    name: "Meera Iyer",
    role: "platform_lead",
};
/// Approves, on a machine of his own: his key is nowhere else.
pub const RAVI: Member = Member {
    id: "ravi",
    name: "Ravi Menon",
    role: "security_lead",
};

pub const TEAM: [Member; 4] = [PRIYA, ARJUN, MEERA, RAVI];

pub const ROLLOUT: &str = "support-agent";
pub const SALT: &str = "prompt-v42";
pub const STABLE: &str = "prompt-v41";
pub const CANARY: &str = "prompt-v42";

/// The proxies, and the folders of their files in the project's.
pub const PROXIES: [&str; 2] = ["edge-1", "edge-2"];

/// The folders of the night. Dropped, they are gone, unless they were to be kept.
#[derive(Debug)]
pub struct Night {
    root: PathBuf,
    binary: PathBuf,
    closed: Closed,
    _temporary: Option<TempDir>,
}

// === impl Member ===

impl Member {
    /// Where their private key lies, from their own folder on.
    pub fn key(self) -> String {
        format!("keys/{}", self.id)
    }

    /// The public one, which everybody may have.
    pub fn public_key(self) -> String {
        format!("keys/{}.pub", self.id)
    }
}

// === impl Night ===

impl Night {
    /// Two folders, `night` for the project and `laptop` for Ravi's machine, in `dir` or in a temporary one.
    /// `closed`: when the change window of the team is not open.
    ///
    /// # Errors
    ///
    /// If `dir` has such folders already, or the operator's command is not built.
    pub fn new(dir: Option<&Path>, closed: Closed) -> Result<Self> {
        let (root, temporary) = match dir {
            Some(dir) => (std::path::absolute(dir)?, None),
            None => {
                let temporary = tempfile::Builder::new().prefix("night-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let night = Self {
            root,
            binary: operator_command()?,
            closed,
            _temporary: temporary,
        };
        for folder in [night.project(), night.laptop()] {
            let keys = folder.join("keys");
            fs::create_dir_all(&keys).with_context(|| format!("cannot make {}", keys.display()))?;
        }
        copy(&repository().join("examples/night"), &night.project())?;
        Ok(night)
    }

    /// The project's folder, with the files of `examples/night` in it.
    pub fn project(&self) -> PathBuf {
        self.root.join("night")
    }

    fn laptop(&self) -> PathBuf {
        self.root.join("laptop")
    }

    /// Where somebody sits.
    pub fn desk(&self, who: Member) -> Desk {
        let folder = match who == RAVI {
            true => self.laptop(),
            false => self.project(),
        };
        Desk::new(who, folder, self.binary.clone())
    }

    /// Takes a file from the project's folder to Ravi's machine.
    pub fn to_laptop(&self, file: &str) -> Result<()> {
        fs::copy(self.project().join(file), self.laptop().join(file))?;
        Ok(())
    }

    /// And back.
    pub fn from_laptop(&self, file: &str) -> Result<()> {
        fs::copy(self.laptop().join(file), self.project().join(file))?;
        Ok(())
    }

    /// The folder of a proxy's files.
    pub fn proxy(&self, name: &str) -> PathBuf {
        self.project().join(name)
    }

    /// The policy that the proxies begin with, once the keys are there: everybody on the old version, whatever
    /// is found masked, and the keys of those who may raise.
    pub fn policy(&self) -> Result<Value> {
        let mut keys = Vec::new();
        for member in TEAM {
            let file = self.project().join(member.public_key());
            let key = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            keys.push(json!({"id": member.id, "role": member.role, "key": key.trim()}));
        }
        Ok(json!({
            "policy": "support",
            "rollouts": [{
                "name": ROLLOUT,
                "match": {"path_prefix": "/v1/agents/support"},
                "unit": [{"header": UNIT_HEADER}],
                "salt": SALT,
                "arms": {
                    "stable": {"version": STABLE, "cluster": "agent-v41", "request_headers": {"x-prompt-version": "41"}},
                    "canary": {"version": CANARY, "cluster": "agent-v42", "request_headers": {"x-prompt-version": "42"}},
                },
                "control": {"generation": 1, "ramp": {"percent": 0}, "kill": null},
                "redaction": {"response": {"*": "mask"}},
                "judge": {
                    "alpha": 0.001,
                    "signals": [
                        {"error_rate": {}},
                        {"redactions": {"entity": "*"}},
                        {"zero_tolerance": ["IN_AADHAAR"]},
                    ],
                },
            }],
            "trust": {
                "generation": 1,
                "keys": keys,
                "raise": [[RAVI.role, MEERA.role]],
                "lower": "any",
            },
        }))
    }

    /// The arguments of `breakglass init` for these operator listeners.
    pub fn init(&self, targets: &[String]) -> Vec<String> {
        let mut arguments = vec![
            "init".to_owned(),
            "--yes".into(),
            "--team".into(),
            "support".into(),
        ];
        let mut give = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
        give("--targets", targets.join(","));
        for proxy in PROXIES {
            give("--durable", format!("{proxy}/ecds/breakglass.yaml"));
        }
        for member in TEAM {
            let Member { id, name, role } = member;
            give(
                "--person",
                format!("{id}:{name}:{role}:{}", member.public_key()),
            );
        }
        give("--time-zone", config::ZONE.into());
        give("--window", self.closed.window().into());
        arguments
    }

    /// Edits `breakglass.toml` as the team of this night has: steps of seconds in the place of minutes, two
    /// approvers, the gate's command.
    ///
    /// # Errors
    ///
    /// If it is not as `breakglass init` writes it.
    pub fn edit(&self) -> Result<()> {
        let file = self.project().join("breakglass.toml");
        let text = fs::read_to_string(&file)?;
        let text = config::edited(&text).with_context(|| file.display().to_string())?;
        fs::write(file, text)?;
        Ok(())
    }

    /// What of `breakglass.toml` was edited, without comments.
    pub fn edits() -> &'static str {
        config::EDITS
    }
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
