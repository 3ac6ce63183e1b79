// Runs the redaction module in V8 (Node's, which stands for Envoy's: the same engine, another
// version) and prints megabytes a second.
//
//   node v8.mjs MODULE... [--rounds N] [--json]
//
// The modules take turns, and the process's own time counts, so that what else the machine does
// hits none of them alone; of the rounds, the median.

import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";
import { basename } from "node:path";
import { parseArgs } from "node:util";

const CASES = [
  { name: "chat-json", shape: 0 },
  { name: "openai-sse", shape: 1 },
  { name: "openai-sse, event by event", shape: 1, byEvent: 1 },
  { name: "anthropic-sse", shape: 2 },
  { name: "anthropic-sse, event by event", shape: 2, byEvent: 1 },
  { name: "prose", shape: 3 },
  { name: "code", shape: 4 },
  { name: "numbers", shape: 5 },
];

const WARM_UP = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "15" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const modules = await Promise.all(
  positionals.map(async (path) => ({
    name: basename(path, ".wasm"),
    module: await WebAssembly.compile(await readFile(path)),
  })),
);

const results = [];
for (const { name, shape, byEvent = 0 } of CASES) {
  for (const personal of [1, 0]) {
    const runs = [];
    for (const { name: of, module } of modules) {
      const { prepare, run } = await instantiate(module);
      const bytes = prepare(shape, byEvent, personal);
      runs.push({ of, run, bytes, times: [] });
    }
    // The optimising tier compiles in the background; what ran before it does not count.
    for (let round = -WARM_UP; round < rounds; round += 1) {
      for (const { run, times } of runs) {
        const start = process.cpuUsage();
        run();
        const { user, system } = process.cpuUsage(start);
        if (round >= 0) times.push((user + system) / 1e3);
      }
      if (round < 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const { of, bytes, times } of runs) {
      const megabytes = bytes / 1e3 / median(times);
      results.push({ case: name, personal: personal === 1, module: of, megabytes });
    }
  }
}

if (values.json) {
  console.log(JSON.stringify({ v8: process.versions.v8, node: process.versions.node, results }));
} else {
  for (const { case: name, personal, module, megabytes } of results) {
    const label = personal ? name : `${name}, nothing personal`;
    console.log(`${label.padEnd(52)} ${module.padEnd(12)} ${megabytes.toFixed(0).padStart(6)} MB/s`);
  }
}

async function instantiate(module) {
  const wasi = new WASI({ version: "preview1" });
  const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
  wasi.initialize(instance);
  return instance.exports;
}

function median(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
