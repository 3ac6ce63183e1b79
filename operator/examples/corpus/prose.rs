//! Sentences with numbers.

use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    let sentences = rng.range(1, 3);
    vec![
        (0..sentences)
            .map(|_| sentence(rng))
            .collect::<Vec<_>>()
            .join(" "),
    ]
}

pub(super) fn sentence(rng: &mut Rng) -> String {
    let (a, b, c) = (rng.word(), rng.word(), rng.word());
    let (small, large) = (rng.below(100), rng.below(1 << 32));
    match rng.below(44) {
        0 => format!("The {a} holds {large} rows, of which {small} are stale."),
        1 => format!(
            "In {} the {a} cost {}, now it costs {}.",
            rng.range(1950, 2030),
            rng.price(),
            rng.price()
        ),
        2 => format!(
            "Move the {a} by {} and the {b} by {}.",
            rng.decimal(),
            rng.decimal()
        ),
        3 => format!("Order {} contains {small} of each {a}.", rng.id_of_digits()),
        4 => format!("Please restart the {a} and try the {b} once more; the {c} can wait."),
        5 => format!(
            "On {} at {} the {a} had {small} % of the load.",
            rng.date(),
            rng.time()
        ),
        6 => format!(
            "Let x = {large} and y = {}; then x·y ≈ {}e{}.",
            rng.decimal(),
            rng.decimal(),
            rng.range(5, 300)
        ),
        7 => format!(
            "The {a} is {} m long, {} m wide and weighs {} kg.",
            small,
            rng.below(50),
            rng.decimal().replace('-', "")
        ),
        8 => format!(
            "See chapter {}, pages {}-{}, and table {}.{}.",
            rng.range(1, 40),
            small,
            small + 12,
            rng.range(1, 9),
            rng.range(1, 30)
        ),
        9 => format!(
            "Version {} fixes the {a}; version {} breaks the {b}.",
            rng.semver(),
            rng.semver()
        ),
        10 => format!(
            "Card {} of {}: what does the {a} do with the {b}?",
            rng.range(1, 20),
            rng.range(20, 60)
        ),
        11 => format!(
            "We call {small} functions per second, and the {a} handles {large} requests a day."
        ),
        12 => format!(
            "The phone has {} GB of memory, a {} mAh battery and a {} Hz screen.",
            rng.pick(&[64, 128, 256]),
            rng.range(2000, 6000),
            rng.pick(&[60, 90, 120])
        ),
        13 => format!(
            "A population of {},{:03},{:03} in {} grew by {small}.{} %.",
            rng.range(1, 999),
            rng.below(1000),
            rng.below(1000),
            rng.range(1900, 2025),
            rng.below(10)
        ),
        14 => format!(
            "The transfer of {} bytes took {} s.",
            rng.digits(10),
            rng.decimal().replace('-', "")
        ),
        15 => format!(
            "It is {}° {}′ {}″ N, {}° {}′ W, or {}, {}.",
            rng.below(90),
            rng.below(60),
            rng.below(60),
            rng.below(180),
            rng.below(60),
            rng.decimal(),
            rng.decimal()
        ),
        16 => format!(
            "2^{} = {}, which is more than {}.",
            small,
            rng.next(),
            rng.digits(15)
        ),
        17 => format!(
            "π ≈ 3.14159265358979, e ≈ 2.718281828459045, √2 ≈ 1.4142135623730951; the {a} is not."
        ),
        18 => format!(
            "Primes: {}, {}, {}, {} and {}.",
            rng.digits(5),
            rng.digits(5),
            rng.digits(6),
            rng.digits(7),
            rng.digits(9)
        ),
        19 => format!(
            "The score was {}:{}, {}-{} in overtime, before {} viewers.",
            rng.below(9),
            rng.below(9),
            rng.below(9),
            rng.below(9),
            rng.range(100, 90_000)
        ),
        20 => format!(
            "Build {} ({}) passed {} of {} tests.",
            rng.id_of_digits(),
            rng.hex(7),
            large,
            large
        ),
        21 => format!(
            "The account of the {} election fills {} pages and {} boxes.",
            rng.range(1790, 2024),
            rng.below(999),
            small
        ),
        22 => format!(
            "ISBN 978-0-{}-{}-{} has {} pages.",
            rng.digits(3),
            rng.digits(5),
            rng.below(10),
            rng.below(2000)
        ),
        23 => format!(
            "The {a} runs from {}:{:02} to {}:{:02}, room {}.",
            rng.below(12),
            rng.below(60),
            rng.range(12, 23),
            rng.below(60),
            rng.range(100, 999)
        ),
        24 => format!(
            "RFC {} and ISO {}-{}:{} say how a {a} is written.",
            rng.range(700, 9500),
            rng.range(100, 39_999),
            rng.range(1, 9),
            rng.range(1990, 2025)
        ),
        25 => format!(
            "Half of {large} is {}; a third is about {}.",
            large / 2,
            large / 3
        ),
        26 => format!(
            "Die {a} kostet {} und wiegt {small},{} kg.",
            rng.price(),
            rng.below(10)
        ),
        27 => format!("यह {a} {small} बार चला, {} में।", rng.range(1990, 2030)),
        28 => format!("該当する{a}は{large}件、{}年です。", rng.range(1990, 2030)),
        29 => format!("🎉 {small} × {} = {}", rng.below(100), rng.below(9999)),
        30 => format!(
            "- [ ] step {}: set `{a}` to {large} (default {small})",
            rng.below(20)
        ),
        31 => format!("```{a}.{b}({large}, 0x{}) // {c}```", rng.hex(8)),
        32 => format!(
            "The {a} rate is {}/s at {} req/s, i.e. {} ppm.",
            rng.decimal(),
            rng.below(99_999),
            rng.below(1_000_000)
        ),
        33 => format!(
            "At epoch {} the {a} rolled over to {}.",
            rng.epoch(),
            rng.timestamp()
        ),
        34 => format!("I have {small} questions on {a}s: what is a {b}, and who pays for the {c}?"),
        35 => format!(
            "Your {a} reference is {}; please keep it.",
            rng.id_of_digits()
        ),
        39 => format!(
            "Serial number {}{}, invoice {}-{:02}-{:05}.",
            rng.text("ABCDEFGHJKLMNPQRSTUVWXYZ", 2),
            rng.digits(8),
            rng.range(2000, 2030),
            rng.below(99),
            rng.below(99_999)
        ),
        40 => format!(
            "Years covered: {} {} {} {}.",
            rng.range(1990, 1999),
            rng.range(2000, 2009),
            rng.range(2010, 2019),
            rng.range(2020, 2030)
        ),
        36 => format!("| {a} | {large} | {} | {} |", rng.decimal(), rng.date()),
        37 => format!(
            "Model {}-{} replaces {}{}.",
            rng.text("ABCDEFGHJKLMNPQRSTUVWXYZ", 2),
            rng.digits(4),
            rng.text("ABCDEFGHJKLMNPQRSTUVWXYZ", 3),
            rng.digits(3)
        ),
        38 => format!(
            "Years {}–{} and {}/{}: {} each.",
            rng.range(1900, 1999),
            rng.range(2000, 2030),
            rng.range(2000, 2030),
            rng.below(99),
            rng.price()
        ),
        _ => format!("Nobody knows why the {a} needs a {b}, but without it the {c} stops."),
    }
}
