//! Keys and tokens of known vendors, told by how they begin.

use Alphabet::{Alnum, Base64Url, Dotted, Hex, UpperAlnum};

/// How a vendor's tokens look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretRule {
    /// What they begin with.
    pub(crate) prefix: &'static [u8],
    /// How long they are at least, in bytes, with the prefix: this much confirms one. At most 60,
    /// so that a longer token is confirmed before it is whole.
    pub(crate) min: u8,
    /// What follows the prefix.
    pub(crate) alphabet: Alphabet,
}

/// The characters of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-` (RFC 4648, section 5).
    Base64Url,
    /// Those, and `.`.
    Dotted,
    /// Hexadecimal digits of either case.
    Hex,
    /// Capital letters and digits.
    UpperAlnum,
}

/// The rule of the vendor whose tokens begin as `token` does: of several, that with the longest
/// prefix. The caller looks at the rest of it.
pub(crate) fn secret_prefix(token: &[u8]) -> Option<SecretRule> {
    let [first, second, ..] = *token else {
        return None;
    };
    let (place, bit) = pair(first, second);
    if STARTS.get(place).is_none_or(|bits| bits & bit == 0) {
        return None;
    }
    let start = RULES.partition_point(|rule| rule.prefix.first() < Some(&first));
    RULES
        .iter()
        .skip(start)
        .take_while(|rule| rule.prefix.first() == Some(&first))
        .find(|rule| token.starts_with(rule.prefix))
        .copied()
}

// === impl Alphabet ===

