//! The shipped configurations, with other ports and paths in them.
//!
//! Text, not YAML, is what gets changed: so the very file that a reader runs is the file that is
//! tested, comments and all. Whatever is to be replaced must be there, or rendering fails.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// A configuration in which values are being replaced.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    text: String,
}

// The values in the files of `envoy/` that get replaced.
pub(super) const TRAFFIC_PORT: &str = "port_value: 10000}";
pub(super) const OPERATOR_PORT: &str = "port_value: 10001}";
pub(super) const ADMIN_PORT: &str = "port_value: 9901}";
pub(super) const STABLE_PORT: &str = "port_value: 9041}";
pub(super) const CANARY_PORT: &str = "port_value: 9042}";
pub(super) const MODULE: &str = "target/wasm32-wasip1/release/breakglass.wasm";
pub(super) const ECDS_FILE: &str = "envoy/ecds/breakglass.yaml";
pub(super) const ACCESS_LOG: &str = "/dev/stdout";
pub(super) const OPERATOR_POLICY: &str = r#""policy": "support"}"#;

/// In place of a port: the system chooses.
pub(super) const FREE_PORT: u16 = 0;

/// The ports of the old and the new version's agent.
pub(super) const AGENT_PORTS: [u16; 2] = [9041, 9042];

// === impl Template ===

impl Template {
    /// Reads a configuration. Comment lines are left out: a value in one is not a value.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::new(&path.display().to_string(), &text))
    }

    /// A configuration from its text; errors call it `name`.
    pub fn new(name: &str, text: &str) -> Self {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        Self {
            name: name.to_owned(),
            text: lines.flat_map(|line| [line, "\n"]).collect(),
        }
    }

    /// Replaces every `value`; there must be one.
    pub fn replace(&mut self, value: &str, with: &str) -> Result<&mut Self> {
        ensure!(
            self.text.contains(value),
            "{}: `{value}` is gone, cannot replace it",
            self.name
        );
        self.text = self.text.replace(value, with);
        Ok(self)
    }

    /// The policy: the one block scalar (`value: |`) with rollouts in it.
    pub fn policy(&self) -> Result<String> {
        let lines: Vec<&str> = self.text.lines().collect();
        let block = self.policy_block(&lines)?;
        Ok(lines[block.first..block.end].join("\n"))
    }

    /// Puts another text in the policy's place.
    pub fn set_policy(&mut self, policy: &str) -> Result<&mut Self> {
        let lines: Vec<&str> = self.text.lines().collect();
        let block = self.policy_block(&lines)?;
        let (before, after) = (&lines[..block.first - 1], &lines[block.end..]);
        let indent = " ".repeat(block.indent);
        let value = if is_block(policy) {
            let policy: String = policy
                .lines()
                .map(|line| format!("\n{indent}  {line}"))
                .collect();
            format!("{indent}value: |{policy}")
        } else {
            // A JSON string is a YAML string: fit for any bytes, if not for eyes.
            format!("{indent}value: {}", serde_json::Value::from(policy))
        };
        self.text = [before, &[&value], after].concat().join("\n") + "\n";
        Ok(self)
    }

    fn policy_block(&self, lines: &[&str]) -> Result<Block> {
        let has_rollouts = |block: &Block| {
            lines[block.first..block.end]
                .iter()
                .any(|line| line.contains("\"rollouts\""))
        };
        let mut blocks = Block::all(lines);
        blocks.retain(has_rollouts);
        let count = blocks.len();
        let one = blocks.pop().filter(|_| count == 1);
        one.with_context(|| {
            format!(
                "{}: {count} policies in `value: |` blocks, not one",
                self.name
            )
        })
    }

    /// Adds a listener: YAML of one item of the list, indented by nothing.
    pub fn listener(&mut self, yaml: &str) -> Result<&mut Self> {
        let item: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
        self.replace(LISTENERS, &format!("{LISTENERS}{item}"))
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A block scalar: the lines `first..end`, below a key `value: |` that is indented by `indent`.
#[derive(Debug)]
struct Block {
    first: usize,
    end: usize,
    indent: usize,
}

// === impl Block ===

impl Block {
    fn all(lines: &[&str]) -> Vec<Self> {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let keys = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.trim() == "value: |");
        keys.map(|(key, line)| {
            let (first, outer) = (key + 1, indent(line));
            let inside = |line: &&&str| line.trim().is_empty() || indent(line) > outer;
            let length = lines[first..].iter().take_while(inside).count();
            Self {
                first,
                end: first + length,
                indent: outer,
            }
        })
        .collect()
    }
}

/// Whether a block scalar can hold this text as it is.
fn is_block(text: &str) -> bool {
    text.starts_with('{') && text.chars().all(|c| c == '\n' || !c.is_control())
}

/// Below this line, a listener can be added.
const LISTENERS: &str = "\n  listeners:\n";

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# port_value: 10000} in a comment
static_resources:
  listeners:
    - address: {port_value: 10000}
      configuration:
        value: |
          {\"rollouts\": []}

      other: 1
      operator:
        value: |
          {\"policy\": \"support\"}
";

    #[test]
    fn what_is_replaced_must_be_there() {
        let mut template = Template::new("a.yaml", FILE);
        template
            .replace("port_value: 10000}", "port_value: 0}")
            .unwrap();
        let error = template
            .replace("port_value: 10000}", "port_value: 0}")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.yaml: `port_value: 10000}` is gone, cannot replace it"
        );
    }

    #[test]
    fn a_policy_takes_the_place_of_the_policy_only() {
        let mut template = Template::new("a.yaml", FILE);
        template.set_policy("{\n  \"rollouts\": [1]\n}").unwrap();
        assert_eq!(
            template.text(),
            "static_resources:\n  listeners:\n    - address: {port_value: 10000}\n      configuration:\n        value: |\n          {\n            \"rollouts\": [1]\n          }\n      other: 1\n      operator:\n        value: |\n          {\"policy\": \"support\"}\n",
        );
        assert!(
            template.set_policy(" broken").is_ok(),
            "any text can take its place"
        );
        let error = template.set_policy("{}").unwrap_err().to_string();
        assert_eq!(error, "a.yaml: 0 policies in `value: |` blocks, not one");
    }

    #[test]
    fn text_that_a_block_cannot_hold_is_quoted() {
        let mut template = Template::new("a.yaml", FILE);
        template.set_policy("\t{\"a\":\n1").unwrap();
        assert!(
            template.text().contains(r#"        value: "\t{\"a\":\n1""#),
            "{}",
            template.text()
        );
    }

    #[test]
    fn a_listener_is_added_at_the_top_of_the_list() {
        let mut template = Template::new("a.yaml", FILE);
        template.listener("- name: quic\n  x: 1").unwrap();
        assert!(
            template
                .text()
                .contains("  listeners:\n    - name: quic\n      x: 1\n    - address")
        );
    }
}
