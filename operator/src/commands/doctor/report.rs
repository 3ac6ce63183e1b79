//! What was looked at, and how it was found.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::answer::clean;
use crate::outcome::Outcome;
use crate::output::Output;

/// Everything that was looked at.
pub(super) struct Report {
    output: Output,
    json: bool,
    checks: Vec<Check>,
    proxies: usize,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    /// The proxy that it is about; none where it is the whole project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proxy: Option<String>,
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) found: String,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(super) way_out: Option<String>,
}

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// Something will not work when it is needed.
    Fail,
}

// === impl Report ===

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self {
            output: Output::new(),
            json,
            checks: Vec::new(),
            proxies: 0,
        }
    }

    pub(super) fn ok(&mut self, check: &'static str, found: impl Into<String>) -> Result<()> {
        self.add(Check::ok(check, found))
    }

    pub(super) fn warning(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Result<()> {
        self.add(Check::warning(check, found, way_out))
    }

    pub(super) fn fail(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Result<()> {
        self.add(Check::fail(check, found, way_out))
    }

    pub(super) fn add(&mut self, check: Check) -> Result<()> {
        self.show(&check)?;
        self.checks.push(check);
        Ok(())
    }

    /// One proxy: a line for it, and one for whatever is not well there.
    pub(super) fn proxy(&mut self, name: &str, summary: &str, checks: Vec<Check>) -> Result<()> {
        self.proxies += 1;
        if checks.iter().all(|check| check.level == Level::Ok) {
            self.show(&Check {
                proxy: Some(name.into()),
                ..Check::ok("", summary)
            })?;
        }
        for check in checks {
            let check = Check {
                proxy: Some(name.into()),
                ..check
            };
            if check.level != Level::Ok {
                self.show(&check)?;
            }
            self.checks.push(check);
        }
        Ok(())
    }

    /// Tells how it went over all.
    pub(super) fn finish(mut self) -> Result<Outcome> {
        let count = |level| {
            let found = self.checks.iter().filter(|check| check.level == level);
            found.count()
        };
        let (ok, warnings, fails) = (count(Level::Ok), count(Level::Warning), count(Level::Fail));
        if self.json {
            self.output.json(&json!({
                "checks": self.checks, "ok": ok, "warnings": warnings, "fails": fails,
            }))?;
        } else {
            let next = match (fails, warnings) {
                (0, 0) => "all is well; next: `breakglass declare`, when it must be",
                (0, _) => "it works; look at the warnings before the night comes",
                _ => "mend what fails, then `breakglass doctor` again",
            };
            let text = format!("{ok} ok, {warnings} warnings, {fails} FAIL: {next}");
            self.output.line(&text)?;
        }
        self.output.finish()?;
        Ok(self.outcome())
    }

    fn outcome(&self) -> Outcome {
        let mut failing = Vec::new();
        for check in self
            .checks
            .iter()
            .filter(|check| check.level == Level::Fail)
        {
            match &check.proxy {
                None => return Outcome::Found,
                Some(proxy) if !failing.contains(&proxy) => failing.push(proxy),
                Some(_) => {}
            }
        }
        match failing.len() {
            0 => Outcome::Fine,
            some if some < self.proxies => Outcome::Partial,
            _ => Outcome::Found,
        }
    }

    fn show(&mut self, check: &Check) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let Check {
            proxy,
            check: name,
            level,
            found,
            way_out,
        } = check;
        let found = clean(found);
        let line = match proxy {
            None => format!("{:<7}  {name:<9}  {found}", level.as_str()),
            Some(proxy) if name.is_empty() => format!("{:<7}  {proxy}  {found}", level.as_str()),
            Some(proxy) => format!("{:<7}  {proxy}  {name}: {found}", level.as_str()),
        };
        self.output.line(line.trim_end())?;
        if let Some(way_out) = way_out {
            self.output.line(&format!("{:9}→ {}", "", clean(way_out)))?;
        }
        // Whoever waits for slow proxies sees the rest meanwhile.
        self.output.flush()
    }
}

// === impl Check, Level ===

impl Check {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::of(check, Level::Ok, found, None)
    }

    pub(super) fn warning(
        check: &'static str,
        found: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::of(check, Level::Warning, found, Some(way_out.into()))
    }

    pub(super) fn fail(
        check: &'static str,
        found: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::of(check, Level::Fail, found, Some(way_out.into()))
    }

    fn of(
        check: &'static str,
        level: Level,
        found: impl Into<String>,
        way_out: Option<String>,
    ) -> Self {
        Self {
            proxy: None,
            check,
            level,
            found: found.into(),
            way_out,
        }
    }
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fail => "FAIL",
        }
    }
}
