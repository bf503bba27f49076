"""Break each guard once and see its test fail: `python -m tests.mutants [--only S1 E2] [--record]`.

First all of these tests run on an unbroken copy: one that fails anyway would catch everything.
The exit code is 1 when a mutant lives that nobody expected to.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import Mutant, mutants, tree
from tests.record import circumstances
from tests.stack import ROOT

GUIDE = ROOT / "site_src" / "_data" / "figures" / "mutants.json"
EACH, ALL = 150, 1800  # seconds
# as root Celery refuses to read pickles at all, and would hide what our own setting does
ENVIRONMENT = {"C_FORCE_ROOT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
CAUGHT, HELD, SURVIVED = "caught", "held by another guard", "survived"
BROKEN = "did not run"


def main(words: Sequence[str] | None = None) -> int:
    """Run the catalogue, or a threat's part of it."""
    asked = _parser().parse_args(words)
    chosen = [one for one in mutants() if one.threat in (asked.only or one.threat)]
    if stale := [told for one in chosen if (told := one.wrong())]:
        print("\n".join(stale))
        return 1
    with tree() as copy:
        tests = sorted({one.test for one in chosen})
        print(f"{len(tests)} tests on an unbroken copy", flush=True)
        if fails(copy, tests, ALL):
            print("They must pass before a guard is broken.")
            return 1
    found = [(one, _tried(one)) for one in chosen]
    print(f"\n{_table(found)}")
    if asked.record:
        _record(found)
        print(f"The guide shows this now: {GUIDE}.")
    return int(any(came in (SURVIVED, BROKEN) for _, came in found))


def fails(copy: Path, tests: list[str], seconds: float) -> str:
    """The first failure of tests that run in a copy; empty: they pass.

    Raises:
        RuntimeError: a test did not run.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider"]
    command += ["-o", "timeout=90", *tests]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(copy)}
    ran = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds
    )
    if ran.returncode == 0:
        return ""
    if failed := re.search(r"^FAILED .*::(.*)", ran.stdout, re.MULTILINE):
        return failed[1]
    raise RuntimeError(f"no test ran:\n{ran.stdout[-3000:]}{ran.stderr[-1000:]}")


def _tried(mutant: Mutant) -> str:
    with tree(mutant) as copy:
        try:
            why = fails(copy, [mutant.test], EACH)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"  {mutant.threat:<3} {mutant.says}: {error}", flush=True)
            return BROKEN
    came = CAUGHT if why else HELD if mutant.behind else SURVIVED
    print(f"  {mutant.threat:<3} {came:<22} {mutant.says}", flush=True)
    print(f"      {(why or mutant.behind)[:150]}", flush=True)
    return came


def by_threat(found: list[tuple[Mutant, str]]) -> dict[str, list[str]]:
    """What came of each threat's mutants."""
    told: dict[str, list[str]] = {}
    for mutant, came in found:
        told.setdefault(mutant.threat, []).append(came)
    return told


def _table(found: list[tuple[Mutant, str]]) -> str:
    lines = [f"  {threat:<4}{', '.join(came)}" for threat, came in by_threat(found).items()]
    count = sum(came == CAUGHT for _, came in found)
    return "\n".join([*lines, f"  {count} of {len(found)} caught by their own test"])


def _record(found: list[tuple[Mutant, str]]) -> None:
    """What pages name as `{figure:mutants.NAME}`; a threat that was not tried stays as it was."""
    kept = json.loads(GUIDE.read_text())["threats"] if GUIDE.exists() else {}
    known = {one.threat for one in mutants()}
    threats = {id: told for id, told in (kept | by_threat(found)).items() if id in known}
    came = [one for told in threats.values() for one in told]
    numbers = {"total": len(came), "caught": came.count(CAUGHT), "held": came.count(HELD),
               "survived": came.count(SURVIVED)}  # fmt: skip
    recorded = circumstances()
    told = {
        "recorded": {name: recorded[name] for name in ("date", "machine", "versions")},
        "figures": {name: {"value": value} for name, value in numbers.items()},
        "threats": dict(sorted(threats.items())),
    }
    GUIDE.write_text(json.dumps(told, indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("tests.mutants", description=__doc__, formatter_class=shape)
    parser.add_argument("--only", metavar="ID", nargs="+", help="the guards of these threats")
    parser.add_argument("--record", action="store_true", help="write the guide's figures, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
