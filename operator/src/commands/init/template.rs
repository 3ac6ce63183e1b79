//! The configuration as it is written: every term there is, with what it means.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use breakglass_policy::Name;

use crate::commands::init::matrix::Rule;
use crate::commands::init::person::PersonArgument;
use crate::commands::init::window::WindowArgument;
use crate::project::config::RampTerms;
use crate::project::span::Span;

/// What a configuration is written from.
pub(super) struct Plan {
    pub(super) targets: Vec<String>,
    pub(super) timeout: Span,
    pub(super) durable: Vec<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) cert_key: Option<PathBuf>,
    pub(super) rollouts: Vec<Name>,
    pub(super) team: Name,
    pub(super) area: Name,
    pub(super) people: Vec<PersonArgument>,
    pub(super) approvals: Vec<Rule>,
    pub(super) time_zone: String,
    pub(super) windows: Vec<WindowArgument>,
}

/// A text in quotes, as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

// === impl Plan ===

impl Plan {
    /// The file. A `#` with a blank explains; one without stands before a term that is not in force.
    pub(super) fn to_toml(&self) -> String {
        let parts = [
            BEGIN.to_owned(),
            self.proxies(),
            self.agents(),
            self.people(),
            self.windows(),
            CANARY.to_owned(),
            ramp(),
            GATES.to_owned(),
            self.approvals(),
            NOTIFY.to_owned(),
        ];
        parts.join("\n")
    }

    fn proxies(&self) -> String {
        let targets: Vec<_> = self.targets.iter().map(|target| quoted(target)).collect();
        let durable: Vec<_> = self.durable.iter().map(|file| path(file)).collect();
        let file = |term: &str, file: &Option<PathBuf>, example: &str| match file {
            Some(file) => format!("{term} = {}\n", path(file)),
            None => format!("#{term} = \"{example}\"\n"),
        };
        let durable = match durable.as_slice() {
            [] => "#durable = [\"envoy/ecds/breakglass.yaml\"]\n".to_owned(),
            durable => format!("durable = [{}]\n", durable.join(", ")),
        };
        let mut text = PROXIES.replace("{targets}", &targets.join(", "));
        text = text.replace("{timeout}", &self.timeout.to_string());
        text = text.replace("{durable}\n", &durable);
        text.push_str(&file("ca", &self.ca, "pki/ca.pem"));
        text.push_str(&file("cert", &self.cert, "pki/operator.pem"));
        text.push_str(&file("cert_key", &self.cert_key, "pki/operator.key"));
        text
    }

    fn agents(&self) -> String {
        let mut text = AGENTS.to_owned();
        for (number, rollout) in self.rollouts.iter().enumerate() {
            let rollout = quoted(rollout.as_str());
            let (team, area) = (quoted(self.team.as_str()), quoted(self.area.as_str()));
            let between = if number == 0 { "" } else { "\n" };
            let _ = write!(
                text,
                "{between}[[agents]]\nrollout = {rollout}\nteam = {team}\narea = {area}\n"
            );
        }
        text
    }

    fn people(&self) -> String {
        let mut text = PEOPLE.to_owned();
        for (number, person) in self.people.iter().enumerate() {
            let between = if number == 0 { "" } else { "\n" };
            let (id, role) = (quoted(person.id.as_str()), quoted(person.role.as_str()));
            let name = quoted(&person.name);
            let _ = write!(
                text,
                "{between}[[people]]\nid = {id}\nname = {name}\nrole = {role}\n"
            );
            if !person.areas.is_empty() {
                let areas: Vec<_> = person
                    .areas
                    .iter()
                    .map(|area| quoted(area.as_str()))
                    .collect();
                let _ = writeln!(text, "areas = [{}]", areas.join(", "));
            }
            let key = serde_json::to_value(&person.key).unwrap_or_default();
            let _ = writeln!(text, "key = {}", quoted(key.as_str().unwrap_or_default()));
            match &person.key_file {
                Some(file) => {
                    let _ = writeln!(text, "key_file = {}", path(file));
                }
                None => {
                    let _ = writeln!(text, "#key_file = \"keys/{}\"", person.id);
                }
            }
        }
        text
    }

