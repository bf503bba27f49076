"""Sequence diagrams drawn from recorded exchanges: `snippets/transcripts/sequence-NAME.json`.

A recording holds what went over the wire and what stood in the task's log, each with its time.
Nothing here adds an arrow: every one of them is an entry of the recording.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

FOLDER = "snippets/transcripts"
LANES = {"C": "Client", "A": "API", "P": "PostgreSQL", "W": "Worker", "D": "Dispatcher"}
# who writes an entry of the log: only these parts run the statement that does
WRITERS = {
    "submitted": "A",
    "cancel_requested": "A",
    "worker_lost": "D",
    "lease_expired": "D",
}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
OPAQUE = {"ETag", "If-None-Match", "Idempotency-Key-Expires"}
# narrow lanes, so that words stay large where the diagram is fitted into a column
NARROW = """%%{init: {"sequence": {"width": 90, "actorMargin": 10, "diagramMarginX": 0}}}%%"""
ESCAPED = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;"}


def path(name: str) -> str:
    """Where a recording is kept, from the repository's root."""
    return f"{FOLDER}/sequence-{name}.json"


def read(root: Path, name: str) -> dict[str, Any]:
    """A recording."""
    return dict(json.loads((root / path(name)).read_text("utf-8")))


def diagram(recording: dict[str, Any]) -> str:
    """A recording as a Mermaid sequence diagram; what is the same several times is drawn once."""
    steps = sorted(recording["steps"], key=lambda step: datetime.fromisoformat(step["at"]))
    names = {id: f"{{{n}}}" for id, n in named(steps).items()}
    arrows = list(repeated(list(drawn(steps, names))))
    used = {lane for arrow in arrows for lane in re.findall(r"[A-Z]", arrow.split(": ")[0])}
    lanes = [f"    participant {key} as {LANES[key]}" for key in LANES if key in used]
    return "\n".join([NARROW, "sequenceDiagram", *lanes, *(f"    {arrow}" for arrow in arrows)])


def named(steps: list[dict[str, Any]]) -> dict[str, str]:
    """The tasks of a story in the order in which they came up: id, then other id."""
    found = dict.fromkeys(ID.findall(json.dumps(steps)))
    return {id: "id" if n == 0 else f"id {n + 1}" for n, id in enumerate(found)}


def drawn(steps: list[dict[str, Any]], names: dict[str, str]) -> Iterator[str]:
    """An arrow for each step."""
    for step in steps:
        yield {"request": request, "answer": answer, "frame": frame, "cut": cut, "event": event}[
            step["sort"]
        ](step, names)


def request(step: dict[str, Any], names: dict[str, str]) -> str:
    """From the client: method, path, the headers that matter, the body in words."""
    told = [f"{step['method']} {step['path']}", *headers(step), *body(step)]
    return f"C->>A: {text(told, names)}"


def answer(step: dict[str, Any], names: dict[str, str]) -> str:
    """To the client."""
    told = [f"{step['status']} {step['reason']}", *headers(step), *body(step)]
    return f"A-->>C: {text(told, names)}"


def frame(step: dict[str, Any], names: dict[str, str]) -> str:
    """A frame of a stream."""
    return f"A-)C: {text(['id: {id}, event: {event}'.format(**step)], names)}"


def cut(step: dict[str, Any], names: dict[str, str]) -> str:
    """The client loses the connection."""
    return f"A--xC: {text([step['words']], names)}"


def event(step: dict[str, Any], names: dict[str, str]) -> str:
    """An entry of the log, from the part that wrote it, with the commit that it is part of."""
    entry = step["entry"]
    data, kind = entry["data"], entry["type"]
    writer = "A" if entry["attempt"] == 0 else WRITERS.get(data.get("reason", ""), "W")
    words = [data.get("status"), data.get("reason")]
    words += [f"step {data['step']} committed"] if data.get("step") else []
    words += [(data.get("error") or {}).get("code")]
    told = ", ".join(str(word).replace("_", " ") for word in words if word)
    whose = names[step["task"]]
    label = f"event {entry['seq']} of {whose}: {kind}" if len(names) > 1 else (
        f"event {entry['seq']}: {kind}"
    )  # fmt: skip
    return f"{writer}->>P: {text([label, *([told] if told else [])], names)}"


def headers(step: dict[str, Any]) -> list[str]:
    """One line each; what is opaque is not spelled out."""
    return [f"{k}: {'…' if k in OPAQUE else v}" for k, v in step["headers"].items()]


def body(step: dict[str, Any]) -> list[str]:
    """The members that the recording kept."""
    told = step.get("body") or {}
    return wrap(", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in told.items()), 36)


def text(lines: list[str], names: dict[str, str]) -> str:
    """Words of a message: ids by name, nothing that Mermaid would take for its own."""
    told = "\n".join(lines)
    for id, name in names.items():
        told = told.replace(id, name)
    told = re.sub(r"https?://[^/\s\"]+", "", told)
    return "".join(ESCAPED.get(sign, sign) for sign in told).replace("\n", "<br/>")


def repeated(arrows: list[str]) -> Iterator[str]:
    """A pair of question and answer that comes several times in a row becomes a loop."""
    at = 0
    while at < len(arrows):
        pair = arrows[at : at + 2]
        times = 1
        while pair[0].startswith("C->>A: GET") and arrows[at + 2 * times :][:2] == pair:
            times += 1
        if times > 1:
            yield from [f"loop {times} times", *pair, "end"]
        else:
            yield pair[0]
        at += 2 * times if times > 1 else 1
