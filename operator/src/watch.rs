//! What whoever watches a ramp sees, and the keys that they press.
//!
//! Only shows: what a `View` says was found out elsewhere, and what a `Key` asks for is done elsewhere.

pub(crate) mod gather;
mod keys;
mod palette;
mod plain;
mod render;
mod terminal;
mod text;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use keys::{Key, Keys};
pub(crate) use plain::{Plain, snapshot};
pub(crate) use terminal::Screen;
pub(crate) use view::Phase;