    fn windows(&self) -> String {
        let usual = [WindowArgument::default()];
        let windows = match self.windows.as_slice() {
            [] => &usual[..],
            windows => windows,
        };
        let lines = windows
            .iter()
            .map(|window| format!("    {},\n", window.to_toml()));
        let text = WINDOWS.replace("{time_zone}", &quoted(&self.time_zone));
        text.replace("{windows}\n", &lines.collect::<String>())
    }

    fn approvals(&self) -> String {
        let mut text = APPROVALS.to_owned();
        if self.approvals.is_empty() {
            return text;
        }
        text.push_str("# Beside the built-in roles, what the proxies' `trust.raise` asks for.\n");
        for (number, Rule { kind, roles }) in self.approvals.iter().enumerate() {
            let between = if number == 0 { "" } else { "\n" };
            let roles: Vec<_> = roles.iter().map(|role| quoted(role.as_str())).collect();
            let _ = write!(
                text,
                "{between}[[approvals]]\ncategory = \"{}\"\nscope = \"{}\"\nimpact = \"{}\"\nroles = [{}]\n",
                kind.category,
                kind.scope.as_str(),
                kind.impact.as_str(),
                roles.join(", ")
            );
        }
        text
    }
}

fn path(file: &Path) -> String {
    quoted(&file.display().to_string())
}

fn ramp() -> String {
    let terms = RampTerms::default();
    let values = [
        ("{lease}", terms.lease.to_string()),
        ("{heartbeat}", terms.heartbeat.to_string()),
        ("{poll}", terms.poll.to_string()),
        ("{silence}", terms.silence.to_string()),
        ("{drill_lifetime}", terms.drill_lifetime.to_string()),
        ("{approval_lifetime}", terms.approval_lifetime.to_string()),
        ("{min_answers}", terms.min_answers.to_string()),
    ];
    let replaced = values.iter();
    replaced.fold(RAMP.to_owned(), |text, (place, value)| {
        text.replace(place, value)
    })
}

