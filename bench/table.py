"""Puts the measurements of `make bench-redaction` into one table, and writes results/redaction.md.

    python3 bench/table.py CRITERION_DIRECTORY V8.json PRESIDIO.json SIZES.json CHART.json
"""

import json
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
NAMES = {
    "chat-json": "chat answer, JSON",
    "openai-sse": "OpenAI stream, SSE",
    "anthropic-sse": "Anthropic stream, SSE",
    "prose": "prose",
    "code": "source code",
    "numbers": "table of numbers",
}
HEAD = """# Speed of redaction

`make bench-redaction`, {date}, {machine}, {load}.
{rustc}, Node {node} (V8 {v8}), redact-core {core}, regex {regex}, presidio-analyzer {presidio}.

Megabytes of body a second on one core, every entity masked, bodies of a few kilobytes to 50 in
pieces of at most 16 KiB; one body of a hundred has something personal in it. V8 is Node's, which
stands for Envoy's: the same engine, another version. `z` and `3` are the opt-level of the crate
`breakglass-redact`, everything else is built as the filter is. The peers get each body whole, as one
text; they decode neither JSON nor events, and find nothing that is spread over events. regex is one
alternation of twelve patterns without checks; Presidio is sixteen pattern recognizers without its
language model, on {presidio_bytes} of each corpus.
"""


def main():
    criterion = Path(sys.argv[1])
    v8, presidio, sizes = (json.loads(Path(path).read_text()) for path in sys.argv[2:5])
    native = {shape: read(criterion, shape) for shape in NAMES}
    modules = {(r["case"], r["personal"], r["module"]): r["megabytes"] for r in v8["results"]}
    fast = [(case, True, "simd-3") for case in NAMES]

    rows, charts = [], []
    for (case, personal, module), shape in zip(fast, NAMES):
        ours, peers = modules[case, personal, module], native[shape]
        pace = presidio["results"][shape]
        bars = [("Breakglass, V8", ours), ("Breakglass, native", peers["breakglass"])]
        bars += [(name, peers[name]) for name in ("redact-core", "regex")] + [("Presidio", pace)]
        charts.append(
            {
                "title": NAMES[shape],
                "axis": "megabytes a second, more is better; logarithmic",
                "logarithmic": True,
                "bars": [
                    {"label": name, "values": [pace], "ours": name.startswith("Breakglass")}
                    for name, pace in bars
                ],
            }
        )
        rows.append(
            [
                NAMES[shape],
                show(peers["breakglass"]),
                show(ours),
                show(peers["redact-core"]),
                show(peers["regex"]),
                show(pace),
                f"{ours / peers['redact-core']:,.0f}×",
                f"{ours / peers['regex']:,.1f}×",
                f"{ours / pace:,.0f}×",
            ]
        )
    head = ["MB/s", "native", "V8", "redact-core", "regex", "Presidio"]
    first = table([*head, "V8 ÷ redact-core", "÷ regex", "÷ Presidio"], rows)

    names = list(sizes)
    rows = []
    for case, personal in dict.fromkeys((r["case"], r["personal"]) for r in v8["results"]):
        label = case if personal else f"{case}, nothing personal"
        rows.append([label, *(show(modules[case, personal, name]) for name in names)])
    rows.append(["bytes of the module", *(f"{sizes[name]:,}" for name in names)])
    second = table(["MB/s in V8", *names], rows)

    text = HEAD.format(
        date=date.today().isoformat(),
        machine=machine(),
        load=f"load {Path('/proc/loadavg').read_text().split()[1]} of {cores()} cores",
        rustc=output("rustc", "--version").split(" (")[0],
        node=v8["node"],
        v8=v8["v8"],
        core=locked("redact-core"),
        regex=locked("regex"),
        presidio=presidio["version"],
        presidio_bytes="150 KB",
    )
    Path(sys.argv[5]).write_text(json.dumps(charts))
    text += f"\n![Speed of redaction](redaction.svg)\n\n{first}\n\n{second}\n\nThe module has the corpora in it beside the redactor.\n"
    print(text)
    (HERE / "results" / "redaction.md").write_text(text)


def read(criterion, shape):
    """Megabytes a second of every contestant, by the median."""
    paces = {}
    for path in (criterion / shape).glob("*/new/estimates.json"):
        nanoseconds = json.loads(path.read_text())["median"]["point_estimate"]
        size = json.loads((path.parent / "benchmark.json").read_text())["throughput"]["Bytes"]
        paces[path.parent.parent.name] = size * 1e3 / nanoseconds
    return paces


def table(head, rows):
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def show(pace):
    return f"{pace:,.0f}" if pace >= 10 else f"{pace:.2g}"


def machine():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ")[1]
    return platform.machine()


def cores():
    return Path("/proc/cpuinfo").read_text().count("processor\t")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def locked(crate):
    lock = (HERE.parent / "Cargo.lock").read_text()
    return lock.split(f'name = "{crate}"\nversion = "')[1].split('"')[0]


main()