impl Alphabet {
    /// Whether a token may have this byte after its prefix.
    pub(crate) fn takes(self, byte: u8) -> bool {
        match self {
            Alnum => byte.is_ascii_alphanumeric(),
            Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Hex => byte.is_ascii_hexdigit(),
            UpperAlnum => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

/// Where in [`STARTS`] two bytes have their bit, which they share with few others.
const fn pair(first: u8, second: u8) -> (usize, u64) {
    let place = (first as usize)
        .wrapping_mul(31)
        .wrapping_add(second as usize)
        & 1023;
    (place / 64, 1 << (place % 64))
}

/// A bit for the first two bytes of each rule's prefix: most words begin with none of them.
static STARTS: [u64; 16] = {
    let (mut starts, mut rest) = ([0; 16], RULES);
    while let [rule, others @ ..] = rest {
        if let [first, second, ..] = rule.prefix {
            let (place, bit) = pair(*first, *second);
            if let Some((_, [slot, ..])) = starts.split_at_mut_checked(place) {
                *slot |= bit;
            }
        }
        rest = others;
    }
    starts
};

const fn rule(prefix: &'static [u8], min: u8, alphabet: Alphabet) -> SecretRule {
    SecretRule {
        prefix,
        min,
        alphabet,
    }
}

/// The prefixes and lengths that the vendors document, by first byte, the longest prefix first.
/// Left out are those that source code and hashes meet by chance: Vault's `s.`, Twilio's `AC` (a
/// public id besides, and hexadecimal itself), Resend's `re_`, Airtable's `pat`; and Fly's `fm2_`
/// and Sentry's `sntrys_`, whose `+`, `/` and `=` no alphabet here holds.
pub(super) const RULES: &[SecretRule] = &[
    rule(b"AGE-SECRET-KEY-1", 60, UpperAlnum),
    rule(b"ATATT3", 60, Base64Url),
    rule(b"ATCTT3", 60, Base64Url),
    rule(b"ABIA", 20, UpperAlnum),
    rule(b"AIza", 39, Base64Url),
    rule(b"AKCp", 60, Alnum),
    rule(b"AKIA", 20, UpperAlnum),
    rule(b"AKID", 36, Alnum),
    rule(b"ASIA", 20, UpperAlnum),
    rule(b"ATBB", 36, Alnum),
    rule(b"CLOJARS_", 60, Alnum),
    rule(b"CFPAT-", 49, Base64Url),
    rule(b"EAAA", 60, Base64Url),
    rule(b"EZAK", 58, Alnum),
    rule(b"EZTK", 58, Alnum),
    rule(b"GOCSPX-", 35, Base64Url),
    rule(b"HRKU-", 41, Base64Url),
    rule(b"LTAI", 24, Alnum),
    rule(b"NRAK-", 32, UpperAlnum),
    rule(b"PMAK-", 60, Base64Url),
    rule(b"SG.", 60, Dotted),
    rule(b"SK", 34, Hex),
    rule(b"csk-", 52, Alnum),
    rule(b"dckr_oat_", 40, Base64Url),
    rule(b"dckr_pat_", 36, Base64Url),
    rule(b"doo_v1_", 60, Hex),
    rule(b"dop_v1_", 60, Hex),
    rule(b"dor_v1_", 60, Hex),
    rule(b"dt0c01.", 60, Dotted),
    rule(b"dp.pt.", 46, Alnum),
    rule(b"dp.st.", 46, Dotted),
    rule(b"dapi", 36, Hex),
    rule(b"e2b_", 44, Hex),
    rule(b"figd_", 45, Base64Url),
    rule(b"fo1_", 47, Base64Url),
    rule(b"fc-", 35, Hex),
    rule(b"github_pat_", 60, Base64Url),
    rule(b"glagent-", 58, Base64Url),
    rule(b"glc_eyJ", 60, Base64Url),
    rule(b"glcbt-", 26, Base64Url),
    rule(b"glpat-", 26, Dotted),
    rule(b"glptt-", 46, Hex),
    rule(b"gldt-", 25, Base64Url),
    rule(b"glrt-", 25, Dotted),
    rule(b"glsa_", 46, Base64Url),
    rule(b"gho_", 40, Alnum),
    rule(b"ghp_", 40, Alnum),
    rule(b"ghr_", 40, Alnum),
    rule(b"ghs_", 40, Dotted),
    rule(b"ghu_", 40, Alnum),
    rule(b"gsk_", 56, Alnum),
    rule(b"hvb.", 60, Base64Url),
    rule(b"hvs.", 28, Base64Url),
    rule(b"hf_", 37, Alnum),
    rule(b"key-", 36, Hex),
    rule(b"lin_api_", 48, Alnum),
    rule(b"lsv2_pt_", 51, Base64Url),
    rule(b"lsv2_sk_", 51, Base64Url),
    rule(b"nvapi-", 60, Base64Url),
    rule(b"npm_", 40, Alnum),
    rule(b"ntn_", 46, Alnum),
    rule(b"ops_eyJ", 60, Base64Url),
    rule(b"pscale_tkn_", 43, Dotted),
    rule(b"pscale_pw_", 42, Dotted),
    rule(b"pk_live_", 32, Alnum),
    rule(b"pcsk_", 60, Base64Url),
    rule(b"pplx-", 53, Alnum),
    rule(b"pypi-", 60, Base64Url),
    rule(b"pnu_", 40, Alnum),
    rule(b"pul-", 44, Hex),
    rule(b"rubygems_", 57, Hex),
    rule(b"rzp_live_", 23, Alnum),
    rule(b"rzp_test_", 23, Alnum),
    rule(b"rk_live_", 32, Alnum),
    rule(b"rk_test_", 32, Alnum),
    rule(b"r8_", 40, Alnum),
    rule(b"shippo_live_", 52, Hex),
    rule(b"sk-svcacct-", 40, Base64Url),
    rule(b"sb_secret_", 41, Base64Url),
    rule(b"sk-admin-", 40, Base64Url),
    rule(b"sk-or-v1-", 60, Hex),
    rule(b"sk-proj-", 40, Base64Url),
    rule(b"sk_live_", 32, Alnum),
    rule(b"sk_test_", 32, Alnum),
    rule(b"secret_", 50, Alnum),
    rule(b"sk-ant-", 40, Base64Url),
    rule(b"sntryu_", 60, Hex),
    rule(b"sq0atp-", 29, Base64Url),
    rule(b"sq0csp-", 50, Base64Url),
    rule(b"shpat_", 38, Hex),
    rule(b"shpca_", 38, Hex),
    rule(b"shppa_", 38, Hex),
    rule(b"shpss_", 38, Hex),
    rule(b"sbp_", 44, Hex),
    rule(b"sqp_", 44, Hex),
    rule(b"squ_", 44, Hex),
    rule(b"sk-", 35, Alnum),
    rule(b"sk_", 51, Hex),
    rule(b"tgp_v1_", 50, Base64Url),
    rule(b"tvly-", 37, Base64Url),
    rule(b"tfp_", 60, Dotted),
    rule(b"vercel_blob_rw_", 40, Base64Url),
    rule(b"vcp_", 28, Alnum),
    rule(b"whsec_", 38, Alnum),
    rule(b"xkeysib-", 60, Base64Url),
    rule(b"xapp-", 40, Base64Url),
    rule(b"xoxa-", 40, Base64Url),
    rule(b"xoxb-", 40, Base64Url),
    rule(b"xoxe-", 40, Base64Url),
    rule(b"xoxp-", 40, Base64Url),
    rule(b"xoxr-", 40, Base64Url),
    rule(b"xoxs-", 40, Base64Url),
    rule(b"xai-", 60, Alnum),
    rule(b"ya29.", 40, Base64Url),
];
