"""What redaction costs in a real Envoy: CPU time a request and a byte, beside the filter without
redaction and beside no filter at all.

    python3 bench/envoy.py CORPUS_DIRECTORY [MODULE...] > bench/results/redaction-envoy.md

One Envoy with one worker has a listener for each; another one behind it answers with bodies of the
corpora. The listeners take turns. What counts is the Envoy's own user and system time; requests are
pipelined, so that the load is little work beside it.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
BASE_PORT = 23_100
ROUNDS = 5
SECONDS = 1.2
PIPELINED = 50
CASES = [
    ("short-json", "application/json"),
    ("chat-json", "application/json"),
    ("openai-sse", "text/event-stream"),
]
SHORT = b'{"object":"chat.completion","choices":[{"index":0,"message":{"content":"Yes."}}]}'
HEAD = """# What redaction costs in Envoy

`make bench-redaction`, {date}, load {load}, Envoy 1.40.0, `--concurrency 1`. Microseconds of the Envoy
process's user and system time a request, medians of {rounds} turns of {seconds} s; the last three columns are
what redaction adds to the filter: its callbacks, the copies of the body into and out of the module, and
the search. What the shortest answer pays is what every answer pays. On a machine that others use, every
figure here is several times that of a quiet one; the first column tells how many (17 µs there).

