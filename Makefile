# Breakglass: two commands do all set-up on a fresh machine, `make demo` and `make test`.
# Needs Rust (see rust-version in Cargo.toml), python3 with pip, and git. The rest is installed into
# .tools/ (Envoy) or as a package of the system (binaryen), once, and said first.

.DEFAULT_GOAL := help
.PHONY: help demo story run test test-policy test-redact test-operator test-host test-clients test-examples test-vectors test-dsse test-bench bench bench-decision bench-check bench-baseline bench-kill bench-delay bench-memory bench-redaction bench-envoy fuzz lint fmt schema operator wasm wasm-nosimd tools rust-target wasm-opt clean

CARGO     ?= cargo
WASM      := target/wasm32-wasip1/release/breakglass.wasm
WASM_BUILT := target/wasm32-wasip1/release/deps/breakglass.wasm
DECISION  := target/bench-wasm/decision.wasm
RIG       := $(CARGO) run --quiet --profile bench -p breakglass-bench-envoy --bin rig --
# What the module may use: what rustc uses for this target by default, and SIMD.
WASM_USES := --enable-bulk-memory --enable-mutable-globals --enable-nontrapping-float-to-int --enable-sign-ext

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: wasm tools ## The main job end to end on a real Envoy: ramp, kill, refused config (about a minute)
	$(CARGO) run --quiet -p breakglass-examples --bin demo

story: wasm tools ## A night with an emergency change, told step by step on two real Envoys, and its dark twin (two minutes)
	$(CARGO) build --quiet -p breakglass-operator
	$(CARGO) run --quiet -p breakglass-examples --bin story

run: wasm tools ## Leave agents and Envoy running and print what to try
	$(CARGO) run --quiet -p breakglass-examples --bin run

test: wasm tools test-policy test-redact test-vectors test-operator test-dsse test-examples test-bench test-host test-clients ## Every test, those on a real Envoy too

test-policy: ## The rules: unit and property tests, schemas, vectors
	$(CARGO) test -p breakglass-policy --all-features

test-redact: ## The redactor: every case in every way to cut it, checks, framing
	$(CARGO) test -p breakglass-redact --all-features

test-operator: ## The operator's command, and false hits on 100,000 generated lines
	$(CARGO) test -p breakglass-operator

test-host: wasm-nosimd wasm tools ## The built filter on a wasmtime host and on a real Envoy
	$(CARGO) test -p breakglass-host-tests

test-clients: wasm tools .tools/clients ## Redacted answers, read by OpenAI's and Anthropic's own Python clients
	$(CARGO) test -p breakglass-host-tests --features clients --test envoy redaction_clients

test-examples: wasm tools ## The fake agents, the load driver, the Envoy configurations and the story's project
	$(CARGO) build --quiet -p breakglass-operator
	$(CARGO) test -p breakglass-examples

test-bench: ## What the benchmarks rest on: corpora, baseline, load, reports
	$(CARGO) test -p breakglass-bench -p breakglass-bench-envoy --lib --bins

test-vectors: .tools/pynacl ## The published test vectors, computed again by libsodium
	PYTHONPATH=.tools/pynacl python3 policy/vectors/check_libsodium.py

bench: bench-decision bench-redaction bench-envoy bench-kill bench-delay bench-memory ## Every benchmark beside its peers: bench/results/ (half an hour)

bench-decision: wasm $(DECISION) ## The decision in nanoseconds, native, in wasmtime and in V8 (Node 20 needed); the judge, signatures, policies
	$(CARGO) bench -p breakglass-bench --bench decision
	$(CARGO) bench -p breakglass-bench --bench judge
	$(CARGO) bench -p breakglass-bench --bench envelopes
	@$(CARGO) run --quiet -p breakglass-host-tests --example fuel -- nanoseconds > target/bench-wasm/wasmtime.json
	@node --no-warnings bench/decision.mjs $(DECISION) $${CARGO_TARGET_DIR:-target}/criterion target/bench-wasm/wasmtime.json target/bench-wasm/decision-chart.json | tee bench/results/decision.md
	@$(RIG) chart target/bench-wasm/decision-chart.json bench/results/decision.svg

bench-check: wasm $(DECISION) ## Fail if a hot path takes over 5 % more instructions than bench/baseline.json says
	@$(CARGO) run --quiet -p breakglass-host-tests --example fuel -- check

bench-baseline: wasm $(DECISION) ## Accept the instructions that the hot paths take now: bench/baseline.json
	@$(CARGO) run --quiet -p breakglass-host-tests --example fuel -- baseline

bench-kill: wasm tools ## How soon a signed kill holds, on a real Envoy under load: bench/results/kill.md
	$(RIG) kill

bench-delay: wasm tools ## What a stream of tokens waits in a real Envoy: bench/results/delay.md
	$(RIG) delay

bench-memory: wasm tools ## What the filter keeps in memory: bench/results/memory.md
	@mkdir -p target/bench-wasm
	@$(CARGO) run --quiet -p breakglass-host-tests --example memory > target/bench-wasm/memory.json
	$(RIG) memory --linear target/bench-wasm/memory.json

