//! What the worst input costs: nanoseconds a byte, and how many times that of ordinary text, for
//! inputs that were made to be slow, for every case repeated, and for the files and folders that are
//! named as arguments. `cargo run --profile bench -p breakglass-redact --example worst_case`
//!
//! Each input is 64 KiB in chunks of 16 KiB, as a proxy hands bodies over, and again in chunks of 64
//! bytes. With `--count`, instructions are counted by valgrind's callgrind instead, which takes a few
//! minutes but comes out the same every time. `--search SECONDS [SEED]` looks for worse inputs: it puts
//! pieces together at random and goes on from what took longest. `growth` compares the cost a byte of 64 KiB in one chunk with that of 4 KiB: 1 where it is
//! linear, 16 where it is quadratic.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use breakglass_redact::{Action, Format, Profile, Redactor, Tally};

/// One input and what it cost.
struct Cost {
    name: String,
    format: Format,
    /// Nanoseconds a byte in chunks of 16 KiB, and in chunks of 64 bytes.
    big: f64,
    small: f64,
    growth: f64,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--count") => count_all(),
        Some(COUNTED) => count_one(&arguments[1]),
        Some("--search") => {
            let number = |place: usize, otherwise: u64| {
                let given = arguments.get(place);
                given.map_or(otherwise, |text| text.parse().expect("a number"))
            };
            search(number(1, 60), number(2, 1));
        }
        _ => time_all(),
    }
}

/// Counts the instructions a byte of every text, the worst last.
fn count_all() {
    let program = std::env::current_exe().expect("this program");
    let mut counts: Vec<_> = inputs()
        .into_iter()
        .enumerate()
        .map(|(place, (name, _))| {
            let valgrind = [
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                "--toggle-collect=*counted*",
            ];
            let run = Command::new("valgrind")
                .args(valgrind)
                .arg(&program)
                .args([COUNTED, &place.to_string()])
                .args(std::env::args().skip(2))
                .output();
            let said = run.expect("the package valgrind is needed to count").stderr;
            let said = String::from_utf8_lossy(&said);
            let count = said
                .lines()
                .find_map(|line| line.split_once("Collected : "))
                .map(|(_, count)| count.trim().parse::<u64>());
            let count = count
                .and_then(Result::ok)
                .unwrap_or_else(|| panic!("no count in {said}"));
            (count as f64 / SIZE as f64, name)
        })
        .collect();
    let ordinary = counts[0].0;
    counts.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("{:>6} {:>8}  text in chunks of 16 KiB", "times", "per byte");
    for (count, name) in counts {
        println!("{:6.1} {count:8.1}  {name}", count / ordinary);
    }
}

/// Redacts one text while valgrind counts.
fn count_one(place: &str) {
    let place: usize = place.parse().expect("the place of an input");
    let body = repeated(&inputs()[place].1, SIZE);
    let profile = Profile::all(Action::Mask);
    let mut out = Vec::with_capacity(2 * body.len());
    counted(&profile, &body, &mut out);
    black_box(&out);
}

/// What callgrind counts, by this name.
#[inline(never)]
fn counted(profile: &Profile, body: &[u8], out: &mut Vec<u8>) {
    let (mut redactor, mut tally) = (Redactor::new(Format::Text), Tally::default());
    for chunk in body.chunks(CHUNK) {
        redactor.push(profile, chunk, out, &mut tally);
    }
    redactor.finish(profile, out, &mut tally);
}

