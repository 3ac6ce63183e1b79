//! Passphrases that are asked for on a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::people::{order, path, write};

/// A command on a terminal of its own.
struct Session {
    child: Child,
    screen: File,
    shown: String,
}

impl Session {
    /// `None` where there is no program to give a command a terminal.
    fn begin(arguments: &[&str]) -> Option<Self> {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
        let terminal = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(name)
                .unwrap()
        };
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_breakglass")])
            .args(arguments)
            .stdin(terminal())
            .stdout(terminal())
            .stderr(terminal())
            .spawn()
            .ok()?;
        Some(Self {
            child,
            screen: controller.into(),
            shown: String::new(),
        })
    }

    /// Waits for a prompt and types the answer, as quickly as can be.
    fn answer(&mut self, prompt: &str, keys: &str) {
        while !self.shown.ends_with(prompt) {
            let mut byte = [0];
            self.screen.read_exact(&mut byte).unwrap();
            self.shown.push(byte[0].into());
        }
        self.screen.write_all(keys.as_bytes()).unwrap();
    }

    /// All that was to be seen, and how it ended.
    fn end(mut self) -> (String, Option<i32>) {
        let mut byte = [0];
        // A terminal that nobody holds any more gives an error, not an end.
        while self.screen.read(&mut byte).is_ok_and(|read| read == 1) {
            self.shown.push(byte[0].into());
        }
        let status = self.child.wait().unwrap();
        (self.shown, status.code())
    }
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let key = path(&directory.path().join("key"));
    let document = write(&directory, "order.json", order().to_string());
    let keygen = ["keygen", "--out", &key];
    let again = "The same passphrase again: ";
    for (second, status) in [("other", 2), ("secret", 0)] {
        let Some(mut session) = Session::begin(&keygen) else {
            // Files with passphrases are tested elsewhere.
            eprintln!("no setsid here");
            return;
        };
        session.answer("Passphrase for the new key: ", "secret\n");
        session.answer(again, &format!("{second}\n"));
        let (shown, ended) = session.end();
        assert_eq!(ended, Some(status), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(
            shown.contains("the two passphrases differ"),
            status == 2,
            "{shown}"
        );
    }
    let prompt = format!("Passphrase for {key}: ");
    for (passphrase, status) in [("other\n", 2), ("wrong\u{15}secräa\u{7f}\u{7f}et\r", 0)] {
        let mut session = Session::begin(&["sign", "--key", &key, &document]).unwrap();
        session.answer(&prompt, passphrase);
        let (shown, ended) = session.end();
        assert_eq!(ended, Some(status), "{shown}");
        assert_eq!(shown.contains("\"signatures\""), status == 0, "{shown}");
    }
}

#[test]
fn who_is_interrupted_finds_the_terminal_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let key = path(&directory.path().join("key"));
    let Some(mut session) = Session::begin(&["keygen", "--out", &key]) else {
        eprintln!("no setsid here");
        return;
    };
    let screen = session.screen.try_clone().unwrap();
    let shows = || {
        tcgetattr(&screen)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
    };
    session.answer("Passphrase for the new key: ", "sec");
    assert!(!shows());
    session.answer("", "\u{3}");
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(2), "{shown}");
    assert!(
        shown.contains("cannot ask on the terminal: interrupted"),
        "{shown}"
    );
    assert!(shows());
    assert!(!Path::new(&key).exists());
}
