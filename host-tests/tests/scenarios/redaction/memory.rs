//! What redaction costs in memory, at rest, by stream and over time; and bodies that are meant to hurt.

use breakglass_host_tests::{Last, More, Proxy, Stream, module};
use breakglass_redact::limits::EVENT_BYTES;

use crate::{
    redaction::{EVENTS, JSON, LINES, TEXT, answer, ask, begin, cases, delta, masking, post},
    world::World,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn memory(world: &World) -> usize {
    world.worker(0).vms()[0].memory_bytes
}

fn world() -> World {
    World::with_workers(1, &masking())
}

#[test]
fn memory_at_rest_is_at_most_four_mebibytes() {
    let world = world();
    answer(&world, TEXT, &["jo@example.com"]);
    println!("at rest: {} KiB", memory(&world) / KIB);
    assert!(memory(&world) <= 4 * MIB, "{}", memory(&world));
}

#[test]
fn a_hundred_thousand_chunks_leave_memory_as_it_was() {
    let world = world();
    let cases = cases();
    let mut after_warm_up = 0;
    let mut sent = 0;
    let mut streams: Vec<(Stream, usize)> = Vec::new();
    for round in 0.. {
        if sent >= 100_000 {
            break;
        }
        // Forty streams side by side, each of another kind and length.
        while streams.len() < 40 {
            let kind = [EVENTS, EVENTS, TEXT, LINES][streams.len() % 4];
            streams.push((begin(&world, "u", kind, &[]), streams.len()));
        }
        for (stream, number) in &mut streams {
            let text = &cases[(round * 7 + *number) % cases.len()]
                .text
                .replace('"', "'");
            let chunk = match *number % 4 {
                0 | 1 => delta(text),
                2 => text.clone(),
                _ => format!("{{\"response\":\"{text}\"}}\n"),
            };
            let (a, b) = chunk.as_bytes().split_at(chunk.len() / 2);
            stream.response_body(a, More);
            stream.response_body(b, More);
            sent += 2;
        }
        if round % 10 == 9 {
            for (mut stream, _) in streams.drain(..20) {
                stream.response_body("", Last);
                assert!(stream.finish().client.ended);
            }
        }
        if sent > 20_000 && after_warm_up == 0 {
            after_warm_up = memory(&world);
        }
    }
    println!(
        "after 20,000 chunks {} KiB, after {sent} {} KiB",
        after_warm_up / KIB,
        memory(&world) / KIB
    );
    assert_eq!(memory(&world), after_warm_up);
    assert!(memory(&world) <= 4 * MIB, "{}", memory(&world));
}

/// How much a thousand open streams of a kind take, each of which was sent this.
fn per_stream(kind: &str, chunks: &[String]) -> usize {
    let world = world();
    answer(&world, kind, chunks);
    let before = memory(&world);
    let streams: Vec<_> = (0..1_000)
        .map(|n| {
            let mut stream = begin(&world, &format!("u{n}"), kind, &[]);
            for chunk in chunks {
                stream.response_body(chunk, More);
            }
            stream
        })
        .collect();
    let taken = (memory(&world) - before) / streams.len();
    println!(
        "{kind}: {taken} bytes a stream, {} KiB in all",
        memory(&world) / KIB
    );
    taken
}

#[test]
fn an_open_stream_takes_at_most_sixteen_kibibytes() {
    let open_event = delta("write to jo@exam");
    let kinds = [
        (TEXT, vec!["some words, then write to jo@exam".to_owned()]),
        (
            JSON,
            vec![format!(
                "{{\"a\": {}\"write to jo@exam",
                "[{\"b\":".repeat(30)
            )],
        ),
        (EVENTS, vec![delta("hello "), open_event.clone()]),
        // Half an event, as large as events may be.
        (
            EVENTS,
            vec![
                open_event,
                delta(&"word ".repeat(EVENT_BYTES / 5))[..EVENT_BYTES - 100].to_owned(),
            ],
        ),
        (
            LINES,
            vec![
                "{\"model\":\"m\",\"response\":\"write to jo@exam\",\"done\":false}\n".to_owned(),
                "{\"response\":\"".to_owned(),
            ],
        ),
    ];
    for (kind, chunks) in kinds {
        let taken = per_stream(kind, &chunks);
        assert!(taken <= 16 * KIB, "{kind}: {taken} bytes a stream");
    }
}

#[test]
fn a_stream_of_many_channels_is_bounded() {
    let world = world();
    let event = |choice: usize| {
        format!(
            "data: {{\"choices\":[{{\"index\":{choice},\"delta\":{{\"content\":\"write to jo@exam\"}}}}]}}\n\n"
        )
    };
    let mut stream = begin(&world, "u", EVENTS, &[]);
    let before = memory(&world);
    for choice in 0..20_000 {
        stream.response_body(event(choice), More);
    }
    stream.response_body("", Last);
    println!("20,000 channels: {} KiB", (memory(&world) - before) / KIB);
    assert!(
        memory(&world) - before <= 256 * KIB,
        "{}",
        memory(&world) - before
    );
    assert!(
        !stream.client().text().contains("[EMAIL_ADDRESS]"),
        "each is a text of its own"
    );
}

/// Bodies without an end in sight, each in pieces: what begins them, what goes on, and for which kinds.
fn hostile() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let some = |text: &str| text.as_bytes().to_vec();
    vec![
        ("nested lists", some(""), some(&"[".repeat(1_000))),
        ("nested objects", some(""), some(&"{\"a\":".repeat(300))),
        ("nested and closed", some(""), some(&"]}".repeat(1_000))),
        ("a string without end", some("{\"text\":\""), some(&"word ".repeat(300))),
        ("a number without end", some("{\"text\":"), some(&"1234567890".repeat(200))),
        ("digits", some("\""), some(&"4111 1111 ".repeat(150))),
        ("a word without end", some(""), some(&"x".repeat(2_000))),
        ("a name without end", some("{\""), some(&"name".repeat(400))),
        ("an address without end", some(""), some(&"jo@example.".repeat(150))),
        ("at signs", some(""), some(&"@".repeat(2_000))),
        ("a key without end", some("sk-proj-"), some(&"abcDEF0123".repeat(150))),
        ("a PEM without end", some("-----BEGIN PRIVATE KEY-----"), some(&"\\nMIIEvQIBADAN".repeat(100))),
        ("backslashes", some("\""), some(&"\\".repeat(1_999))),
        ("escapes", some("\""), some(&"\\u0040\\ud83d".repeat(150))),
        ("bytes that are no text", some("\""), [0xff, 0xc0, 0x80, 0xed, 0xa0, 0xf5].repeat(300)),
        ("zeros", some(""), vec![0; 2_000]),
        ("zero-width characters", some("jo@exam"), some(&"\u{200b}".repeat(600))),
        ("a line without end", some("data: "), some(&"{\"a\":\"b\"},".repeat(150))),
        ("an event of many lines", some("data: {\n"), some(&"data: \"a\": \"b\",\n".repeat(100))),
        ("a comment without end", some(":"), some(&" hi".repeat(600))),
        ("a field without end", some(""), some(&"id".repeat(800))),
        ("line ends", some(""), some(&"\r\n\n\r".repeat(500))),
        ("events without data", some(""), some(&"event: x\n\n".repeat(200))),
        ("indices", some(""), some(&"data: {\"choices\":[{\"index\":99999999999999999999,\"delta\":{\"content\":\"1\"}}]}\n\n".repeat(20))),
    ]
}

