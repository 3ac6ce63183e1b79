//! Where something may be: digits, `@`, `--`. Everything else is passed over at memory speed.

/// Finds the places where a match may be, and remembers the block that it found the last one in:
/// where there is one, others are near.
#[derive(Debug)]
pub(super) struct Anchors {
    /// Where the block begins, and which of its bytes are of the class.
    block: usize,
    bits: u64,
}

/// The bytes that are `byte` once the bits of `set` are set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Like {
    pub(crate) set: u8,
    pub(crate) byte: u8,
}

/// The bytes from `first` on and `more` behind it, once the bits of `set` are set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    pub(super) set: u8,
    pub(super) first: u8,
    pub(super) more: u8,
}

/// Where a byte was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) at: usize,
    /// Where the block that it is in ends, and which bytes of the block are like it.
    pub(crate) end: usize,
    pub(crate) bits: u64,
}

// === impl Within ===

impl Within {
    /// Which bytes of a block are such.
    pub(super) fn of(self, block: &[u8; BLOCK]) -> u64 {
        vector::within(block, self)
    }
}

// === impl Like ===

impl Like {
    fn is(self, byte: u8) -> bool {
        byte | self.set == self.byte
    }
}

// === impl Anchors ===

impl Anchors {
    /// Before the first search. No text goes as far.
    pub(super) const NONE: Self = Self {
        block: usize::MAX / 2,
        bits: 0,
    };

    /// The first byte from `from` on that a match may be found by: a digit, `@`, the first of two
    /// dashes, a separator between pairs of hexadecimal digits, or the first byte of a digit or `@`
    /// of full width or of Devanagari. It is always the same text.
    pub(super) fn next(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let place = at.wrapping_sub(self.block);
            // What is left of a block that is known is not read again.
            let (left, unknown) = if place < BLOCK {
                (self.bits >> place, self.block.wrapping_add(BLOCK))
            } else {
                (0, at)
            };
            at = if left == 0 {
                self.read(text, unknown)?
            } else {
                at.saturating_add(left.trailing_zeros() as usize)
            };
            if is_anchor(text, at) {
                return Some(at);
            }
            at = at.saturating_add(1);
        }
    }

    /// Goes on to the first block from `from` on that has a byte of the class, and returns where
    /// that is.
    fn read(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let (blocks, rest) = text.get(from..)?.as_chunks::<BLOCK>();
        if let Some((place, bits)) = vector::first(blocks) {
            let block = from.saturating_add(place.saturating_mul(BLOCK));
            (self.block, self.bits) = (block, bits);
            return Some(block.saturating_add(bits.trailing_zeros() as usize));
        }
        let start = text.len().saturating_sub(rest.len());
        // The end is read whole too, with what was before it.
        let end = match rest.len() {
            0 => return None,
            1..=PART => text.last_chunk().and_then(vector::part).map(|bits| {
                let skipped = BLOCK.saturating_sub(PART);
                u64::from(bits).wrapping_shl(u32::try_from(skipped).unwrap_or(0))
            }),
            _ => text
                .last_chunk()
                .and_then(|last| vector::IS_FAST.then(|| vector::first(std::slice::from_ref(last))))
                .map(|first| first.map_or(0, |(_, bits)| bits)),
        };
        if let Some(bits) = end {
            let seen = BLOCK.saturating_sub(rest.len());
            (self.block, self.bits) = (text.len().wrapping_sub(BLOCK), bits);
            let left = bits.wrapping_shr(u32::try_from(seen).unwrap_or(0));
            return (left != 0).then(|| start.saturating_add(left.trailing_zeros() as usize));
        }
        let found = rest.iter().position(|byte| is_class(*byte))?;
        // Nothing else is known of the bytes behind it.
        let found = start.saturating_add(found);
        (self.block, self.bits) = (found.wrapping_sub(BLOCK.wrapping_sub(1)), 1 << 63);
        Some(found)
    }
}

/// Finds the first byte of `text` from `from` on that is `like` that, and which of its neighbours
/// are.
pub(crate) fn find_byte(like: Like, text: &[u8], from: usize) -> Option<Found> {
    let (blocks, rest) = text.get(from..)?.as_chunks::<BLOCK>();
    if let Some((place, bits)) = vector::first_like(blocks, like) {
        let begin = from.saturating_add(place.saturating_mul(BLOCK));
        return Some(Found {
            at: begin.saturating_add(bits.trailing_zeros() as usize),
            end: begin.saturating_add(BLOCK),
            bits,
        });
    }
    let bits = match text.last_chunk() {
        // The end is read with what was before it.
        Some(last) if vector::IS_FAST => {
            vector::first_like(std::slice::from_ref(last), like).map_or(0, |(_, bits)| bits)
        }
        _ => rest.iter().fold(0_u64, |bits, byte| {
            bits.wrapping_shr(1) | u64::from(like.is(*byte)) << 63
        }),
    };
    let seen = BLOCK.saturating_sub(rest.len());
    let left = bits.wrapping_shr(u32::try_from(seen).unwrap_or(0));
    let at = text.len().saturating_sub(rest.len());
    (left != 0 && !rest.is_empty()).then(|| Found {
        at: at.saturating_add(left.trailing_zeros() as usize),
        end: text.len(),
        bits,
    })
}

