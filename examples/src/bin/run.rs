//! Leaves Envoy and the two agents running on their default ports, and prints what to try.

use std::path::Path;

use anyhow::{Context, Result};
use breakglass_examples::agent::Rate;
use breakglass_examples::stack::{Options, Ports, Stack, repository};

#[tokio::main]
async fn main() -> Result<()> {
    let policy = std::fs::read(repository().join("examples/policies/ramp-10.json"))?;
    let policy = serde_json::from_slice(&policy).context("ramp-10.json")?;
    let mut options = Options::new(policy);
    options.ports = Ports::Default;
    options.dir = Some(repository().join(DIR));
    for agent in [&mut options.stable, &mut options.canary] {
        // Slow enough to watch a stream, and to cut it.
        agent.token_delay = std::time::Duration::from_millis(100);
    }
    options.stable.pii_rate = Rate::ALWAYS;
    let mut stack = Stack::start(options).await?;
    print!("{TEXT}");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => println!("\nstopped; logs and configuration stay in {DIR}/"),
        () = gone(&mut stack) => eprintln!("\nEnvoy ended; see {}", Path::new(DIR).join("envoy.log").display()),
    }
    stack.stop();
    Ok(())
}

/// Comes back when Envoy has ended by itself.
async fn gone(stack: &mut Stack) {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(500));
    while stack.is_running() {
        look.tick().await;
    }
}

/// Below the build's own directory: git-ignored, and the same path every time.
const DIR: &str = "target/run";

const TEXT: &str = r#"
Envoy is up, with prompt-v41 and prompt-v42 behind it and 10 % of the users on prompt-v42.
prompt-v41 gives away (made-up) personal data in every answer, prompt-v42 in none.
Traffic 127.0.0.1:10000, operator 127.0.0.1:10001, admin 127.0.0.1:9901. Ctrl-C stops everything.
In another terminal, from the top of the repository:

# Who gets what. The answer says what reached the agent.
  curl -s 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{}'
  for i in $(seq 100); do curl -s 127.0.0.1:10000/v1/agents/support -H "x-user-id: u$i" -d '{}' | grep -o '"version":"prompt-v4."'; done | sort | uniq -c

# A stream
  curl -sN 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{"stream": true}'

# A lie: forged headers do not choose an arm
  curl -s 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -H 'x-breakglass-arm: canary' -H 'x-breakglass-cluster: agent-v42' -d '{}'

# Ramp: push a policy, that is, rename a new file over the old one
  envoy/push.sh examples/policies/ramp-50.json target/run/ecds/breakglass.yaml
  envoy/push.sh examples/policies/ramp-100.json target/run/ecds/breakglass.yaml

# State and metrics
  curl -s 127.0.0.1:10001/v1/state | python3 -m json.tool
  curl -s 127.0.0.1:9901/stats/prometheus | grep ^breakglass_
  tail -f target/run/access.log

# Kill, while a long stream runs in yet another terminal
  curl -sN 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{"stream": true, "max_tokens": 300}'
  curl -s 127.0.0.1:10001/v1/orders -H 'content-type: application/vnd.breakglass.order+json' -d '{"rollout": "support-agent", "generation": 5, "kill": {"mode": "rollback", "in_flight": "cut"}}'

# Block: the agent answers nobody
  curl -s 127.0.0.1:10001/v1/orders -H 'content-type: application/vnd.breakglass.order+json' -d '{"rollout": "support-agent", "generation": 6, "kill": {"mode": "block", "in_flight": "cut"}}'
  curl -si 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{}'

# A broken policy: refused, the one before stays
  envoy/push.sh examples/policies/broken.json target/run/ecds/breakglass.yaml
  grep 'wasm log' target/run/envoy.log | tail -n 3

# Back in service, with a policy of a higher generation
  envoy/push.sh examples/policies/pins.json target/run/ecds/breakglass.yaml

# The leak: so far nobody looks for it. Ask a few times: it is another one each time
  curl -s 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{}' | grep -o '"content":"[^"]*"'

# Count it: answers stay as they are, Envoy counts by version and entity
  envoy/push.sh examples/policies/redaction-count.json target/run/ecds/breakglass.yaml
  for i in $(seq 100); do curl -s 127.0.0.1:10000/v1/agents/support -H "x-user-id: u$i" -d '{}' -o /dev/null; done
  curl -s 127.0.0.1:9901/stats/prometheus | grep -e ^breakglass_redactions_total -e ^breakglass_responses_total
  tail -n 3 target/run/access.log

# Mask everything, by an order, while a long stream runs in yet another terminal: it is masked from its next event on
  curl -sN 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{"stream": true, "max_tokens": 300}' | grep -o --line-buffered '"content":"[^"]*"'
  curl -s 127.0.0.1:10001/v1/orders -H 'content-type: application/vnd.breakglass.order+json' -d '{"rollout": "support-agent", "generation": 18, "redaction": "mask_all"}'

# Mask it by policy, in both shapes of stream
  envoy/push.sh examples/policies/redaction.json target/run/ecds/breakglass.yaml
  curl -sN 127.0.0.1:10000/v1/agents/support/chat/completions -H 'x-user-id: alice' -d '{"stream": true}'
  curl -sN 127.0.0.1:10000/v1/agents/support/messages -H 'x-user-id: alice' -d '{"stream": true}'

# Withhold what comes after a card number or a key, from the old version only
  envoy/push.sh examples/policies/redaction-arms.json target/run/ecds/breakglass.yaml
  for i in $(seq 5); do curl -sN 127.0.0.1:10000/v1/agents/support -H 'x-user-id: alice' -d '{"stream": true}' | tail -n 4; done

# Entities of your own: the agent says the request back, and the answer is masked
  envoy/push.sh examples/policies/redaction-entities.json target/run/ecds/breakglass.yaml
  curl -s 127.0.0.1:10000/v1/agents/support/echo -H 'x-user-id: alice' -d '{"text": "EMP-204417 leads Project Bluebird from 10.0.0.7"}'; echo

# Requests: a key is refused, other data is masked before the agent sees it
  envoy/push.sh examples/policies/redaction-requests.json target/run/ecds/breakglass.yaml
  curl -si 127.0.0.1:10000/v1/agents/support/echo -H 'x-user-id: alice' -H 'content-type: application/json' -d '{"text": "use AKIAIOSFODNN7EXAMPLE"}'; echo
  curl -s 127.0.0.1:10000/v1/agents/support/echo -H 'x-user-id: alice' -H 'content-type: application/json' -d '{"text": "write to asha.rao@example.com"}'; echo
"#;
