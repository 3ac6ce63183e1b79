//! The exact share of a ramp, computed without a line of the filter's code.
//!
//! The rule, as any language can follow it: the *bucket* of a unit is SipHash-2-4 (64 bit) of its
//! bytes, keyed by the first 16 bytes of SHA-256(salt); the canary takes the buckets below
//! floor(percent · 2^64 / 100). The hash is written out here, from the paper, because a check that
//! shares its code with what it checks proves nothing.

use std::fmt;

use sha2::{Digest, Sha256};

/// A percentage with at most four decimal places, exact: millionths of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    ppm: u32,
}

/// The hash key that a rollout's salt makes.
#[derive(Clone, Copy, Debug)]
pub struct Salt {
    k0: u64,
    k1: u64,
}

// === impl Percent ===

impl Percent {
    /// A whole percentage, 0 to 100; more is 100.
    pub fn whole(percent: u32) -> Self {
        Self::ppm(percent.saturating_mul(10_000))
    }

    /// Millionths of the whole; more than all is all.
    pub fn ppm(ppm: u32) -> Self {
        Self {
            ppm: ppm.min(1_000_000),
        }
    }

    /// The first bucket that is *not* the canary's: floor(percent · 2^64 / 100), which is 2^64 for 100 %.
    pub fn threshold(self) -> u128 {
        (u128::from(self.ppm) << 64) / 1_000_000
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.ppm) / 10_000.0)
    }
}

// === impl Salt ===

impl Salt {
    pub fn new(salt: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(salt.as_bytes()).into();
        let (k0, k1) = (word(&digest[..8]), word(&digest[8..16]));
        Self { k0, k1 }
    }

    /// The bucket of a unit.
    pub fn bucket(self, unit: &str) -> u64 {
        siphash24(self.k0, self.k1, unit.as_bytes())
    }

    /// Whether the canary takes this unit at `percent`, pins and kills aside.
    pub fn takes(self, unit: &str, percent: Percent) -> bool {
        u128::from(self.bucket(unit)) < percent.threshold()
    }
}

/// SipHash-2-4 as in Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), section 2.
fn siphash24(k0: u64, k1: u64, message: &[u8]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let blocks = message.chunks_exact(8);
    // The last block: what is left over, and the length modulo 256 in the top byte.
    let last = word(blocks.remainder()) | ((message.len() as u64) << 56);
    for block in blocks.map(word).chain([last]) {
        v[3] ^= block;
        rounds(&mut v, 2);
        v[0] ^= block;
    }
    v[2] ^= 0xff;
    rounds(&mut v, 4);
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn rounds(v: &mut [u64; 4], count: usize) {
    for _ in 0..count {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[1]);
        v[0] = v[0].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    }
}

/// Up to eight bytes as a little-endian number.
fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| (word << 8) | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference implementation: key 00 01 … 0f, messages of the first n of the bytes 00 01 02 …
    const REFERENCE: [(usize, u64); 5] = [
        (0, 0x726f_db47_dd0e_0e31),
        (1, 0x74f8_39c5_93dc_67fd),
        (7, 0xab02_00f5_8b01_d137),
        (8, 0x93f5_f579_9a93_2462),
        (15, 0xa129_ca61_49be_45e5),
    ];

    #[test]
    fn the_hash_gives_the_reference_vectors() {
        let key: Vec<u8> = (0..16).collect();
        for (len, expected) in REFERENCE {
            let message: Vec<u8> = (0..len as u8).collect();
            assert_eq!(
                siphash24(word(&key[..8]), word(&key[8..]), &message),
                expected,
                "{len} bytes"
            );
        }
    }

    #[test]
    fn thresholds_are_exact() {
        assert_eq!(Percent::whole(0).threshold(), 0);
        assert_eq!(Percent::whole(50).threshold(), 1 << 63);
        assert_eq!(Percent::whole(100).threshold(), 1 << 64);
        assert_eq!(Percent::whole(1).threshold(), 184_467_440_737_095_516);
        assert_eq!(Percent::ppm(1).threshold(), 18_446_744_073_709);
    }

    #[test]
    fn a_growing_ramp_takes_users_and_gives_none_back() {
        let salt = Salt::new("chg-2026-0117");
        for user in 0..1000 {
            let unit = format!("user-{user:06}");
            let taken: Vec<bool> = [0, 1, 10, 50, 100]
                .map(|percent| salt.takes(&unit, Percent::whole(percent)))
                .into();
            assert!(taken.is_sorted(), "{unit}: {taken:?}");
            assert_eq!((taken[0], taken[4]), (false, true), "{unit}");
        }
    }
}