/// As [`Anchors::next`], where besides a match may begin with any byte of `starts` at a word's
/// beginning.
pub(super) fn find_with(text: &[u8], from: usize, starts: &[bool; 256]) -> Option<usize> {
    let mut before = from
        .checked_sub(1)
        .and_then(|at| text.get(at))
        .copied()
        .unwrap_or(b' ');
    for (at, byte) in text.iter().enumerate().skip(from) {
        let begins = starts.get(usize::from(*byte)).is_some_and(|start| *start);
        let candidate = begins && !before.is_ascii_alphanumeric();
        if candidate || (is_class(*byte) && is_anchor(text, at)) {
            return Some(at);
        }
        before = *byte;
    }
    None
}

/// Whether the byte of the class at `at` is worth a look, seeing what is around it. What is not
/// there yet does not count: the end of the text is held back anyway.
#[inline]
fn is_anchor(text: &[u8], at: usize) -> bool {
    match text.get(at..).unwrap_or_default() {
        [b'0'..=b'9' | b'@', ..] => true,
        // Most colons and dashes are those of prose.
        [b':' | b'-', next, ..] if *next != b'-' && !next.is_ascii_hexdigit() => false,
        _ => is_rare_anchor(text, at),
    }
}

#[inline(never)]
fn is_rare_anchor(text: &[u8], at: usize) -> bool {
    match text.get(at..).unwrap_or_default() {
        [b'-', b'-', ..] => true,
        // AA:BB:… without a single digit.
        [b':' | b'-', rest @ ..] => {
            // Of a chain of pairs, the first separator is enough.
            let chain = at.checked_sub(3).and_then(|at| text.get(at)) == text.get(at);
            let before = text.get(at.saturating_sub(2)..at).unwrap_or_default();
            let after = rest.get(..2).unwrap_or_default();
            !chain
                && before.len() == 2
                && after.len() == 2
                && before.iter().chain(after).all(u8::is_ascii_hexdigit)
        }
        [0xEF, 0xBC, last, ..] => matches!(last, 0x90..=0x99 | 0xA0),
        [0xE0, 0xA5, last, ..] => matches!(last, 0xA6..=0xAF),
        _ => false,
    }
}

/// The class that [`vector::first`] looks for.
fn is_class(byte: u8) -> bool {
    matches!(byte, b'0'..=b':' | b'@' | b'-' | 0xEF | 0xE0)
}

/// Bytes that are looked at together, and those at the end of a text.
pub(crate) const BLOCK: usize = 64;
const PART: usize = 16;

/// Without vectors: what the vectors must agree with.
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
pub(super) mod scalar {
    /// Whether a block costs little more than a byte.
    #[allow(
        dead_code,
        reason = "a test compares with the rest where vectors are used"
    )]
    pub(crate) const IS_FAST: bool = false;

    /// Which bytes are of the class, where that costs little more than one.
    #[allow(
        dead_code,
        reason = "a test compares with the rest where vectors are used"
    )]
    pub(crate) fn part(_: &[u8; super::PART]) -> Option<u16> {
        None
    }

    /// The first block with bytes of the class, and which of them are.
    pub(crate) fn first(blocks: &[[u8; super::BLOCK]]) -> Option<(usize, u64)> {
        let first = |bytes: &[u8]| bytes.iter().position(|byte| super::is_class(*byte));
        find(blocks, first, super::is_class)
    }

    /// The first block with bytes like that, and which of them are.
    pub(crate) fn first_like(
        blocks: &[[u8; super::BLOCK]],
        like: super::Like,
    ) -> Option<(usize, u64)> {
        find(
            blocks,
            |bytes| match like.set {
                0 => memchr::memchr(like.byte, bytes),
                _ => bytes.iter().position(|byte| like.is(*byte)),
            },
            |byte| like.is(byte),
        )
    }

    /// Which bytes of a block are such.
    pub(crate) fn within(block: &[u8; super::BLOCK], range: super::Within) -> u64 {
        let is = |byte: u8| (byte | range.set).wrapping_sub(range.first) <= range.more;
        let bytes = block.iter().enumerate();
        bytes.fold(0_u64, |bits, (at, byte)| bits | u64::from(is(*byte)) << at)
    }

    fn find(
        blocks: &[[u8; super::BLOCK]],
        first: impl Fn(&[u8]) -> Option<usize>,
        is: impl Fn(u8) -> bool,
    ) -> Option<(usize, u64)> {
        let at = first(blocks.as_flattened())?;
        let (place, first) = (at / super::BLOCK, at % super::BLOCK);
        let rest = blocks.get(place)?.iter().enumerate().skip(first);
        let bits = rest.fold(0_u64, |bits, (at, byte)| bits | u64::from(is(*byte)) << at);
        Some((place, bits))
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)]
pub(super) mod vector {
    use core::arch::wasm32::{
        u8x16, u8x16_bitmask, u8x16_eq, u8x16_le, u8x16_splat, u8x16_sub, u8x16_swizzle, v128,
        v128_any_true, v128_load, v128_or,
    };

