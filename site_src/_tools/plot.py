"""Curves and bars from a recorded run, as SVG that follows the page's colours.

A file `_data/plots/NAME.json` holds `recorded`, `title`, a `says` for those who don't see it, the
axes `x` and `y` (words with units; `log` for a logarithmic y), and either at most four
`lines`, `[{"name", "points": [[x, y], …]}, …]`, or `bars`, `[{"name", "value"}, …]`. A bar
named "the demo …" stands out; one named "bare …" is the limit, and a line across the others.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from .data import circumstances
from .picture import words

TOP, BOTTOM, LEFT, RIGHT = 12.0, 34.0, 52.0, 12.0
BAR, TITLE = 26.0, 32.0
MOST_LINES = 4
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From values to pixels."""

    first: float
    last: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        share = (self._of(value) - self._of(self.first)) / (
            self._of(self.last) - self._of(self.first) or 1
        )
        return round(self.start + share * (self.end - self.start), 1)

    def _of(self, value: float) -> float:
        return math.log10(max(value, self.first)) if self.log else value

    def marks(self, most: int) -> list[float]:
        """Round numbers within the axis."""
        if self.log:
            powers = range(math.ceil(math.log10(self.first)), int(math.log10(self.last)) + 1)
            return [10.0**power for power in powers]
        rough = (self.last - self.first) / most
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
        first = math.ceil(self.first / step)
        return [step * n for n in range(first, math.floor(self.last / step + 1e-9) + 1)]


def plot(data: dict[str, Any]) -> str:
    """Both widths of the drawing; the style sheet shows one."""
    draw: Callable[[dict[str, Any], int], str] = lines if "lines" in data else bars
    return (
        f'<div class="run plot"><div class="run-wide">{draw(data, 880)}</div>'
        f'<div class="run-narrow">{draw(data, 360)}</div></div>'
    )


def lines(data: dict[str, Any], width: int) -> str:
    """Curves over one axis; each has its name beside a piece of itself."""
    if len(data["lines"]) > MOST_LINES:
        raise TypeError(f"a plot has {MOST_LINES} lines at most")
    height = 300 if width > 500 else 260
    points = [point for line in data["lines"] for point in line["points"]]
    y, x = _vertical(points, height, log=data.get("log", False)), _horizontal(points, width)
    return _svg(
        data,
        (width, height + 22 * (1 if width > 500 else len(data["lines"]))),
        [*_grid(x, y, data), *_curves(data["lines"], x, y), *_legend(data["lines"], width, height)],
    )


def _horizontal(points: list[Point], width: int) -> Axis:
    values = [x for x, _ in points]
    return Axis(min(values), max(values), LEFT, width - RIGHT)


def _vertical(points: list[Point], height: int, *, log: bool) -> Axis:
    values = [y for _, y in points]
    least = min((v for v in values if v > 0), default=1.0) if log else 0.0
    return Axis(least, max(*values, least * 10, 1e-9) * 1.05, height - BOTTOM, TOP, log)


def _grid(x: Axis, y: Axis, data: dict[str, Any]) -> Iterator[str]:
    for mark in y.marks(5):
        yield f'<line class="axis" x1="{x.start}" x2="{x.end}" y1="{y(mark)}" y2="{y(mark)}"/>'
        yield words(x.start - 6, y(mark) + 4, f"{mark:,g}", "soft", "end")
    for mark in x.marks(8 if x.end > 500 else 4):
        yield words(x(mark), y.start + 16, f"{mark:,g}", "soft", "middle")
    yield words(x.end, y.start + 30, data["x"], "soft", "end")
    yield words(x.start, TOP, data["y"], "soft")


def _curves(found: list[dict[str, Any]], x: Axis, y: Axis) -> Iterator[str]:
    for number, line in enumerate(found):
        path = " ".join(f"{x(at)},{y(value)}" for at, value in line["points"])
        yield f'<polyline class="curve curve-{number}" points="{path}"/>'


def _legend(found: list[dict[str, Any]], width: int, height: int) -> Iterator[str]:
    across = (width - LEFT) / len(found) if width > 500 else 0
    for number, line in enumerate(found):
        left = LEFT + number * across
        top = height + 14 + (0 if across else 22 * number)
        ends = f'x1="{left}" x2="{left + 28}" y1="{top}" y2="{top}"'
        yield f'<line class="curve curve-{number}" {ends}/>'
        yield words(left + 36, top + 4, line["name"], "")


def bars(data: dict[str, Any], width: int) -> str:
    """One bar a row, its name above it and its value at its end; the bare limit across all."""
    x = Axis(0, max(bar["value"] for bar in data["bars"]), 8, width - 112)
    height = int(TITLE + len(data["bars"]) * (BAR + 22))
    shapes, labels = [], [words(8, 16, data["title"], "strong")]
    for number, bar in enumerate(data["bars"]):
        top, end = TITLE + number * (BAR + 22), x(bar["value"])
        look = "held" if bar["name"].startswith("the demo") else "other"
        box = f'x="8" y="{top + 18}" width="{max(end - 8, 1):.1f}" height="{BAR - 8}"'
        shapes.append(f'<rect class="{look}" {box} rx="2"/>')
        labels.append(words(8, top + 12, bar["name"], ""))
        labels.append(words(end + 8, top + 32, f"{bar['value']:,g} {data['x']}", "strong"))
        if bar["name"].startswith("bare"):
            ends = f'x1="{end}" x2="{end}" y1="{TITLE}" y2="{height}"'
            labels.insert(0, f'<line class="limit" {ends}/>')
    return _svg(data, (width, height), [*shapes, *labels])


def _svg(data: dict[str, Any], size: tuple[int, int], shapes: list[str]) -> str:
    label = escape(f"{data['title']}. {data['says']}")
    note = f"<desc>{escape(circumstances(data['recorded']))}</desc>"
    box = f"0 0 {size[0]} {size[1]}"
    return f'<svg viewBox="{box}" role="img" aria-label="{label}">{note}{"".join(shapes)}</svg>'
