"""Invariants of one client's task: what it was told and saw against what is true in the end."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from demo.settings import Settings
from tests.chaos.audit import Truth
from tests.chaos.stories import Client
from tests.system.follower import Follower
from tests.system.history import FINAL, faults

Json = dict[str, Any]
BUDGET = Settings.model_fields["crash_budget"].default


def violations(
    client: Client, truth: Truth, reread: Follower | None, healed: datetime, settled: float
) -> list[str]:
    """Every violation in words; `reread` has the whole stream once more, read at the end."""
    found = [f"refused: {what}" for what in client.refused] + _promise(client, truth)
    row = truth.tasks.get(client.id)
    if row is None:
        return found
    if row["status"] not in FINAL:
        return [*found, f"I1: still {row['status']}, attempt {row['attempt']}"]
    if not client.ended:
        found.append("I1: it ended, and its client did not learn it")
    events, effects = truth.events[row["id"]], truth.effects[row["id"]]
    found += faults(row, events)
    if row["last_seq"] != len(events):
        found.append(f"I4: the row counts {row['last_seq']} events, the log has {len(events)}")
    found += _effects(row, events, effects)
    found += _cancel(client, row, events, healed, settled)
    found += _outcome(client, row)
    found += _reads(client, row)
    return [*found, *_streams(client, events, reread)]


def _promise(client: Client, truth: Truth) -> list[str]:
    """I1 and I2: a 202 is kept, and a key makes one task, of what was asked."""
    made = {*client.ids, *filter(None, [truth.keys.get(client.key)])}
    if len(made) > 1:
        return [f"I2: one key, several tasks: {sorted(made)}"]
    for id in client.ids:
        if id not in truth.tasks:
            return [f"I1: no task {id}, and it was answered by 202"]
        if client.input.items() - truth.tasks[id]["input"].items():
            return [f"I2: another input: {truth.tasks[id]['input']}"]
    return []


def invented(clients: list[Client], truth: Truth) -> dict[str, list[str]]:
    """I2: tasks that nobody asked for."""
    keyed = {truth.keys[client.key] for client in clients if client.key in truth.keys}
    asked = keyed.union(*(client.ids for client in clients))
    return {id: ["I2: nobody asked for it"] for id in truth.tasks.keys() - asked}


def _effects(row: Json, events: list[Json], effects: dict[str, Json]) -> Iterator[str]:
    """I6 and I8: an effect for each checkpoint, made by the attempt that owned the task."""
    made = {f"step/{e['data']['step']}": e["attempt"] for e in events if "step" in e["data"]}
    if made.keys() != effects.keys():
        yield f"I6: checkpoints {list(made)}, effects {sorted(effects)}"
    if row["status"] == "succeeded" and len(effects) != row["input"]["steps"]:
        yield f"I6: succeeded with {len(effects)} of {row['input']['steps']} effects"
    for key, effect in effects.items():
        attempts = {made.get(key), effect["attempt"], effect["result"]["attempt"]}
        if len(attempts) > 1:
            yield f"I8: {key} belongs to attempt {made.get(key)}, was done by {effect}"
    if row["status"] == "succeeded" and row["result"]["attempt"] != row["attempt"]:
        yield f"I8: attempt {row['attempt']} has the result of {row['result']['attempt']}"
    lines = [(e["attempt"], e["data"]["message"]) for e in events if e["type"] == "log"]
    if len(lines) > len(set(lines)):
        yield "I8: one attempt wrote a line twice"


def _cancel(
    client: Client, row: Json, events: list[Json], healed: datetime, settled: float
) -> Iterator[str]:
    """I7: a cancel that was acknowledged holds, and nothing is done after it."""
    code, said = client.canceled or (0, "")
    if (
        code
        and code < 300
        and (row["status"] == "succeeded" or said == "canceled" != row["status"])
    ):
        yield f"I7: told {said}, ended {row['status']}"
    if code == 409 and row["status"] not in said:
        yield f"I7: told {said!r}, ended {row['status']}"
    asked = [e["seq"] for e in events if e["data"].get("status") == "canceling"]
    late = [e["seq"] for e in events if "step" in e["data"] and asked and e["seq"] > asked[0]]
    if late:
        yield f"I7: checkpoints {late} after the cancel {asked[0]}"
    if asked:
        since = max(healed, datetime.fromisoformat(events[asked[0] - 1]["at"]))
        took = datetime.fromisoformat(events[-1]["at"]) - since
        if took.total_seconds() > settled:
            yield f"I7: canceling for {took} with all parts up"


def _outcome(client: Client, row: Json) -> Iterator[str]:
    """I9: nothing fails but by its own fault, or by more crashes than its budget."""
    if row["crashes"] > BUDGET + 1:
        yield f"I9: {row['crashes']} crashes"
    code = (row["error"] or {}).get("code")
    failure = client.input.get("failure")
    meant = {"permanent": "rehearsed", "crash": "worker_lost"}.get(str(failure))
    if row["status"] == "failed" and code != meant:
        spent = code == "worker_lost" and row["crashes"] > BUDGET
        if not spent:
            yield f"I9: failed by {row['error']} after {row['crashes']} crashes"
    if row["status"] == "succeeded" and failure:
        yield f"succeeded, and was to fail: {client.input}"
    if row["status"] == "canceled" and not client.cancels:
        yield "I7: canceled, and nobody asked for it"


def _reads(client: Client, row: Json) -> Iterator[str]:
    """I10: what a client reads never goes back, and a final status stays as it is."""
    places = [_place(seen) for seen in client.seen]
    for before, after in pairwise(places):
        if after < before:
            yield f"I10: read {before} and then {after}"
    if client.ended and client.seen[-1]["status"] != row["status"]:
        yield f"I3: read {client.seen[-1]['status']}, ended {row['status']}"


def _place(seen: Json) -> tuple[float, int]:
    """Where a monitor is on the only way there is: attempts up, and within them to the end."""
    within = {"queued": 0.9, "running": 0.0, "canceling": 0.5}.get(seen["status"], float("inf"))
    return seen["attempt"] + within, seen["progress"]["step"]


def _streams(client: Client, events: list[Json], reread: Follower | None) -> Iterator[str]:
    """I5: through all cuts the same bytes as in one undisturbed reading, and as the log says."""
    if not client.follower or not reread:
        return
    if not (client.follower.ended and reread.ended):
        yield "I5: a stream was not ended"
    yield from reread.faults(events)
    if client.follower.frames != reread.frames:
        ours, theirs = client.follower.frames, reread.frames
        at = next((n for n, two in enumerate(zip(ours, theirs, strict=False)) if two[0] != two[1]),
                  min(len(ours), len(theirs)))  # fmt: skip
        yield f"I5: frame {at + 1} was {ours[at : at + 1]}, and later {theirs[at : at + 1]}"