    pub(crate) const IS_FAST: bool = true;

    /// The first block with bytes of the class, and which of them are.
    #[inline(never)]
    pub(crate) fn first(blocks: &[[u8; super::BLOCK]]) -> Option<(usize, u64)> {
        find(blocks, class)
    }

    /// The first block with bytes like that, and which of them are.
    #[inline(never)]
    pub(crate) fn first_like(
        blocks: &[[u8; super::BLOCK]],
        like: super::Like,
    ) -> Option<(usize, u64)> {
        let (set, byte) = (u8x16_splat(like.set), u8x16_splat(like.byte));
        find(blocks, |part| u8x16_eq(v128_or(part, set), byte))
    }

    #[inline(always)]
    fn find(blocks: &[[u8; super::BLOCK]], is: impl Fn(v128) -> v128) -> Option<(usize, u64)> {
        for (place, block) in blocks.iter().enumerate() {
            let [a, b, c, d] = parts(block).map(&is);
            if v128_any_true(v128_or(v128_or(a, b), v128_or(c, d))) {
                return Some((place, bits([a, b, c, d])));
            }
        }
        None
    }

    /// Which bytes of a block are such.
    #[inline(never)]
    pub(crate) fn within(block: &[u8; super::BLOCK], range: super::Within) -> u64 {
        let [set, first, more] = [range.set, range.first, range.more].map(|byte| u8x16_splat(byte));
        bits(parts(block).map(|part| u8x16_le(u8x16_sub(v128_or(part, set), first), more)))
    }

    fn parts(block: &[u8; super::BLOCK]) -> [v128; 4] {
        // SAFETY: a block has 64 bytes, and wasm loads need no alignment.
        unsafe {
            let at = block.as_ptr().cast::<v128>();
            [
                v128_load(at),
                v128_load(at.add(1)),
                v128_load(at.add(2)),
                v128_load(at.add(3)),
            ]
        }
    }

    fn bits([a, b, c, d]: [v128; 4]) -> u64 {
        u64::from(u8x16_bitmask(a))
            | u64::from(u8x16_bitmask(b)) << 16
            | u64::from(u8x16_bitmask(c)) << 32
            | u64::from(u8x16_bitmask(d)) << 48
    }

    /// Which bytes are of the class.
    pub(crate) fn part(part: &[u8; super::PART]) -> Option<u16> {
        // SAFETY: a part has 16 bytes, and wasm loads need no alignment.
        let bytes = unsafe { v128_load(part.as_ptr().cast()) };
        Some(u8x16_bitmask(class(bytes)))
    }

    fn class(bytes: v128) -> v128 {
        // One look-up for the dash, the digits and the colon, which stands right behind them: it
        // finds nothing for what is no less than sixteen.
        let near = u8x16_swizzle(NEAR_DASH, u8x16_sub(bytes, u8x16_splat(b'-')));
        let sign = u8x16_eq(bytes, u8x16_splat(b'@'));
        let lead = v128_or(
            u8x16_eq(bytes, u8x16_splat(0xEF)),
            u8x16_eq(bytes, u8x16_splat(0xE0)),
        );
        v128_or(v128_or(near, sign), lead)
    }

    /// Which of the sixteen bytes from the dash on are of the class.
    const NEAR_DASH: v128 = u8x16(
        0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0,
    );
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(super) mod vector {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_sub_epi8,
    };

    pub(crate) const IS_FAST: bool = true;

    /// The first block with bytes of the class, and which of them are.
    #[inline(never)]
    pub(crate) fn first(blocks: &[[u8; super::BLOCK]]) -> Option<(usize, u64)> {
        // SAFETY: every x86-64 has SSE2.
        find(blocks, |part| unsafe { class(part) })
    }

    /// The first block with bytes like that, and which of them are.
    #[inline(never)]
    pub(crate) fn first_like(
        blocks: &[[u8; super::BLOCK]],
        like: super::Like,
    ) -> Option<(usize, u64)> {
        // SAFETY: every x86-64 has SSE2.
        find(blocks, |part| unsafe {
            let all = |byte: u8| _mm_set1_epi8(byte.cast_signed());
            _mm_cmpeq_epi8(_mm_or_si128(part, all(like.set)), all(like.byte))
        })
    }

