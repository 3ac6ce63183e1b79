//! `keygen`, `sign` and `verify`, by files of keys and by an ssh-agent.

mod agent;
mod keygen;
mod keys;
mod people;
#[path = "../run/mod.rs"]
mod run;
mod sign;
mod terminal;
mod verify;
