//! The filter: a thin adapter from proxy-wasm callbacks to the rules in `breakglass-policy`.
//!
//! One module, two roles. On a traffic listener it decides, stamps and counts requests
//! ([`traffic`]); on an operator listener it answers `/v1/…` ([`operator`]). Both share their state
//! through the proxy's shared data ([`live`]). What the proxy offers is behind [`host`], which never
//! panics on a status.
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

mod build;
mod headers;
mod host;
mod live;
mod metrics;
mod operator;
mod problem;
mod root;
mod sse;
mod store;
mod traffic;
mod vm;

// The macro exports `_initialize`, which a proxy calls before anything else.
#[allow(unsafe_code)]
mod start {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(crate::root::new);
    }}
}
