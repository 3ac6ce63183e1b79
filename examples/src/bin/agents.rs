//! Runs the two fake agents, the old and the new version, until Ctrl-C.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use breakglass_examples::agent::{Agent, AgentConfig, Failure, Rate, Writes};
use clap::Parser;

/// Two fake agents, an old and a new prompt version, that answer like an OpenAI-compatible service.
///
/// POST /v1/agents/support or …/chat/completions, or …/messages for answers in Anthropic's shape; with
/// "stream": true in the body the answer is a stream of events. GET /_seen tells what reached an
/// agent. What is set here with `--canary-…` or `--stable-…` holds for that version only.
#[derive(Debug, Parser)]
#[command(name = "agents", version)]
struct Arguments {
    /// Where the old version listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9041")]
    stable: SocketAddr,
    /// Where the new version listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9042")]
    canary: SocketAddr,
    /// What the old version calls itself
    #[arg(long, value_name = "NAME", default_value = "prompt-v41")]
    stable_version: String,
    /// What the new version calls itself
    #[arg(long, value_name = "NAME", default_value = "prompt-v42")]
    canary_version: String,
    /// Time to the first byte of an answer
    #[arg(long, value_name = "TIME", default_value = "3ms", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// Words in an answer; a request may ask for another number with max_tokens
    #[arg(long, value_name = "COUNT", default_value_t = 12)]
    tokens: usize,
    /// Time between two events of a stream
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = humantime::parse_duration)]
    token_delay: Duration,
    /// How answers are cut into writes: event, token or byte
    #[arg(long, value_name = "UNIT", default_value = "event")]
    writes: Writes,
    /// Share of requests that the new version fails, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    canary_error_rate: Rate,
    /// How it fails them: status, error-event or break-off
    #[arg(long, value_name = "WAY", default_value = "status")]
    canary_failure: Failure,
    /// Share of the old version's answers with made-up personal data, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    stable_pii_rate: Rate,
    /// Share of the new version's answers with made-up personal data, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    canary_pii_rate: Rate,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let stable = AgentConfig {
        pii_rate: arguments.stable_pii_rate,
        ..arguments.config(&arguments.stable_version)
    };
    let stable = Agent::start(stable, arguments.stable).await?;
    let canary = AgentConfig {
        error_rate: arguments.canary_error_rate,
        failure: arguments.canary_failure,
        pii_rate: arguments.canary_pii_rate,
        ..arguments.config(&arguments.canary_version)
    };
    let canary = Agent::start(canary, arguments.canary).await?;
    for agent in [&stable, &canary] {
        println!("{} on http://{}", agent.config().version, agent.addr());
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

// === impl Arguments ===

impl Arguments {
    fn config(&self, version: &str) -> AgentConfig {
        AgentConfig {
            latency: self.latency,
            tokens: self.tokens,
            token_delay: self.token_delay,
            writes: self.writes,
            ..AgentConfig::new(version)
        }
    }
}
