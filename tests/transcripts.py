"""Recorded exchanges with the running API, shown by the guide and compared by the tests.

`RECORD=1` writes `snippets/transcripts/`; without it a test fails when what happens now has another
shape than what was recorded: status, names of headers and fields, sorts of events.
"""

import json
import os
import re
from difflib import unified_diff
from pathlib import Path

import httpx

FOLDER = Path(__file__).parents[1] / "snippets" / "transcripts"
# the same on every answer and explained once, in the security guide
QUIET = {
    "date",
    "content-length",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "vary",
    "x-content-type-options",
}
SENT = {"host", "content-type", "idempotency-key", "last-event-id", "if-none-match", "prefer"}
AUTHORITY = re.compile(r"127\.0\.0\.1:\d+")
SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEADER = re.compile(r"^([A-Za-z-]+): .*$", re.M)


def exchange(answer: httpx.Response) -> str:
    """A request and its answer, as they went over the wire but for indented JSON."""
    asked = answer.request
    start = [f"{asked.method} {asked.url.raw_path.decode()} HTTP/1.1"]
    sent = [f"{titled(k)}: {v}" for k, v in sorted(asked.headers.items()) if k in SENT]
    status = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    got = [f"{titled(k)}: {v}" for k, v in sorted(answer.headers.items()) if k not in QUIET]
    parts = [*start, *sent, "", *body(asked.content), *status, *got, "", *body(answer.content)]
    return plain("\n".join(parts))


def titled(name: str) -> str:
    """A header's name as people write it."""
    return "ETag" if name == "etag" else name.title()


def body(content: bytes) -> list[str]:
    """A JSON body for reading."""
    return [json.dumps(json.loads(content), indent=2, ensure_ascii=False), ""] if content else []


def plain(text: str) -> str:
    """The demo's own address, whatever port the test had."""
    return AUTHORITY.sub("127.0.0.1:8001", text).strip() + "\n"


def shape(text: str) -> str:
    """Names without values; the status line stays."""
    lines = [
        line if line.startswith(("HTTP/", "event: ")) else SCALAR.sub("_", HEADER.sub(r"\1", line))
        for line in UUID.sub("UUID", text).splitlines()
        if not line.startswith(("id: ", "$ "))
    ]
    return "\n".join(lines)


def keep(name: str, text: str, *, stream: bool = False) -> None:
    """Record a transcript, or compare with the recorded one; of a stream the sorts of lines."""
    path = FOLDER / name
    if os.environ.get("RECORD") == "1":
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    recorded, now = (shape(seen).splitlines() for seen in (path.read_text("utf-8"), text))
    if stream:
        recorded, now = sorted(set(recorded)), sorted(set(now))
    drift = "\n".join(
        unified_diff(recorded, now, f"{name} as recorded", f"{name} now", lineterm="")
    )
    assert not drift, drift
