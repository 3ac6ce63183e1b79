// What runs for every request, apart from any proxy, in nanoseconds: native, in wasmtime and in V8.
//
//     node bench/decision.mjs MODULE CRITERION_DIRECTORY WASMTIME.json CHART.json > bench/results/decision.md
//
// V8 runs the module here; the other two have been measured: by `cargo bench --bench decision` and by
// `cargo run -p breakglass-host-tests --example fuel -- nanoseconds`.

import { readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";

const ROUNDS = 15;
const TIMES = 1_000_000;
const WARM_UP = 5;

const [path, criterion, wasmtimePath, chartPath] = process.argv.slice(2);
const wasmtime = JSON.parse(await readFile(wasmtimePath)).results;
const bytes = await readFile(path);
const wasi = new WASI({ version: "preview1" });
const { instance } = await WebAssembly.instantiate(bytes, wasi.getImportObject());
wasi.initialize(instance);
const { memory, prepare, run, name, name_length: nameLength } = instance.exports;

const load = loadavg()[0].toFixed(1);
console.log(`# The decision, native and in WebAssembly

\`make bench-decision\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model}, load ${load}, Node ${process.versions.node}
(V8 ${process.versions.v8}). Nanoseconds for one: the least of some rounds, which the machine's other work disturbs least,
and their median in brackets. The module is built as the filter is: ${bytes.length.toLocaleString("en")} bytes, the rules
of the policy for size. 64 requests take turns; where there are 1,000 rollouts, they are for 64 of them.

![The decision](decision.svg)

| what | native | wasmtime | V8 | V8 / native |
| --- | --: | --: | --: | --: |`);
const charts = [];
for (let number = 0; nameLength(number) > 0; number += 1) {
  const label = Buffer.from(memory.buffer, name(number), nameLength(number)).toString();
  const [native, v8] = [await criterionOf(label), await measure(number)];
  const other = wasmtime.find((result) => result.name === label);
  const cells = [native, { least: other.least, median: other.nanoseconds }, v8].map(
    ({ least, median }) => `${least.toFixed(0)} (${median.toFixed(0)})`,
  );
  charts.push({
    title: label,
    axis: "nanoseconds, the least of some rounds",
    bars: [["native", native], ["wasmtime", { least: other.least }], ["V8", v8]].map(([engine, { least }]) => ({
      label: engine,
      values: [least],
      ours: true,
    })),
  });
  console.log(`| ${[label, ...cells, (v8.least / native.least).toFixed(1)].join(" | ")} |`);
}
await writeFile(chartPath, JSON.stringify(charts));

async function measure(number) {
  if (prepare(number) === 0) throw new Error(`the module has no kernel ${number}`);
  const times = [];
  // The optimising tier compiles in the background; what ran before it does not count.
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    run(TIMES);
    if (round >= 0) times.push(Number(process.hrtime.bigint() - start) / TIMES);
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return spread(times);
}

async function criterionOf(label) {
  const file = join(criterion, "kernel", label, "new", "sample.json");
  const { iters, times } = JSON.parse(await readFile(file));
  return spread(times.map((time, at) => time / iters[at]));
}

function spread(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return { least: sorted[0], median: sorted[sorted.length >> 1] };
}
