"""Break the stack at random and check all that clients were told: `make chaos ARGS="--runs 3"`.

The exit code is 1 when anything was violated, or when a mutant was not caught.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import SystemRandom
from typing import Any

from tests.chaos import report
from tests.chaos.mutants import MUTANTS, tree
from tests.chaos.nemesis import FAULTS
from tests.chaos.run import Outcome, Plan, run
from tests.record import circumstances

TRIES = 3


def main(words: Sequence[str] | None = None) -> int:
    """Run the stack as it is, or its mutants."""
    asked = _parser().parse_args(words)
    if asked.mutant and asked.record:
        _parser().error("a figure is of all --mutants, not of a chosen one")
    plan = _plan(asked)
    named = sorted(MUTANTS) if asked.mutants else asked.mutant
    if named:
        caught = {name: _mutant(name, plan) for name in named}
        told, path = {**circumstances(), "mutants": caught}, report.CAUGHT
        passed = all(caught.values())
    else:
        outcomes = [_run(replace(plan, seed=plan.seed + n)) for n in range(asked.runs)]
        print(f"\n{len(outcomes)} runs of {plan.seconds:g} s\n{report.summary(outcomes)}")
        told, path = report.described(outcomes), report.OUTPUT
        passed = not any(outcome.violations for outcome in outcomes)
    report.write(path, told)
    print(f"\nAll of it is in {path}.")
    if asked.record:
        report.record(told)
        print(f"The guide shows these figures now: {report.GUIDE}.")
    return 0 if passed else 1


def _run(plan: Plan) -> Outcome:
    print(f"Seed {plan.seed}: {plan.seconds:g} s of {', '.join(plan.faults)}", flush=True)
    outcome = run(plan)
    print(report.summary([outcome]), flush=True)
    if outcome.violations:
        print(report.histories(outcome), flush=True)
    return outcome


def _mutant(name: str, plan: Plan) -> list[str]:
    """What the checks say of a mutant, in up to three tries; nothing: it lives."""
    mutant = MUTANTS[name]
    for seed in range(plan.seed, plan.seed + TRIES):
        own = replace(
            plan,
            seed=seed,
            faults=mutant.faults,
            rate=mutant.rate,
            step_seconds=mutant.step_seconds,
        )
        with tree(mutant) as sources:
            outcome = run(own, sources)
        found = [what for wrong in outcome.wrong.values() for what in wrong] + outcome.hygiene
        told = f"{len(outcome.wrong)} of {len(outcome.accepted)} tasks" if found else "NOT CAUGHT"
        print(f"  {name:<18} seed {seed}: {told}; {mutant.says}", flush=True)
        if found:
            print(f"    {found[0][:160]}", flush=True)
            return sorted({what.split(":")[0] for what in found})
    return []


def _plan(asked: argparse.Namespace) -> Plan:
    given: dict[str, Any] = {name: getattr(asked, name) for name in ("seconds", "seed", "rate")}
    plan = Plan(**given)
    if not asked.faults:
        return plan
    unknown = set(asked.faults.split(",")) - FAULTS.keys()
    if unknown:
        _parser().error(f"no such fault: {', '.join(sorted(unknown))}")
    return replace(plan, faults=tuple(asked.faults.split(",")))


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("tests.chaos", description=__doc__, formatter_class=shape)
    seed = SystemRandom().randrange(10_000)
    parser.add_argument("--seconds", type=float, default=60, help="of load and faults (60)")
    parser.add_argument("--seed", type=int, default=seed, help="of all that is drawn (random)")
    parser.add_argument("--runs", type=int, default=1, help="one after the other, next seeds")
    parser.add_argument("--rate", type=float, default=1, help="tasks a second (1)")
    parser.add_argument("--faults", metavar="A,B", help=f"of {', '.join(FAULTS)}")
    parser.add_argument(
        "--mutant",
        action="append",
        choices=sorted(MUTANTS),
        default=[],
        help="a stack that is broken on purpose, instead; it must be caught",
    )
    parser.add_argument("--mutants", action="store_true", help="all of them")
    parser.add_argument("--record", action="store_true", help="write the guide's figures, too")
    return parser  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
