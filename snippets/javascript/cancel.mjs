// Ask for a task to be canceled; print its monitor as it is then: it may have ended before.
//
// usage: node cancel.mjs MONITOR     TOKEN: sent when it is set
import { env, argv, exit } from "node:process";

const PAUSES = [1, 2, 4, 8, null];
const authorization = env.TOKEN ? { Authorization: `Bearer ${env.TOKEN}` } : {};

// --8<-- [start:cancel]
/** Return the monitor, as text, after the request to cancel, which may be repeated. */
export async function cancel(monitor) {
  await sent("POST", `${monitor}/cancel`, 409); // 409: it is final already
  return sent("GET", monitor);
}

async function sent(method, url, allowed) {
  for (const pause of PAUSES) {
    try {
      const answer = await fetch(url, { method, headers: authorization });
      const text = await answer.text();
      if (answer.ok || answer.status === allowed) return text;
      if (answer.status < 500 || pause === null) throw new Error(text);
    } catch (problem) {
      // a TypeError is a cut: it may have been carried out; asking twice is no harm
      if (!(problem instanceof TypeError) || pause === null) throw problem;
    }
    await new Promise((next) => setTimeout(next, pause * 1000));
  }
}
// --8<-- [end:cancel]

try {
  console.log(await cancel(argv[2]));
} catch (problem) {
  console.error(problem.message);
  exit(1);
}
