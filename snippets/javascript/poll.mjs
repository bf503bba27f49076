// Poll a monitor at the pace the server asks for; print the final monitor.
//
// usage: node poll.mjs MONITOR     TOKEN: sent when it is set
import { env, argv, exit } from "node:process";

const authorization = env.TOKEN ? { Authorization: `Bearer ${env.TOKEN}` } : {};

// --8<-- [start:poll]
/** Return the final monitor as text; wait between two looks as long as the server says. */
export async function poll(monitor) {
  for (let failures = 0; failures <= 5; ) {
    let pause = 2 ** failures;
    try {
      const answer = await fetch(monitor, { headers: authorization });
      const text = await answer.text();
      if (answer.status < 500 && !answer.ok) throw new Error(text);
      if (answer.ok && !answer.headers.has("Retry-After")) return text;
      if (answer.ok) pause = Number(answer.headers.get("Retry-After"));
      failures = answer.ok ? 0 : failures + 1;
    } catch (problem) {
      if (!(problem instanceof TypeError)) throw problem;
      failures += 1; // cut: a look costs nothing, look again
    }
    await new Promise((next) => setTimeout(next, pause * 1000));
  }
  throw new Error(`no answer from ${monitor}`);
}
// --8<-- [end:poll]

try {
  console.log(await poll(argv[2]));
} catch (problem) {
  console.error(problem.message);
  exit(1);
}
