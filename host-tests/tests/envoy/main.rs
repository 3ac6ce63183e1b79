//! The stories of the filter on a real Envoy with two workers, on free ports of loopback.
//!
//! One binary, one module per subject. Each test starts an Envoy of its own and leaves nothing
//! behind. What an operator is promised is asserted exactly; how long it took is printed, because
//! it says more about the machine than about the filter.

mod client;
mod edge;
mod listeners;
mod policy;
mod transcript;
mod upstream;
mod wire;

mod bell;
mod body_edit;
mod body_on_tick;
mod configurations;
mod hostile;
mod http3;
mod judge;
mod kill;
mod odd_requests;
mod open_streams;
mod orders;
mod precedence;
mod push;
mod redaction;
#[cfg(feature = "clients")]
mod redaction_clients;
mod reload;
mod restart;
mod shares;
mod soak;
mod spoofing;
mod trust;
mod units;
