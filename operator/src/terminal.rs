//! The terminal, where somebody types what nobody shall see.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

/// The terminal while it shows nothing of what is typed.
struct Hidden {
    terminal: File,
    /// How it was before, and will be after.
    modes: Termios,
}

/// Asks for one line. Nothing of it is shown, nor of what was typed before the question.
pub(crate) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    let mut hidden = Hidden::begin()?;
    hidden.terminal.write_all(prompt.as_bytes())?;
    let line = hidden.line()?;
    let text = str::from_utf8(&line).map_err(|_| io::Error::other("what was typed is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

// === impl Hidden ===

impl Hidden {
    fn begin() -> io::Result<Self> {
        // Standard input and output may be files.
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let modes = tcgetattr(&terminal)?;
        let mut hidden = modes.clone();
        // Signals of keys come as bytes too: who is interrupted must leave the terminal as it was.
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, modes })
    }

    /// Reads up to the end of the line, with the keys that correct it.
    fn line(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        // It does not move when it grows: what it leaves behind would not be wiped.
        let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES));
        let mut byte = Zeroizing::new([0]);
        loop {
            self.terminal.read_exact(&mut *byte)?;
            match byte[0] {
                b'\r' | b'\n' => return Ok(line),
                INTERRUPT => return Err(io::Error::other("interrupted")),
                END if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                BACKSPACE | DELETE => {
                    // A letter is a first byte and those that follow it.
                    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
                }
                CLEAR => line.clear(),
                byte if line.len() < LINE_BYTES => line.push(byte),
                _ => return Err(io::Error::other("too long")),
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The end of the line was not shown either. If the terminal is gone, nothing is left to restore.
        let _ = self.terminal.write_all(b"\n");
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.modes);
    }
}

/// More than anybody types.
const LINE_BYTES: usize = 4 << 10;
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;
/// Ctrl-D.
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
/// What most keyboards send for backspace.
const DELETE: u8 = 0x7f;
/// Ctrl-U.
const CLEAR: u8 = 0x15;
