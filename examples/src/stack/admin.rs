//! Envoy's admin endpoint.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stats;
use crate::http;

/// Envoy's admin endpoint.
#[derive(Clone, Debug)]
pub struct Admin {
    addr: SocketAddr,
}

/// How the discovery of the filter's configuration went so far. The host's count: whether the file
/// was good, and whether the filter took what was in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Files that were looked at.
    pub attempts: u64,
    /// Taken, the unchanged ones included.
    pub accepted: u64,
    /// Understood by Envoy, refused by the filter.
    pub rejected: u64,
    /// Not understood by Envoy.
    pub failed: u64,
}

// === impl Admin ===

impl Admin {
    /// The endpoint of an Envoy that somebody else started.
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether Envoy is up and serving.
    pub async fn is_ready(&self) -> bool {
        http::get(self.addr, "/ready")
            .await
            .is_ok_and(|answer| answer.status == 200)
    }

    /// The listeners and where they listen.
    pub async fn listeners(&self) -> Result<Vec<(String, SocketAddr)>> {
        let listeners = self.get("/listeners?format=json").await?.json()?;
        let statuses = listeners["listener_statuses"]
            .as_array()
            .context("no listeners")?;
        statuses
            .iter()
            .map(|status| {
                let socket = &status["local_address"]["socket_address"];
                let address = format!(
                    "{}:{}",
                    socket["address"].as_str().unwrap_or_default(),
                    socket["port_value"]
                );
                let name = status["name"].as_str().unwrap_or_default().to_owned();
                Ok((
                    name,
                    address
                        .parse()
                        .with_context(|| format!("not an address: {address}"))?,
                ))
            })
            .collect()
    }

    /// Every counter and gauge, with labels; whatever the filter had counted when this was asked is in it.
    pub async fn stats(&self) -> Result<Stats> {
        tokio::time::sleep(TOLD_WITHIN).await;
        Ok(Stats::read(&self.get("/stats/prometheus").await?.text()))
    }

    /// What Envoy runs with.
    pub async fn config_dump(&self) -> Result<Value> {
        self.get("/config_dump").await?.json()
    }

    /// How often the filter's configuration was taken or refused.
    pub async fn discovery(&self) -> Result<Discovery> {
        let path = "/stats?filter=^extension_config_discovery\\.http_filter\\.breakglass\\.update_";
        // The admin endpoint takes the expression percent-encoded.
        let answer = self
            .get(&path.replace('^', "%5E").replace('\\', "%5C"))
            .await?
            .text();
        let count = |name: &str| {
            let line = answer.lines().find(|line| line.contains(name));
            let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
            value.with_context(|| format!("Envoy does not count {name}"))
        };
        Ok(Discovery {
            attempts: count("update_attempt")?,
            accepted: count("update_success")?,
            rejected: count("update_rejected")?,
            failed: count("update_failure")?,
        })
    }

    async fn get(&self, path: &str) -> Result<http::Answer> {
        let answer = http::get(self.addr, path).await?;
        ensure!(
            answer.status == 200,
            "admin {path}: status {}: {}",
            answer.status,
            answer.text()
        );
        Ok(answer)
    }
}

/// The filter tells Envoy what it has counted on its tick, of 20 ms, and nothing says when it has.
const TOLD_WITHIN: Duration = Duration::from_millis(60);