# The decision in a module of its own, built as the filter is.
$(DECISION): rust-target wasm-opt
	@$(CARGO) build --quiet -p breakglass-bench-wasm-decision --release --target wasm32-wasip1 --target-dir target/bench-wasm
	@wasm-opt -Oz $(WASM_USES) --enable-simd target/bench-wasm/wasm32-wasip1/release/breakglass_bench_wasm_decision.wasm -o $@

bench-redaction: wasm tools .tools/presidio ## The speed of redaction beside its peers (Node 20 needed): bench/results/
	@bench/v8-modules.sh target/bench-wasm/modules
	$(CARGO) bench -p breakglass-bench --bench redaction -- --quiet
	@node --no-warnings bench/v8.mjs --json target/bench-wasm/modules/*.wasm > target/bench-wasm/v8.json
	@$(CARGO) run --quiet -p breakglass-bench --example corpus -- target/bench-wasm/corpora
	@PYTHONPATH=.tools/presidio python3 bench/presidio.py target/bench-wasm/corpora > target/bench-wasm/presidio.json
	@python3 bench/table.py $${CARGO_TARGET_DIR:-target}/criterion target/bench-wasm/v8.json target/bench-wasm/presidio.json target/bench-wasm/modules/sizes.json target/bench-wasm/redaction-chart.json
	@$(RIG) chart target/bench-wasm/redaction-chart.json bench/results/redaction.svg

bench-envoy: wasm tools ## What routing and redaction cost in a real Envoy, beside their peers: bench/results/ (ten minutes)
	@$(CARGO) build --quiet -p breakglass-bench-noop --release --target wasm32-wasip1
	$(RIG) routing
	$(RIG) redaction

lint: rust-target ## rustfmt and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --exclude breakglass-plugin --all-targets --all-features -- -D warnings
	$(CARGO) clippy -p breakglass-plugin --target wasm32-wasip1 -- -D warnings

fmt: ## Format everything
	$(CARGO) fmt --all

schema: ## Write the JSON Schemas of policy and order anew
	$(CARGO) run --quiet -p breakglass-policy --features schema --example schema

operator: ## Build the operator's command: target/release/breakglass
	$(CARGO) build -p breakglass-operator --release

wasm: rust-target wasm-opt ## Build the filter: target/wasm32-wasip1/release/breakglass.wasm
	$(CARGO) build -p breakglass-plugin --release --target wasm32-wasip1
	@plugin/optimize.sh $(WASM_BUILT) $(WASM) $(WASM_USES) --enable-simd
	@printf '%s: %s bytes\n' $(WASM) "$$(wc -c < $(WASM))"

wasm-nosimd: rust-target wasm-opt ## The same without SIMD, for hosts that lack it: target/nosimd/breakglass.wasm
	RUSTFLAGS=-Cstrip=symbols $(CARGO) build -p breakglass-plugin --release --target wasm32-wasip1 --target-dir target/nosimd
	@plugin/optimize.sh target/nosimd/wasm32-wasip1/release/deps/breakglass.wasm target/nosimd/breakglass.wasm $(WASM_USES)
	@printf '%s: %s bytes\n' target/nosimd/breakglass.wasm "$$(wc -c < target/nosimd/breakglass.wasm)"

tools: ## Install the pinned Envoy into .tools/ (ENVOY_BIN=… uses another one)
	@envoy/install.sh

rust-target:
	@rustc --print target-libdir --target wasm32-wasip1 | xargs test -d \
	  || { echo "installing the Rust target wasm32-wasip1"; rustup target add wasm32-wasip1; }

wasm-opt:
	@command -v wasm-opt > /dev/null \
	  || { echo "installing the package binaryen (wasm-opt)"; apt-get update -qq && apt-get install -y -qq binaryen > /dev/null; } \
	  || { echo "wasm-opt is missing: install the package binaryen"; exit 1; }

test-dsse: .tools/securesystemslib ## What `breakglass` signs and verifies, against another implementation of DSSE
	$(CARGO) build --quiet -p breakglass-operator
	PYTHONPATH=.tools/securesystemslib python3 operator/tests/dsse/check.py $${CARGO_TARGET_DIR:-target}/debug/breakglass

.tools/securesystemslib:
	@echo "installing securesystemslib, another implementation of DSSE, into $@"
	@python3 -m pip install --quiet --no-warn-conflicts --target $@.new 'securesystemslib[crypto]==1.6.0' && mv $@.new $@

.tools/pynacl:
	@echo "installing PyNaCl (libsodium) into $@"
	@python3 -m pip install --quiet --target $@.new 'PyNaCl==1.6.2' && mv $@.new $@

.tools/presidio:
	@echo "installing Presidio, a peer in the benchmark of redaction, into $@"
	@python3 -m pip install --quiet --no-warn-conflicts --target $@.new 'presidio-analyzer==2.2.366' && mv $@.new $@

fuzz: ## Fuzz the redactor: TARGET=scanner|json|sse|ndjson SECONDS=60
	@redact/fuzz/run.sh $(or $(TARGET),scanner) $(or $(SECONDS),60)

.tools/clients:
	@echo "installing the Python clients of OpenAI and Anthropic, and sseclient-py, into $@"
	@python3 -m pip install --quiet --no-warn-conflicts --target $@.new 'openai==3.57.0' 'anthropic==2.13.0' 'sseclient-py==1.9.0' && mv $@.new $@

clean: ## Remove what was built, not what was installed
	$(CARGO) clean
