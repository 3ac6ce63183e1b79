//! A ramp that runs: its engine, and somebody who watches and confirms.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::proxy::Proxy;
use crate::fake::Endpoint;
use crate::project::{AUTHOR, Project, ROLLOUT, SECURITY};
use crate::run::breakglass;

/// A project with proxies that have traffic, and a change that may start.
pub(super) struct Ramp {
    pub(super) project: Project,
    pub(super) proxies: Vec<Proxy>,
    pub(super) change: String,
}

/// A command that runs as long as this is held.
pub(super) struct Running {
    child: Child,
}

impl Ramp {
    /// With so many proxies, everything ready to start.
    pub(super) fn ready(proxies: usize) -> Self {
        Self::configured(proxies, |_| {})
    }

    /// The same, with another configuration.
    pub(super) fn configured(proxies: usize, configure: impl FnOnce(&Project)) -> Self {
        let mut made = Vec::new();
        let project = Project::of(|policy| {
            made = (0..proxies).map(|_| Proxy::new(policy)).collect();
            made.iter().map(Proxy::endpoint).collect::<Vec<Endpoint>>()
        });
        configure(&project);
        let change = project.ready();
        Self {
            project,
            proxies: made,
            change,
        }
    }

    /// Runs the engine in the background.
    pub(super) fn start(&self) -> Running {
        Running::of(&self.project, &["start", &self.change])
    }

    /// Watches in the background.
    pub(super) fn watch(&self) -> Running {
        Running::of(&self.project, &["watch", &self.change, "--plain"])
    }

    /// Confirms whatever stands.
    pub(super) fn confirm(&self) {
        self.project.done(AUTHOR, &["confirm", &self.change]);
    }

    /// Somebody orders something at one proxy, past the engine.
    pub(super) fn order(&self, proxy: usize, terms: &[&str]) {
        let target = self.project.proxies[proxy].target();
        let key = self.project.path(&format!("{SECURITY}.key"));
        let to = ["order", "--targets", &target, "--rollout", ROLLOUT];
        let signed = ["--key", &key, "--id", SECURITY];
        let run = breakglass(&[&to[..], terms, &signed].concat(), "");
        assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    }

    /// Waits until the journal has so many events of this kind.
    pub(super) fn await_events(&self, kind: &str, count: usize) {
        self.until(&format!("{count} × {kind}"), || {
            self.project.events(kind).len() >= count
        });
    }

    /// Waits until something is so; a minute is a failure.
    pub(super) fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        let since = Instant::now();
        while !is() {
            let kinds = self.project.kinds().join(", ");
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "not {what}: {kinds}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The shares that were begun, in parts per million or as written.
    pub(super) fn steps(&self, kind: &str) -> Vec<u64> {
        let events = self.project.events(kind).into_iter();
        events
            .map(|event| event["step"].as_u64().unwrap())
            .collect()
    }
}

impl Running {
    fn of(project: &Project, arguments: &[&str]) -> Self {
        let folder = project.folder().to_str().unwrap();
        // To a file: nobody reads while it runs, and a full pipe would stop it.
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(project.file(&format!("{}.log", arguments[0])))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(arguments)
            .args(["--project", folder, "--as", AUTHOR])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child }
    }

    /// Waits until it ends by itself; its status.
    pub(super) fn ended(mut self) -> Option<i32> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                since.elapsed() < Duration::from_secs(180),
                "it does not end"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it as a power cut would.
    pub(super) fn cut_off(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
