//! `order`, `receipts` and `state` against proxies in this process.

mod asks;
mod durable;
mod fake;
mod kills;
mod orders;
#[path = "../run/mod.rs"]
mod run;
mod signed;
mod targets;
mod tls;
