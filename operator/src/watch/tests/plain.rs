//! The view in lines.

use std::time::{Duration, Instant};

use crate::watch::tests::sample::{judge, rolled_back, step, watcher};
use crate::watch::view::{Phase, View};
use crate::watch::{Plain, snapshot};

/// Somebody who reads along, from a first look on.
struct Reader {
    plain: Plain,
    now: Instant,
}

impl Reader {
    fn of(view: &View) -> Self {
        let mut plain = Plain::new();
        let now = Instant::now();
        let first = plain.lines(view, "20:13:05Z", now);
        assert_eq!(first.len(), snapshot(view).len());
        Self { plain, now }
    }

    fn after(&mut self, seconds: u64, view: &View) -> Vec<String> {
        self.now += Duration::from_secs(seconds);
        let lines = self.plain.lines(view, "20:14:00Z", self.now);
        let text = |line: &String| line.strip_prefix("20:14:00Z  ").unwrap().to_owned();
        lines.iter().map(text).collect()
    }
}

#[test]
fn everything_is_said_once() {
    let expected = "\
chg-2026-0117 Support agent shows e-mail addresses of other customers; support-agent: prompt-v41 → prompt-v42
STEP 2 of 4: 10 % for 3m 12s, held for another 1m 48s
Next step waits for a watcher to confirm
engine: alive
lease: renewed
watching: priya here
judge: error_rate ok
judge: redactions * ok
judge: latency ok
judge: zero_tolerance IN_AADHAAR ok
proxy: envoy-1.internal:10001 ok, generation 6, workers 4/4
proxy: envoy-2.internal:10001 ok, generation 6, workers 4/4
proxy: envoy-3.internal:10001 ok, generation 6, workers 4/4
share asked 10 %, achieved 9.87 %; stable 12,345 requests, 102/s, errors 0.1 %, slow 3; canary 1,352 requests, 11.2/s, errors 0.07 %, slow 0; lease 4m 10s left
EMAIL_ADDRESS: in 41.2 of 1,000 answers of stable, 0.7 of canary
PHONE_NUMBER: in – of 1,000 answers of stable, 0.1 of canary
IN_AADHAAR: in 0.3 of 1,000 answers of stable, – of canary
journal: 20:08:11  declared by priya: security, PII in answers
journal: 20:09:40  approved by ravi (security_lead)
journal: 20:10:02  drill: 3 of 3 proxies in 41 ms
journal: 20:10:30  1 % asked, generation 5
journal: 20:12:33  10 % asked, generation 6";
    assert_eq!(snapshot(&step()).join("\n"), expected);
}

#[test]
fn time_that_passes_is_no_news_but_silence_is_broken() {
    let mut view = step();
    let mut reader = Reader::of(&view);
    view.lease_left = Some(Duration::from_secs(221));
    view.engine = Some("priya@ops-1, 1 s ago".into());
    view.watchers = vec![watcher("priya", 9, true)];
    assert_eq!(reader.after(29, &view), [""; 0]);
    let sign = reader.after(1, &view);
    assert_eq!(sign.len(), 1);
    assert!(sign[0].starts_with("STEP 2 of 4") && sign[0].ends_with("lease 3m 41s left"));
    assert_eq!(reader.after(29, &view), [""; 0]);
}

#[test]
fn what_changes_is_told() {
    let mut view = step();
    let mut reader = Reader::of(&view);
    view.status = Phase::Held {
        why: "by ravi: wait for logs".into(),
    };
    view.engine_alive = false;
    view.watchers[0].fresh = false;
    view.judge[0] = judge("error_rate", "31 of 402", 48_211.7, true);
    view.proxies[1].ok = false;
    view.proxies[1].text = "timed out".into();
    view.debts_overdue = 1;
    let expected = [
        "HELD: by ravi: wait for logs",
        "duties overdue: 1",
        "engine: SILENT",
        "watching: NOBODY, the ramp holds",
        "watching: priya GONE",
        "judge: error_rate TRIPPED, e 48,212 of 1,000, 31 of 402",
        "proxy: envoy-2.internal:10001 NOT OK, generation 6, workers 4/4, timed out",
    ];
    assert_eq!(reader.after(1, &view), expected);
    assert_eq!(reader.after(1, &view), [""; 0]);
    view.watchers[0].fresh = true;
    assert_eq!(reader.after(1, &view), ["watching: priya here"]);
    view.watchers[0].fresh = false;
    let again = ["watching: NOBODY, the ramp holds", "watching: priya GONE"];
    assert_eq!(reader.after(1, &view), again);
}

#[test]
fn the_end_of_a_hold_is_told() {
    let mut view = step();
    let mut reader = Reader::of(&view);
    let Phase::Step { hold_left, .. } = &mut view.status else {
        unreachable!()
    };
    *hold_left = None;
    let expected = "STEP 2 of 4: 10 % for 3m 12s, held long enough";
    assert_eq!(reader.after(1, &view), [expected]);
}

#[test]
fn a_countdown_is_told_once() {
    let waits = |view: &mut View, what: &str| {
        let Phase::Step { waiting_for, .. } = &mut view.status else {
            unreachable!()
        };
        *waiting_for = vec![what.into()];
    };
    let mut view = step();
    let mut reader = Reader::of(&view);
    waits(&mut view, "12 s");
    assert_eq!(reader.after(1, &view), ["Next step waits for 12 s"]);
    waits(&mut view, "11 s");
    assert!(reader.after(1, &view).is_empty());
    waits(&mut view, "the watcher's word");
    assert_eq!(
        reader.after(1, &view),
        ["Next step waits for the watcher's word"]
    );
}

#[test]
fn a_message_is_told_once_though_the_window_moves() {
    let mut view = step();
    let mut reader = Reader::of(&view);
    view.messages.remove(0);
    view.messages.push("20:14:00  note".into());
    assert_eq!(reader.after(1, &view), ["journal: 20:14:00  note"]);
    view.messages.push("20:14:00  note".into());
    assert_eq!(reader.after(1, &view), ["journal: 20:14:00  note"]);
}

#[test]
fn nothing_that_others_wrote_moves_the_cursor() {
    let mut view = rolled_back();
    view.title = "a\x1b[2Jb\nc\u{202e}d".into();
    let lines = snapshot(&view);
    assert!(lines[0].contains("a [2Jb cd"));
    assert!(!lines.iter().any(|line| line.contains(char::is_control)));
}
