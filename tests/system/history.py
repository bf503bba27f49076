"""What must hold of every task's history, whatever was killed (invariants I1 to I12)."""

from typing import Any

FINAL = {"succeeded", "failed", "canceled"}
NEXT = {
    None: {"queued"},
    "queued": {"running", "canceled", "failed"},  # failed at a deadline
    "running": {"queued", "canceling", "succeeded", "failed"},
    "canceling": {"canceled", "failed"},
}


def faults(task: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    """Every violation in words; an empty list is a sound history."""
    checks = (_gapless, _one_end, _transitions, _attempts, _steps, _percent)
    return [fault for check in checks for fault in check(task, events)]


def _gapless(_: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    numbers = [event["seq"] for event in events]
    return [] if numbers == list(range(1, len(events) + 1)) else [f"I4: numbers {numbers}"]


def _one_end(task: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    ends = [event for event in events if event["type"] == "end"]
    if len(ends) != 1 or ends[0] is not events[-1]:
        return [f"I3: {len(ends)} ends"]
    told = ends[0]["data"]["status"]
    return [] if told == task["status"] else [f"I3: end says {told}, task {task['status']}"]


def _transitions(_: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    path = [event["data"]["status"] for event in events if event["type"] in {"status", "end"}]
    steps = zip([None, *path], path, strict=False)
    return [f"I10: {before} to {after}" for before, after in steps if after not in NEXT[before]]


def _attempts(task: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    taken = [event["attempt"] for event in events]
    claims = sum(event["data"].get("reason") == "claimed" for event in events)
    found = [] if taken == sorted(taken) else ["I8: a later attempt was followed by an earlier one"]
    return found if claims == task["attempt"] else [*found, f"I9: {claims} claims"]


def _steps(_: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    steps = [event["data"]["step"] for event in events if "step" in event["data"]]
    return [] if steps == sorted(set(steps)) else [f"a checkpointed step ran twice: {steps}"]


def _percent(_: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    told = [event["data"]["percent"] for event in events if "percent" in event["data"]]
    return [] if told == sorted(told) else [f"I11: percent went back: {told}"]
