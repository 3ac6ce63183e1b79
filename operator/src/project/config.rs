//! `breakglass.toml`: what a team decides beforehand, so that nobody has to at 22:00.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Judge, Name, PublicKey};
use serde::{Deserialize, Serialize};

use crate::change::record::{Category, Impact, Scope};
use crate::project::plan::Plan;
use crate::project::span::Span;
use crate::project::windows::Windows;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How the proxies are reached.
    pub(crate) proxies: Proxies,
    /// What changes are about.
    pub(crate) agents: Vec<Agent>,
    /// Who may do what.
    pub(crate) people: Vec<Person>,
    /// When routine changes may be made.
    #[serde(default)]
    pub(crate) windows: Windows,
    /// How shares grow.
    pub(crate) canary: Canary,
    /// What is in force while one grows.
    #[serde(default)]
    pub(crate) ramp: RampTerms,
    /// What must have a result before a change starts, or after it where that is bypassed.
    #[serde(default)]
    pub(crate) gates: Vec<Gate>,
    /// Who must approve what. None: the built-in matrix.
    #[serde(default)]
    pub(crate) approvals: Vec<ApprovalRule>,
    /// Who else is told.
    #[serde(default)]
    pub(crate) notify: Vec<Hook>,
}

/// How the proxies are reached, and what they start from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proxies {
    /// Operator listeners: `host:port`, `https://…`, `@file`, `dns:name:port`.
    pub(crate) targets: Vec<String>,
    /// How long one call of one proxy may take.
    #[serde(default = "default_timeout")]
    pub(crate) timeout: Span,
    /// The files that the proxies start from; a kill is written there too.
    #[serde(default)]
    pub(crate) durable: Vec<PathBuf>,
    #[serde(default)]
    pub(crate) ca: Option<PathBuf>,
    #[serde(default)]
    pub(crate) cert: Option<PathBuf>,
    #[serde(default)]
    pub(crate) cert_key: Option<PathBuf>,
}

/// An agent whose versions are changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    /// The name of its rollout in the policy.
    pub(crate) rollout: Name,
    /// Who runs it.
    pub(crate) team: Name,
    /// Whose area it is in: senior engineers approve for their areas.
    pub(crate) area: Name,
}

/// Somebody who declares, approves, watches or decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// As the policy's `trust.keys` calls their key.
    pub(crate) id: Name,
    /// Their name, for people.
    pub(crate) name: String,
    /// As in `trust.keys`: `engineer`, `senior_engineer`, `platform_lead`, `security_lead`, `executive`.
    pub(crate) role: Name,
    /// Where a senior engineer has the say. None: everywhere.
    #[serde(default)]
    pub(crate) areas: Vec<Name>,
    /// Their public key, as in `trust.keys`.
    pub(crate) key: PublicKey,
    /// Where the private key lies on the machines that have it; else ssh-agent is asked.
    #[serde(default)]
    pub(crate) key_file: Option<PathBuf>,
}

/// How shares grow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    /// For whoever does not bypass the canary.
    pub(crate) standard: Plan,
    /// For whoever does.
    pub(crate) compressed: Plan,
}

/// What is in force while a share grows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RampTerms {
    /// How long the proxies keep a share without being told again.
    pub(crate) lease: Span,
    /// How long nobody may be seen watching before the ramp holds.
    pub(crate) heartbeat: Span,
    /// How often the proxies are asked.
    pub(crate) poll: Span,
    /// How long the proxies may tell nothing that can be judged before everybody is taken back.
    pub(crate) silence: Span,
    /// How long a drill proves anything.
    pub(crate) drill_lifetime: Span,
    /// How long approvals may be used.
    pub(crate) approval_lifetime: Span,
    /// How many answers of the canary a step needs before the next.
    pub(crate) min_answers: u64,
    /// How the arms are compared where the policy's rollout names no judge of its own.
    pub(crate) judge: Option<Judge>,
}

/// A gate: an evaluation whose result is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    pub(crate) name: Name,
    /// What runs it: 0 is a pass, 1 a regression, anything else no result. It learns the change from
    /// `$BREAKGLASS_CHANGE`, `$BREAKGLASS_ROLLOUT`, `$BREAKGLASS_STABLE` and `$BREAKGLASS_CANARY`.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    /// How long the command may take.
    #[serde(default = "default_gate_timeout")]
    pub(crate) timeout: Span,
}

/// Who must approve changes of a kind: the first rule that fits is the one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRule {
    #[serde(default)]
    pub(crate) category: Option<Category>,
    #[serde(default)]
    pub(crate) scope: Option<Scope>,
    #[serde(default)]
    pub(crate) impact: Option<Impact>,
    /// One approver of each of these roles.
    pub(crate) roles: Vec<Name>,
}

/// A command that is told of events: one JSON entry of the journal on its standard input.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    pub(crate) command: Vec<String>,
    /// Kinds of events, such as `rolled_back`. None: all.
    #[serde(default)]
    pub(crate) events: Vec<String>,
}

/// The roles that the built-in rules know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    SeniorEngineer,
    PlatformLead,
    SecurityLead,
    Executive,
}

