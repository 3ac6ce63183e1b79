//! The index of matches: the first rollout that takes a request, however many there are.
//!
//! A request costs a few hash lookups: one per host pattern that could apply, one per length of
//! path prefix that ends where a segment ends, one per header that rollouts below that prefix ask
//! for. Rollouts that differ in host, prefix or first header are never tried one by one.

use crate::policy::{Match, PathPrefix};
use crate::request::{HeaderId, Headers};
use crate::table::Table;

/// All rollouts' matches, by host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    exact: Table<Paths>,
    below: Table<Paths>,
    any: Paths,
}

/// The matches of one host, by path prefix.
#[derive(Clone, Debug, Default)]
struct Paths {
    /// Distinct lengths of the prefixes, each tried once.
    lengths: Vec<usize>,
    prefixes: Table<Node>,
}

/// The matches of one host and prefix, by their first header.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The first rollout that asks for no header.
    plain: Option<usize>,
    by_header: Vec<ByHeader>,
}

/// The rollouts of one node whose first condition is on the same header, by its value.
#[derive(Clone, Debug)]
struct ByHeader {
    header: HeaderId,
    values: Table<Vec<Candidate>>,
}

/// A rollout whose first header matched.
#[derive(Clone, Debug)]
struct Candidate {
    rollout: usize,
    others: Box<[(HeaderId, Box<[u8]>)]>,
}

// === impl Index ===

impl Index {
    /// Adds the match of the rollout at this place in the policy; places are added in order.
    pub(crate) fn insert(
        &mut self,
        rollout: usize,
        matches: &Match,
        header_id: impl Fn(&str) -> HeaderId,
    ) {
        let paths = match &matches.host {
            None => &mut self.any,
            Some(host) => {
                let (table, host) = match host.below() {
                    Some(domain) => (&mut self.below, domain),
                    None => (&mut self.exact, host.as_str()),
                };
                table.get_or_insert_with(host.as_bytes(), Paths::default)
            }
        };
        let prefix = matches.path_prefix.as_ref().map_or("", PathPrefix::as_str);
        let conditions = matches.headers.iter();
        let conditions: Vec<_> = conditions
            .map(|(name, value)| (header_id(name.as_str()), value.as_str().as_bytes().into()))
            .collect();
        paths.node(prefix.as_bytes()).insert(rollout, &conditions);
    }

    /// The first rollout whose match takes the request.
    pub(crate) fn find(&self, headers: &impl Headers) -> Option<usize> {
        let path = headers
            .get(HeaderId::PATH)
            .map(without_query)
            .unwrap_or_default();
        let mut best = self.any.find(path, headers, None);
        if self.exact.is_empty() && self.below.is_empty() {
            return best;
        }
        let authority = headers.get(HeaderId::AUTHORITY).unwrap_or_default();
        let host = without_port(authority);
        // Clients and proxies send hosts in lower case; copying is for the one that does not.
        let lowered;
        let host = if host.iter().any(u8::is_ascii_uppercase) {
            lowered = host.to_ascii_lowercase();
            &lowered
        } else {
            host
        };
        if let Some(paths) = self.exact.get(host) {
            best = paths.find(path, headers, best);
        }
        if !self.below.is_empty() {
            let mut rest = host;
            while let Some(dot) = rest.iter().position(|byte| *byte == b'.') {
                rest = rest
                    .split_at_checked(dot.saturating_add(1))
                    .map_or(&[], |(_, rest)| rest);
                if let Some(paths) = self.below.get(rest) {
                    best = paths.find(path, headers, best);
                }
            }
        }
        best
    }
}

// === impl Paths ===

impl Paths {
    fn node(&mut self, prefix: &[u8]) -> &mut Node {
        if !self.lengths.contains(&prefix.len()) {
            self.lengths.push(prefix.len());
        }
        self.prefixes.get_or_insert_with(prefix, Node::default)
    }

    /// The first rollout, before `best`, that takes a request for `path`.
    fn find(&self, path: &[u8], headers: &impl Headers, mut best: Option<usize>) -> Option<usize> {
        for length in &self.lengths {
            let Some((prefix, rest)) = path.split_at_checked(*length) else {
                continue;
            };
            // Without a prefix every path is taken, `*` of an OPTIONS request too.
            if !prefix.is_empty() && !rest.is_empty() && !rest.starts_with(b"/") {
                continue;
            }
            if let Some(node) = self.prefixes.get(prefix) {
                best = node.find(headers, best);
            }
        }
        best
    }
}

// === impl Node ===

impl Node {
    fn insert(&mut self, rollout: usize, conditions: &[(HeaderId, Box<[u8]>)]) {
        let Some(((header, value), others)) = conditions.split_first() else {
            self.plain.get_or_insert(rollout);
            return;
        };
        let place = self.by_header.iter().position(|by| by.header == *header);
        let by_header = match place.and_then(|place| self.by_header.get_mut(place)) {
            Some(by_header) => by_header,
            None => self.by_header.push_mut(ByHeader {
                header: *header,
                values: Table::default(),
            }),
        };
        let candidates = by_header.values.get_or_insert_with(value, Vec::new);
        candidates.push(Candidate {
            rollout,
            others: others.into(),
        });
    }

    fn find(&self, headers: &impl Headers, best: Option<usize>) -> Option<usize> {
        let mut best = earlier(best, self.plain);
        for ByHeader { header, values } in &self.by_header {
            let Some(candidates) = headers.get(*header).and_then(|value| values.get(value)) else {
                continue;
            };
            let met = |candidate: &&Candidate| {
                let mut others = candidate.others.iter();
                others.all(|(id, value)| headers.get(*id) == Some(value))
            };
            best = earlier(
                best,
                candidates
                    .iter()
                    .find(met)
                    .map(|candidate| candidate.rollout),
            );
        }
        best
    }
}

fn earlier(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The path as it is matched: without query and fragment.
fn without_query(path: &[u8]) -> &[u8] {
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#'));
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The host of an authority: without its port and without the root's dot.
fn without_port(authority: &[u8]) -> &[u8] {
    let digits = authority
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let before = authority.len().saturating_sub(digits);
    let host = match authority
        .get(..before)
        .and_then(|head| head.strip_suffix(b":"))
    {
        // "::1" without brackets is an address, not a host with a port.
        Some(host) if !host.contains(&b':') || host.ends_with(b"]") => host,
        _ => authority,
    };
    host.strip_suffix(b".").unwrap_or(host)
}

#[cfg(test)]
mod tests;
