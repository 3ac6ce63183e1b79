//! Source code, as models write it and as files have it.

use super::dice::Dice;

/// A file of some functions.
pub(super) fn file(dice: &mut Dice) -> String {
    let mut text =
        String::from("//! Generated for the benchmark.\n\nuse std::collections::BTreeMap;\n\n");
    for _ in 0..8 + dice.below(40) {
        function(dice, &mut text);
        text.push('\n');
    }
    text
}

/// One function.
pub(super) fn function(dice: &mut Dice, text: &mut String) {
    let name = format!("{}_{}", dice.pick(&VERBS), dice.pick(&NOUNS));
    let noun = dice.pick(&NOUNS);
    text.push_str(&format!(
        "/// Returns the {noun} of the given {}.\npub fn {name}({noun}: &[u8], limit: usize) -> Option<usize> {{\n",
        dice.pick(&NOUNS)
    ));
    for _ in 0..3 + dice.below(8) {
        let (a, b) = (dice.pick(&NOUNS), dice.pick(&NOUNS));
        let number = dice.below(5_000);
        let line = match dice.below(16) {
            0 => format!("    let {a} = {b}.iter().map(|item| item.len()).sum::<usize>();\n"),
            1 => format!(
                "    if {a}.is_empty() || limit == {} {{\n        return None;\n    }}\n",
                number % 9
            ),
            2 | 13 => format!("    let mut {a}: BTreeMap<String, u64> = BTreeMap::new();\n"),
            3 | 10 | 11 => format!("    // The {a} comes first: {b} may depend on it.\n"),
            4 => format!("    {a}.push(({b}.clone(), {number}));\n"),
            5 => format!(
                "    for (index, {a}) in {b}.chunks({}).enumerate() {{\n        total += index * {a}.len();\n    }}\n",
                number % 64
            ),
            6 => format!(
                "    const MAX_{}: usize = 0x{number:04x};\n",
                a.to_uppercase()
            ),
            7 | 12 => {
                format!("    log::debug!(\"{a} of {{}} bytes, {{}} left\", {b}.len(), limit);\n")
            }
            8 => format!(
                "    let {a} = match {b} {{\n        Some({b}) => {b}.checked_add(1)?,\n        None => u32::MAX,\n    }};\n"
            ),
            _ => format!("    self.{a} = self.{b}.saturating_sub({a});\n"),
        };
        text.push_str(&line);
    }
    text.push_str("    Some(total)\n}\n");
}

const VERBS: [&str; 10] = [
    "read", "write", "merge", "find", "count", "decode", "flush", "resolve", "parse", "update",
];

const NOUNS: [&str; 18] = [
    "buffer", "header", "frame", "window", "channel", "policy", "bucket", "route", "cluster",
    "digest", "offset", "token", "record", "timeout", "segment", "queue", "worker", "index",
];
