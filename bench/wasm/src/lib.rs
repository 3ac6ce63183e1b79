//! Redaction over corpora of its own, for engines of WebAssembly: `prepare`, then `run` as often as
//! it takes to know how fast it is.
#![allow(unsafe_code)]

use std::cell::RefCell;

use breakglass_bench::corpus::{Corpus, Shape};
use breakglass_bench::redaction::{Pieces, Work};

thread_local! {
    static WORK: RefCell<Option<Work>> = const { RefCell::new(None) };
}

/// Makes the corpus of this number, in pieces of one event where `by_event` is not zero; with
/// something personal in it where `personal` is not. Returns its bytes; 0 if there is none.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(shape: u32, by_event: u32, personal: u32) -> usize {
    let Some(&shape) = Shape::ALL.get(shape as usize) else {
        return 0;
    };
    let pieces = match by_event {
        0 => Pieces::Chunks,
        _ => Pieces::Events,
    };
    let work = Work::new(shape, pieces, &Corpus::new(shape, personal != 0));
    let bytes = work.bytes();
    WORK.set(Some(work));
    bytes
}

/// Redacts all of it; returns the bytes that came out.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    WORK.with_borrow_mut(|work| work.as_mut().map_or(0, |work| work.run().0))
}