    #[inline(always)]
    fn find(
        blocks: &[[u8; super::BLOCK]],
        is: impl Fn(__m128i) -> __m128i,
    ) -> Option<(usize, u64)> {
        for (place, block) in blocks.iter().enumerate() {
            // SAFETY: a block has 64 bytes; these loads need no alignment, and every x86-64 has SSE2.
            let bits = unsafe {
                let at = block.as_ptr().cast::<__m128i>();
                let load = |part: usize| is(_mm_loadu_si128(at.add(part)));
                let (a, b, c, d) = (load(0), load(1), load(2), load(3));
                if _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0 {
                    continue;
                }
                let bits =
                    |part: __m128i, shift: u32| u64::from(_mm_movemask_epi8(part) as u32) << shift;
                bits(a, 0) | bits(b, 16) | bits(c, 32) | bits(d, 48)
            };
            return Some((place, bits));
        }
        None
    }

    /// Which bytes of a block are such.
    #[inline(never)]
    pub(crate) fn within(block: &[u8; super::BLOCK], range: super::Within) -> u64 {
        let (parts, _) = block.as_chunks::<16>();
        let is = |part: &[u8; 16]| {
            // SAFETY: a part has 16 bytes; these loads need no alignment, and every x86-64 has SSE2.
            let bits = unsafe {
                let all = |byte: u8| _mm_set1_epi8(byte.cast_signed());
                let part = _mm_or_si128(_mm_loadu_si128(part.as_ptr().cast()), all(range.set));
                let place = _mm_sub_epi8(part, all(range.first));
                _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(place, all(range.more)), place))
            };
            u64::from(bits.cast_unsigned())
        };
        let last_first = parts.iter().rev();
        last_first.fold(0, |bits, part| bits << 16 | is(part))
    }

    /// Which bytes are of the class.
    pub(crate) fn part(part: &[u8; super::PART]) -> Option<u16> {
        // SAFETY: a part has 16 bytes; these loads need no alignment, and every x86-64 has SSE2.
        let bits = unsafe { _mm_movemask_epi8(class(_mm_loadu_si128(part.as_ptr().cast()))) };
        Some(u16::try_from(bits).unwrap_or(0))
    }

    /// # Safety
    /// None on x86-64, which has SSE2.
    #[target_feature(enable = "sse2")]
    unsafe fn class(bytes: __m128i) -> __m128i {
        let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()));
        let from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0'.cast_signed()));
        // The colon stands right behind the digits.
        let digit = _mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(10)), from_zero);
        let sign = _mm_or_si128(is(b'@'), is(b'-'));
        let lead = _mm_or_si128(is(0xEF), is(0xE0));
        _mm_or_si128(digit, _mm_or_si128(sign, lead))
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(super) use scalar as vector;

#[cfg(test)]
mod tests {
    use super::{BLOCK, Found, Like, Within, find_byte, scalar, vector};

    #[test]
    fn bytes_in_a_range_are_the_same_with_and_without_vectors() {
        let block: [u8; BLOCK] = std::array::from_fn(|at| (at * 37 % 256) as u8);
        for (first, more) in
            (0..=255).flat_map(|first| [0, 1, 25, 63, 255].map(|more| (first, more)))
        {
            for set in [0, 0x20] {
                let range = Within { set, first, more };
                assert_eq!(vector::within(&block, range), scalar::within(&block, range));
            }
        }
    }

    #[test]
    fn a_byte_is_found_with_all_that_are_near() {
        let letters: Vec<u8> = (0..400_u32)
            .map(|at| b"\"\\ab{"[(at * at % 13 % 5) as usize])
            .collect();
        let like = Like {
            set: 0x26,
            byte: 0x7F,
        };
        for size in (0..=200).chain([399]) {
            let text = &letters[..size];
            for from in 0..=size {
                let first = text[from..].iter().position(|byte| *byte == b'{');
                let found = find_byte(like, text, from);
                assert_eq!(found.map(|found| found.at), first.map(|at| from + at));
                let Some(Found { at, end, bits }) = found else {
                    continue;
                };
                for (near, byte) in text.iter().enumerate().take(end).skip(at) {
                    let is_set = bits >> (BLOCK - (end - near)) & 1 == 1;
                    assert_eq!(is_set, *byte == b'{', "{near} from {from} of {size}");
                }
            }
        }
        let (blocks, _) = letters.as_chunks();
        for byte in 0..=255 {
            for set in [0, 1, 0x26] {
                let like = Like { set, byte };
                assert_eq!(
                    vector::first_like(blocks, like),
                    scalar::first_like(blocks, like)
                );
            }
        }
    }
}
