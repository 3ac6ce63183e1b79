//! Telephone numbers.

use super::text::{digits, number};

/// An international number without its plus sign (ITU-T E.164): eight to fifteen digits, a country
/// calling code that is assigned, and as many digits after it as subscribers there have.
pub(crate) fn e164(digits: &[u8]) -> bool {
    if !(8..=15).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // No code is the beginning of another one, so at most one of the three can be assigned.
    (1..=3).any(|length| {
        digits
            .split_at_checked(length)
            .is_some_and(|(code, national)| {
                number(code).is_some_and(|code| is_subscriber(code, national))
            })
    })
}

/// A North American number: area and exchange begin with 2 to 9, no N11 and no N9X area, which
/// waits for longer numbers (NANPA). 555-0100 to 555-0199 are for fiction and count.
pub(crate) fn nanp(digits10: &[u8]) -> bool {
    let Some(d) = digits::<10>(digits10) else {
        return false;
    };
    d[0] > 1 && d[1] != 9 && d[1..3] != [1, 1] && d[3] > 1 && d[4..6] != [1, 1]
}

/// An Indian mobile number: ten digits, the first 6 to 9 (DoT numbering plan).
pub(crate) fn in_mobile(digits10: &[u8]) -> bool {
    matches!(digits::<10>(digits10), Some([6..=9, ..]))
}

/// A UK number as it is dialled there, 0 first: eleven digits, or ten in some 01 and 080 areas
/// (Ofcom, national telephone numbering plan).
pub(crate) fn gb_national(digits: &[u8]) -> bool {
    let Some(range) = digits.get(..3).and_then(number) else {
        return false;
    };
    // What a number begins with, its 0 left out.
    let long = matches!(
        range,
        11..=19 | 20 | 23 | 24 | 28 | 29 | 30 | 33 | 34 | 37 | 55 | 56 | 70..=79 | 80 | 82 | 84 | 87
    );
    let short = matches!(range, 11..=19 | 80);
    digits.iter().all(u8::is_ascii_digit)
        && match digits.len() {
            10 => short,
            11 => long,
            _ => false,
        }
}

fn is_subscriber(code: u32, national: &[u8]) -> bool {
    match code {
        1 => nanp(national),
        44 => {
            matches!(national, [b'1' | b'8', _, _, _, _, _, _, _, _])
                || (national.len() == 10
                    && matches!(national, [b'1'..=b'3' | b'5' | b'7' | b'8', ..]))
        }
        91 => national.len() == 10 && !national.starts_with(b"0"),
        _ => PLANS.iter().any(|plan| {
            (usize::from(plan.min)..=usize::from(plan.max)).contains(&national.len())
                && plan.codes.iter().any(|&known| u32::from(known) == code)
        }),
    }
}

/// How many digits fixed and mobile numbers have after these country calling codes.
struct Plan {
    min: u8,
    max: u8,
    codes: &'static [u16],
}

const fn plan(min: u8, max: u8, codes: &'static [u16]) -> Plan {
    Plan { min, max, codes }
}

/// The national plans that ITU publishes, so that a country's longest and shortest numbers fit.
const PLANS: &[Plan] = &[
    plan(4, 7, &[290, 683, 690]),
    plan(5, 7, &[247, 500, 676, 677, 678, 682, 688]),
    plan(5, 9, &[298, 299, 376, 672, 681, 685, 686, 687]),
    plan(6, 9, &[252, 359, 421, 508, 597]),
    plan(6, 10, &[358, 880]),
    plan(6, 11, &[39, 49, 352]),
    plan(6, 13, &[43]),
    plan(
        7,
        7,
        &[
            238, 239, 246, 248, 269, 291, 297, 501, 592, 673, 674, 679, 680, 691, 692, 960,
        ],
    ),
    plan(7, 8, &[230, 241, 267, 372, 507, 599, 670, 675, 961, 975]),
    plan(
        7,
        9,
        &[46, 48, 220, 231, 254, 263, 265, 354, 423, 595, 967, 968],
    ),
    plan(7, 10, &[95, 243, 353]),
    plan(7, 12, &[62, 381]),
    plan(
        8,
        8,
        &[
            45, 47, 53, 65, 216, 222, 223, 225, 226, 227, 228, 229, 232, 235, 236, 253, 257, 266,
            268, 350, 356, 357, 370, 371, 373, 374, 382, 386, 389, 502, 503, 504, 505, 506, 509,
            591, 598, 689, 800, 808, 852, 853, 965, 973, 974, 993,
        ],
    ),
    plan(
        8,
        9,
        &[
            32, 36, 51, 66, 213, 224, 250, 258, 264, 355, 377, 385, 387, 593, 855, 962, 963, 970,
            971,
        ],
    ),
    plan(
        8,
        10,
        &[20, 57, 60, 63, 64, 82, 378, 850, 856, 886, 964, 976, 977],
    ),
    plan(8, 12, &[383, 972]),
    plan(
        9,
        9,
        &[
            27, 33, 34, 40, 41, 56, 61, 93, 94, 211, 212, 218, 221, 233, 237, 240, 242, 244, 245,
            249, 251, 255, 256, 260, 261, 262, 351, 375, 380, 420, 590, 594, 596, 870, 966, 992,
            994, 995, 996, 998,
        ],
    ),
    plan(9, 10, &[31, 81, 84, 92, 881]),
    plan(9, 11, &[86]),
    plan(10, 10, &[7, 30, 52, 58, 90, 98, 225, 229, 234]),
    plan(10, 11, &[54, 55]),
];
