//! The decision once more, written from the published description alone and sharing no code with the filter.

use sha2::{Digest, Sha256};

/// SipHash-2-4 of the unit, keyed by the first 16 bytes of SHA-256(salt).
pub(crate) fn bucket(salt: &str, unit: &[u8]) -> u64 {
    let digest = Sha256::digest(salt.as_bytes());
    siphash(digest[..16].try_into().expect("sixteen bytes"), unit)
}

/// Canary if `bucket < floor(percent × 2^64 / 100)`, the percentage given in parts per million.
pub(crate) fn is_canary(salt: &str, unit: &[u8], ppm: u128) -> bool {
    u128::from(bucket(salt, unit)) < ppm * (1 << 64) / 1_000_000
}

/// From the paper: "SipHash: a fast short-input PRF", Aumasson and Bernstein, 2012.
fn siphash(key: [u8; 16], message: &[u8]) -> u64 {
    let half = |at: usize| u64::from_le_bytes(key[at..at + 8].try_into().expect("eight bytes"));
    let (k0, k1) = (half(0), half(8));
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut padded = message.to_vec();
    while padded.len() % 8 != 7 {
        padded.push(0);
    }
    padded.push(message.len().to_le_bytes()[0]);
    for word in padded.chunks(8) {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        v[3] ^= word;
        rounds(&mut v, 2);
        v[0] ^= word;
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

#[test]
fn the_independent_hash_is_siphash() {
    // Appendix A of the paper.
    let key: Vec<u8> = (0..16).collect();
    let message: Vec<u8> = (0..15).collect();
    let key = key.try_into().expect("sixteen bytes");
    assert_eq!(siphash(key, &message), 0xa129_ca61_49be_45e5);
}
