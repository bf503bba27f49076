"""What a run prints, `build/chaos.json`, and the figures that the guide shows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.chaos.run import Outcome
from tests.record import circumstances
from tests.stack import ROOT

OUTPUT = ROOT / "build" / "chaos.json"
CAUGHT = ROOT / "build" / "chaos-mutants.json"
GUIDE = ROOT / "site_src" / "_data" / "figures" / "chaos.json"
SAYS = {
    "tasks": "tasks answered by a 202",
    "faults": "faults",
    "events": "events logged",
    "effects": "effects",
    "frames": "frames streamed",
    "reconnects": "streams cut and resumed",
    "posts-repeated": "POSTs sent again with their key",
    "reads": "reads of a status",
    "cancels": "cancels answered",
    "retried": "tasks with more than one attempt",
    "violations": "violations",
}


def bound(tasks: int) -> float:
    """The 95 % upper bound, in percent, of a rate that was 0 in so many."""
    return round(300 / max(tasks, 1), 2)


def summary(outcomes: list[Outcome]) -> str:
    """The sum of all runs as a table."""
    counts = total(outcomes)
    kinds = Counter(kind for outcome in outcomes for _, kind in outcome.faults)
    seeds = ", ".join(str(outcome.plan.seed) for outcome in outcomes)
    lines = [f"  {SAYS[name]:<36}{number:>7}" for name, number in counts.items()]
    drawn = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    drained = max(outcome.drained for outcome in outcomes)
    lines += [f"  Faults: {drawn}", f"  Seeds: {seeds}; all ended {drained:.0f} s after the last"]
    if not counts["violations"]:
        lines.append(
            f"  0 of {counts['tasks']}: with 95 % confidence fewer than"
            f" {bound(counts['tasks'])} % of tasks are violated by faults like these."
        )
    return "\n".join(lines)


def total(outcomes: list[Outcome]) -> dict[str, int]:
    """The counts of all runs."""
    return {name: sum(outcome.counts[name] for outcome in outcomes) for name in SAYS}


def histories(outcome: Outcome) -> str:
    """Everything about each task that went wrong."""
    blocks = [f"seed {outcome.plan.seed}, faults (s, kind): {outcome.faults}", *outcome.hygiene]
    for client in outcome.clients:
        id = client.id
        for what in (found := outcome.wrong.get(id, [])):
            blocks.append(f"{id}: {what}")
        if found:
            blocks.append(f"  asked {client.input}; cancel told {client.canceled}")
            blocks += [f"  {json.dumps(event)}" for event in outcome.truth.events.get(id, [])]
            reads = [(s["status"], s["attempt"], s["progress"]["step"]) for s in client.seen]
            blocks.append(f"  read {reads}")
    theirs = {client.id for client in outcome.clients}
    blocks += [f"{id}: {what}" for id, what in outcome.wrong.items() if id not in theirs]
    return "\n".join(blocks)


def described(outcomes: list[Outcome]) -> dict[str, Any]:
    """All runs, each with its faults and what was wrong."""
    runs = [
        {
            "plan": vars(outcome.plan),
            "faults": outcome.faults,
            "counts": outcome.counts,
            "drained": outcome.drained,
            "hygiene": outcome.hygiene,
            "wrong": outcome.wrong,
        }
        for outcome in outcomes
    ]
    return {**circumstances(), "total": total(outcomes), "runs": runs}


def write(path: Path, told: dict[str, Any]) -> None:
    """For machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2) + "\n")


def record(told: dict[str, Any]) -> None:
    """What pages name as `{figure:chaos.NAME}`; what was not run now stays as it was."""
    kept = json.loads(GUIDE.read_text()) if GUIDE.exists() else {}
    figures = kept.get("figures", {})
    if runs := told.get("runs"):
        kinds = {kind for run in runs for _, kind in run["faults"]}
        figures |= {name: {"value": number} for name, number in told["total"].items()}
        figures |= {
            "kinds": {"value": len(kinds)},
            "seconds": {"value": round(sum(run["plan"]["seconds"] for run in runs)), "unit": "s"},
            "bound": {"value": bound(told["total"]["tasks"]), "unit": "%"},
        }
    if mutants := told.get("mutants"):
        figures["mutants"] = {"value": len(mutants)}
        figures["mutants-caught"] = {"value": sum(bool(found) for found in mutants.values())}
    recorded = {name: told[name] for name in ("date", "machine", "versions")}
    if not told.get("runs"):  # the date is that of the runs
        recorded = kept.get("recorded", recorded)
    write(GUIDE, {"recorded": recorded, "figures": figures})
