//! Header maps and their encoding in the guest's memory.

use std::fmt;

use crate::status::Status;

/// An ordered list of headers. Names are lower case, values are bytes, names may repeat.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Which headers of which message: the map types of the ABI that a filter on HTTP streams meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapType {
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
    ResponseTrailers,
    /// Maps of gRPC and HTTP calls, which this host never has.
    OfCall,
}

// === impl Headers ===

impl Headers {
    /// The first value of a name, as proxy-wasm hosts answer it.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        let entry = self
            .entries
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&entry.1)
    }

    /// The first value of a name as text; bytes that are not UTF-8 show as U+FFFD.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.entries
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }

    /// Whether a name is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends a value. Pseudo-headers go before all others, as in Envoy's map.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let entry = (name.to_ascii_lowercase(), value.to_vec());
        if !entry.0.starts_with(b":") {
            return self.entries.push(entry);
        }
        let at = self
            .entries
            .iter()
            .position(|(key, _)| !key.starts_with(b":"))
            .unwrap_or(self.entries.len());
        self.entries.insert(at, entry);
    }

    /// Removes every value of a name and appends this one: Envoy's `setCopy`.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.entries
            .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    /// Number of pairs, the sizes of each pair, then names and values, each ended by a zero byte.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let sizes = 4 + 8 * self.entries.len();
        let text: usize = self
            .entries
            .iter()
            .map(|(k, v)| k.len() + v.len() + 2)
            .sum();
        let mut bytes = Vec::with_capacity(sizes + text);
        bytes.extend_from_slice(&word(self.entries.len()));
        for (key, value) in &self.entries {
            bytes.extend_from_slice(&word(key.len()));
            bytes.extend_from_slice(&word(value.len()));
        }
        for (key, value) in &self.entries {
            bytes.extend_from_slice(key);
            bytes.push(0);
            bytes.extend_from_slice(value);
            bytes.push(0);
        }
        bytes
    }

    /// Reads what a guest wrote. proxy-wasm-cpp-host takes malformed pairs for an empty list; the caller
    /// decides whether to tell.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let count = word_at(bytes, 0)?;
        let mut at = count.checked_mul(8)?.checked_add(4)?;
        let mut headers = Self::default();
        for pair in 0..count {
            let key = word_at(bytes, 4 + 8 * pair)?;
            let value = word_at(bytes, 8 + 8 * pair)?;
            let name = text_at(bytes, &mut at, key)?;
            let text = text_at(bytes, &mut at, value)?;
            headers.add(name, text);
        }
        Some(headers)
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.add(name.as_ref(), value.as_ref());
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &Vec<u8>| bytes.escape_ascii().to_string();
        f.debug_map()
            .entries(self.entries.iter().map(|(k, v)| (text(k), text(v))))
            .finish()
    }
}

// === impl MapType ===

impl MapType {
    pub(crate) fn from_abi(map: u32) -> Result<Self, Status> {
        match map {
            0 => Ok(Self::RequestHeaders),
            1 => Ok(Self::RequestTrailers),
            2 => Ok(Self::ResponseHeaders),
            3 => Ok(Self::ResponseTrailers),
            4..=7 => Ok(Self::OfCall),
            _ => Err(Status::BadArgument),
        }
    }
}

/// Whether a name and value could end the line they stand on. Envoy asserts against such bytes in debug
/// builds and sends them in release builds.
pub(crate) fn splits_the_message(name: &[u8], value: &[u8]) -> bool {
    let bad = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    name.iter().any(bad) || value.iter().any(bad)
}

fn word(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()
}

fn word_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    let word: [u8; 4] = word.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(word)).ok()
}

fn text_at<'a>(bytes: &'a [u8], at: &mut usize, len: usize) -> Option<&'a [u8]> {
    let end = at.checked_add(len)?;
    let text = bytes.get(*at..end)?;
    *at = end.checked_add(1)?;
    (bytes.get(end) == Some(&0)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_the_guest_encoding() {
        let headers: Headers = [
            (":path", b"/".as_slice()),
            ("x-user", b"\xff\xfe".as_slice()),
            ("x-empty", b"".as_slice()),
        ]
        .into_iter()
        .collect();
        assert_eq!(Headers::decode(&headers.encode()), Some(headers));
    }

    #[test]
    fn malformed_pairs_are_told_from_no_pairs() {
        assert_eq!(Headers::decode(&[]), Some(Headers::default()));
        assert_eq!(Headers::decode(&[1, 0, 0]), None);
        assert_eq!(Headers::decode(&[255, 255, 255, 255]), None);
        assert_eq!(
            Headers::decode(&[1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, b'a']),
            None
        );
    }

    #[test]
    fn set_replaces_every_value_of_a_name() {
        let mut headers: Headers = [("A", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        headers.set(b"a", b"4");
        let entries: Vec<_> = headers.iter().collect();
        assert_eq!(entries, [(&b"b"[..], &b"2"[..]), (&b"a"[..], &b"4"[..])]);
    }

    #[test]
    fn pseudo_headers_stay_in_front() {
        let mut headers: Headers = [(":method", "GET"), ("a", "1")].into_iter().collect();
        headers.set(b":path", b"/");
        let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b":method"[..], b":path", b"a"]);
    }
}
