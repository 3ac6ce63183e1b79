//! Finds and masks PII in streams, pure: no I/O, no clock, no proxy, no regular expressions.
//!
//! A [`Profile`] says what happens to which [`Entity`]. A [`Redactor`] takes a body in chunks, knows
//! where text is in it (JSON, server-sent events, JSON lines, plain text), and gives back what may
//! leave: text that may still become a match is held back, everything else passes at once. However
//! a text is cut into chunks and events, what comes out is the redaction of the whole.
//!
//! ```
//! use breakglass_redact::{Action, Format, Profile, Redactor, Tally};
//!
//! let profile = Profile::all(Action::Mask);
//! let mut redactor = Redactor::new(Format::Text);
//! let (mut out, mut tally) = (Vec::new(), Tally::default());
//! redactor.push(&profile, b"write to jane@exam", &mut out, &mut tally);
//! assert_eq!(out, b"write to ");
//! redactor.push(&profile, b"ple.com today", &mut out, &mut tally);
//! redactor.finish(&profile, &mut out, &mut tally);
//! assert_eq!(out, b"write to [EMAIL_ADDRESS] today");
//! ```
//!
//! [`find`] lists what is in one text. `DESIGN.md` beside this crate explains why the code is shaped
//! as it is.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod check;
mod detect;
mod entity;
mod frame;
pub mod limits;
mod mask;
#[cfg(feature = "policy")]
mod policy;
mod profile;
mod stream;
mod tally;

pub use detect::{Span, find};
pub use entity::{Entity, Evidence, Kind};
pub use frame::{Format, Redactor};
pub use profile::{Action, Custom, Profile, ProfileError, Rules};
pub use tally::Tally;
