//! One emergency change: its record, what happened to it, and the rules that it stands under.

pub(crate) mod approval;
pub(crate) mod debt;
pub(crate) mod event;
pub(crate) mod harm;
pub(crate) mod ledger;
pub(crate) mod ramp;
pub(crate) mod record;
pub(crate) mod rules;
pub(crate) mod state;
mod tell;

pub(crate) use ledger::Ledger;
pub(crate) use state::Change;
