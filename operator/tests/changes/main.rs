//! The commands of a change, from the declaration to the postmortem, in a project of its own and against
//! proxies in this process.

#[expect(dead_code, reason = "the tests of `order` use more of it")]
#[path = "../proxies/fake.rs"]
mod fake;
mod project;
#[path = "../run/mod.rs"]
mod run;
mod seed;

mod approve;
mod closing;
mod declare;
mod doctor;
mod drill;
mod gates;
mod help;
mod init;
mod interview;
mod journal;
mod message;
mod postmortem;
mod ramp;
mod report;
mod routine;
mod status;
mod terminal;
