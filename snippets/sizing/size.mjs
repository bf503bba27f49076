/**
 * The calculator on the command line:
 *
 *   node snippets/sizing/size.mjs --hourly 20 --takes 2400 --within 1200 [--files FOLDER]
 *
 * `--help` lists the inputs; `--json` prints the plan; `--measured FILE` takes your own figures;
 * `--kinds FILE` plans several kinds together, a JSON list of inputs.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { measured, plan } from "./plan.mjs";
import { INPUTS, profile } from "./profile.mjs";
import { together } from "./together.mjs";
import { traps } from "./traps.mjs";
import { files, values } from "./yaml.mjs";

const SHIPPED = new URL("../../site_src/_data/figures/measure.json", import.meta.url);
const OWN = { help: "boolean", json: "boolean", files: "string", measured: "string", kinds: "string" };

function main() {
  const names = [...Object.keys(INPUTS).map((name) => [name, "string"]), ...Object.entries(OWN)];
  const options = Object.fromEntries(names.map(([name, type]) => [name, { type }]));
  const { help, json, files: folder, measured: file, kinds, ...given } = parseArgs({ options }).values;
  if (help) return usage();
  const host = measured(JSON.parse(readFileSync(file ?? SHIPPED, "utf8")));
  if (kinds) return several(JSON.parse(readFileSync(kinds, "utf8")), host, folder);
  const found = plan(profile(given), host);
  if (json) return console.log(JSON.stringify({ ...found, traps: traps(found) }, null, 2));
  tell(found);
  for (const { text } of traps(found)) console.log(`\n! ${text}`);
  if (folder) write(folder, files(found));
}

function several(given, host, folder) {
  const plans = given.map((one) => plan(profile(one), host));
  const all = together(plans, host);
  tell(all);
  for (const one of plans) {
    for (const { text } of traps(one)) console.log(`\n! ${one.asked.name}: ${text}`);
  }
  if (folder) write(folder, { "values.yaml": values(all, plans) });
}

function tell({ steps }) {
  for (const { name, formula, result } of steps) {
    console.log(`${name.padEnd(26)} ${result.padEnd(22)} ${formula}`);
  }
}

function write(folder, texts) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  console.log(`\nWritten to ${folder}: ${Object.keys(texts).join(", ")}`);
}

function usage() {
  console.log("node snippets/sizing/size.mjs [--json] [--files FOLDER] [--measured FILE] [--kinds FILE] and inputs:");
  for (const [name, { label, unit, choices, value }] of Object.entries(INPUTS)) {
    const told = choices ? choices.join(" | ") : (unit ?? "");
    console.log(`  --${name.padEnd(14)} ${label}${told && `, ${told}`} (${value})`);
  }
}

try {
  main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
