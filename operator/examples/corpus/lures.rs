//! What looks so much like PII that a person would have to ask: words that PII is told by beside
//! numbers of the right length, groups of digits, versions in the form of addresses. Seldom in life;
//! all of it here, to see what a detector makes of it.

use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    let (word, other) = (rng.context_word(), rng.word());
    let large = rng.below(1 << 32);
    vec![match rng.below(18) {
        0 => format!("scores = q@k.transpose(-2, -1) # {other}"),
        1 => format!(
            "<bindingRedirect oldVersion=\"0.0.0.0-{0}.0.0.0\" newVersion=\"{0}.0.0.0\" />",
            rng.range(1, 19)
        ),
        2 => format!("{other}(+{}, -{})", rng.digits(10), rng.digits(10)),
        3 => format!("id: {}-{}-{}", rng.digits(4), rng.digits(4), rng.digits(4)),
        4 => format!(
            "elapsed {} {} {} {}",
            rng.digits(4),
            rng.digits(4),
            rng.digits(4),
            rng.digits(4)
        ),
        5 => format!("{} {} {}", rng.digits(4), rng.digits(4), rng.digits(4)),
        6 => format!("{} {} {}", rng.digits(3), rng.digits(3), rng.digits(4)),
        7 => format!(
            "The {other} has part number {}-{}-{}.",
            rng.digits(3),
            rng.digits(3),
            rng.digits(4)
        ),
        8 => format!("if {word}_{}.{other}() > {large} {{", rng.below(100)),
        9 => format!(
            "i18n.t('{word}.{other}', {{count: {}, total: {large}}})",
            rng.below(100)
        ),
        10 => format!(
            "background: url(\"/img/{word}@2x.png?v={}\");",
            rng.digits(10)
        ),
        11 => format!(
            "INSERT INTO {word} VALUES ({}, '{other}', {}, {}, NULL);",
            rng.digits(5),
            rng.epoch_in_some_unit(),
            rng.decimal()
        ),
        12 => format!(
            "{word}_seconds_bucket{{le=\"0.25\"}} {}",
            rng.below(1 << 36)
        ),
        13 => format!("The {word} of the {other} handles {large} requests a day."),
        14 => format!(
            "{word}: {} kB, {} pages, {} lines",
            rng.digits(7),
            rng.digits(9),
            rng.digits(8)
        ),
        15 => format!("{word} {} not in cache", rng.digits(16)),
        16 => format!("{word}Offset = {}", rng.digits(12)),
        _ => format!("# {word} {}", rng.decimal()),
    }]
}
