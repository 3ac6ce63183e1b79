//! What it takes to try Breakglass on a real Envoy, from one process:
//!
//! * [`agent`]: fake agents that answer like an OpenAI-compatible service and say what reached
//!   them;
//! * [`stack`]: a real Envoy with the configuration in `envoy/`, two agents behind it, and the
//!   operator's end;
//! * [`load`]: users who send requests and remember which version answered;
//! * [`people`]: those who sign orders and warrants;
//! * [`share`]: the exact share of a ramp, computed apart from the filter's own code;
//! * [`night`]: a project of the operator's command, and those who type in it;
//! * [`ui`]: what is printed, and the promises that are checked.
//!
//! The binaries `demo`, `story`, `run` and `agents` are built from these, and so are the tests on a real
//! Envoy.

pub mod agent;
pub mod http;
pub mod load;
pub mod night;
pub mod people;
pub mod share;
pub mod sse;
pub mod stack;
pub mod ui;

/// The header that names the user in every policy of the examples: the sticky unit.
pub const UNIT_HEADER: &str = "x-user-id";
