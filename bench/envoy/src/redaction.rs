//! What redaction of answers costs: the filter with it, without it, and no filter.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use breakglass_bench::corpus::{Corpus, Shape};
use breakglass_bench::{DifferBy, policy_json};
use breakglass_examples::agent::CARD;
use breakglass_examples::sse;
use serde_json::json;

use crate::Common;
use crate::check;
use crate::contestants::Contestant;
use crate::load::Protocol;
use crate::report::{Bar, Plot, Report, Scale, Table, thousands};
use crate::section::{Answers, Running, Section, requests};
use crate::turns::{Outcome, Plan};
use crate::upstream::{Body, Upstream};

/// What redaction costs an answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Rounds of turns that count.
    #[arg(long)]
    rounds: Option<usize>,
    /// The length of a turn.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "100ms")]
    turn: Duration,
}

/// A build of the filter with and without redaction: where its two contestants stand.
#[derive(Clone, Debug)]
struct Pair {
    plain: usize,
    masking: usize,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        crate::run_on_one_thread(self.measure())
    }

    async fn measure(self) -> Result<()> {
        let modules = self.common.named_modules()?;
        let usual = if self.common.quick { 15 } else { 121 };
        let plan = Plan {
            rounds: self.rounds.unwrap_or(usual),
            turn: self.turn,
        };
        let facts = plan.begin(&modules);
        let name = "redaction-envoy";
        let mut report = Report::new(name, "What redaction costs in Envoy", ABOUT, facts);

        let (cases, planted) = (cases()?, planted());
        let upstream = Upstream::start(&[cases.as_slice(), &planted].concat()).await?;
        let (contestants, pairs) = contestants(&modules);
        let section = Section {
            contestants,
            answers: Answers::Agents,
            protocol: Protocol::Http1,
        };
        let running = section.start(&upstream).await?;
        masks(&section, &running, &cases, &planted).await?;
        let axis =
            "CPU time an answer beside the filter without redaction, µs: median, middle half";
        let mut plot = Plot::new("What redaction adds to the filter", axis, Scale::Linear);
        for case in &cases {
            let outcomes = running.measure(Some(&path(case)), plan).await?;
            report.table(table(case, &outcomes, &pairs));
            for pair in &pairs {
                let masking = &outcomes[pair.masking];
                if let Some(added) = masking.over(&outcomes[pair.plain]) {
                    let label = title(case);
                    let label = match pairs.len() {
                        1 => label,
                        _ => format!("{label}: {}", masking.name),
                    };
                    plot.bar(Bar::new(&label, added).ours());
                }
            }
            report.data(case.name, outcomes.iter().map(Outcome::json).collect());
        }
        report.plot(plot);
        let out = match self.rounds {
            Some(_) => self.common.scratch(),
            None => self.common.out(),
        };
        report.write(&out)
    }
}

/// No filter, and each build with and without redaction.
fn contestants(modules: &[(String, PathBuf)]) -> (Vec<Contestant>, Vec<Pair>) {
    let mut contestants = vec![Contestant::bare()];
    let mut pairs = Vec::new();
    for (name, module) in modules {
        let plain = contestants.len();
        contestants.push(Contestant::routing(name, module, 1));
        let mut policy = policy_json(1, DifferBy::Path);
        policy["policy"] = format!("masking-{plain}").into();
        policy["rollouts"][0]["redaction"] = json!({"response": {"*": "mask"}});
        let name = format!("{name}, redaction");
        contestants.push(Contestant::breakglass(&name, module, &policy));
        pairs.push(Pair {
            plain,
            masking: plain + 1,
        });
    }
    (contestants, pairs)
}

/// What is answered in the turns: nothing personal, of the usual sizes.
fn cases() -> Result<Vec<Body>> {
    let short = json!({
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"content": "Yes."}}],
    });
    let middle = |shape| {
        let mut bodies = Corpus::new(shape, false).bodies;
        bodies.sort_by_key(Vec::len);
        let middle = bodies.len() / 2;
        String::from_utf8(bodies.swap_remove(middle))
    };
    Ok(vec![
        body("short-json", JSON, short.to_string()),
        body("chat-json", JSON, middle(Shape::Json)?),
        body("openai-sse", SSE, middle(Shape::OpenAi)?),
    ])
}

