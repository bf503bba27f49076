"""The same as a pytest plugin: `pytest -p snippets.kit.plugin --kit-url URL --kit-body JSON`.

Each rule becomes a test: a must that is not kept fails, a should or may is an expected failure,
and what does not apply is skipped with its reason. The last line of the run is the score.
"""

import pytest

from .catalog import RULES
from .evidence import Evidence
from .rules import Level, Rule
from .scorecard import Result, Scorecard, check
from .target import OPTIONS, Target

RESULTS = pytest.StashKey[list[Result]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The kit's options by the same names as on its command line."""
    group = parser.getgroup("kit", "conformance of a long-running API")
    group.addoption("--kit-url", help="where the API is; without it the kit adds no tests")
    for name, (default, meaning) in OPTIONS.items():
        group.addoption(f"--kit-{name}", default=default, help=meaning)


class RuleTest(pytest.Item):
    """One rule as a test."""

    def __init__(self, *, rule: Rule, evidence: Evidence, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.rule = rule
        self.evidence = evidence

    def runtest(self) -> None:
        """Fail, expect to fail, or skip."""
        result = check(self.rule, self.evidence)
        self.config.stash[RESULTS].append(result)
        if not result.outcome.counts:
            pytest.skip(f"{result.outcome}: {result.seen}")
        if result.lost and self.rule.level is not Level.MUST:
            pytest.xfail(result.line())
        if result.lost:
            pytest.fail(result.line(), pytrace=False)

    def reportinfo(self) -> tuple[str, None, str]:
        """What a report calls it."""
        return "kit", None, f"{self.rule.level} {self.rule.id}"


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test a rule to whatever was collected."""
    if base := config.getoption("--kit-url"):
        options = {name: config.getoption(f"--kit-{name}") for name in OPTIONS}
        try:
            evidence = Evidence(Target.told(base, options))
        except (ValueError, OSError) as wrong:
            raise pytest.UsageError(str(wrong)) from wrong
        config.stash[RESULTS] = []
        config.add_cleanup(lambda: evidence.__exit__(None, None, None))
        items += [
            RuleTest.from_parent(session, name=rule.id, rule=rule, evidence=evidence)
            for rule in RULES
        ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The score, when all rules were checked."""
    results = config.stash.get(RESULTS, [])
    if len(results) == len(RULES):
        terminalreporter.section("conformance")
        terminalreporter.line(Scorecard(results).score)
