//! The operator's end of the filter.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::http::{self, Answer};

/// The operator endpoint of one Envoy.
#[derive(Clone, Debug)]
pub struct Operator {
    addr: SocketAddr,
}

/// Who gets what after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// Everyone goes to the old version.
    Rollback,
    /// The agent answers nobody.
    Block,
}

/// What a kill does to answers that are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// They may finish.
    Drain,
    /// They end now.
    Cut,
}

// === impl Operator ===

impl Operator {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self { addr }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `GET /v1/state`.
    pub async fn state(&self) -> Result<Value> {
        let answer = http::get(self.addr, "/v1/state").await?;
        ensure!(
            answer.status == 200,
            "state: status {}: {}",
            answer.status,
            answer.text()
        );
        answer.json()
    }

    /// Posts an envelope; whatever the answer.
    pub async fn signed(&self, envelope: &Value) -> Result<Answer> {
        self.post(crate::people::ENVELOPE, envelope.to_string())
            .await
    }

    /// Posts an unsigned JSON order; whatever the answer.
    pub async fn order(&self, order: &Value) -> Result<Answer> {
        self.post(ORDER_JSON, order.to_string()).await
    }

    /// Orders the kill of a rollout.
    pub async fn kill(
        &self,
        rollout: &str,
        generation: u64,
        kill: Kill,
        in_flight: InFlight,
    ) -> Result<Answer> {
        let mode = match kill {
            Kill::Rollback => "rollback",
            Kill::Block => "block",
        };
        let in_flight = match in_flight {
            InFlight::Drain => "drain",
            InFlight::Cut => "cut",
        };
        let kill = json!({"mode": mode, "in_flight": in_flight});
        self.order(&json!({"rollout": rollout, "generation": generation, "kill": kill}))
            .await
    }

    /// Orders that every entity is masked in the answers and requests of a rollout, whatever its
    /// policy says, open streams included.
    pub async fn mask_all(&self, rollout: &str, generation: u64) -> Result<Answer> {
        let redaction = "mask_all";
        self.order(&json!({"rollout": rollout, "generation": generation, "redaction": redaction}))
            .await
    }

    /// Posts anything as an order.
    pub async fn post(
        &self,
        content_type: &str,
        body: impl Into<hyper::body::Bytes>,
    ) -> Result<Answer> {
        http::post(self.addr, "/v1/orders", content_type, body).await
    }

    /// `GET` of any path of the endpoint.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        http::get(self.addr, path).await
    }
}

/// The content type of an unsigned order in JSON.
const ORDER_JSON: &str = "application/vnd.breakglass.order+json";