/// What is answered in the check: a card number, whole and cut in two by an event's end.
fn planted() -> Vec<Body> {
    let said = format!("The card is {}, thank you.", CARD.text);
    let whole = json!({"choices": [{"index": 0, "message": {"content": said}}]});
    let (one, two) = said.split_at(22);
    let event = |text| {
        let delta = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        format!("data: {delta}\n\n")
    };
    let stream = [event(one), event(two), "data: [DONE]\n\n".to_owned()].concat();
    vec![
        body("planted-json", JSON, whole.to_string()),
        body("planted-sse", SSE, stream),
    ]
}

fn body(name: &'static str, content_type: &'static str, text: String) -> Body {
    Body {
        name,
        content_type,
        text,
    }
}

fn path(body: &Body) -> String {
    format!("/v1/agents/agent-0000/{}", body.name)
}

/// Does redaction mask what is planted, and does everybody leave everything else as it is?
async fn masks(
    section: &Section,
    running: &Running<'_>,
    cases: &[Body],
    planted: &[Body],
) -> Result<()> {
    for contestant in &section.contestants {
        let addr = running.agents(contestant)?;
        let ask = async |body| {
            let requests = requests(contestant).path(&path(body));
            check::ask(addr, &requests, 7, false).await
        };
        let masking = contestant.name.ends_with("redaction");
        for body in cases {
            let answer = ask(body).await?;
            let (came, sent) = (said(body, &answer.text()), said(body, &body.text));
            let same = came
                .bytes()
                .zip(sent.bytes())
                .take_while(|(came, sent)| came == sent);
            let same = same.count();
            ensure!(
                answer.status == 200 && came == sent,
                "{}: {}: status {}, expected {:?}, it came {:?}",
                contestant.name,
                body.name,
                answer.status,
                around(&sent, same),
                around(&came, same),
            );
        }
        for body in planted {
            let came = said(body, &ask(body).await?.text());
            let right = match masking {
                true => came.contains("CREDIT_CARD") && !came.contains("1111"),
                false => came.contains(CARD.text),
            };
            ensure!(right, "{}: {}: {came}", contestant.name, body.name);
        }
    }
    Ok(())
}

/// What an answer says. Of a stream, its text: redaction holds a word back until it is whole, so it
/// cuts the same text into events at other places.
fn said(body: &Body, answer: &str) -> String {
    if body.content_type != SSE {
        return answer.to_owned();
    }
    let events = sse::Parser::default().push(answer.as_bytes());
    let content = |event: &sse::Event| {
        let data = event.json()?;
        Some(data["choices"][0]["delta"]["content"].as_str()?.to_owned())
    };
    let mut text: String = events.iter().filter_map(content).collect();
    if events.last().is_some_and(sse::Event::is_done) {
        text.push_str(sse::DONE);
    }
    text
}

/// The text around a place, for an error.
fn around(text: &str, place: usize) -> String {
    let bytes = text.as_bytes();
    let part = &bytes[place.saturating_sub(60).min(bytes.len())..(place + 60).min(bytes.len())];
    String::from_utf8_lossy(part).into_owned()
}

/// An answer as tables and pictures call it.
fn title(case: &Body) -> String {
    format!("{}, {} bytes", case.name, thousands(case.text.len() as u64))
}

fn table(case: &Body, outcomes: &[Outcome], pairs: &[Pair]) -> Table {
    let bytes = case.text.len();
    let mut table = Table::new(&title(case), "", &COLUMNS);
    for (place, outcome) in outcomes.iter().enumerate() {
        let pair = pairs.iter().find(|pair| pair.masking == place);
        let by = pair.and_then(|pair| outcome.over(&outcomes[pair.plain]));
        let mut cells = vec![outcome.name.clone(), outcome.cpu.text(1)];
        cells.push(match place {
            0 => "–".to_owned(),
            _ => outcome.added.text(1),
        });
        if let Some(by) = by {
            cells.push(by.text(1));
            cells.push(format!("{:.2}", by.median * 1e3 / bytes as f64));
            cells.push(match by.median > 0.0 {
                true => thousands((bytes as f64 / by.median).round() as u64),
                false => "–".to_owned(),
            });
        } else {
            cells.extend(std::array::from_fn::<_, 3, _>(|_| "–".to_owned()));
        }
        cells.push(thousands(outcome.rate.median as u64));
        cells.push(thousands(outcome.p50.median as u64));
        cells.push(thousands(outcome.p99.median as u64));
        table.row(cells);
    }
    table
}

const COLUMNS: [&str; 9] = [
    "",
    "CPU, µs",
    "added, µs",
    "by redaction, µs",
    "ns a byte",
    "MB/s",
    "requests/s",
    "p50, µs",
    "p99, µs",
];

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";

/// What to know about the tables.
const ABOUT: &str = include_str!("redaction/about.md");