/// Looks for units of text that cost more than others, and prints the worst.
fn search(seconds: u64, seed: u64) {
    let mut random = Random(seed | 1);
    let cost = |unit: &[u8]| {
        let body = repeated(unit, SIZE / 2);
        per_byte(Format::Text, &body, CHUNK)
    };
    let ordinary = cost(&ordinary());
    let mut worst: Vec<(f64, Vec<u8>)> = Vec::new();
    let mut tried = 0;
    let start = Instant::now();
    while start.elapsed().as_secs() < seconds {
        let mut unit = match worst.len() {
            KEPT.. if random.below(4) > 0 => worst[random.below(KEPT)].1.clone(),
            _ => Vec::new(),
        };
        for _ in 0..=random.below(4) {
            let place = random.below(unit.len() + 1);
            match random.below(3) {
                0 if place < unit.len() => drop(unit.remove(place)),
                1 if !worst.is_empty() => {
                    unit.extend_from_slice(&worst[random.below(worst.len())].1);
                }
                _ => {
                    let piece = PIECES[random.below(PIECES.len())].bytes();
                    unit.splice(place..place, piece).for_each(drop);
                }
            }
        }
        unit.truncate(UNIT_BYTES);
        if unit.is_empty() || worst.iter().any(|(_, known)| *known == unit) {
            continue;
        }
        tried += 1;
        worst.push((cost(&unit), unit));
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        worst.truncate(KEPT);
    }
    println!("{tried} inputs tried, ordinary text {ordinary:.2} ns a byte");
    println!("{:>6} {:>8}  input", "times", "ns/byte");
    for (_, unit) in worst.iter().take(10) {
        // Once more, for what a busy machine made slow.
        let cost = cost(unit);
        println!(
            "{:6.1} {cost:8.2}  {:?}",
            cost / ordinary,
            String::from_utf8_lossy(unit)
        );
    }
}

/// Numbers that look like chance, the same every time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn time_all() {
    let mut costs = Vec::new();
    for (name, unit) in inputs() {
        for format in [Format::Text, Format::Json, Format::Sse, Format::NdJson] {
            if let Some(body) = body(format, &unit, SIZE) {
                costs.push(Cost::of(
                    name.clone(),
                    format,
                    &body,
                    &body_of_growth(format, &unit),
                ));
            }
        }
    }
    for (name, format, unit) in raw_inputs() {
        let body = repeated(&unit, SIZE);
        costs.push(Cost::of(name, format, &body, &repeated(&unit, SIZE / 16)));
    }
    report(&costs);
}

/// The costs, each compared with ordinary text in the same format, the worst first.
fn report(costs: &[Cost]) {
    let ordinary = |format| {
        let mut known = costs
            .iter()
            .filter(|cost| cost.format == format && cost.name == ORDINARY);
        known
            .next()
            .map_or((1.0, 1.0), |cost| (cost.big, cost.small))
    };
    let mut order: Vec<_> = costs.iter().collect();
    let times = |cost: &Cost| cost.big / ordinary(cost.format).0;
    order.sort_by(|a, b| times(b).total_cmp(&times(a)));
    println!(
        "{:>6} {:>8} {:>6} {:>8} {:>6}  input",
        "times", "ns/byte", "times", "(64 B)", "growth"
    );
    for cost in order {
        println!(
            "{:6.1} {:8.2} {:6.1} {:8.2} {:6.1}  {:?} {}",
            times(cost),
            cost.big,
            cost.small / ordinary(cost.format).1,
            cost.small,
            cost.growth,
            cost.format,
            cost.name
        );
    }
}

// === impl Cost ===

impl Cost {
    fn of(name: String, format: Format, body: &[u8], shorter: &[u8]) -> Self {
        let one = per_byte(format, body, body.len());
        let growth = one / per_byte(format, shorter, shorter.len());
        Self {
            name,
            format,
            big: per_byte(format, body, CHUNK),
            small: per_byte(format, body, 64),
            growth,
        }
    }
}

/// Nanoseconds a byte, of the fastest of a few runs.
fn per_byte(format: Format, body: &[u8], chunk: usize) -> f64 {
    let profile = Profile::all(Action::Mask);
    let mut out = Vec::with_capacity(2 * body.len());
    let run = |out: &mut Vec<u8>| {
        let (mut redactor, mut tally) = (Redactor::new(format), Tally::default());
        out.clear();
        let start = Instant::now();
        for chunk in body.chunks(chunk) {
            redactor.push(&profile, chunk, out, &mut tally);
        }
        redactor.finish(&profile, out, &mut tally);
        let taken = start.elapsed();
        black_box(&out);
        taken
    };
    let fastest = (0..RUNS).map(|_| run(&mut out)).min().unwrap_or_default();
    fastest.as_nanos() as f64 / body.len() as f64
}

