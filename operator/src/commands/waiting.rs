//! A sign of life while others are waited for.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Does work that may have to wait for other machines. Whoever sits at standard error is told what for
/// when it takes longer than a moment.
pub(crate) fn waiting<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (done, waits) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprint!("{CLEAR}{what} …");
                // Until the other end is gone.
                let _ = waits.recv();
                eprint!("{CLEAR}");
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// What takes no longer needs no word.
const PATIENCE: Duration = Duration::from_secs(1);
/// Back to the first column and away with what stands there.
const CLEAR: &str = "\r\x1b[K";
