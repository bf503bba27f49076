/**
 * What the sizing guide says in numbers, computed from measure.json: `node snippets/sizing/tables.mjs`
 * writes the tables, and as figures the numbers that stand in sentences.
 */

import { readFileSync, writeFileSync } from "node:fs";

import { load, meanWait, mustWait, slotsFor } from "./erlang.mjs";
import { SLOT, VMS, allocatable } from "./nodes.mjs";
import { apiPods, measured, plan, time } from "./plan.mjs";
import { EXAMPLES, profile } from "./profile.mjs";
import { together } from "./together.mjs";

const DATA = new URL("../../site_src/_data/figures/", import.meta.url);
const MEASURED = JSON.parse(readFileSync(new URL("measure.json", DATA), "utf8"));
const host = measured(MEASURED);
const plans = Object.values(EXAMPLES).map((example) => plan(profile(example), host));
const all = together(plans, host);
const percent = (share) => `${Math.round(100 * share)}%`;

/** Waits of pools a little and a lot larger than what is busy. */
function* waits() {
  for (const [said, rate, takes, tried] of [
    ["1 a second", 1, 30, [32, 38]],
    ["5 a second", 5, 30, [158, 167]],
    ["30 an hour", 30 / 3600, 2400, [21, 24, 27]],
    ["60 an hour", 60 / 3600, 2400, [44, 47]],
  ]) {
    const busy = load(rate, takes);
    for (const slots of tried) {
      const wait = time(meanWait(slots, busy, takes));
      yield [said, time(takes), busy.toFixed(0), slots, percent(busy / slots), percent(mustWait(slots, busy)), wait];
    }
  }
}

/** Waits in units of a task's own duration: one table for seconds and for hours. */
function* lookup() {
  for (const busy of [2, 5, 10, 20, 50, 100, 200, 500]) {
    const slots = [0, 0.02, 0.1, 0.5, 1].map((within) => slotsFor(busy, 1, within));
    yield [busy, ...slots.map((number) => `${number} (${percent(busy / number)})`)];
  }
}

function* machines() {
  for (const [vm, [cpus, memory]] of Object.entries(VMS)) {
    const left = [30, 110, 250].map((most) => allocatable(vm, most));
    yield [`${vm} (${cpus}/${memory})`, left[0][0].toFixed(2), ...left.map(([, gb]) => gb.toFixed(2))];
  }
}

/** Every step of the worked examples, side by side. */
function* examples() {
  for (const [number, { name }] of plans[0].steps.entries()) {
    yield [name, ...plans.map(({ steps }) => steps[number].result)];
  }
}

/** All three in one system. */
function* system() {
  for (const { name, result, formula } of all.steps) yield [name, result, formula];
}

/** Numbers of sentences: of the examples, and of 10, 1,000 and 100,000 tasks a second. */
function* sentences() {
  const scraping = plans.at(-1);
  yield ["scraping-kept", scraping.postgres.kept];
  yield ["scraping-most", scraping.postgres.most];
  yield ["pod-streams", scraping.room];
  yield ["pod-streams-memory", Math.ceil((scraping.room * host.stream) / 1024), "MiB"];
  for (const rate of [10, 1000, 100000]) {
    yield [`commits-${rate}`, rate * MEASURED.figures["commits-a-task"].value];
    yield [`api-${rate}`, apiPods({ rate, polls: 0, streams: 0 }, scraping.room, 1, host)];
    yield [`busy-${rate}`, rate * 2400];
    yield [`connections-${rate}`, rate * SLOT.kept * 10];
    yield [`rows-${rate}`, (rate * 86400) / 1e6, "million"];
    yield [`units-${rate}`, (rate * MEASURED.figures["commits-a-task"].value) / 1000];
  }
}

/** A Markdown table inside a named region; figures stand at the right. */
function table(name, head, rows, side = "--:") {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const lines = [line(head), `|---${`|${side}`.repeat(head.length - 1)}|`, ...Array.from(rows, line)];
  return [`<!-- --8<-- [start:${name}] -->`, ...lines, `<!-- --8<-- [end:${name}] -->`, ""].join("\n");
}

const titles = plans.map(({ asked }) => asked.name);
const text = [
  table("waits", ["Arrivals", "Takes", "Busy", "Slots", "Busy share", "Must wait", "Mean wait"], waits()),
  table("lookup", ["Busy slots", "At once", "2% of S", "10% of S", "Half of S", "One S"], lookup()),
  table("nodes", ["VM (vCPU/GB)", "CPU", "GB at 30 pods", "at 110", "at 250"], machines()),
  table("examples", ["", ...titles], examples()),
].join("\n");
const one = table("together", ["All three", "", "Arithmetic"], system(), "---");
const figures = Object.fromEntries(Array.from(sentences(), ([name, value, unit]) => [name, unit ? { value, unit } : { value }]));
const recorded = { ...MEASURED.recorded, machine: `${MEASURED.recorded.machine}; computed from it by the calculator` };
const told = `${JSON.stringify({ recorded, figures }, null, 2)}\n`;
if (process.argv.includes("--check")) process.stdout.write(JSON.stringify({ text, one, told }));
else {
  writeFileSync(new URL("tables.md", import.meta.url), text);
  writeFileSync(new URL("together.md", import.meta.url), one);
  writeFileSync(new URL("plan.json", DATA), told);
}
