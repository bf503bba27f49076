/** The calculator for tests: a list of calls on standard input, a list of answers on standard output. */

import { readFileSync } from "node:fs";

import * as erlang from "../../snippets/sizing/erlang.mjs";
import * as nodes from "../../snippets/sizing/nodes.mjs";
import { plan } from "../../snippets/sizing/plan.mjs";
import { profile } from "../../snippets/sizing/profile.mjs";
import { together } from "../../snippets/sizing/together.mjs";
import { TRAP_IDS, traps } from "../../snippets/sizing/traps.mjs";
import { files, values } from "../../snippets/sizing/yaml.mjs";

const sized = (given, host) => {
  const found = plan(profile(given), host);
  return { ...found, traps: traps(found), files: files(found) };
};
const several = (given, host) => {
  const plans = given.map((one) => plan(profile(one), host));
  const all = together(plans, host);
  return { ...all, plans, values: values(all, plans) };
};
const known = { ...erlang, ...nodes, sized, several, trapIds: () => TRAP_IDS };
const plain = (value) => (Number.isFinite(value) || typeof value !== "number" ? value : String(value));
const answers = JSON.parse(readFileSync(0, "utf8")).map(([name, ...given]) => {
  try {
    return plain(known[name](...given));
  } catch (error) {
    return { error: error.message };
  }
});
console.log(JSON.stringify(answers));
