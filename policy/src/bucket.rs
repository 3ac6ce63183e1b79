//! Buckets: the keyed hash that decides which units a share of traffic contains.

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher24;

use crate::arm::Arm;
use crate::limits;
use crate::name::checked_text;
use crate::percent::Percent;
use crate::pins::Pins;

/// The secret-less key of a rollout's split: the same salt gives the same buckets everywhere,
/// another salt gives independent ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salt(Box<str>);

/// The place of a unit in a rollout, evenly spread over all 64-bit numbers.
///
/// SipHash-2-4 of the unit's bytes with the first 16 bytes of SHA-256(salt) as the key: the number
/// that libsodium's `crypto_shorthash` gives (read as a little-endian integer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(pub u64);

/// The first bucket that a share does not contain: `floor(percent × 2^64 / 100)`.
///
/// Wider than a bucket because 100 % ends one beyond the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u128);

/// Where the units of one rollout stand: its hash key and its pins, ready for the hot path.
#[derive(Clone, Debug)]
pub struct Bucketing {
    hasher: SipHasher24,
    pins: Pins,
}

// === impl Salt ===

impl Salt {
    /// The SipHash key: the first 16 bytes of SHA-256 of the salt's bytes.
    pub fn key(&self) -> [u8; 16] {
        let digest = Sha256::digest(self.0.as_bytes());
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(digest) {
            *to = from;
        }
        key
    }

    fn parse(text: &str) -> Option<Self> {
        (1..=limits::SALT_BYTES)
            .contains(&text.len())
            .then(|| Self(text.into()))
    }
}

checked_text!(
    Salt,
    "a salt of 1 to 256 bytes, such as the change's id; a new salt draws new users",
    "minLength": 1,
    "maxLength": limits::SALT_BYTES
);

// === impl Threshold ===

impl Threshold {
    /// The threshold of a share, in exact integer arithmetic.
    pub fn of(percent: Percent) -> Self {
        // At most 1,000,000 × 2^64, which is far below 2^128: the shift cannot lose a bit.
        let scaled = u128::from(percent.ppm()) << u64::BITS;
        Self(scaled / PPM)
    }

    /// Whether the share contains `bucket`.
    pub fn contains(self, bucket: Bucket) -> bool {
        u128::from(bucket.0) < self.0
    }
}

// === impl Bucketing ===

impl Bucketing {
    /// Prepares the split of a rollout with this salt and these pins.
    pub fn new(salt: &Salt, pins: &Pins) -> Self {
        Self {
            hasher: SipHasher24::new_with_key(&salt.key()),
            pins: pins.clone(),
        }
    }

    /// The bucket of a unit.
    pub fn bucket(&self, unit: &[u8]) -> Bucket {
        Bucket(self.hasher.hash(unit))
    }

    /// The arm that a unit is pinned to, if any.
    pub fn pin(&self, unit: &[u8]) -> Option<Arm> {
        self.pins.arm(unit)
    }
}

const PPM: u128 = 1_000_000;

#[cfg(test)]
mod tests;