const BEGIN: &str = "\
# breakglass.toml: what this team decides beforehand, so that nobody has to at 22:00.
#
# A line that begins with `# ` explains; one that begins with `#` alone is a term that is not in force.
# Durations are written 500ms, 90s, 30m, 2h, 5d; files go on from this folder. An unknown term is an error.
# `breakglass doctor` checks all of it, against the proxies too.
";
const PROXIES: &str = "\
# How the proxies are reached, and what they start from.
[proxies]
# Operator listeners of the filter: \"host:port\", \"https://host:port\", \"@/path/of/a/list\" with one a
# line, or \"dns:name:port\", where every address of the name is a proxy.
targets = [{targets}]
# How long one call of one proxy may take. A kill never waits longer for one of them.
timeout = \"{timeout}\"
# The files that the proxies start from: a policy in JSON, or an Envoy ECDS file with it below `value: |`. What
# the proxies have in force is written there too: without it, a proxy that restarts knows nothing of a kill.
{durable}
# TLS: the authorities that are trusted, and the certificate that is shown. With either, host:port means https.
";
const AGENTS: &str = "\
# The agents whose versions are changed: the name of the rollout in the policy, who runs it, and the area that it
# is in. Senior engineers approve in their areas; the report of the rate counts by team.
";
const PEOPLE: &str = "\
# Who declares, approves, watches and decides. `id`, `role` and `key` are as in the policy's `trust.keys`: the
# proxies themselves check who signed. Everybody has a key of their own (`breakglass keygen`); where the private
# half lies is `key_file`, on the machines that have it; without one ssh-agent is asked.
# Roles: engineer, senior_engineer (`areas`: where they have the say; none: everywhere), platform_lead,
# security_lead, executive, or roles of your own. Nobody approves their own change, so that two people at least
# should have each role that approves.
";
const WINDOWS: &str = "\
# When routine changes may be made. A change starts outside of a window, or in a freeze, only where its declaration
# bypasses `change_window` or `freeze_period`, with a reason.
[windows]
# The zone of every time here, and of the times that are shown.
time_zone = {time_zone}
# None: at any time. Where `to` is not later than `from`, the window ends on the next day.
change = [
{windows}
]
# Times in which nothing is changed, whatever the window says.
freezes = [
#{name = \"year's end\", from = \"2030-12-20T00:00\", to = \"2031-01-02T00:00\"},
]
";
const CANARY: &str = "\
# How the canary's share grows, each step for its `hold` at least; the last stands as long before the change is
# complete. A change takes the standard steps, and the compressed ones where it bypasses `canary`.
[canary]
standard = [
    {percent = 1, hold = \"1h\"},
    {percent = 10, hold = \"4h\"},
    {percent = 50, hold = \"12h\"},
    {percent = 100, hold = \"24h\"},
]
compressed = [
    {percent = 1, hold = \"5m\"},
    {percent = 10, hold = \"10m\"},
    {percent = 50, hold = \"15m\"},
    {percent = 100, hold = \"30m\"},
]
";
const RAMP: &str = "\
# What is in force while a share grows.
[ramp]
# How long the proxies keep a share without being told again: then everybody is on stable, by itself.
lease = \"{lease}\"
# When the watcher has not been seen for so long, the ramp holds.
heartbeat = \"{heartbeat}\"
# How often the proxies are asked.
poll = \"{poll}\"
# When the proxies have told nothing that can be judged for so long, everybody is taken back.
silence = \"{silence}\"
# How long a drill of the rollback proves anything.
drill_lifetime = \"{drill_lifetime}\"
# How long approvals may be used.
approval_lifetime = \"{approval_lifetime}\"
# How many answers of the canary a step needs before the next.
min_answers = {min_answers}

# How the arms are compared over all proxies. Without it as the policy's rollout says, else in the usual way. `alpha` is
# the chance of one false alarm in a ramp, all signals together.
#[ramp.judge]
#alpha = 0.001
#signals = [
#{error_rate = {worse_by = 2.0}},
#{redactions = {entity = \"*\", two_sided = true}},
#{zero_tolerance = [\"IN_AADHAAR\"]},
#]
";
const GATES: &str = "\
# What must have a result before a change starts; after it, as a debt, where the declaration bypasses `eval_gate`.
# `command` runs it from this folder: 0 is a pass, 1 a regression, anything else no result. It learns the change from
# $BREAKGLASS_CHANGE, $BREAKGLASS_ROLLOUT, $BREAKGLASS_STABLE and $BREAKGLASS_CANARY. Without a command somebody
# runs it by hand, and the result is recorded.
[[gates]]
name = \"eval\"
#command = [\"evals/run.sh\", \"--full\"]
#timeout = \"30m\"
";
const APPROVALS: &str = "\
# Who must approve: the first rule that fits a change is the one; a term that is left out fits all.
#   category  security, regulatory, production_incident, customer_blocking
#   scope     prompt (the prompt of one agent), platform (a model, several agents, the gateway)
#   impact    limited, broad
# Where none fits: senior_engineer for prompts and platform_lead for the platform; for security changes
# security_lead too; for broad impact executive too. The roles must be enough for `trust.raise` of the policy.
#
#[[approvals]]
#category = \"security\"
#scope = \"prompt\"
#roles = [\"security_lead\", \"platform_lead\"]
";
const NOTIFY: &str = "\
# Who else is told: a command that gets one entry of the journal, JSON, on its standard input. Nobody waits for it.
# `events`: kinds such as rolled_back, killed, declared; none: all.
#
#[[notify]]
#command = [\"hooks/page-oncall.sh\"]
#events = [\"declared\", \"rolled_back\", \"killed\", \"lapsed\", \"completed\"]
";
