//! What has an `@`: e-mail, UPI and health-account addresses.

use crate::check;
use crate::entity::Entity;
use crate::limits;

use super::secret::Swallow;
use super::text::{LETTER, WIDE};
use super::{Candidate, Sight};

/// Looks at what is around the `@` at `at`.
pub(super) fn look(sight: &mut Sight<'_>, at: usize) {
    let Some(start) = local_part(sight, at) else {
        return;
    };
    email(sight, start, at);
    handle(sight, start, at);
}

/// Where the local part before the `@` begins (RFC 5321: at most 64 characters).
fn local_part(sight: &mut Sight<'_>, at: usize) -> Option<usize> {
    let mut start = at;
    let mut dots = false;
    while start > 0 {
        let char = sight.text.before(start);
        if !(char.is_ascii_alphanumeric()
            || matches!(char, b'.' | b'_' | b'%' | b'+' | b'-' | LETTER))
        {
            break;
        }
        dots |= char == b'.' && sight.text.get(start) == b'.';
        start = start.saturating_sub(1);
    }
    while start < at && matches!(sight.text.get(start), b'.' | b'-' | b'%' | b'+') {
        start = start.saturating_add(1);
    }
    let size = at.saturating_sub(start);
    let whole = sight.left_of(start);
    // What goes on to the left is longer than any local part.
    let cut = start == 0 && (whole == LETTER || whole.is_ascii_alphanumeric());
    let last = sight.text.before(at);
    (!dots && !cut && (1..=64).contains(&size) && last != b'.').then_some(start)
}

fn email(sight: &mut Sight<'_>, start: usize, at: usize) {
    if !sight.profile.wants(Entity::EmailAddress) {
        return;
    }
    let mut index = at.saturating_add(1);
    let mut labels = 0_usize;
    let mut end = None;
    let mut goes_on = false;
    loop {
        let label = index;
        let (mut letters, mut dashes) = (0_usize, 0_usize);
        loop {
            let char = sight.text.get(index);
            let letter = char.is_ascii_alphabetic() || matches!(char, LETTER | WIDE);
            dashes = if char == b'-' {
                dashes.saturating_add(1)
            } else {
                0
            };
            // No name has three dashes in a row: a line begins, or a private key.
            if !(letter || char.is_ascii_digit() || char == b'-') || dashes > 2 {
                break;
            }
            letters = letters.saturating_add(usize::from(letter));
            index = index.saturating_add(1);
            if index.saturating_sub(start) >= LONG {
                break;
            }
        }
        let mut size = index.saturating_sub(label);
        while size > 0 && sight.text.before(label.saturating_add(size)) == b'-' {
            size = size.saturating_sub(1);
        }
        if size == 0 || size > 63 || sight.text.get(label) == b'-' {
            break;
        }
        labels = labels.saturating_add(1);
        let top = letters == size || is_punycode(sight, label);
        if labels >= 2 && top && size >= 2 && !is_file_ending(sight, label, size) {
            end = Some(label.saturating_add(size));
        }
        goes_on = index.saturating_sub(start) >= LONG;
        if goes_on || sight.text.get(index) != b'.' {
            break;
        }
        index = index.saturating_add(1);
    }
    let Some(end) = end else { return };
    // `git@github.com:owner/repo` names a host, not a person.
    if at.saturating_sub(start) == 3
        && sight.text.get(end) == b':'
        && [b'g', b'i', b't']
            .iter()
            .zip(start..at)
            .all(|(byte, index)| sight.text.get(index) == *byte)
    {
        return;
    }
    let goes_on = (goes_on && end == index).then_some(Swallow::Domain);
    sight.put(Candidate {
        start,
        end,
        kind: Entity::EmailAddress.into(),
        strength: 12,
        goes_on,
    });
}

fn is_punycode(sight: &mut Sight<'_>, label: usize) -> bool {
    b"xn--"
        .iter()
        .zip(label..)
        .all(|(byte, index)| sight.text.get(index).eq_ignore_ascii_case(byte))
}

/// Whether the label is no top-level domain but the ending of a file: `icon@2x.png`.
fn is_file_ending(sight: &mut Sight<'_>, label: usize, size: usize) -> bool {
    if size > 7 {
        return false;
    }
    let mut ending = 0;
    for index in label..label.saturating_add(size) {
        ending = in_one(ending, sight.text.get(index).to_ascii_lowercase());
    }
    ENDINGS.contains(&ending)
}

/// Some letters and one more in one number.
const fn in_one(letters: u64, letter: u8) -> u64 {
    letters << 8 | letter as u64
}

const fn ending(name: &[u8]) -> u64 {
    let (mut letters, mut rest) = (0, name);
    while let [letter, others @ ..] = rest {
        letters = in_one(letters, *letter);
        rest = others;
    }
    letters
}

/// `name@okaxis`, `name@abdm`: a handle without a dot, from a list.
fn handle(sight: &mut Sight<'_>, start: usize, at: usize) {
    if !sight.profile.wants(Entity::InUpiId) && !sight.profile.wants(Entity::InAbhaAddress) {
        return;
    }
    let mut handle = [0; 24];
    let first = at.saturating_add(1);
    let mut index = first;
    while sight.text.get(index).is_ascii_alphanumeric() {
        if index.saturating_sub(first) == handle.len() {
            return;
        }
        index = index.saturating_add(1);
    }
    let goes_on = match sight.text.get(index) {
        b'.' | b'-' => sight
            .text
            .get(index.saturating_add(1))
            .is_ascii_alphanumeric(),
        b'_' | b'@' | LETTER => true,
        _ => false,
    };
    let size = at.saturating_sub(start);
    if goes_on || size < 2 {
        return;
    }
    let handle = handle
        .get_mut(..index.saturating_sub(first))
        .unwrap_or_default();
    for (slot, at) in handle.iter_mut().zip(first..) {
        *slot = sight.text.get(at).to_ascii_lowercase();
    }
    match &*handle {
        b"abdm" | b"sbx" => sight.propose(Entity::InAbhaAddress, start, index, 11),
        known if check::upi_handle(known) => {
            // `prim@slice`: a short word at a handle that is a word too.
            let word = size < 6 && (start..at).all(|at| sight.text.get(at).is_ascii_alphabetic());
            if !word || sight.supported(Entity::InUpiId, start, index) {
                sight.propose(Entity::InUpiId, start, index, 11);
            }
        }
        _ => {}
    }
}

/// Characters after which an address is certain enough: the rest is swallowed.
const LONG: usize = limits::HELD_CHARS - 4;
/// Endings of files and units that are no top-level domains.
static ENDINGS: [u64; 25] = [
    ending(b"png"),
    ending(b"jpg"),
    ending(b"jpeg"),
    ending(b"gif"),
    ending(b"svg"),
    ending(b"webp"),
    ending(b"ico"),
    ending(b"css"),
    ending(b"scss"),
    ending(b"js"),
    ending(b"jsx"),
    ending(b"mjs"),
    ending(b"ts"),
    ending(b"tsx"),
    ending(b"json"),
    ending(b"html"),
    ending(b"xml"),
    ending(b"yaml"),
    ending(b"yml"),
    ending(b"txt"),
    ending(b"pdf"),
    ending(b"lock"),
    ending(b"toml"),
    ending(b"service"),
    ending(b"timer"),
];