/// Units of text by name: what was made to be slow, the cases, and the files of the arguments.
fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut inputs: Vec<(String, Vec<u8>)> = vec![(ORDINARY.into(), ordinary())];
    inputs.extend(
        SLOW.iter()
            .map(|unit| (format!("{unit:?}"), unit.as_bytes().to_vec())),
    );
    for line in CASES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let plain = line.split('⟦').map(|part| match part.split_once('⟧') {
            Some((marked, rest)) => {
                format!("{}{rest}", marked.split_once(':').unwrap_or_default().1)
            }
            None => part.to_owned(),
        });
        let plain = plain.collect::<String>();
        inputs.push((format!("{plain:?} "), format!("{plain} ").into()));
    }
    for path in std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
    {
        for file in files(Path::new(&path)) {
            if let Ok(text) = fs::read(&file)
                && text.len() > HEADER
            {
                inputs.push((file.display().to_string(), text[HEADER..].to_vec()));
            }
        }
    }
    inputs
}

/// Bodies that are slow by their form, not by their text.
fn raw_inputs() -> Vec<(String, Format, Vec<u8>)> {
    let raw = |format, unit: &str| (format!("{unit:?}"), format, unit.as_bytes().to_vec());
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth) + ",";
    let mut all = vec![
        raw(Format::Json, "[{\"a\":"),
        raw(Format::Json, "\"\","),
        raw(Format::Json, "{\"a\":\"4\"},"),
        raw(Format::Json, "{\"logprobs\":[1,2],\"text\":\"a1\"},"),
        raw(Format::Json, "\\\""),
        raw(Format::Sse, "\n"),
        raw(Format::Sse, "\r"),
        raw(Format::Sse, "data\n"),
        raw(Format::Sse, "data:1\n"),
        raw(Format::Sse, "data:1\n\n"),
        raw(Format::Sse, "id:1\n"),
        raw(Format::Sse, ":\n"),
        raw(Format::Sse, "data: {\"a\":\n"),
        raw(
            Format::Sse,
            "data: {\"choices\":[{\"delta\":{\"content\":\"1\"}}]}\n\n",
        ),
        raw(
            Format::Sse,
            "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"1\"}},{\"delta\":{\"content\":\"a@\"}}]}\n\n",
        ),
        raw(Format::NdJson, "\n"),
        raw(Format::NdJson, "1\n"),
        raw(Format::NdJson, "{\"response\":\"1\",\"done\":false}\n"),
    ];
    all.push((
        "[ nested 1000 deep".into(),
        Format::Json,
        nested(1000).into(),
    ));
    let many: String = (0..40)
        .map(|index| format!("{{\"index\":{index},\"delta\":{{\"content\":\"1\"}}}},"))
        .collect();
    let event = format!("data: {{\"choices\":[{}]}}\n\n", many.trim_end_matches(','));
    all.push(("40 choices an event".into(), Format::Sse, event.into()));
    let fields: String = (0..1500).map(|_| "\"a\":\"1\",").collect();
    all.push((
        "events of 1500 fields".into(),
        Format::Sse,
        format!("data: {{{fields}\"b\":0}}\n\n").into(),
    ));
    let two = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"1\"}}}}],\"a\":\"{}\"}}\n\n",
        "1 ".repeat(300)
    );
    all.push((
        "events with text beside the text".into(),
        Format::Sse,
        two.into(),
    ));
    all
}

/// A body of this format with a text of `size` bytes in it; none if the text cannot stand in it.
fn body(format: Format, unit: &[u8], size: usize) -> Option<Vec<u8>> {
    let text = repeated(unit, size);
    let escaped = || {
        let text = serde_json::to_string(&String::from_utf8_lossy(&text)).ok()?;
        Some(text[1..text.len() - 1].to_owned())
    };
    match format {
        Format::Text => Some(text),
        Format::Json => Some(format!("{{\"content\":\"{}\"}}", escaped()?).into()),
        // As an answer streams: a few letters an event.
        Format::Sse | Format::NdJson => {
            let written: Vec<char> = String::from_utf8_lossy(&text).chars().collect();
            let mut body = String::new();
            for piece in written.chunks(4) {
                let piece = serde_json::to_string(&piece.iter().collect::<String>()).ok()?;
                let event = match format {
                    Format::Sse => format!(
                        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{piece}}}}}]}}\n\n"
                    ),
                    _ => format!("{{\"model\":\"m\",\"response\":{piece},\"done\":false}}\n"),
                };
                body.push_str(&event);
                if body.len() > size {
                    break;
                }
            }
            Some(body.into())
        }
    }
}

fn body_of_growth(format: Format, unit: &[u8]) -> Vec<u8> {
    body(format, unit, SIZE / 16).unwrap_or_default()
}

