//! Errors as the outside sees them: `application/problem+json` (RFC 9457).

use serde::Serialize;

use crate::host::{self, Status};

/// One problem.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// Where in the document sent the error is.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What is in force instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<breakglass_policy::Control>,
    #[serde(skip)]
    header: Option<(&'static str, &'static str)>,
}

// === impl Problem ===

impl Problem {
    /// A problem of the kind `urn:breakglass:…`.
    pub(crate) fn new(
        status: u16,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status,
            detail: detail.into(),
            path: None,
            control: None,
            header: None,
        }
    }

    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = (!path.is_empty()).then(|| path.to_owned());
        self
    }

    pub(crate) fn with_control(mut self, control: breakglass_policy::Control) -> Self {
        self.control = Some(control);
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// What an order that ended in this problem is counted as.
    pub(crate) fn order_result(&self) -> &'static str {
        match self.status {
            401 => "unsigned",
            403 => "not_permitted",
            409 => "stale",
            503 => "failed",
            _ => "malformed",
        }
    }

    /// Answers the request of the effective context with this problem.
    pub(crate) fn respond(&self) -> Result<(), Status> {
        let mut headers = vec![("content-type", "application/problem+json")];
        headers.extend(self.header);
        let body = serde_json::to_vec(self).unwrap_or_default();
        host::respond(self.status, &headers, &body)
    }

    /// As [`Self::respond`], for a request that a proxy may have dropped meanwhile.
    pub(crate) fn respond_or_drop(&self) {
        let _ = self.respond();
    }
}

/// Answers the call of the effective context with a document.
pub(crate) fn send_json(document: &impl Serialize) {
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
    ];
    let body = serde_json::to_vec(document).unwrap_or_default();
    // A call that is gone meanwhile needs no answer.
    let _ = host::respond(200, &headers, &body);
}
