//! A command on a terminal of its own, and somebody who types.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

pub(crate) struct Session {
    child: Child,
    screen: File,
    /// All bytes that were to be seen.
    shown: Vec<u8>,
    /// Where the next prompt is looked for.
    seen: usize,
}

impl Session {
    /// `None` where there is no program to give a command a terminal.
    pub(crate) fn begin(arguments: &[&str], variables: &[(&str, &str)]) -> Option<Self> {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let size = Winsize {
            ws_row: 50,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&controller, size).unwrap();
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
            .envs(variables.iter().copied())
            .env("TERM", "xterm")
            .stdin(terminal())
            .stdout(terminal())
            .stderr(terminal())
            .spawn()
            .ok()?;
        Some(Self {
            child,
            screen: controller.into(),
            shown: Vec::new(),
            seen: 0,
        })
    }

    /// Waits until this is to be seen and types the answer.
    pub(crate) fn answer(&mut self, prompt: &str, keys: &str) {
        let prompt = prompt.as_bytes();
        loop {
            let new = self.shown.get(self.seen..).unwrap();
            if let Some(place) = new
                .windows(prompt.len())
                .position(|window| window == prompt)
            {
                self.seen += place + prompt.len();
                break;
            }
            let mut byte = [0];
            let read = self.screen.read_exact(&mut byte);
            let shown = String::from_utf8_lossy(&self.shown);
            let prompt = String::from_utf8_lossy(prompt);
            assert!(read.is_ok(), "waited for `{prompt}`:\n{shown}");
            self.shown.push(byte[0]);
        }
        self.screen.write_all(keys.as_bytes()).unwrap();
    }

    /// All that was to be seen, and how it ended.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        let mut bytes = [0; 4096];
        // A terminal that nobody holds any more gives an error, not an end.
        while let Ok(read @ 1..) = self.screen.read(&mut bytes) {
            self.shown.extend_from_slice(bytes.get(..read).unwrap());
        }
        let status = self.child.wait().unwrap();
        (
            String::from_utf8_lossy(&self.shown).into_owned(),
            status.code(),
        )
    }
}
