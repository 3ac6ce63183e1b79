//! The ramp engine, against proxies with traffic.

mod after;
mod kills;
mod proxy;
mod resume;
mod running;
mod signals;
mod steps;
