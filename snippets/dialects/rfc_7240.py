"""A task as the answer to a request with `Prefer: respond-async, wait=N` (RFC 7240)."""

import re
from typing import Any

Answer = tuple[int, dict[str, str], Any]
AT_MOST = 20.0


# --8<-- [start:adapter]
def patience(prefer: str) -> float:
    """How long to wait for the end before a 202: `wait`, or not at all, or what we bear."""
    names = {part.split(";")[0].strip().lower() for part in prefer.split(",")}
    wait = next((int(name[5:]) for name in names if re.fullmatch(r"wait=\d{1,9}", name)), None)
    if wait is not None:
        return min(wait, AT_MOST)
    return 0 if "respond-async" in names else AT_MOST


def answer(task: dict[str, Any], prefer: str) -> Answer:
    """What the request would have been answered at the end, or where to look for it."""
    if task["status"] == "succeeded":
        return 200, {}, task["result"]
    if task["status"] in {"failed", "canceled"}:
        problem = task["error"] or {"type": "about:blank", "title": "The task was canceled"}
        return 409, {"Content-Type": "application/problem+json"}, {**problem, "status": 409}
    headers = {"Location": task["links"]["result"]}
    if "respond-async" in prefer.lower():
        headers["Preference-Applied"] = "respond-async"
    return 202, headers, {"status": task["status"], "progress": task["progress"]}


# --8<-- [end:adapter]


def refusal(problem: dict[str, Any]) -> dict[str, Any]:
    """The RFC says nothing of errors: a problem (RFC 9457) as it is."""
    return problem
