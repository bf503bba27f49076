"""The problem in one picture: a request that is cut, a task that ends.

Drawn from a run with a `request` beside its `task`: the same work was sent both ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Any

from .data import circumstances

LOSSES = {"worker_lost", "lease_expired"}
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)


@dataclass(frozen=True)
class Scale:
    """Seconds to pixels."""

    left: float
    width: float
    end: float

    def __call__(self, seconds: float) -> float:
        return round(self.left + seconds / self.end * self.width, 1)

    def marks(self) -> list[int]:
        """Round numbers, seven at most, fewer on a narrow picture."""
        most = min(7, self.width / 60)
        step = next(step for step in STEPS if self.end / step <= most)
        return list(range(0, int(self.end) + 1, step))


def picture(runs: dict[str, dict[str, Any]], key: str) -> str:
    """Both widths of the drawing; the style sheet shows one."""
    run = runs[key]
    wide, narrow = drawing(run, 880), drawing(run, 360)
    return (
        f'<div class="run"><div class="run-wide">{wide}</div>'
        f'<div class="run-narrow">{narrow}</div></div>'
    )


def drawing(run: dict[str, Any], width: int) -> str:
    """One SVG: the request above, the task below, one axis of seconds."""
    request, task = run["request"], run["task"]
    cut, worked = (since(request["sent"], request[end]) for end in ("answered", "worked"))
    accepted = since(request["submitted"], request["accepted"])
    spans = attempts(task["created"], run["events"])
    ended = spans[-1][1]
    scale = Scale(8, width - 16, max(worked, ended) * 1.04)
    lost = f"One request: {request['status']} after {cut:.1f} s"
    waste = f"its work ran on to {worked:.0f} s for nobody"
    kept = f"The same work as a task: 202 after {accepted * 1000:.0f} ms"
    end = f"{task['status']} after {ended:.1f} s"
    look = "done" if task["status"] == "succeeded" else "failed"
    shapes = [
        *axis(scale),
        words(8, 16, lost, "strong"),
        bar(scale, 0, cut, 34, "held"),
        bar(scale, cut, worked, 34, "wasted"),
        line(scale, cut, 28, 60, "cut"),
        words(scale(worked) - 2, 72, waste, "soft", "end"),
        words(8, 108, kept, "strong"),
        bar(scale, 0, spans[0][0], 126, "wasted"),
        *(bar(scale, *span, 126, "held") for span in spans),
        *(line(scale, at, 126, 146, "tick") for at in checkpoints(run)),
        f'<rect class="{look}" x="{scale(ended) - 2}" y="120" width="5" height="32" rx="1"/>',
        words(8, 166, "each line a checkpoint", "soft"),
        words(scale(ended) - 2, 166, end, "", "end"),
    ]
    label = escape(f"{lost}, {waste}. {kept}, {end}.")
    note = f"<desc>{escape(circumstances(run['recorded']))}</desc>"
    drawn = "".join(shapes)
    return f'<svg viewBox="0 0 {width} 204" role="img" aria-label="{label}">{note}{drawn}</svg>'


def axis(scale: Scale) -> Iterator[str]:
    """Seconds since the request, as lines and numbers."""
    for mark in scale.marks():
        yield line(scale, mark, 24, 180, "axis")
        yield words(scale(mark), 196, f"{mark} s", "soft", "middle" if mark else "start")


def words(x: float, y: float, text: str, look: str, anchor: str = "start") -> str:
    """A label."""
    return f'<text class="{look}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def line(scale: Scale, at: float, top: float, bottom: float, look: str) -> str:
    """A moment."""
    return f'<line class="{look}" x1="{scale(at)}" x2="{scale(at)}" y1="{top}" y2="{bottom}"/>'


def bar(scale: Scale, start: float, end: float, top: float, look: str) -> str:
    """A stretch of time on a lane."""
    x, width = scale(start), max(scale(end) - scale(start), 1)
    return f'<rect class="{look}" x="{x}" y="{top}" width="{width:.1f}" height="20" rx="2"/>'


def attempts(start: str, events: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """When a worker was at work: from each claim to the attempt's last own event."""
    claims = [i for i, event in enumerate(events) if event["data"].get("reason") == "claimed"]
    parts = [events[first:after] for first, after in pairwise([*claims, len(events)])]
    own = [[event for event in part if event["data"].get("reason") not in LOSSES] for part in parts]
    return [(since(start, part[0]["at"]), since(start, part[-1]["at"])) for part in own]


def checkpoints(run: dict[str, Any]) -> list[float]:
    """When the task's steps were committed."""
    found = [e for e in run["events"] if e["type"] == "progress" and "step" in e["data"]]
    return [since(run["task"]["created"], event["at"]) for event in found]


def since(start: str, end: str) -> float:
    """Seconds between two recorded times."""
    return (moment(end) - moment(start)).total_seconds()


def moment(text: str) -> datetime:
    """An ISO time with zone."""
    return datetime.fromisoformat(text)
