"""What pages say with numbers and names, held against the code that they are about."""

import ast
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from demo.api.monitor import pace
from demo.contract import Status
from demo.settings import Settings

from .conftest import ROOT

PAGES = ROOT / "site_src"
DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


def polls(minutes: int) -> int:
    """How often a client asks that waits as long as it is told to."""
    age, count = 0, 0
    while age < minutes * 60:
        task: Any = SimpleNamespace(
            status=Status.RUNNING, created=datetime.now(UTC) - timedelta(seconds=age)
        )
        age += int(pace(task)["Retry-After"])
        count += 1
    return count


@pytest.mark.claim("http.pace")
def test_a_client_that_heeds_retry_after_asks_137_times_in_twenty_minutes() -> None:
    assert polls(20) == 137
    assert 137_000 < 600_000 / 4
    text = (PAGES / "guides/streaming.md").read_text()
    assert "137,000" in text
    assert f"| {137_000 / 1200:.0f} |" in text


def test_the_transactions_of_forty_minutes_are_counted_with_the_default_heartbeat() -> None:
    beats = 40 * 60 / Settings().heartbeat
    total = 1 + 1 + 1 + 50 + beats + 1
    text = " ".join((PAGES / "index.md").read_text().split())
    assert f"1 + 1 + 1 + 50 + {beats:.0f} + 1 = {total:.0f} transactions" in text
    assert f"or {total / 2400:.2f} a second" in text
    assert f"A hundred of them at once: {100 * total / 2400:.0f} a second" in text


def test_the_limits_of_streams_are_the_settings_defaults() -> None:
    text = (PAGES / "guides/streaming-server.md").read_text()
    limits = re.findall(r"\| `DEMO_(\w+)` \| ([\d,]+)( s| h)? \|", text)
    assert len(limits) >= 6
    for name, number, unit in limits:
        seconds = int(number.replace(",", "")) * (3600 if unit == " h" else 1)
        assert getattr(Settings(), name.lower()) == seconds, name


def functions() -> set[str]:
    """Every function of the demo by name."""
    trees = (ast.parse(path.read_text()) for path in (ROOT / "demo").rglob("*.py"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("page", ["index.md", "guides/patterns.md", "guides/streaming.md"])
def test_diagrams_name_functions_that_exist(page: str) -> None:
    diagrams = DIAGRAM.findall((PAGES / page).read_text())
    named = {name for diagram in diagrams for name in re.findall(r"(\w+)\(\)", diagram)}
    assert named
    assert named - functions() == set()


def test_the_state_diagram_is_the_one_the_database_enforces() -> None:
    (diagram,) = DIAGRAM.findall((PAGES / "guides/patterns.md").read_text())
    drawn = set(re.findall(r"^\s+(\w+) --> (\w+): ", diagram, re.MULTILINE))
    (*_, newest) = (
        sql
        for path in sorted((ROOT / "demo/store/migrations").glob("*.sql"))
        if "FUNCTION guard_task" in (sql := path.read_text("utf-8"))
    )
    guard = newest[newest.index("FUNCTION guard_task") : newest.index("is no transition")]
    enforced = set(re.findall(r"\('(\w+)', '(\w+)'\)", guard))
    enforced |= set(re.findall(r"OLD.status = '(\w+)' AND NEW.status = '(\w+)'", guard))
    assert drawn == enforced
