//! Scenarios on the built filter: what upstream, client and operator see, and what metrics, logs and shared
//! data say afterwards. The host underneath is tested in `tests/host/`.
//!
//! One binary, one module per promise. A [`world::World`] fails its test if the filter trapped or if the host
//! had a reason to complain, whatever else the test asserts.

mod bodies;
mod corruption;
mod cut;
mod decision;
mod growth;
mod independent;
mod join;
mod judge;
mod kill;
mod matching;
mod metrics;
mod module;
mod operator;
mod orders;
mod personalities;
mod redaction;
mod refusal;
mod roots;
mod spoofing;
mod sse;
mod storm;
mod tallies;
mod threads;
mod trust;
mod units;
mod world;
