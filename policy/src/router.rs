//! The router: a policy compiled once, asked for every request.

use std::borrow::Cow;
use std::fmt;

use crate::index::Index;
use crate::policy::Policy;
use crate::request::{HeaderId, Headers};
use crate::table::Table;
use crate::unit::{self, Unit, UnitSource, UnitSources};

/// Finds the rollout of a request and its unit.
///
/// It names every header that it will ever ask for by a small number, so that the caller can
/// collect them in one pass over the request and drop the rest.
#[derive(Clone, Debug)]
pub struct Router {
    names: Table<HeaderId>,
    index: Index,
    units: Vec<Box<[Source]>>,
}

/// The place of a rollout in its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RolloutId(usize);

#[derive(Clone, Debug)]
struct Source {
    header: HeaderId,
    source: UnitSource,
}

// === impl Router ===

impl Router {
    /// Compiles the rollouts of a policy.
    pub fn new(policy: &Policy) -> Self {
        let mut router = Self {
            names: Table::default(),
            index: Index::default(),
            units: Vec::new(),
        };
        router.intern(AUTHORITY);
        router.intern(PATH);
        for (place, rollout) in policy.rollouts.iter().enumerate() {
            for (name, _) in rollout.matches.headers.iter() {
                router.intern(name.as_str());
            }
            let names = &router.names;
            let id = |name: &str| {
                names
                    .get(name.as_bytes())
                    .copied()
                    .unwrap_or(HeaderId::PATH)
            };
            router.index.insert(place, &rollout.matches, id);
            let sources = router.sources(&rollout.unit);
            router.units.push(sources);
        }
        router
    }

    /// How many headers the router may ask for; their numbers are below this.
    pub fn headers(&self) -> usize {
        self.names.len()
    }

    /// The number of the header with this name in lower case, if the router may ask for it.
    pub fn header_id(&self, name: &[u8]) -> Option<HeaderId> {
        self.names.get(name).copied()
    }

    /// The first rollout that takes the request.
    pub fn find(&self, headers: &impl Headers) -> Option<RolloutId> {
        self.index.find(headers).map(RolloutId)
    }

    /// The unit of a request of this rollout: the first source that has one.
    pub fn unit<'a>(&'a self, rollout: RolloutId, headers: &'a impl Headers) -> Unit<'a> {
        let sources = self.units.get(rollout.0).map_or(&[][..], |sources| sources);
        for Source { header, source } in sources {
            let value = headers.get(*header);
            let unit: Option<Cow<'a, [u8]>> = match source {
                UnitSource::Header(_) => value.map(Cow::Borrowed),
                UnitSource::Cookie(name) => value
                    .and_then(|value| unit::cookie(value, name))
                    .map(Cow::Borrowed),
                UnitSource::JwtClaim(claim) => value
                    .and_then(|value| unit::jwt_claim(value, claim))
                    .map(Cow::Owned),
                UnitSource::RandomCookie(cookie) => {
                    let sent = value.and_then(|value| unit::cookie(value, &cookie.name));
                    match sent.filter(|unit| unit::usable(unit)) {
                        Some(unit) => Some(Cow::Borrowed(unit)),
                        None => return Unit::Mint(cookie),
                    }
                }
            };
            if let Some(unit) = unit.filter(|unit| unit::usable(unit)) {
                return Unit::Known(unit);
            }
        }
        Unit::Missing
    }

    fn sources(&mut self, sources: &UnitSources) -> Box<[Source]> {
        let header = |source: &UnitSource| self.intern(source.header_name());
        let headers: Vec<_> = sources.iter().map(header).collect();
        let sources = headers.into_iter().zip(sources.iter().cloned());
        sources
            .map(|(header, source)| Source { header, source })
            .collect()
    }

    fn intern(&mut self, name: &str) -> HeaderId {
        // The limits of a policy keep the number of names far below 2^32.
        let next = HeaderId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        *self.names.get_or_insert_with(name.as_bytes(), || next)
    }
}

// === impl RolloutId ===

impl RolloutId {
    /// The place, for use as an index.
    pub fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const AUTHORITY: &str = ":authority";
const PATH: &str = ":path";

#[cfg(test)]
mod tests;
