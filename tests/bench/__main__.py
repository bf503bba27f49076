"""Measure the demo beside baselines of the same run: `make bench ARGS="--streams 10000"`.

The process under test has one core, everything else the others; each round takes the demo and
its baseline in turn, so that what disturbs the machine disturbs both. Nothing here passes or fails.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench import asking, machine, pattern, report, restart, slowly, streams, worker, world
from tests.bench.figures import Figure
from tests.bench.plan import QUICK, Plan

Section = Callable[[world.World, Plan], Iterator[Figure]]
SECTIONS: dict[str, Section] = {
    "requests": asking.requests,
    "streams": streams.streams,
    "sockets": streams.upgraded,
    "restart": restart.restart,
    "rolling": restart.rolling,
    "slow": slowly.slowly,
    "pattern": pattern.pattern,
    "worker": worker.tasks,
    "checkpoint": worker.checkpoint,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the sections that were asked for, all by default."""
    arguments = _parser().parse_args(words)
    unknown = set(arguments.sections) - set(SECTIONS)
    if unknown:
        _parser().error(f"no such section: {', '.join(sorted(unknown))}")
    plan = _plan(arguments)
    machine.raise_descriptors(max(plan.streams, plan.held))
    recorded = machine.recorded()
    one, rest = machine.cores()
    print(f"{recorded['machine']}, {recorded['date']}, commit {recorded['commit']}")
    print(", ".join(f"{name} {number}" for name, number in recorded["versions"].items()))
    print(f"Under test: core {sorted(one) or 'any'}; all else: {sorted(rest) or 'any'}. {plan}")
    with world.running() as servers:
        chosen = {name: SECTIONS[name] for name in SECTIONS if name in arguments.sections}
        told = {n: _measured(n, s, servers, plan) for n, s in (chosen or SECTIONS).items()}
    report.write(arguments.output, {**recorded, "plan": vars(plan)}, told)
    shown = arguments.output.with_suffix("")
    print(f"\nAll rounds are in {arguments.output}, plots in {shown}.")
    if arguments.record:
        print(f"The guide's figures now: {report.record(recorded, told, arguments.run)}.")
    return 0


def _measured(name: str, section: Section, servers: Any, plan: Plan) -> dict[str, Any]:
    print(f"\n{name}: {section.__doc__}", flush=True)
    before, began = machine.load(), time.monotonic()
    figures = []
    with world.fresh(servers) as own:
        for figure in section(own, plan):
            figures.append(figure)
            print(report.line(figure), flush=True)
    loads, took = [before, machine.load()], round(time.monotonic() - began, 1)
    print(f"  load average {loads[0]} before, {loads[1]} after; {took} s")
    return {"load": loads, "seconds": took, "figures": report.described(figures)}


def _plan(arguments: argparse.Namespace) -> Plan:
    named = (
        "rounds",
        "seconds",
        "streams",
        "held",
        "idle",
        "resume",
        "slow",
        "tasks",
        "slots",
        "connections",
    )
    given = {name: getattr(arguments, name) for name in named}
    base = QUICK if arguments.quick else Plan()
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("tests.bench", description=__doc__, formatter_class=shape)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="less of everything, under 40 s")
    parser.add_argument("--record", action="store_true", help="write the guide's figures, too")
    says = "whose figures they are (bench); most: of as many streams as there is room for"
    parser.add_argument("--run", choices=report.RUNS, default=report.RUNS[0], help=says)
    parser.add_argument("--output", type=Path, default=report.OUTPUT, help="where the JSON goes")
    for name, kind, says in (
        ("streams", int, "open streams (1000); 10000 is the goal"),
        ("held", int, "idle streams beside submits (1000)"),
        ("rounds", int, "rounds, of which the median is taken (3)"),
        ("seconds", float, "seconds of a round (2)"),
        ("connections", int, "connections that ask (16)"),
        ("idle", float, "seconds of an idle window (11)"),
        ("resume", float, "seconds in which others are timed after a restart (20)"),
        ("slow", int, "readers of a byte a second (500)"),
        ("tasks", int, "no-op tasks a round (600)"),
        ("slots", int, "pool children of a worker (4)"),
    ):
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=says)
    return parser


if __name__ == "__main__":
    sys.exit(main())