#[test]
fn hostile_bodies_neither_trap_nor_grow() {
    let mut large = Vec::new();
    for kind in [TEXT, JSON, EVENTS, LINES] {
        for (what, first, piece) in hostile() {
            let world = world();
            let mut answered = begin(&world, "u", kind, &[]);
            let mut asked = post(&world, "u", kind, &[]);
            answered.response_body(&first, More);
            asked.request_body(&first, More);
            let before = memory(&world);
            for _ in 0..300 {
                answered.response_body(&piece, More);
                asked.request_body(&piece, More);
            }
            answered.response_body("\"}", Last);
            asked.request_body("\"}", Last);
            let grown = memory(&world) - before;
            if grown > 128 * KIB {
                large.push(format!("{kind}, {what}: {} KiB", grown / KIB));
            }
            assert!(answered.effects().client.ended, "{kind}, {what}");
        }
    }
    assert!(large.is_empty(), "{large:#?}");
}

/// What a proxy hands over at once is copied, and what leaves is written beside it; no more than that.
/// Where the allocator puts the first megabytes decides whether the second round still finds room.
#[test]
fn a_hostile_megabyte_in_one_piece_takes_a_few_and_every_further_one_nothing() {
    for kind in [TEXT, JSON, EVENTS, LINES] {
        let world = world();
        let mut settled = 0;
        for round in 0..4 {
            for (what, first, piece) in hostile() {
                let body = [first, piece.repeat(MIB / piece.len())].concat();
                answer(&world, kind, &[&body]);
                ask(&world, kind, &[&body]);
                assert!(
                    memory(&world) <= 8 * MIB,
                    "{kind}, {what}: {}",
                    memory(&world)
                );
            }
            if round == 1 {
                settled = memory(&world);
            }
        }
        println!("{kind}: {} KiB after megabytes", memory(&world) / KIB);
        assert_eq!(memory(&world), settled, "{kind}");
    }
}

/// Instructions that a byte of a piece takes which comes a hundred times; `first` comes before.
fn instructions_per_byte(world: &World, kind: &str, first: &[u8], piece: &[u8]) -> u64 {
    let mut stream = begin(world, "u", kind, &[]);
    stream.response_body(first, More);
    for _ in 0..100 {
        stream.response_body(piece, More);
    }
    let fuel = stream.finish().fuel.into_iter();
    let bodies = fuel.filter(|(callback, _)| callback.ends_with("_body"));
    bodies.map(|(_, fuel)| fuel).sum::<u64>() / (100 * piece.len() as u64)
}

#[test]
fn a_hostile_byte_costs_little_more_than_one_of_a_text_full_of_entities() {
    let text = "Call +44 20 7946 0018 or write to jo@example.com, please. ".repeat(20);
    let mut costly = Vec::new();
    for kind in [TEXT, JSON, EVENTS, LINES] {
        let world = World::cold(Proxy::builder(module()).count_fuel(), &masking());
        world.tick();
        let usual = match kind {
            JSON => instructions_per_byte(&world, kind, b"{\"a\": \"", text.as_bytes()),
            EVENTS => instructions_per_byte(&world, kind, b"", delta(&text).as_bytes()),
            LINES => instructions_per_byte(&world, kind, b"", format!("\"{text}\"\n").as_bytes()),
            _ => instructions_per_byte(&world, kind, b"", text.as_bytes()),
        };
        println!("{kind}: {usual} instructions a byte");
        for (what, first, piece) in hostile() {
            let taken = instructions_per_byte(&world, kind, &first, &piece);
            if taken > 4 * usual {
                costly.push(format!("{kind}, {what}: {taken}, not at most 4 * {usual}"));
            }
        }
    }
    assert!(costly.is_empty(), "{costly:#?}");
}
