"""Reading answers that may be anything: nothing here raises on what an API sends."""

import json
import re
import uuid
from typing import Any

import httpx

FINAL = {"succeeded", "failed", "canceled"}
# how other systems spell an end; a poller that waits for Azure's words never sees one
MISSPELT = {
    "success",
    "successful",
    "complete",
    "completed",
    "done",
    "finished",
    "ok",
    "ready",
    "failure",
    "error",
    "errored",
    "cancelled",
    "aborted",
    "revoked",
    "terminated",
}
ORDER = {
    "notstarted": 0,
    "accepted": 0,
    "queued": 0,
    "pending": 0,
    "scheduled": 0,
    "starting": 0,
    "running": 1,
    "inprogress": 1,
    "canceling": 2,
    "succeeded": 3,
    "failed": 3,
    "canceled": 3,
}
SECONDS = re.compile(r"[1-9]\d{0,8}")


def document(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, or an empty one."""
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def member(answer: httpx.Response, *path: str) -> Any:
    """A member of the JSON object, however deep, or None."""
    found: Any = document(answer)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def text(answer: httpx.Response, *path: str) -> str | None:
    """A member that is a string with something in it, or None."""
    found = member(answer, *path)
    return found if isinstance(found, str) and found else None


def word(answer: httpx.Response) -> str:
    """The monitor's status in lower case, or nothing."""
    return (text(answer, "status") or "").lower()


def ended(answer: httpx.Response) -> bool:
    """Whether a client would think that this is the end, rightly or not."""
    return answer.status_code != 200 or word(answer) in FINAL | MISSPELT | {""}


def is_open(answer: httpx.Response) -> bool:
    """A monitor that says: come back later."""
    return not ended(answer)


def whole_seconds(answer: httpx.Response) -> bool:
    """Whether `Retry-After` is a whole number of seconds, 1 or more."""
    return bool(SECONDS.fullmatch(answer.headers.get("Retry-After", "")))


def header(answer: httpx.Response, name: str) -> str:
    """A header for a report."""
    return f"{name}: {answer.headers[name]}" if name in answer.headers else f"no {name}"


def absolute(url: str) -> bool:
    """Whether a URL has scheme and host."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)


def problem(answer: httpx.Response) -> bool:
    """Whether it says of itself that it is RFC 9457."""
    told: str = answer.headers.get("Content-Type", "")
    return told.startswith("application/problem+json")


def another_id(id: str) -> str:
    """An id of the same form that names nothing: the last digits and letters changed."""
    half = len(id) // 2
    return id[:half] + "".join(_another(character) for character in id[half:])


def _another(character: str) -> str:
    if character.isdigit():
        return str((int(character) + 7) % 10)
    if character.lower() in "abcdef":
        return "bcdefa"["abcdef".index(character.lower())]
    return character


def ancient_id(id: str) -> str | None:
    """The same id as if made in 2001, when the id carries its time (UUIDv7)."""
    try:
        parsed = uuid.UUID(id)
    except ValueError:
        return None
    if parsed.version != 7:
        return None
    return str(uuid.UUID(int=(1_000_000_000_000 << 80) | (parsed.int & ((1 << 80) - 1))))
