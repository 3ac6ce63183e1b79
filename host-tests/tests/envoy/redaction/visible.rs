//! What the client sees after each write upstream, to the byte: nothing in clear before it is certain,
//! and nothing held that is certain.

use breakglass_redact::Format;
use serde_json::{Value, json};

use super::{CHAT_END, Scene, chat_event};
use crate::wire::End;

/// Writes upstream, and what each makes visible. The last one stands for the end of the answer.
struct Record {
    format: Format,
    writes: &'static [(&'static str, &'static str)],
    end: &'static str,
}

const RECORDS: &[Record] = &[
    Record {
        format: Format::Text,
        writes: &[
            ("Ask ", "Ask "),
            ("jane", ""),
            ("@exa", ""),
            ("mple", ""),
            (".com", ""),
            (" now", "[EMAIL_ADDRESS] "),
            (".", ""),
        ],
        end: "now.",
    },
    Record {
        format: Format::Text,
        writes: &[
            ("Pay with 4111", "Pay with "),
            (" 1111 1111 ", ""),
            ("1111", ""),
            (" or else\n", "[CREDIT_CARD] or else\n"),
        ],
        end: "",
    },
    // A key is certain before its end, and longer than anything that is held back.
    Record {
        format: Format::Text,
        writes: &[
            ("key ", "key "),
            ("sk-proj-", ""),
            ("abcdefghijklmnopqrst", ""),
            ("uvwxyz0123456789", ""),
        ],
        end: "[SECRET]",
    },
    Record {
        format: Format::Json,
        writes: &[
            ("{\"id\":\"", "{\"id\":\""),
            ("x\",\"text\":\"", "x\",\"text\":\""),
            ("to jane", "to "),
            ("\\u0040", ""),
            ("example.com", ""),
            ("\",", "[EMAIL_ADDRESS]\","),
            ("\"n\":1}", "\"n\":1}"),
        ],
        end: "",
    },
    // An event is kept until it is whole.
    Record {
        format: Format::Sse,
        writes: &[
            ("data: {\"note\":\"", ""),
            ("hello jane@example.com\"}", ""),
            ("\n", ""),
            ("\n", "data: {\"note\":\"hello [EMAIL_ADDRESS]\"}\n\n"),
            (": ping\n\n", ": ping\n\n"),
            ("id: 7\n", ""),
            ("event: x\ndata: {}\n\n", "id: 7\nevent: x\ndata: {}\n\n"),
        ],
        end: "",
    },
    Record {
        format: Format::NdJson,
        writes: &[
            ("{\"a\":\"jane@", ""),
            ("example.com\"}", ""),
            ("\n", "{\"a\":\"[EMAIL_ADDRESS]\"}\n"),
        ],
        end: "",
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_visible_after_each_write_is_certain() {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    for Record {
        format,
        writes,
        end,
    } in RECORDS
    {
        let (mut wire, mut call) = scene.open(*format);
        let mut visible: Vec<(&str, String)> = Vec::new();
        for (write, _) in *writes {
            let news = scene.step(&mut wire, &mut call, write.as_bytes());
            visible.push((write, news));
        }
        call.end();
        assert_eq!(wire.end(), End::Whole, "{visible:#?}");
        let expected: Vec<(&str, String)> = writes
            .iter()
            .map(|(write, news)| (*write, (*news).to_owned()))
            .collect();
        assert_eq!(visible, expected, "{format:?}");
        assert_eq!(String::from_utf8(wire.news()).unwrap(), *end, "{format:?}");
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prose_waits_for_no_more_than_its_current_word() {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    for before in [true, false] {
        let words = PROSE.split_inclusive(' ').map(str::to_owned);
        // Models put the space before the word; some services put it behind.
        let tokens: Vec<String> = match before {
            true => PROSE.split(' ').map(|word| format!(" {word}")).collect(),
            false => words.collect(),
        };
        let tokens: Vec<String> = tokens.iter().flat_map(|token| halves(token)).collect();
        let (mut wire, mut call) = scene.open(Format::Sse);
        let (mut written, mut read) = (String::new(), String::new());
        for token in &tokens {
            let news = scene.step(&mut wire, &mut call, chat_event(token).as_bytes());
            written += token;
            read += &text_of(&news);
            let of = format!("{token:?} after {written:?}");
            assert_eq!(news.matches("\n\n").count(), 1, "{of}: {news}");
            let held = written.strip_prefix(&read).expect(&of).trim_start();
            // A number may wait for the word after it.
            let most = match held.split(' ').next() {
                Some(first) if first.contains(|c: char| c.is_ascii_digit()) => 2,
                _ => 1,
            };
            let words = held.split(' ').count();
            assert!(words <= most, "{of}: held: {held:?}");
        }
        let news = scene.step(&mut wire, &mut call, CHAT_END.as_bytes());
        read += &text_of(&news);
        assert_eq!(read, written, "the end brings the last word: {news}");
        assert!(news.ends_with(CHAT_END), "{news}");
        call.end();
        assert_eq!(wire.end(), End::Whole);
    }
    assert_eq!(
        scene.edge.count("breakglass_redactions_total", &[]).await,
        0
    );
    scene.edge.finish().await;
}

/// A token, or the two of it that a long word is.
fn halves(token: &str) -> Vec<String> {
    match token.len() {
        0..=6 => vec![token.to_owned()],
        length => {
            let (a, b) = token.split_at(length / 2);
            vec![a.to_owned(), b.to_owned()]
        }
    }
}

/// The text in events of a chat.
pub(super) fn text_of(events: &str) -> String {
    let documents = events.lines().filter_map(|line| {
        let json = line.strip_prefix("data: ")?;
        serde_json::from_str::<Value>(json).ok()
    });
    let text = |json: Value| {
        let text = json.pointer("/choices/0/delta/content")?.as_str()?;
        Some(text.to_owned())
    };
    documents.filter_map(text).collect()
}

const PROSE: &str = "Thank you for your patience. I have looked at your order, and it left our house this morning: \
    3 parcels in total, of which 2 arrive on Monday. Whoever signs at the door (you, or a neighbour) gets a receipt; \
    they ring at 10:30 or after 12, so please be there. Anything else? We are here to help.";
