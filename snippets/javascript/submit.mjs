// Submit a task; print the address of its monitor.
//
// usage: node submit.mjs [JSON]     DEMO_URL: where the API listens     TOKEN: sent when it is set
import { env, argv, exit } from "node:process";

const API = env.DEMO_URL ?? "http://127.0.0.1:8001";
const TASK = { kind: "web_scrape", input: { url: `${API}/guide/`, max_pages: 10 } };
const PAUSES = [1, 2, 4, 8, null];
const authorization = env.TOKEN ? { Authorization: `Bearer ${env.TOKEN}` } : {};

// --8<-- [start:submit]
/** Return the monitor's address. Every try carries the same key: one intent, one task. */
export async function submit(task) {
  const headers = {
    ...authorization,
    "Content-Type": "application/json",
    "Idempotency-Key": `"${crypto.randomUUID()}"`,
  };
  for (const pause of PAUSES) {
    try {
      const init = { method: "POST", headers, body: JSON.stringify(task) };
      const answer = await fetch(`${API}/tasks`, init);
      if (answer.ok) return answer.headers.get("Operation-Location");
      if (answer.status < 500 || pause === null) throw new Error(await answer.text());
    } catch (problem) {
      // a TypeError is a cut: it may have been accepted; the key finds out
      if (!(problem instanceof TypeError) || pause === null) throw problem;
    }
    await new Promise((next) => setTimeout(next, pause * 1000));
  }
}
// --8<-- [end:submit]

const [task] = argv.slice(2);
try {
  console.log(await submit(task ? JSON.parse(task) : TASK));
} catch (problem) {
  console.error(problem.message);
  exit(1);
}
