"""A pytest plugin that records what proves the claims: `-p tests.proofs --record-proofs`.

The guide's badges show what this wrote last, to `site_src/_data/proofs.json`. With `-m claim` it
runs just the tests that a sentence stands on; what did not run has no proof afterwards.
"""

import json
from typing import Any

import pytest

from tests.record import ROOT, circumstances

FILE = ROOT / "site_src" / "_data" / "proofs.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-proofs", action="store_true", help="write the claims' proofs")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-proofs"):
        config.pluginmanager.register(Recorder(), "proofs-recorder")


class Recorder:
    """Collects one result a test; of a test with parameters the worst."""

    def __init__(self) -> None:
        self.claims: dict[str, list[str]] = {}
        self.results: dict[str, dict[str, Any]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for mark in item.iter_markers("claim"):
                test = item.nodeid.partition("[")[0]
                tests = self.claims.setdefault(str(mark.args[0]), [])
                tests += [test] if test not in tests else []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid.partition("[")[0]
        result = self.results.setdefault(test, {"outcome": "passed", "seconds": 0.0})
        result["seconds"] = round(result["seconds"] + report.duration, 3)
        if not report.passed:
            result["outcome"] = "failed"

    def pytest_sessionfinish(self) -> None:
        ran = {
            claim: [{"test": test, **self.results[test]} for test in tests if test in self.results]
            for claim, tests in sorted(self.claims.items())
        }
        record = {"recorded": circumstances(), "proofs": ran}
        FILE.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
