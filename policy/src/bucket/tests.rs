use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{percent, ppm};

/// Outputs for the key 00 01 … 0f and the messages (), (00), (00 01), …, as the authors of SipHash
/// publish them with their reference implementation, read as little-endian integers. The one of 15
/// bytes, a129ca6149be45e5, is the example of the paper (Aumasson, Bernstein 2012, appendix A).
const REFERENCE: [u64; 64] = [
    0x726f_db47_dd0e_0e31,
    0x74f8_39c5_93dc_67fd,
    0x0d6c_8009_d9a9_4f5a,
    0x8567_6696_d7fb_7e2d,
    0xcf27_94e0_2771_87b7,
    0x1876_5564_cd99_a68d,
    0xcbc9_466e_58fe_e3ce,
    0xab02_00f5_8b01_d137,
    0x93f5_f579_9a93_2462,
    0x9e00_82df_0ba9_e4b0,
    0x7a5d_bbc5_94dd_b9f3,
    0xf4b3_2f46_226b_ada7,
    0x751e_8fbc_860e_e5fb,
    0x14ea_5627_c084_3d90,
    0xf723_ca90_8e7a_f2ee,
    0xa129_ca61_49be_45e5,
    0x3f2a_cc7f_57c2_9bdb,
    0x699a_e9f5_2cbe_4794,
    0x4bc1_b3f0_968d_d39c,
    0xbb6d_c91d_a779_61bd,
    0xbed6_5cf2_1aa2_ee98,
    0xd0f2_cbb0_2e3b_67c7,
    0x9353_6795_e3a3_3e88,
    0xa80c_038c_cd5c_cec8,
    0xb8ad_50c6_f649_af94,
    0xbce1_92de_8a85_b8ea,
    0x17d8_35b8_5bbb_15f3,
    0x2f2e_6163_076b_cfad,
    0xde4d_aaac_a71d_c9a5,
    0xa6a2_5066_8795_6571,
    0xad87_a353_5c49_ef28,
    0x32d8_92fa_d841_c342,
    0x7127_512f_72f2_7cce,
    0xa7f3_2346_f959_78e3,
    0x12e0_b01a_bb05_1238,
    0x15e0_34d4_0fa1_97ae,
    0x314d_ffbe_0815_a3b4,
    0x0279_90f0_2962_3981,
    0xcadc_d4e5_9ef4_0c4d,
    0x9abf_d876_6a33_735c,
    0x0e3e_a96b_5304_a7d0,
    0xad0c_42d6_fc58_5992,
    0x1873_06c8_9bc2_15a9,
    0xd4a6_0abc_f379_2b95,
    0xf935_451d_e4f2_1df2,
    0xa953_8f04_1975_5787,
    0xdb9a_cddf_f56c_a510,
    0xd06c_98cd_5c09_75eb,
    0xe612_a3cb_9ecb_a951,
    0xc766_e62c_fcad_af96,
    0xee64_435a_9752_fe72,
    0xa192_d576_b245_165a,
    0x0a87_87bf_8ecb_74b2,
    0x81b3_e73d_20b4_9b6f,
    0x7fa8_220b_a3b2_ecea,
    0x2457_31c1_3ca4_2499,
    0xb78d_bfaf_3a8d_83bd,
    0xea1a_d565_322a_1a0b,
    0x60e6_1c23_a379_5013,
    0x6606_d7e4_4628_2b93,
    0x6ca4_ecb1_5c5f_91e1,
    0x9f62_6da1_5c96_25f3,
    0xe51b_3860_8ef2_5f57,
    0x958a_324c_eb06_4572,
];
const REFERENCE_KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

const PPM_ALL: u32 = 1_000_000;

fn with_key(key: &[u8; 16]) -> Bucketing {
    Bucketing {
        hasher: SipHasher24::new_with_key(key),
        pins: Pins::default(),
    }
}

