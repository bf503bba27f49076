"""A small nemesis in every test run, and a check that the check can fail.

`CHAOS_SEED=N` repeats a run, and `CHAOS_SEED=random` draws one; the seed is printed when it fails.
"""

import os
from dataclasses import replace
from random import SystemRandom

import pytest

from tests.chaos import report
from tests.chaos.mutants import MUTANTS, tree
from tests.chaos.run import Plan, run

asked = os.environ.get("CHAOS_SEED", "7")
SEED = SystemRandom().randrange(10_000) if asked == "random" else int(asked)
# on a machine with other things to do, too: no time is short, and a slow fault is not a missing one
PLAN = Plan(seconds=12, seed=SEED, pause=(0.5, 1.5), drain=180, settled=90, least=4)


@pytest.mark.timeout(600)
@pytest.mark.claim("core.chaos")
def test_a_nemesis_breaks_no_promise():
    outcome = run(PLAN)
    assert outcome.counts["tasks"] >= 6
    assert outcome.counts["faults"] >= 4
    assert not outcome.violations, report.histories(outcome)


@pytest.mark.timeout(900)
@pytest.mark.claim("core.chaos-sensitive")
def test_a_broken_stack_is_caught():
    """A fault shows only where something happens while a stream is cut: a few chances for that."""
    plan = replace(PLAN, seconds=6, faults=("streams",), drain=60)
    wrong: list[str] = []
    with tree(MUTANTS["cursor-off-by-one"]) as sources:
        for number in range(4):
            outcome = run(replace(plan, seed=SEED + number), sources)
            wrong += [what for found in outcome.wrong.values() for what in found]
            if any(what.startswith("I5") for what in wrong):
                return
    pytest.fail(f"nothing was seen: {wrong}")


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_each_mutant_still_fits_the_sources(name):
    with tree(MUTANTS[name]) as sources:
        for path, *_ in MUTANTS[name].edits:
            compile((sources / path).read_text(), path, "exec")