// === impl Config ===

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// What is wrong and where.
    pub(crate) fn from_toml(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    pub(crate) fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id.as_str() == id)
    }

    pub(crate) fn agent(&self, rollout: &Name) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.rollout == *rollout)
    }

    pub(crate) fn gate(&self, name: &Name) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == *name)
    }

    /// The ids of everybody, for messages.
    pub(crate) fn ids(&self) -> String {
        list(self.people.iter().map(|person| &person.id))
    }

    /// The rollouts of all agents, for messages.
    pub(crate) fn rollouts(&self) -> String {
        list(self.agents.iter().map(|agent| &agent.rollout))
    }

    /// The roles that must approve a change of this kind.
    pub(crate) fn roles(&self, category: Category, scope: Scope, impact: Impact) -> Vec<Name> {
        let fits = |rule: &&ApprovalRule| {
            rule.category.is_none_or(|wanted| wanted == category)
                && rule.scope.is_none_or(|wanted| wanted == scope)
                && rule.impact.is_none_or(|wanted| wanted == impact)
        };
        if let Some(rule) = self.approvals.iter().find(fits) {
            return rule.roles.clone();
        }
        Self::usual_roles(category, scope, impact)
    }

    /// The roles that must approve where no rule says otherwise.
    pub(crate) fn usual_roles(category: Category, scope: Scope, impact: Impact) -> Vec<Name> {
        let mut roles = vec![match scope {
            Scope::Prompt => Role::SeniorEngineer,
            Scope::Platform => Role::PlatformLead,
        }];
        if category == Category::Security {
            roles.push(Role::SecurityLead);
        }
        if impact == Impact::Broad {
            roles.push(Role::Executive);
        }
        roles.into_iter().map(Role::name).collect()
    }

    fn check(&self) -> Result<()> {
        for (index, person) in self.people.iter().enumerate() {
            let earlier = self.people.iter().take(index);
            for other in earlier {
                if other.id == person.id {
                    bail!("people[{index}].id: `{}` is there twice", person.id);
                }
                if other.key == person.key {
                    bail!(
                        "people[{index}].key: `{}` has the key of `{}`; expected one of their own, or one person could approve twice",
                        person.id,
                        other.id
                    );
                }
            }
        }
        if self.people.len() < 2 {
            bail!("people: expected at least two, since nobody approves their own change");
        }
        if self.agents.is_empty() {
            bail!("agents: expected at least one, with the name of its rollout");
        }
        if self.proxies.targets.is_empty() {
            bail!(
                "proxies.targets: expected at least one operator listener, such as 127.0.0.1:10001"
            );
        }
        for (index, rule) in self.approvals.iter().enumerate() {
            if rule.roles.is_empty() {
                bail!(
                    "approvals[{index}].roles: no role; expected at least one, since nobody acts alone"
                );
            }
            for role in &rule.roles {
                if !self.people.iter().any(|person| person.role == *role) {
                    bail!("approvals[{index}].roles: nobody in `people` has the role `{role}`");
                }
            }
        }
        for (index, gate) in self.gates.iter().enumerate() {
            if self
                .gates
                .iter()
                .take(index)
                .any(|other| other.name == gate.name)
            {
                bail!("gates[{index}].name: `{}` is there twice", gate.name);
            }
        }
        for (index, hook) in self.notify.iter().enumerate() {
            if hook.command.is_empty() {
                bail!("notify[{index}].command: expected a program and its arguments");
            }
        }
        self.ramp.check().context("ramp")?;
        self.windows.check()
    }
}

fn list<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<_> = names.map(Name::as_str).collect();
    names.join(", ")
}

// === impl RampTerms ===

impl Default for RampTerms {
    fn default() -> Self {
        Self {
            lease: Span::seconds(120),
            heartbeat: Span::seconds(15),
            poll: Span::seconds(1),
            silence: Span::seconds(30),
            drill_lifetime: Span::seconds(4 * 3600),
            approval_lifetime: Span::seconds(24 * 3600),
            min_answers: 20,
            judge: None,
        }
    }
}

impl RampTerms {
    fn check(&self) -> Result<()> {
        let calls = 4;
        if self.lease.millis() < calls * self.poll.millis() {
            bail!(
                "lease: {} is less than {calls} times `poll`, {}; it would lapse between two looks",
                self.lease,
                self.poll
            );
        }
        if self.heartbeat >= self.lease {
            bail!(
                "heartbeat: {} is not less than `lease`, {}; the ramp could not hold before the proxies fall back",
                self.heartbeat,
                self.lease
            );
        }
        Ok(())
    }
}

// === impl Role ===

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SeniorEngineer => "senior_engineer",
            Self::PlatformLead => "platform_lead",
            Self::SecurityLead => "security_lead",
            Self::Executive => "executive",
        }
    }

    fn name(self) -> Name {
        // Every one of them is of a name's form: a test says so.
        Name::new(self.as_str()).unwrap_or_else(|| unreachable!("a role is a name"))
    }
}

fn default_timeout() -> Span {
    Span::seconds(2)
}

fn default_gate_timeout() -> Span {
    Span::seconds(30 * 60)
}