| module | bytes | answer | no filter, µs | filter | filter with redaction | added, µs | ns a byte | MB/s |
| --- | --: | --- | --: | --: | --: | --: | --: | --: |"""
LISTENERS = ["no filter", "filter", "redaction"]


def main():
    corpora, modules = Path(sys.argv[1]), [Path(path).resolve() for path in sys.argv[2:]]
    modules = modules or [ROOT / "target/wasm32-wasip1/release/breakglass.wasm"]
    envoy = subprocess.run(
        [ROOT / "envoy/install.sh"], capture_output=True, text=True, check=True
    ).stdout.split("\n")[-2]
    bodies = {name: pick(corpora / name) for name, _ in CASES[1:]} | {"short-json": SHORT}
    print(head())
    with tempfile.TemporaryDirectory() as directory:
        directory = Path(directory)
        answers = write(directory / "answers.json", answering(directory, bodies))
        with Envoy(envoy, answers, 1):
            for number, module in enumerate(modules):
                config = write(directory / "edge.json", edge(module))
                with Envoy(envoy, config, 2 + number) as edge_envoy:
                    measure(edge_envoy, module, bodies)


def head():
    return HEAD.format(
        date=date.today().isoformat(),
        load=Path("/proc/loadavg").read_text().split()[1],
        rounds=ROUNDS,
        seconds=SECONDS,
    )


def pick(path):
    """A body of the usual size, without anything personal."""
    bodies = path.read_bytes().split(b"\0")[:-1]
    return sorted(bodies, key=len)[len(bodies) // 2]


def measure(envoy, module, bodies):
    for case, _ in CASES:
        costs = {name: [] for name in LISTENERS}
        for turn in range(ROUNDS + 1):
            for place, name in enumerate(LISTENERS):
                cost = envoy.cost(BASE_PORT + 10 + place, f"/v1/agents/support/{case}")
                if turn > 0:
                    costs[name].append(cost * 1e6)
        bare, plain, masking = (sorted(costs[name])[ROUNDS // 2] for name in LISTENERS)
        # Of each turn, since turns differ more than listeners within one.
        added = sorted(b - a for a, b in zip(costs["filter"], costs["redaction"]))[ROUNDS // 2]
        size = len(bodies[case])
        cells = [
            module.name,
            f"{module.stat().st_size:,}",
            f"{case}, {size:,} bytes",
            *(f"{cost:.1f}" for cost in (bare, plain, masking, added)),
            f"{added * 1e3 / size:.2f}",
            f"{size / added:,.0f}" if added > 0 else "–",
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


class Envoy:
    def __init__(self, binary, config, number):
        command = [binary, "-c", config, "--concurrency", "1", "--base-id", str(3_100 + number)]
        log = open(config.with_suffix(".log"), "w")
        self.process = subprocess.Popen([*command, "-l", "warning"], stdout=log, stderr=log)
        self.log = config.with_suffix(".log")
        self.port = json.loads(config.read_text())["static_resources"]["listeners"][-1]
        self.port = self.port["address"]["socket_address"]["port_value"]

    def __enter__(self):
        for _ in range(200):
            time.sleep(0.1)
            if self.process.poll() is not None:
                sys.exit(self.log.read_text())
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                continue
        sys.exit("Envoy does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def spent(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cost(self, port, path):
        """Seconds of CPU time a request."""
        before, requests, until = self.spent(), 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            requests += burst(port, path)
        return (self.spent() - before) / requests


def burst(port, path):
    """Sends requests over one connection until the other side closes it; returns how many."""
    head = f"GET {path} HTTP/1.1\r\nhost: bench\r\nx-user-id: user-7\r\n"
    requests = f"{head}\r\n" * (PIPELINED - 1) + f"{head}connection: close\r\n\r\n"
    answered = others = 0
    tail = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(requests.encode())
        while data := connection.recv(1 << 20):
            data = tail + data
            answered += data.count(b"HTTP/1.1 200")
            others += data.count(b"HTTP/1.1 4") + data.count(b"HTTP/1.1 5")
            # An answer whose first line is cut here is counted with what follows.
            tail = data[-11:]
    # With so much on its way, Envoy may close the connection before the last one.
    if others or not answered:
        sys.exit(f"{path} on {port}: {answered} requests were answered, {others} refused")
    return answered


def write(path, config):
    path.write_text(json.dumps(config))
    return path


def answering(directory, bodies):
    routes = []
    for name, kind in CASES:
        (directory / name).write_bytes(bodies[name])
        route = {
            "match": {"path": f"/v1/agents/support/{name}"},
            "direct_response": {"status": 200, "body": {"filename": str(directory / name)}},
            "response_headers_to_add": [
                {
                    "header": {"key": "content-type", "value": kind},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        }
        routes.append(route)
    routing = {
        "max_direct_response_body_size_bytes": 1 << 20,
        "virtual_hosts": [{"name": "answers", "domains": ["*"], "routes": routes}],
    }
    return {"static_resources": {"listeners": [listener("answers", BASE_PORT, routing, [])]}}


def edge(module):
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "answers", "timeout": "0s"}}]
    routing = {"virtual_hosts": [{"name": "edge", "domains": ["*"], "routes": routes}]}
    redaction = {"response": {"*": "mask"}}
    filters = [[], [wasm(module, "plain", None)], [wasm(module, "masking", redaction)]]
    listeners = [
        listener(f"edge-{place}", BASE_PORT + 10 + place, routing, filters[place])
        for place in range(len(LISTENERS))
    ]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": BASE_PORT}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    cluster = {
        "name": "answers",
        "load_assignment": {"cluster_name": "answers", "endpoints": endpoints},
    }
    return {"static_resources": {"listeners": listeners, "clusters": [cluster]}}


def wasm(module, policy, redaction):
    arm = {"version": "v", "cluster": "answers"}
    rollout = {
        "name": "support-agent",
        "match": {"path_prefix": "/v1/agents/support"},
        "unit": [{"header": "x-user-id"}],
        "salt": "bench",
        "arms": {"stable": arm, "canary": arm | {"version": "w"}},
        "control": {"generation": 1, "ramp": {"percent": 10}, "kill": None},
    }
    if redaction:
        rollout["redaction"] = redaction
    document = json.dumps({"policy": policy, "rollouts": [rollout]})
    text = "type.googleapis.com/google.protobuf.StringValue"
    config = {
        "name": policy,
        "vm_config": {
            "vm_id": policy,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": str(module)}},
        },
        "configuration": {"@type": text, "value": document},
    }
    kind = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"
    return {"name": policy, "typed_config": {"@type": kind, "config": config}}


def listener(name, port, routing, filters):
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    manager = (
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager"
    )
    config = {
        "@type": manager,
        "stat_prefix": name,
        "route_config": routing,
        "http_filters": [
            *filters,
            {"name": "envoy.filters.http.router", "typed_config": {"@type": router}},
        ],
    }
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}
        ]
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": name, "address": address, "filter_chains": [chain]}


main()
