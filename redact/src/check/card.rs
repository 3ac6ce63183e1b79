//! Payment cards.

use super::sum::luhn;
use super::text::{number, uniform};

/// Who issued a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// A network that has this prefix and this length.
    Known,
    /// No network that we know.
    Unknown,
}

/// A card number (ISO/IEC 7812): 12 to 19 digits that pass Luhn and are not all the same.
pub(crate) fn card(digits: &[u8]) -> Option<Issuer> {
    if !(12..=19).contains(&digits.len()) || uniform(digits) || !luhn(digits) {
        return None;
    }
    let prefix = number(digits.get(..6)?)?;
    let known = NETWORKS.iter().any(|network| {
        (network.first..=network.last).contains(&prefix)
            && (usize::from(network.min)..=usize::from(network.max)).contains(&digits.len())
    });
    Some(if known {
        Issuer::Known
    } else {
        Issuer::Unknown
    })
}

/// Prefixes of six digits, and lengths that a network issues under them.
struct Network {
    first: u32,
    last: u32,
    min: u8,
    max: u8,
}

const fn network(first: u32, last: u32, min: u8, max: u8) -> Network {
    Network {
        first,
        last,
        min,
        max,
    }
}

/// The networks' own issuer ranges. Mastercard reserves 600000 to 699999 for Maestro in all lengths
/// from 12; here the short lengths count only under the prefixes that Maestro did issue, because
/// the range holds a tenth of all numbers.
const NETWORKS: &[Network] = &[
    // UATP
    network(100_000, 199_999, 15, 15),
    // JCB, the old numbers
    network(180_000, 180_099, 15, 15),
    network(213_100, 213_199, 15, 15),
    // Mir
    network(220_000, 220_499, 16, 19),
    // Mastercard
    network(222_100, 272_099, 16, 16),
    network(510_000, 559_999, 16, 16),
    // Diners Club
    network(300_000, 305_999, 14, 19),
    network(309_500, 309_599, 14, 19),
    network(360_000, 369_999, 14, 19),
    network(380_000, 399_999, 14, 19),
    // American Express
    network(340_000, 349_999, 15, 15),
    network(370_000, 379_999, 15, 15),
    // JCB; RuPay shares 353 and 356
    network(352_800, 358_999, 16, 19),
    // Visa
    network(400_000, 499_999, 13, 13),
    network(400_000, 499_999, 16, 16),
    network(400_000, 499_999, 19, 19),
    // Maestro, and under the same 50 RuPay 508 and Verve
    network(500_000, 509_999, 12, 19),
    network(560_000, 589_999, 12, 19),
    network(630_400, 630_499, 12, 19),
    network(639_000, 639_099, 12, 19),
    network(670_000, 679_999, 12, 19),
    // Discover, UnionPay, RuPay, Verve 650002 to 650027 and Maestro, in their common lengths
    network(600_000, 699_999, 16, 19),
    // UnionPay and RuPay
    network(810_000, 829_999, 16, 19),
    // UzCard, Humo, ArCa, BelCard
    network(860_000, 860_099, 16, 16),
    network(986_000, 986_099, 16, 16),
    network(905_100, 905_199, 16, 16),
    network(911_200, 911_299, 16, 16),
    // Napas
    network(970_400, 970_499, 16, 19),
    // Troy
    network(979_200, 979_299, 16, 16),
];
