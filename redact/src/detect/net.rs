//! IP and MAC addresses.

use crate::entity::Entity;

use super::Sight;
use super::text::LETTER;

/// Looks at the address whose first digit is at `index`.
pub(super) fn look(sight: &mut Sight<'_>, index: usize) {
    let mut start = index;
    let (mut colons, mut digits) = (false, false);
    while start > 0 {
        match sight.text.before(start) {
            b'0'..=b'9' => digits = true,
            b'a'..=b'f' | b'A'..=b'F' => {}
            b':' => colons = true,
            _ => break,
        }
        start = start.saturating_sub(1);
        // An earlier digit has been an anchor already, and more of the same tells no more.
        if colons && digits {
            break;
        }
    }
    let is_near_one = colons || sight.text.get(index) == b':';
    if !is_near_one && !may_begin(sight, start) {
        return;
    }
    // The separators of a MAC address may be dashes, dots or spaces behind letters.
    // An earlier digit of the same address has been an anchor already.
    if sight.profile.wants(Entity::MacAddress) {
        let first = mac_start(sight, index);
        if let Some(first) = first
            && (first..index).all(|at| !sight.text.get(at).is_ascii_digit())
        {
            mac(sight, first);
        }
    }
    if !sight.profile.wants(Entity::IpAddress) || digits {
        return;
    }
    if start == index {
        v4_address(sight, start);
    }
    v6_address(sight, start);
}

/// Whether the group at `start` may be one of an address, by its size and what stands around it.
fn may_begin(sight: &mut Sight<'_>, start: usize) -> bool {
    if matches!(sight.text.before(start), b'-' | b'.') {
        return true;
    }
    let mut size = 0_usize;
    while size < 5
        && sight
            .text
            .get(start.saturating_add(size))
            .is_ascii_hexdigit()
    {
        size = size.saturating_add(1);
    }
    match sight.text.get(start.saturating_add(size)) {
        b':' | b'.' => (1..=4).contains(&size),
        b'-' => size == 2,
        b' ' => size == 2 && sight.hints.bare,
        _ => false,
    }
}

fn v4_address(sight: &mut Sight<'_>, start: usize) {
    let left = sight.left_of(start);
    let second = sight.second_left_of(start);
    let begins = match left {
        b'.' | b'-' => !second.is_ascii_alphanumeric(),
        b':' => !second.is_ascii_hexdigit(),
        // Chrome/126.0.0.0
        b'/' => !second.is_ascii_alphanumeric(),
        b'_' | b'%' | b'\\' | LETTER => false,
        byte => !byte.is_ascii_alphanumeric(),
    };
    let Some((octets, end)) = begins.then(|| v4(sight, start)).flatten() else {
        return;
    };
    let ends = match sight.text.get(end) {
        b'.' | b'-' => !sight
            .text
            .get(end.saturating_add(1))
            .is_ascii_alphanumeric(),
        b'_' | LETTER => false,
        byte => !byte.is_ascii_alphanumeric(),
    };
    // Sections and object identifiers have such numbers, and hardly any address.
    let all_below = |limit: u8| octets.iter().all(|octet| *octet < limit);
    let low = (all_below(32) || (octets.first() <= Some(&2) && all_below(100)))
        && !matches!(octets, [10, ..] | [0, 0, 0, 0]);
    if ends
        && (!low || sight.supported(Entity::IpAddress, start, end))
        && !is_version(sight, start)
        && !(sight.profile.ignore_private_ips && is_private_v4(octets))
    {
        let end = prefix_length(sight, end, 32);
        sight.propose(Entity::IpAddress, start, end, 8);
    }
}

/// Four numbers up to 255 without leading zeros, and where they end.
fn v4(sight: &mut Sight<'_>, start: usize) -> Option<([u8; 4], usize)> {
    let mut octets = [0; 4];
    let mut index = start;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            if sight.text.get(index) != b'.' {
                return None;
            }
            index = index.saturating_add(1);
        }
        let from = index;
        let mut value = 0_u16;
        while index.saturating_sub(from) < 4 && sight.text.get(index).is_ascii_digit() {
            let digit = u16::from(sight.text.get(index).wrapping_sub(b'0'));
            value = value.saturating_mul(10).saturating_add(digit);
            index = index.saturating_add(1);
        }
        let size = index.saturating_sub(from);
        if !(1..=3).contains(&size) || (size > 1 && sight.text.get(from) == b'0') {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
    }
    Some((octets, index))
}