fn with_salt(salt: &str) -> Bucketing {
    Bucketing::new(&Salt::new(salt).unwrap(), &Pins::default())
}

/// SipHash-2-4 once more, written from the paper's section 2 and with nothing from a library.
fn siphash_2_4(key: &[u8; 16], message: &[u8]) -> u64 {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let (k0, k1) = (word(&key[..8]), word(&key[8..]));
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let round = |v: &mut [u64; 4]| {
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
    };
    // The message, zeros up to the last byte of a word, and there its length modulo 256.
    let mut padded = message.to_vec();
    padded.resize(message.len() / 8 * 8 + 7, 0);
    padded.push((message.len() % 256) as u8);
    for chunk in padded.chunks(8) {
        let m = word(chunk);
        v[3] ^= m;
        round(&mut v);
        round(&mut v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

/// `floor(ppm × 2^64 / 10^6)` by long division in base two, without a number wider than 64 bits:
/// the whole part (0 or 1) and the 64 bits below it.
fn long_division(ppm: u32) -> (u64, u64) {
    let divisor = u64::from(PPM_ALL);
    let (whole, mut rest) = (u64::from(ppm) / divisor, u64::from(ppm) % divisor);
    let mut bits = 0;
    for _ in 0..64 {
        rest *= 2;
        bits = (bits << 1) | (rest / divisor);
        rest %= divisor;
    }
    (whole, bits)
}

#[test]
fn buckets_are_the_published_siphash_vectors() {
    let split = with_key(&REFERENCE_KEY);
    let message: Vec<u8> = (0..64).collect();
    for (length, expected) in REFERENCE.iter().enumerate() {
        let bucket = split.bucket(&message[..length]);
        assert_eq!(bucket, Bucket(*expected), "{length} bytes");
        assert_eq!(
            siphash_2_4(&REFERENCE_KEY, &message[..length]),
            *expected,
            "{length} bytes, written out"
        );
    }
}

proptest! {
    #[test]
    fn buckets_are_siphash_2_4_written_out(key: [u8; 16], unit in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(with_key(&key).bucket(&unit).0, siphash_2_4(&key, &unit));
    }

    #[test]
    fn a_larger_share_contains_every_bucket_of_a_smaller_one(a in percent(), b in percent(), bucket: u64) {
        let (small, large) = (a.min(b), a.max(b));
        if Threshold::of(small).contains(Bucket(bucket)) {
            prop_assert!(Threshold::of(large).contains(Bucket(bucket)));
        }
    }
}

#[test]
fn the_key_is_the_first_half_of_the_salts_sha_256() {
    // FIPS 180-2, appendix B.1: SHA-256("abc") = ba7816bf 8f01cfea 414140de 5dae2223 …
    assert_eq!(
        Salt::new("abc").unwrap().key(),
        [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
            0x22, 0x23
        ]
    );
}

#[test]
fn thresholds_are_exact_for_every_part_per_million() {
    for share in 0..=PPM_ALL {
        let Threshold(threshold) = Threshold::of(ppm(share));
        let (whole, bits) = long_division(share);
        assert_eq!(
            threshold,
            u128::from(whole) << 64 | u128::from(bits),
            "{share} ppm"
        );
    }
}

#[test]
fn a_share_ends_at_its_threshold() {
    for share in [1, 3, 10_000, 333_333, 500_000, 999_999] {
        let (_, first_out) = long_division(share);
        let threshold = Threshold::of(ppm(share));
        assert!(threshold.contains(Bucket(first_out - 1)), "{share} ppm");
        assert!(!threshold.contains(Bucket(first_out)), "{share} ppm");
    }
}

#[test]
fn zero_contains_nobody_and_a_hundred_everybody() {
    for bucket in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX].map(Bucket) {
        assert!(!Threshold::of(Percent::ZERO).contains(bucket), "{bucket:?}");
        assert!(Threshold::of(Percent::ALL).contains(bucket), "{bucket:?}");
    }
    assert!(!Threshold::of(ppm(999_999)).contains(Bucket(u64::MAX)));
    assert!(Threshold::of(ppm(1)).contains(Bucket(0)));
}

#[test]
fn a_ramp_over_a_million_ids_has_exact_shares_and_no_leavers() {
    const IDS: u32 = 1_000_000;
    let split = with_salt("chg-2026-0117");
    let mut buckets: Vec<u64> = ids(IDS).map(|id| split.bucket(id.as_bytes()).0).collect();
    buckets.sort_unstable();
    let mut before = 0;
    for share in [0, 1, 100, 10_000, 100_000, 500_000, 999_999, PPM_ALL] {
        let threshold = Threshold::of(ppm(share));
        // The members of a share are the lowest buckets, so a larger share only adds to them.
        let members = buckets.partition_point(|bucket| threshold.contains(Bucket(*bucket)));
        assert!(
            buckets[members..]
                .iter()
                .all(|bucket| !threshold.contains(Bucket(*bucket))),
            "{share} ppm"
        );
        assert!(members >= before, "{share} ppm");
        before = members;
        // Of n ids a share p holds n·p, give or take five standard deviations of a binomial.
        let (n, p) = (f64::from(IDS), f64::from(share) / f64::from(PPM_ALL));
        let off = (members as f64 - n * p).abs();
        assert!(
            off <= 5.0 * (n * p * (1.0 - p)).sqrt(),
            "{share} ppm: {members} members"
        );
    }
    assert_eq!(before, buckets.len());
}

#[test]
fn buckets_are_uniform_over_a_million_ids() {
    const CELLS: usize = 1_000;
    for salt in ["chg-2026-0117", "a"] {
        let split = with_salt(salt);
        let mut counts = [0u32; CELLS];
        for id in ids(1_000_000) {
            counts[cell(split.bucket(id.as_bytes()), CELLS)] += 1;
        }
        assert_uniform(&counts, salt);
    }
}

#[test]
fn two_salts_split_independently() {
    const CELLS: usize = 32;
    // Salts that differ in one digit, as those of consecutive changes do.
    let (one, other) = (with_salt("chg-2026-0117"), with_salt("chg-2026-0118"));
    let mut counts = [0u32; CELLS * CELLS];
    for id in ids(1_000_000) {
        let id = id.as_bytes();
        counts[cell(one.bucket(id), CELLS) * CELLS + cell(other.bucket(id), CELLS)] += 1;
    }
    assert_uniform(&counts, "joint cells of two salts");
}

#[test]
fn the_uniformity_bound_notices_a_skew_of_two_percent() {
    let mut counts = [1_000u32; 1_000];
    counts[..500].fill(1_020);
    counts[500..].fill(980);
    // A perfectly flat count is as suspicious as a skewed one.
    assert!(chi_square_deviation(&[1_000; 1_000]) < -5.0);
    let mut noisy = counts;
    for (at, count) in noisy.iter_mut().enumerate() {
        *count = if at % 2 == 0 {
            *count + 32
        } else {
            *count - 32
        };
    }
    assert!(chi_square_deviation(&noisy) > 5.0);
}

fn ids(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("user-{number}"))
}

fn cell(bucket: Bucket, cells: usize) -> usize {
    ((u128::from(bucket.0) * cells as u128) >> 64) as usize
}

fn assert_uniform(counts: &[u32], what: &str) {
    let deviation = chi_square_deviation(counts);
    assert!(
        deviation.abs() < 4.0,
        "{what}: χ² is {deviation} standard deviations off"
    );
}

/// How many standard deviations χ² of these counts lies from its mean: k - 1 of k cells, with the
/// variance 2 (k - 1).
fn chi_square_deviation(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let expected = total / counts.len() as f64;
    let chi_square: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum();
    let freedom = counts.len() as f64 - 1.0;
    (chi_square - freedom) / (2.0 * freedom).sqrt()
}
