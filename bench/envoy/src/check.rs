//! Before anything is measured: does everybody do the work that the tables say?

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use breakglass_examples::http::{self, Answer};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;

use crate::contestants::{CLUSTERS, Contestant, Does};
use crate::envoy::Envoy;
use crate::load::Requests;
use crate::upstream::{ANSWERED_BY, CHECK, SEEN};

/// Asks as some users through a contestant's listener, and looks at what reached the agents.
///
/// # Errors
///
/// Says who did what else.
pub(crate) async fn decides(
    contestant: &Contestant,
    addr: SocketAddr,
    requests: &Requests,
    rollout: &str,
) -> Result<()> {
    let mut canary = 0;
    for user in 0..ASKED {
        let answer = ask(addr, requests, user, true).await?;
        let version = one(contestant, &answer, rollout)
            .with_context(|| format!("{}: {:?}", contestant.name, answer.headers))?;
        canary += version;
    }
    let share = canary as f64 / ASKED as f64;
    let right = match contestant.does {
        Does::Nothing => share == 0.0,
        // Half of them, give or take four standard deviations.
        Does::Split | Does::Decide => (share - 0.5).abs() < 4.0 * (0.25 / ASKED as f64).sqrt(),
    };
    ensure!(
        right,
        "{}: {share} of the users on the new version",
        contestant.name
    );
    Ok(())
}

/// Looks at one answer; returns which version gave it, 0 or 1.
fn one(contestant: &Contestant, answer: &Answer, rollout: &str) -> Result<usize> {
    ensure!(answer.status == 200, "status {}", answer.status);
    let by = answer.header(ANSWERED_BY).context("no agent answered")?;
    let version = CLUSTERS.iter().position(|&cluster| cluster == by);
    let version = version.with_context(|| format!("answered by {by}"))?;
    let expected = [
        rollout,
        ["stable", "canary"][version],
        ["prompt-v41", "prompt-v42"][version],
        "1",
        by,
    ];
    for (header, expected) in SEEN.into_iter().zip(expected) {
        let seen = answer.header(&format!("seen-{header}"));
        let seen = seen.filter(|&seen| seen != "-" && !seen.is_empty());
        let wanted = match contestant.does {
            Does::Nothing => None,
            Does::Split if contestant.chooses.by_header() => {
                (header == SEEN[4]).then_some(expected)
            }
            Does::Split => None,
            Does::Decide => Some(expected),
        };
        ensure!(
            seen == wanted,
            "{header}: expected {wanted:?}, the agent saw {seen:?}"
        );
    }
    Ok(version)
}

/// Looks whether so many different modules run: on the worker, and on the main thread.
///
/// # Errors
///
/// If there are fewer.
pub(crate) async fn modules(envoy: &Envoy, expected: usize) -> Result<()> {
    let stats = envoy.admin().stats().await?;
    let running = stats.sum("envoy_wasm_envoy_wasm_runtime_v8_active", &[]);
    ensure!(
        running >= 2.0 * expected as f64,
        "{running} WebAssembly machines run, for {expected} modules on two threads"
    );
    Ok(())
}

/// One user's request.
pub(crate) async fn ask(
    addr: SocketAddr,
    requests: &Requests,
    user: usize,
    check: bool,
) -> Result<Answer> {
    let mut request = Request::builder();
    for (name, value) in requests.of(user) {
        request = match name {
            ":method" => request.method(value.as_str()),
            ":path" => request.uri(value),
            ":authority" => request.header("host", value),
            ":scheme" => request,
            _ => request.header(name, value),
        };
    }
    if check {
        request = request.header(CHECK, "1");
    }
    http::send(addr, request.body(Full::<Bytes>::default())?).await
}

/// Users that are asked about: a share that is off by an eighth is found.
const ASKED: usize = 256;