/// Loopback, private, shared, link-local and unspecified (RFC 1918, RFC 6598, RFC 3927).
fn is_private_v4(octets: [u8; 4]) -> bool {
    matches!(
        octets,
        [0 | 10 | 127, ..]
            | [192, 168, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [100, 64..=127, ..]
    )
}

/// Whether the word before says that this is the version of something.
fn is_version(sight: &mut Sight<'_>, start: usize) -> bool {
    let text = sight.left_text(start);
    let end = text
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .map_or(0, |last| last.saturating_add(1));
    let gap = text.len().saturating_sub(end);
    let word = text.get(..end).unwrap_or_default();
    gap <= 4
        && [
            &b"version"[..],
            b"ver",
            b"release",
            b"build",
            b"section",
            b"oid",
            b"chapter",
        ]
        .iter()
        .any(|known| word.ends_with(known))
}

fn v6_address(sight: &mut Sight<'_>, start: usize) {
    let left = sight.left_of(start);
    if left.is_ascii_alphanumeric() || matches!(left, b':' | b'_' | b'.' | LETTER) {
        return;
    }
    if left == b'-' && sight.second_left_of(start).is_ascii_alphanumeric() {
        return;
    }
    let Some(address) = V6::read(sight, start) else {
        return;
    };
    let next = sight.text.get(address.end);
    let more = matches!(next, b'.' | b':')
        && sight
            .text
            .get(address.end.saturating_add(1))
            .is_ascii_alphanumeric();
    if more
        || next.is_ascii_alphanumeric()
        || matches!(next, b'_' | LETTER)
        || (next == b':' && address.short)
    {
        return;
    }
    if sight.profile.ignore_private_ips && address.is_private() {
        return;
    }
    // Few groups are as likely a path in a program or a slice of a list.
    let certain = address.groups >= 3 || address.is_known_range();
    if !certain && !sight.supported(Entity::IpAddress, start, address.end) {
        return;
    }
    let Some(end) = zone(sight, address.end) else {
        return;
    };
    let end = prefix_length(sight, end, 128);
    sight.propose(Entity::IpAddress, start, end, 9);
}

/// An IPv6 address as it is written (RFC 4291).
struct V6 {
    /// Groups that are written, an IPv4 address at the end counted as two.
    groups: usize,
    first: u16,
    last: u16,
    /// Whether `::` stands for some.
    short: bool,
    end: usize,
}

impl V6 {
    fn read(sight: &mut Sight<'_>, start: usize) -> Option<Self> {
        let mut address = Self {
            groups: 0,
            first: 0,
            last: 0,
            short: false,
            end: start,
        };
        let mut index = start;
        if sight.text.get(index) == b':' {
            if sight.text.get(index.saturating_add(1)) != b':' {
                return None;
            }
            address.short = true;
            index = index.saturating_add(2);
            address.end = index;
        }
        loop {
            let may_be_v4 =
                (1..=6).contains(&address.groups) || (address.groups == 0 && address.short);
            if may_be_v4
                && let Some((_, end)) = v4(sight, index)
                && !sight.text.get(end).is_ascii_alphanumeric()
            {
                address.groups = address.groups.saturating_add(2);
                address.last = 1;
                address.end = end;
                break;
            }
            let from = index;
            let mut value = 0_u16;
            while index.saturating_sub(from) < 5 && sight.text.get(index).is_ascii_hexdigit() {
                let digit = char::from(sight.text.get(index)).to_digit(16).unwrap_or(0);
                value = value.wrapping_shl(4) | u16::try_from(digit).unwrap_or(0);
                index = index.saturating_add(1);
            }
            match index.saturating_sub(from) {
                0 => break,
                1..=4 => {}
                _ => return None,
            }
            if address.groups == 0 && !address.short {
                address.first = value;
            }
            address.last = value;
            address.groups = address.groups.saturating_add(1);
            address.end = index;
            if sight.text.get(index) == b'.'
                && sight.text.get(index.saturating_add(1)).is_ascii_digit()
            {
                return None;
            }
            if sight.text.get(index) != b':' {
                break;
            }
            if sight.text.get(index.saturating_add(1)) == b':' {
                if address.short {
                    return None;
                }
                address.short = true;
                index = index.saturating_add(2);
                address.end = index;
                address.last = 0;
            } else {
                index = index.saturating_add(1);
                if !sight.text.get(index).is_ascii_hexdigit() {
                    break;
                }
            }
        }
        let whole = if address.short {
            address.groups <= 7 && address.groups > 0
        } else {
            address.groups == 8
        };
        whole.then_some(address)
    }

    fn is_private(&self) -> bool {
        matches!(self.first, 0xFC00..=0xFDFF | 0xFE80..=0xFEBF)
            || (self.first == 0 && self.groups == 1 && self.last == 1)
    }

    /// Global unicast, unique local, link-local, multicast, loopback.
    fn is_known_range(&self) -> bool {
        let known = matches!(self.first, 0x2000..=0x3FFF | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF | 0xFF00..=0xFF0F);
        self.short
            && self.groups >= 1
            && (known || (self.first == 0 && self.groups == 1 && self.last == 1))
    }
}

/// Where the zone behind an address ends, `%eth0`; nowhere if it is longer than a name of one.
fn zone(sight: &mut Sight<'_>, end: usize) -> Option<usize> {
    if sight.text.get(end) != b'%'
        || !sight
            .text
            .get(end.saturating_add(1))
            .is_ascii_alphanumeric()
    {
        return Some(end);
    }
    let from = end.saturating_add(1);
    let mut index = from;
    while matches!(sight.text.get(index), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-') {
        index = index.saturating_add(1);
        if index.saturating_sub(from) > 15 {
            return None;
        }
    }
    Some(index)
}

/// Where the prefix length behind an address ends, `/24`.
fn prefix_length(sight: &mut Sight<'_>, end: usize, most: u16) -> usize {
    if sight.text.get(end) != b'/' {
        return end;
    }
    let from = end.saturating_add(1);
    let mut index = from;
    let mut value = 0_u16;
    while index.saturating_sub(from) < 4 && sight.text.get(index).is_ascii_digit() {
        let digit = u16::from(sight.text.get(index).wrapping_sub(b'0'));
        value = value.saturating_mul(10).saturating_add(digit);
        index = index.saturating_add(1);
    }
    let next = sight.text.get(index);
    let over = !(next.is_ascii_alphanumeric() || matches!(next, b'/' | b'_' | b'-'));
    if index > from && value <= most && over {
        index
    } else {
        end
    }
}

/// Where a MAC address would begin whose first digit is at `index`: with the first of the groups that
/// are joined to it; nowhere if there are too many.
fn mac_start(sight: &mut Sight<'_>, index: usize) -> Option<usize> {
    let mut at = index;
    while at > 0 && sight.text.before(at).is_ascii_hexdigit() {
        at = at.saturating_sub(1);
    }
    loop {
        let size: usize = match sight.text.before(at) {
            b':' | b'-' => 2,
            b'.' => 4,
            _ => return Some(at),
        };
        let Some(first) = at.checked_sub(size.saturating_add(1)) else {
            return Some(at);
        };
        let group = (first..at.saturating_sub(1)).all(|at| sight.text.get(at).is_ascii_hexdigit());
        // `mac:00:1A:…` begins behind the word.
        if !group || sight.left_of(first).is_ascii_alphanumeric() {
            return Some(at);
        }
        at = first;
        if index.saturating_sub(at) > MAC_CHARS {
            return None;
        }
    }
}

/// Whether what is before the separator at the left of `start` is a word, and no group of a longer
/// chain.
fn follows_word(sight: &Sight<'_>, start: usize) -> bool {
    let at = sight.raw_begin(start).saturating_sub(1);
    let before = sight.raw.get(..at).unwrap_or_default();
    let run = before
        .iter()
        .rev()
        .take(8)
        .take_while(|byte| byte.is_ascii_alphanumeric());
    run.clone().count() > 2 && run.clone().all(u8::is_ascii_alphabetic)
}

/// Six or eight pairs of hexadecimal digits, or groups of four with dots (IEEE 802).
fn mac(sight: &mut Sight<'_>, start: usize) {
    let left = sight.left_of(start);
    if left.is_ascii_alphanumeric() || matches!(left, b'_' | LETTER) {
        return;
    }
    if matches!(left, b':' | b'-' | b'.') && !follows_word(sight, start) {
        return;
    }
    let mut size = 0_usize;
    while sight
        .text
        .get(start.saturating_add(size))
        .is_ascii_hexdigit()
        && size < 5
    {
        size = size.saturating_add(1);
    }
    let separator = sight.text.get(start.saturating_add(size));
    let counts: &[usize] = match (size, separator) {
        (2, b':' | b'-' | b' ') => &[6, 8],
        (4, b'.') => &[3, 4],
        _ => return,
    };
    let mut index = start;
    let mut groups = 0_usize;
    let mut bits = (0_u8, u8::MAX);
    loop {
        for _ in 0..size {
            let Some(digit) = char::from(sight.text.get(index)).to_digit(16) else {
                return;
            };
            let digit = u8::try_from(digit).unwrap_or(0);
            bits = (bits.0 | digit, bits.1 & digit);
            index = index.saturating_add(1);
        }
        groups = groups.saturating_add(1);
        if sight.text.get(index).is_ascii_alphanumeric() {
            return;
        }
        let more = sight.text.get(index) == separator
            && sight.text.get(index.saturating_add(1)).is_ascii_hexdigit();
        if !more || groups > 8 {
            break;
        }
        index = index.saturating_add(1);
    }
    let next = sight.text.get(index);
    let goes_on = matches!(next, b':' | b'-' | b'.')
        && sight
            .text
            .get(index.saturating_add(1))
            .is_ascii_alphanumeric();
    // Nobody has the address of all ones, which is everybody's, nor that of all zeros.
    let nobody = bits.0 == 0 || bits.1 & 0xF == 0xF;
    if !counts.contains(&groups) || goes_on || nobody || matches!(next, b'_' | LETTER) {
        return;
    }
    if separator != b' ' || sight.is_bare(start, index) {
        sight.propose(Entity::MacAddress, start, index, 10);
    }
}

/// Characters of the longest MAC address.
const MAC_CHARS: usize = 23;
