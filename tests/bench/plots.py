"""What pages draw with `{plot:NAME}`, and the same as SVG: the demo beside its rivals."""

import json
from pathlib import Path
from typing import Any

from site_src._tools import plot
from tests.stack import ROOT

FOLDER = ROOT / "site_src" / "_data" / "plots"
PLOTS = {  # a bar named "the demo …" stands out, one named "bare …" is drawn as the limit
    "submit-rate": (
        "Submissions a second",
        {
            "submit-rate": "the demo: task, event and key, committed",
            "submit-traced-rate": "the demo, traced as it ships",
            "submit-all-traced-rate": "the demo, each with a span",
            "bare-submit-rate": "bare FastAPI: a 202 and nothing behind it",
            "common-submit-rate": "common: an ORM row, then send_task",
        },
    ),
    "status-rate": (
        "Answers a second to “how is my task?”",
        {
            "status-rate": "the demo: its row, read for its tenant",
            "bare-status-rate": "bare FastAPI: a fixed answer",
            "common-status-rate": "common: the state in the result backend",
        },
    ),
    "worker-rate": (
        "Tasks a second that do nothing, on the same slots",
        {
            "worker-rate": "the demo: row, hint, claim, end",
            "worker-step-rate": "the demo, with one checkpoint",
            "celery-rate": "bare Celery: a message",
        },
    ),
    "stream-memory": (
        "Memory of an open stream",
        {
            "stream-memory": "the demo",
            "bare-stream-memory": "bare ASGI",
            "sse-stream-memory": "sse-starlette",
            "socket-memory": "WebSocket, nothing behind it",
            "pattern-memory": "common: a loop that polls for each stream",
        },
    ),
    "stream-p99": (
        "From the event to its reader, 99th percentile",
        {
            "stream-p99": "the demo, from the COMMIT on",
            "bare-stream-p99": "bare ASGI, from a timer in the process",
            "sse-stream-p99": "sse-starlette, from the same timer",
            "socket-p99": "WebSocket, from the same timer",
            "pattern-p99": "common: a loop that polls for each stream",
        },
    ),
}
WIDTH = 880
LOOK = (
    "text{font:12px sans-serif}.held{fill:#4051b5}.other{fill:#9aa0b5}"
    ".limit{stroke:#535d68;stroke-dasharray:4 3}"
)


def write(
    recorded: dict[str, Any], told: dict[str, dict[str, Any]], folder: Path = FOLDER
) -> list[str]:
    """For the guide: every plot whose figures were all measured in this run; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = _complete(recorded, told)
    for name, data in drawn.items():
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    return list(drawn)


def draw(recorded: dict[str, Any], told: dict[str, dict[str, Any]], folder: Path) -> None:
    """The same as files that any browser shows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _complete(recorded, told).items():
        inside = plot.bars(data, WIDTH).removeprefix("<svg ")
        styled = inside.replace("<desc>", f"<style>{LOOK}</style><desc>", 1)
        alone = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" {styled}'
        (folder / f"{name}.svg").write_text(alone)


def _complete(
    recorded: dict[str, Any], told: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {
        name: _drawn(recorded, title, {words: told[one] for one, words in shown.items()})
        for name, (title, shown) in PLOTS.items()
        if set(shown) <= set(told)
    }


def _drawn(
    recorded: dict[str, Any], title: str, shown: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    bars = [{"name": words, "value": one["value"]} for words, one in shown.items()]
    unit = next(iter(shown.values()))["unit"]
    says = "; ".join(f"{bar['name']}: {bar['value']:g} {unit}" for bar in bars)
    return {"recorded": recorded, "title": title, "says": says, "x": unit, "bars": bars}
