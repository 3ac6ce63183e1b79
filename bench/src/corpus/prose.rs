//! What chat models answer: paragraphs, lists, now and then a block of code.

use super::code;
use super::dice::Dice;

/// An answer of so many paragraphs.
pub(super) fn answer(dice: &mut Dice, paragraphs: usize) -> String {
    let mut text = String::new();
    for number in 0..paragraphs {
        if number > 0 {
            text.push_str("\n\n");
        }
        match dice.below(12) {
            0..=7 => paragraph(dice, &mut text),
            8 | 9 => list(dice, &mut text),
            10 if paragraphs > 1 => block(dice, &mut text),
            _ => {
                text.push_str("## ");
                text.push_str(dice.pick(&HEADINGS));
                text.push_str("\n\n");
                paragraph(dice, &mut text);
            }
        }
    }
    text
}

/// A table of orders.
pub(super) fn table(dice: &mut Dice) -> String {
    let mut text = String::from("order;day;item;pieces;price;total\n");
    for _ in 0..60 {
        let (day, month, pieces, price) = (
            dice.below(28),
            dice.below(12),
            dice.below(900),
            dice.below(90_000),
        );
        text.push_str(&format!(
            "ORD-{:06};2025-{:02}-{:02};{};{pieces};{}.{:02};{}\n",
            dice.below(1_000_000),
            month + 1,
            day + 1,
            dice.pick(&THINGS),
            price / 100,
            price % 100,
            pieces * price,
        ));
    }
    text
}

fn paragraph(dice: &mut Dice, text: &mut String) {
    for number in 0..3 + dice.below(4) {
        if number > 0 {
            text.push(' ');
        }
        sentence(dice, text);
    }
}

fn list(dice: &mut Dice, text: &mut String) {
    text.push_str(dice.pick(&HEADINGS));
    text.push(':');
    let numbered = dice.below(2) == 0;
    for number in 1..4 + dice.below(4) {
        match numbered {
            true => text.push_str(&format!("\n{number}. ")),
            false => text.push_str("\n- "),
        }
        text.push_str(&format!("**{}**: ", dice.pick(&THINGS)));
        sentence(dice, text);
    }
}

fn block(dice: &mut Dice, text: &mut String) {
    text.push_str("```rust\n");
    for _ in 0..2 {
        code::function(dice, text);
    }
    text.push_str("```");
}

/// One sentence; one of twelve has numbers in it. With its envelope, lists and code, two blocks of 64
/// bytes in seven of a chat answer then have a digit; recorded ones have one in five.
fn sentence(dice: &mut Dice, text: &mut String) {
    let sentences: &[&str] = match dice.below(12) {
        0 => &NUMBERED,
        _ => &PLAIN,
    };
    for piece in dice.pick(sentences).split_inclusive('}') {
        let (words, slot) = piece.split_once('{').unwrap_or((piece, ""));
        text.push_str(words);
        match slot.trim_end_matches('}') {
            "thing" => text.push_str(dice.pick(&THINGS)),
            "what" => text.push_str(dice.pick(&QUALITIES)),
            "n" => text.push_str(&(2 + dice.below(97)).to_string()),
            "year" => text.push_str(&(1950 + dice.below(76)).to_string()),
            "big" => text.push_str(&format!("{},{:03}", 1 + dice.below(400), dice.below(1_000))),
            "part" => text.push_str(&format!("{}.{}", dice.below(40), dice.below(10))),
            _ => {}
        }
    }
}

