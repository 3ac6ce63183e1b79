//! The same in lines, where no terminal is there to draw on: logs, pipes, the output of CI.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::render::arms::shares;
use super::render::status::{awaited, sentence};
use super::text::{clean, count, duration, number, percent};
use super::view::{ArmView, Phase, View};

/// What was told already: a line comes when something changes, and now and then as a sign of life.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    told: BTreeMap<String, String>,
    messages: Vec<String>,
    alive: Option<Instant>,
}

/// All of the view as it is now, in lines.
pub(crate) fn snapshot(view: &View) -> Vec<String> {
    let mut lines = vec![head(view), sentence(view)];
    lines.extend(Some(awaited(&view.status)).filter(|text| !text.is_empty()));
    lines.extend(facts(view).into_iter().map(|(_, text)| text));
    lines.push(numbers(view));
    for (entity, [stable, canary]) in view.entities() {
        let [stable, canary] = [stable, canary].map(|found| found.unwrap_or("–"));
        lines.push(format!(
            "{entity}: in {stable} of 1,000 answers of stable, {canary} of canary"
        ));
    }
    lines.extend(
        view.messages
            .iter()
            .map(|message| format!("journal: {message}")),
    );
    lines.iter().map(|line| clean(line)).collect()
}

// === impl Plain ===

impl Plain {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The lines that have to be written now. `at` stands before each of them: the time of day.
    pub(crate) fn lines(&mut self, view: &View, at: &str, now: Instant) -> Vec<String> {
        let lines = match self.alive {
            None => {
                self.learn(view);
                self.alive = Some(now);
                snapshot(view)
            }
            Some(alive) => {
                let mut lines = self.learn(view);
                if lines.is_empty() && now.duration_since(alive) >= SIGN_OF_LIFE {
                    lines.push(format!("{}; {}", sentence(view), numbers(view)));
                }
                if !lines.is_empty() {
                    self.alive = Some(now);
                }
                lines
            }
        };
        lines
            .iter()
            .map(|line| format!("{at}  {}", clean(line)))
            .collect()
    }

    /// Takes note of everything and tells what is new.
    fn learn(&mut self, view: &View) -> Vec<String> {
        let mut news = Vec::new();
        let status = ("status".to_owned(), standing(&view.status), sentence(view));
        let next = awaited(&view.status);
        let mut now = BTreeMap::new();
        let facts = facts(view)
            .into_iter()
            .map(|(key, text)| (key, text.clone(), text));
        let first = [status, ("next".into(), uncounted(&next), next)];
        for (key, sameness, text) in first.into_iter().chain(facts) {
            if self.told.get(&key) != Some(&sameness) && !text.is_empty() {
                news.push(text);
            }
            now.insert(key, sameness);
        }
        // What is no longer there has to be told anew when it comes back.
        self.told = now;
        news.extend(self.unseen(&view.messages));
        self.messages.clone_from(&view.messages);
        news
    }

    /// Messages that were not among those of last time, of which these may be the end.
    fn unseen(&self, messages: &[String]) -> Vec<String> {
        let known = (0..=self.messages.len())
            .map(|skipped| &self.messages[skipped..])
            .find(|rest| messages.starts_with(rest))
            .map_or(0, <[String]>::len);
        let new = messages[known..].iter();
        new.map(|message| format!("journal: {message}")).collect()
    }
}

fn head(view: &View) -> String {
    format!(
        "{} {}; {}: {} → {}",
        view.change, view.title, view.rollout, view.stable_version, view.canary_version
    )
}

/// What stays the same while only time passes.
fn standing(phase: &Phase) -> String {
    match phase {
        Phase::Step {
            index,
            percent,
            hold_left,
            ..
        } => format!("{index} {percent} {}", hold_left.is_some()),
        other => format!("{other:?}"),
    }
}

/// What stays the same while seconds and answers are counted.
fn uncounted(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Everything that is worth a line when it changes, by what it is about.
fn facts(view: &View) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |key: &str, text: String| facts.push((key.to_owned(), text));
    if view.debts_overdue > 0 {
        fact("debts", format!("duties overdue: {}", view.debts_overdue));
    }
    // Their times move on without anything having changed.
    fact(
        "engine",
        match (&view.engine, view.engine_alive) {
            (Some(_), true) => "engine: alive".into(),
            (Some(_), false) => "engine: SILENT".into(),
            (None, _) => "engine: NONE, nobody moves the ramp".into(),
        },
    );
    if let Some(left) = view.lease_left {
        fact(
            "lease",
            match left {
                Duration::ZERO => "lease: LAPSED".into(),
                left if left < view.short_lease => "lease: ENDS, it is not renewed".into(),
                _ => "lease: renewed".into(),
            },
        );
    }
    if view.status.is_under_way() && !view.watchers.iter().any(|watcher| watcher.fresh) {
        fact("nobody", "watching: NOBODY, the ramp holds".into());
    }
    for watcher in &view.watchers {
        let word = if watcher.fresh { "here" } else { "GONE" };
        fact(
            &format!("watcher {}", watcher.who),
            format!("watching: {} {word}", watcher.who),
        );
    }
    for judge in &view.judge {
        let word = if judge.tripped { "TRIPPED" } else { "ok" };
        let numbers = match judge.tripped {
            true => format!(
                ", e {} of {}, {}",
                number(judge.e_value),
                number(judge.threshold),
                judge.text
            ),
            false => String::new(),
        };
        fact(
            &format!("judge {}", judge.signal),
            format!("judge: {} {word}{numbers}", judge.signal),
        );
    }
    for proxy in &view.proxies {
        let word = if proxy.ok { "ok" } else { "NOT OK" };
        let generation = proxy.generation.map_or("–".into(), |it| it.to_string());
        let text = format!(
            "proxy: {} {word}, generation {generation}, workers {}",
            proxy.name, proxy.workers
        );
        let text = match proxy.text.is_empty() {
            true => text,
            false => format!("{text}, {}", proxy.text),
        };
        fact(&format!("proxy {}", proxy.name), text);
    }
    facts
}

fn numbers(view: &View) -> String {
    let arm = |name, arm: &ArmView| {
        let errors = arm.error_percent.map_or("–".into(), percent);
        let (requests, rate) = (count(arm.requests), number(arm.requests_per_s));
        format!(
            "{name} {requests} requests, {rate}/s, errors {errors}, slow {}",
            count(arm.slow)
        )
    };
    let [stable, canary] = &view.arms;
    let lease = view.lease_left.map_or(String::new(), |left| {
        format!("; lease {} left", duration(left))
    });
    format!(
        "share {}; {}; {}{lease}",
        shares(view),
        arm("stable", stable),
        arm("canary", canary)
    )
}

/// How long nothing may be heard.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
