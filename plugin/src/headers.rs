//! The headers of one request: read from the proxy once, kept as far as the policy asks for them.

use breakglass_policy::{HeaderId, Headers, Router, Table};

use crate::host::{self, HeaderPairs, Map, Status};

/// The values that a router may ask for, by header.
#[derive(Debug)]
pub(crate) struct RequestHeaders<'a> {
    values: Vec<Value<'a>>,
    /// Headers that the filter sets, as the client sent them: to be removed. None where there are
    /// more than [`MAX_FORGED`].
    forged: Option<Vec<&'a [u8]>>,
}

/// The names of headers that only the filter may set.
#[derive(Debug, Default)]
pub(crate) struct OwnHeaders {
    /// What the arms of the policy set, beside everything that begins with `x-breakglass-`.
    of_arms: Table<()>,
}

#[derive(Clone, Debug)]
enum Value<'a> {
    Absent,
    Once(&'a [u8]),
    Joined(Vec<u8>),
}

// === impl RequestHeaders ===

impl<'a> RequestHeaders<'a> {
    pub(crate) fn pairs() -> Result<HeaderPairs, Status> {
        host::header_pairs(Map::Request)
    }

    /// Sorts out the headers of a request in one pass.
    pub(crate) fn new(pairs: &'a HeaderPairs, router: &Router, own: &OwnHeaders) -> Self {
        let mut values = vec![Value::Absent; router.headers()];
        let mut forged = Vec::new();
        for (name, value) in pairs.iter() {
            if own.contains(name) {
                if forged.len() <= MAX_FORGED && !forged.contains(&name) {
                    forged.push(name);
                }
            } else if let Some(slot) = router
                .header_id(name)
                .and_then(|id| values.get_mut(id.index()))
            {
                slot.join(name, value);
            }
        }
        Self {
            values,
            forged: (forged.len() <= MAX_FORGED).then_some(forged),
        }
    }

    /// The headers to remove, each named once; `None` if the client sent beyond all measure.
    pub(crate) fn forged(&self) -> Option<&[&'a [u8]]> {
        self.forged.as_deref()
    }
}

impl Headers for RequestHeaders<'_> {
    fn get(&self, id: HeaderId) -> Option<&[u8]> {
        match self.values.get(id.index())? {
            Value::Absent => None,
            Value::Once(value) => Some(value),
            Value::Joined(value) => Some(value),
        }
    }
}

// === impl OwnHeaders ===

impl OwnHeaders {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut of_arms = Table::default();
        for name in names {
            of_arms.get_or_insert_with(name.as_bytes(), || ());
        }
        Self { of_arms }
    }

    fn contains(&self, name: &[u8]) -> bool {
        // Most names are told apart by their third byte.
        (name.get(2) == PREFIX.get(2) && name.starts_with(PREFIX))
            || (!self.of_arms.is_empty() && self.of_arms.get(name).is_some())
    }
}

// === impl Value ===

impl<'a> Value<'a> {
    fn join(&mut self, name: &[u8], value: &'a [u8]) {
        let joined = match self {
            Self::Absent => {
                *self = Self::Once(value);
                return;
            }
            Self::Once(first) => first.to_vec(),
            Self::Joined(joined) => std::mem::take(joined),
        };
        let separator: &[u8] = if name == b"cookie" { b"; " } else { b"," };
        *self = Self::Joined([joined.as_slice(), separator, value].concat());
    }
}

const PREFIX: &[u8] = b"x-breakglass-";
/// Different names of forged headers in one request. Each is looked for among the others and costs
/// a call; a policy's arms set fewer, so a client that sends more is up to something.
const MAX_FORGED: usize = 128;

/// The headers that the filter stamps on a request, and the one that a client may see.
pub(crate) mod name {
    pub(crate) const ROLLOUT: &str = "x-breakglass-rollout";
    pub(crate) const ARM: &str = "x-breakglass-arm";
    pub(crate) const VERSION: &str = "x-breakglass-version";
    pub(crate) const GENERATION: &str = "x-breakglass-generation";
    pub(crate) const CLUSTER: &str = "x-breakglass-cluster";
}
