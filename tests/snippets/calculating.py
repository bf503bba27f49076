"""The calculator's modules, called from tests as the guide's page calls them."""

import json
import subprocess
from typing import Any

from .conftest import ROOT, SNIPPETS
from .programs import NODE

SIZING = SNIPPETS / "sizing"
FIGURES = ROOT / "site_src" / "_data" / "figures" / "measure.json"
HOST = {"worker": 30, "slot": 60, "submits": 500, "statuses": 900, "stream": 40, "pool": 16}


def called(*calls: list[Any]) -> list[Any]:
    """The answers to many calls, each a list of a function's name and its arguments."""
    runs = [NODE, str(ROOT / "tests" / "snippets" / "calculator.mjs")]
    done = subprocess.run(runs, input=json.dumps(calls), capture_output=True, text=True, check=True)
    answers: list[Any] = json.loads(done.stdout)
    return [float(a) if a in ("Infinity", "NaN") else a for a in answers]


def sized(host: dict[str, float] | None = None, /, **asked: Any) -> dict[str, Any]:
    """The plan of a profile, with its traps and files."""
    (answer,) = called(["sized", asked, host or HOST])
    assert isinstance(answer, dict)
    return answer
