// Submit a task under a key of your own, as often as you like: one key, one task.
// Print whether it was submitted now or replayed, and the address of its monitor.
//
// usage: node idempotent.mjs KEY [JSON]
// DEMO_URL: where the API listens     TOKEN: sent when it is set
import { env, argv, exit } from "node:process";

const API = env.DEMO_URL ?? "http://127.0.0.1:8001";
const TASK = { kind: "web_scrape", input: { url: `${API}/guide/`, max_pages: 10 } };
const PAUSES = [1, 2, 4, 8, null];
const authorization = env.TOKEN ? { Authorization: `Bearer ${env.TOKEN}` } : {};

// --8<-- [start:idempotent]
/** Return the monitor's address, and whether the task was there already. */
export async function idempotent(key, task) {
  const headers = {
    ...authorization,
    "Content-Type": "application/json",
    "Idempotency-Key": `"${key}"`,
  };
  for (const pause of PAUSES) {
    try {
      const init = { method: "POST", headers, body: JSON.stringify(task) };
      const answer = await fetch(`${API}/tasks`, init);
      const told = (name) => answer.headers.get(name);
      if (answer.ok) return [told("Operation-Location"), told("Idempotent-Replayed") === "true"];
      // 422: the key stands for another task
      if (answer.status < 500 || pause === null) throw new Error(await answer.text());
    } catch (problem) {
      // a TypeError is a cut: whether it was carried out, the next try finds out
      if (!(problem instanceof TypeError) || pause === null) throw problem;
    }
    await new Promise((next) => setTimeout(next, pause * 1000));
  }
}
// --8<-- [end:idempotent]

const [key, task] = argv.slice(2);
try {
  const [monitor, replayed] = await idempotent(key, task ? JSON.parse(task) : TASK);
  console.log(replayed ? "replayed" : "submitted", monitor);
} catch (problem) {
  console.error(problem.message);
  exit(1);
}