fn repeated(unit: &[u8], size: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(size).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    match fs::read_dir(path) {
        Ok(entries) => entries
            .flatten()
            .flat_map(|entry| files(&entry.path()))
            .collect(),
        Err(_) => vec![path.into()],
    }
}

/// What an assistant writes, with a number and an address now and then.
fn ordinary() -> Vec<u8> {
    let text = "Thank you for your patience. I have looked at your order and it left our house this morning. \
        It should be with you in 2 or 3 days; if it is not there by then, write to us again and we shall look \
        into it at once. The invoice says 49.90, and the parcel weighs 1.2 kg. You can change the address \
        until the evening, and you may send it back for 30 days. To follow it, open the page of your orders \
        and choose the one of 24 November. If anything is missing, our colleagues in Leeds are there from \
        9 to 17 and will be glad to help. For this order the number is 10438, and there is nothing else to pay. \
        Questions go to help@example.com, and a person will answer them. Is there anything else that I can do?\n\n";
    text.into()
}

/// The argument before the place of the input that callgrind counts.
const COUNTED: &str = "--counted";
const ORDINARY: &str = "ordinary text";
const SIZE: usize = 64 << 10;
/// What a proxy hands over at a time.
const CHUNK: usize = 16 << 10;
const RUNS: usize = 7;
/// The bytes before the text in an input of a fuzz target.
const HEADER: usize = 3;
const CASES: &str = include_str!("../cases/text.txt");
/// What makes a scanner look often, far, or again.
const SLOW: [&str; 77] = [
    "1",
    "12",
    "1 ",
    "1-",
    "1.",
    "1,",
    "1:",
    "1a",
    "a1",
    "a1 ",
    "A1 ",
    "AB1 ",
    "1/",
    "1 1-",
    "12 34 ",
    "1234 ",
    "12345 ",
    "123-",
    "12-34-",
    "4111 ",
    "4111-1111-",
    "98765 43210 ",
    "+1",
    "+1 ",
    "+1 (",
    "(1) ",
    "+91 9",
    "(415) ",
    "@",
    "a@",
    "a@a",
    "a@a.",
    "a.",
    "a.a@a.aa ",
    "1@",
    "1@1.",
    "\u{ff20}",
    "a\u{200b}@",
    ":",
    "::",
    "a:",
    "1::",
    "a::b:",
    "00:",
    "00:1A:2B:3C:",
    "00-1A-",
    "-",
    "-----",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "----BEGIN -",
    "\\",
    "\\n",
    "\\u0031",
    "\\\\u0040",
    "%",
    "%31",
    "%40",
    "&#",
    "&#49;",
    "&#64;",
    "&amp;",
    "eyJ",
    "eyJ.",
    "eyJ1.eyJ1.",
    "sk-",
    "sk-1",
    "ghp_1",
    "XXXX ",
    "XXXX XXXX 1",
    "DE44 ",
    "GB33BUKB2020",
    "abcdefghij",
    "١२３",
    // What the search has found.
    "12-2\\--x4111003---12-2\\5--x4111003----0\\",
    ":116%402:10%404:16\u{200b}%405:11%4021:1:%40:",
    "87%40B3--876%40B3--9876%40B4-4--",
];

/// What inputs are put together of.
const PIECES: &[&str] = &[
    " ",
    "-",
    ".",
    ":",
    "/",
    "(",
    ")",
    "+",
    "@",
    "%",
    "\\",
    "&#",
    "%40",
    "%31",
    "&#64;",
    "\\n",
    "\\u0031",
    "\\\\u0040",
    "１",
    "२",
    "\u{200b}",
    "\u{a0}",
    "é",
    "中",
    "x",
    "X",
    "1",
    "12",
    "123",
    "4111",
    "12345",
    "98765",
    "0",
    "phone ",
    "card ",
    "number is ",
    "ssn ",
    "a",
    "AB",
    "DE44",
    "--",
    "-----",
    "\n",
    "\"",
    ",",
    "KA",
    "sk-",
    "eyJ",
    "::",
    "00:",
    "A",
    "_",
    "ghp_",
    ". ",
    "no. ",
    "GB33",
    "XXXX",
    ";",
];
/// Bytes of the longest input of the search, and how many are kept to go on from.
const UNIT_BYTES: usize = 40;
const KEPT: usize = 30;
