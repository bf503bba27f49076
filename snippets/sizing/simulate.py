"""Play scenarios: python snippets/sizing/simulate.py [SCENARIO.toml …] [--seeds 20]

Prints one line a scenario: the middle of all seeds. `--record` writes what the guide shows.
"""

import argparse
import json
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from outcome import Outcome
from scenario import Core, Scenario
from simulation import Simulation

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT / "site_src" / "_data"
SHOWN = ("mean wait", "wait p95", "longest wait", "redone", "lost", "most slots", "node hours")


def played(scenario: Scenario, seeds: int) -> dict[str, float]:
    """The middle of each figure over all seeds; of tasks lost, the most."""
    runs = [Simulation(scenario, seed).run().figures() for seed in range(seeds)]
    middle = {name: median(run[name] for run in runs) for name in runs[0]}
    return middle | {"lost": max(run["lost"] for run in runs)}


# --8<-- [start:variants]
def variants(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    """The scenario as it is, and what two other systems would make of the same day."""
    yield "this core", scenario
    if scenario.scaling:
        blind = scenario.but(scaling=scenario.scaling.but(running=False))
        yield "signal: list length", blind
    no_checkpoints = Core(step=0, recovery=3600, crashes=scenario.core.crashes)
    yield "no checkpoints, redelivery after an hour", scenario.but(core=no_checkpoints)


# --8<-- [end:variants]
def table(paths: list[Path], seeds: int) -> str:
    """Markdown, one line a scenario and variant."""
    lines = [f"| | {' | '.join(SHOWN)} |", f"|---{'|--:' * len(SHOWN)}|"]
    for path in paths:
        scenario = Scenario.read(path)
        lines.append(f"| **{scenario.title}** |{' |' * len(SHOWN)}")
        for name, variant in variants(scenario):
            found = played(variant, seeds)
            cells = [told(key, found[key]) for key in SHOWN]
            lines.append(f"| {name} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def told(name: str, value: float) -> str:
    """A figure with its unit."""
    if "wait" in name or name == "redone":
        return f"{value:,.0f} s" if value < 120 else f"{value / 60:,.0f} min"
    return f"{value:,.0f}"


def curves(scenario: Scenario, outcome: Outcome) -> dict[str, object]:
    """The first seed as a plot of the guide."""
    names = ("waiting", "running", "slots")
    columns = [
        [[round(at / 3600, 3), counts[number]] for at, *counts in outcome.series]
        for number in range(3)
    ]
    versions = {"Python": platform.python_version(), "SimPy": version("simpy")}
    return {
        "recorded": {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": "a simulation, seed 0",
            "versions": versions,
        },
        "title": scenario.title,
        "says": f"Mean wait {told('wait', outcome.mean_wait)}, {outcome.lost} tasks lost.",
        "x": "hours",
        "y": "tasks and slots",
        "lines": [{"name": n, "points": c} for n, c in zip(names, columns, strict=True)],
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("scenarios", nargs="*", type=Path, help="all of scenarios/ by default")
    ask.add_argument("--seeds", type=int, default=20)
    ask.add_argument("--record", action="store_true", help="write the guide's table and plots")
    given = ask.parse_args()
    paths = given.scenarios or sorted((HERE / "scenarios").glob("*.toml"))
    written = table(paths, given.seeds)
    if given.record:
        (HERE / "scenarios.md").write_text(written, "utf-8")
        (DATA / "plots").mkdir(exist_ok=True)
        for path in paths:
            scenario = Scenario.read(path)
            drawn = curves(scenario, Simulation(scenario, 0).run())
            (DATA / "plots" / f"{path.stem}.json").write_text(json.dumps(drawn) + "\n", "utf-8")


if __name__ == "__main__":
    main()