const PLAIN: [&str; 25] = [
    "The short answer is that {thing} depends on {thing}, and most teams find out the hard way.",
    "In practice, {what} results come from looking at {thing} before changing anything else.",
    "That said, it's worth checking whether {thing} is really the cause.",
    "You don't need {thing} for this; a {what} approach is usually enough.",
    "If you're unsure, start with {thing} and measure what happens.",
    "There are several reasons why {thing} behaves this way, and not all of them are obvious.",
    "First, make sure that {thing} is enabled, then restart the service and watch the logs.",
    "The main trade-off is between {thing} and {thing}.",
    "A {what} way to think about it is to imagine {thing} as a queue that is always a little too full.",
    "Historically, {thing} was introduced to solve a problem that hardly anyone has today.",
    "Here's a “{what}” example — it shows how {thing} works without any of the surrounding detail.",
    "Keep in mind that {thing} may be cached, so the change won't be visible at once.",
    "For most readers the difference is academic, but it matters once {thing} grows.",
    "Let me explain why: {thing} is evaluated lazily, whereas {thing} is not.",
    "I'd recommend reading the documentation of {thing} before you decide.",
    "On the other hand, {what} defaults can hide mistakes for a surprisingly long time.",
    "Both options are reasonable; choose the one that your team already understands.",
    "Once that's done, you can remove {thing} and simplify the configuration.",
    "This is a common source of confusion, because {thing} sounds like {thing} but isn't.",
    "Finally, write down what you changed, so that the next person doesn't have to guess.",
    "It also helps to talk to the people who use it every day, since their habits differ from the plan.",
    "The recipe works just as well with vegetables, as long as the oven is properly hot.",
    "Her argument was that cities are shaped less by architects than by the people who sweep the streets.",
    "No single measure will fix this, though {thing} comes close.",
    "With that in place, the rest follows almost by itself.",
];

const NUMBERED: [&str; 15] = [
    "In {year}, the city had about {big} inhabitants, most of whom worked in {thing}.",
    "Between {year} and {year} the cost of {thing} fell by {n} percent.",
    "Expect it to take around {n} minutes the first time, and {n} seconds after that.",
    "The study followed {big} people for {n} years and found a {what} effect.",
    "Version {part} changed the default, so anything older than that needs the flag.",
    "On average, {thing} accounts for {part}% of the total, with a margin of {n} points.",
    "Set the limit to {n} at first; beyond {n}, {thing} becomes the bottleneck.",
    "That comes to roughly ${big} a year, or ${n} a month for each seat.",
    "Preheat the oven to {n} °C and leave it for {n} minutes.",
    "Chapter {n} of the report (published in {year}) describes it in detail.",
    "About {n} out of {n} users never open the settings page.",
    "The treaty was signed in {year}, and {n} states have joined since then.",
    "A train leaves every {n} minutes from platform {n}, also on Sundays.",
    "It weighs {part} kg, which is {n}% less than the model of {year}.",
    "See https://example.com/docs/v{n}/guide for the {what} version of this answer.",
];

const THINGS: [&str; 32] = [
    "the load balancer",
    "garbage collection",
    "connection pooling",
    "the build cache",
    "the weather",
    "public transport",
    "your first draft",
    "the database index",
    "a good night's sleep",
    "the feature flag",
    "the message queue",
    "type inference",
    "the retry policy",
    "memory bandwidth",
    "interest rates",
    "the local market",
    "soil moisture",
    "compound interest",
    "the event loop",
    "version control",
    "the training data",
    "photosynthesis",
    "agriculture",
    "the harbour",
    "error handling",
    "the certificate chain",
    "the control group",
    "container scheduling",
    "a second opinion",
    "the shipping industry",
    "the test suite",
    "vaccination",
];

const QUALITIES: [&str; 16] = [
    "simple",
    "reliable",
    "modest",
    "measurable",
    "naïve",
    "careful",
    "typical",
    "surprising",
    "lasting",
    "practical",
    "gradual",
    "robust",
    "minimal",
    "consistent",
    "cheap",
    "detailed",
];

const HEADINGS: [&str; 8] = [
    "What to check first",
    "Summary",
    "Why this happens",
    "Step by step",
    "Trade-offs to keep in mind",
    "Background",
    "A few suggestions",
    "How it works in detail",
];
