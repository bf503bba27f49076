"""The table, `build/bench.json` with all rounds, its plots, and the figures of the guide."""

import json
from pathlib import Path
from typing import Any

from tests.bench import plots
from tests.bench.figures import Figure
from tests.stack import ROOT

RUNS = ("bench", "most")
OUTPUT = ROOT / "build" / "bench.json"
FIGURES = ROOT / "site_src" / "_data" / "figures"


def line(figure: Figure) -> str:
    """A row of the table: what, median, spread, goal."""
    spread = ""
    if len(figure.rounds) > 1:
        spread = f"{min(figure.rounds):g} … {max(figure.rounds):g}"
    value = f"{figure.value:g} {figure.unit}".strip()
    return f"  {figure.says:<44} {value:>18}  {spread:<19} {figure.goal}".rstrip()


def write(path: Path, recorded: dict[str, Any], sections: dict[str, dict[str, Any]]) -> None:
    """Everything that was measured, round by round, and its plots in a folder of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"recorded": recorded, "sections": sections}, indent=1) + "\n")
    plots.draw(recorded, _measured(sections), path.with_suffix(""))


def described(figures: list[Figure]) -> dict[str, Any]:
    """A section's figures by name."""
    return {
        figure.name: {
            "says": figure.says,
            "value": figure.value,
            "unit": figure.unit,
            "rounds": figure.rounds,
            **({"goal": figure.goal} if figure.goal else {}),
        }
        for figure in figures
    }


def record(recorded: dict[str, Any], sections: dict[str, dict[str, Any]], run: str) -> Path:
    """What pages name as `{figure:RUN.NAME}`, and for the first of them its plots."""
    measured = _measured(sections)
    figures = {
        name: {key: told[key] for key in ("value", "unit") if told[key] != ""}
        for name, told in measured.items()
    }
    kept = {name: recorded[name] for name in ("date", "machine", "versions")}
    if run == RUNS[0]:
        plots.write(kept, measured)
    guide = FIGURES / f"{run}.json"
    before = json.loads(guide.read_text())["figures"] if guide.exists() else {}
    guide.write_text(json.dumps({"recorded": kept, "figures": before | figures}, indent=2) + "\n")
    return guide


def _measured(sections: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: told for one in sections.values() for name, told in one["figures"].items()}
