"""The autoscaler's signal counts what needs a slot; busy slots and streams keep to their budget."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis import Redis
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from demo.contract import Status
from demo.store import attempts, submitting
from demo.store.engines import engine
from tests.conftest import Database
from tests.stack import SHORT, Stack, eventually

from .calculating import FIGURES
from .conftest import ROOT

SIZING = Path(__file__).parents[2] / "snippets" / "sizing"


@pytest.fixture(scope="module")
def sizing() -> Iterator[SimpleNamespace]:
    """The programs as modules."""
    names = ("probes", "measure")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SIZING)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


def demand(connection: Connection, queue: str) -> int:
    """What the ScaledObject of the guide asks, for another queue."""
    (query,) = re.findall(
        r'query: "(.+)"', (SIZING / "manifests" / "scaling.yaml").read_text("utf-8")
    )
    return int(connection.execute(text(query.replace("reports", queue))).scalar_one())


@pytest.fixture
def scaler(database: Database) -> Iterator[Connection]:
    """A connection that may do what the guide's role may."""
    script = (SIZING / "scaler-role.sql").read_text().replace("lro_scaler", "lro_scaler_test")
    owner, role = engine(database.owner), engine(database.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(script)
    with role.connect() as connection:
        connection.exec_driver_sql("SET ROLE lro_scaler_test")
        connection.commit()
        yield connection
    role.dispose()
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY lro_scaler_test; DROP ROLE lro_scaler_test")
    owner.dispose()


@pytest.mark.claim("sizing.demand")
def test_demand_counts_what_waits_and_what_runs(database: Database, scaler: Connection) -> None:
    source = engine(database.owner)
    with source.begin() as connection:
        new = [
            submitting.submit(connection, tenant="local", kind="rehearsal", input={}).task
            for _ in range(5)
        ]
        claimed = [attempts.claim(connection, task.id, 0, worker="w", lease=30) for task in new[:3]]
        assert claimed[0]
        attempts.finish(connection, claimed[0], Status.SUCCEEDED, events=[])
    assert demand(scaler, "rehearsal") == 4, "two wait, two run, one has ended"
    assert demand(scaler, "web") == 0
    source.dispose()


@pytest.mark.claim("sizing.back-off")
def test_a_task_that_waits_out_a_back_off_needs_no_slot(
    database: Database, scaler: Connection
) -> None:
    source = engine(database.owner)
    with source.begin() as connection:
        task = submitting.submit(connection, tenant="local", kind="rehearsal", input={}).task
        claimed = attempts.claim(connection, task.id, 0, worker="w", lease=30)
        assert claimed
        attempts.postpone(connection, claimed, 600, {"code": "busy", "message": "later"}, [])
    assert demand(scaler, "rehearsal") == 0
    source.dispose()


@pytest.mark.claim("sizing.scaler-role")
def test_the_scaler_sees_numbers_and_no_task(scaler: Connection) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        scaler.exec_driver_sql("SELECT input FROM tasks")
    scaler.rollback()


@contextmanager
def running(stack: Stack, tasks: int) -> Iterator[None]:
    """So many tasks, each in a slot."""
    started = [stack.submit(steps=4000, step_seconds=0.05, log_lines=1) for _ in range(tasks)]
    try:
        for task in started:
            stack.until(task, "running", step=1)
        yield
    finally:
        for task in started:
            stack.client.post(f"/tasks/{task['id']}/cancel")
        for task in started:
            stack.ended(task)


@pytest.mark.claim("sizing.blind-list")
def test_work_that_runs_is_in_no_list(stack: Stack) -> None:
    broker = Redis.from_url(stack.valkey.url, protocol=2)
    with running(stack, 2):  # the third slot takes whatever hint was sent twice
        eventually(lambda: broker.llen("lro:rehearsal") == 0)
        # what other tests have canceled may still be letting go
        eventually(lambda: stack.client.get("/status").json()["tasks"]["running"] == 2)
    broker.close()


def held(stack: Stack, sizing: SimpleNamespace) -> dict[str, float]:
    """Connections by part and server."""
    servers = {stack.postgres.port: "postgresql", stack.valkey.port: "valkey"}
    found: dict[str, float] = sizing.probes.held(
        sizing.probes.Stack(stack.url, stack.data), servers
    )
    return found


def slot_budget() -> dict[str, int]:
    """What the calculator plans for a slot."""
    found = re.search(r"SLOT = (\{.+\});", (SIZING / "nodes.mjs").read_text("utf-8"))
    assert found
    return {str(name): int(number) for name, number in re.findall(r"(\w+): (\d+)", found[1])}


@pytest.mark.claim("sizing.connections")
def test_busy_slots_keep_to_their_budget(stack: Stack, sizing: SimpleNamespace) -> None:
    with running(stack, int(SHORT["DEMO_CONCURRENCY"])):
        found = held(stack, sizing)
    budget = slot_budget()
    assert budget["busy"] <= found["slot-postgresql"] <= budget["kept"] <= budget["most"]
    assert found["slot-valkey"] == 1
    assert found["dispatcher-postgresql"] <= 4


@pytest.mark.claim("sizing.streams")
def test_open_streams_hold_no_connection_of_their_own(
    stack: Stack, sizing: SimpleNamespace
) -> None:
    with running(stack, 1), ExitStack() as streams:
        task = stack.client.get("/tasks", params={"status": "running"}).json()["items"][0]
        for _ in range(40):
            stream = stack.client.stream("GET", f"/tasks/{task['id']}/stream")
            next(streams.enter_context(stream).iter_lines())
        found = held(stack, sizing)
    assert found["api-valkey"] <= 2
    assert found["api-postgresql"] <= 24, "its two pools, however many streams there are"


@pytest.mark.timeout(600)
@pytest.mark.claim("sizing.measure")
def test_a_bare_clone_measures_itself(tmp_path: Path) -> None:
    output = tmp_path / "measure.json"
    told_to = f"ARGS=--seconds 2 --slots 2 --output {output}"
    done = subprocess.run(
        ["make", "measure", told_to], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(output.read_text("utf-8"))
    shipped = json.loads(FIGURES.read_text("utf-8"))
    assert set(told["figures"]) >= set(shipped["figures"]) - {"web_scrape-memory"}
    assert told["recorded"]["versions"]["celery"]
    for name in ("submit-rate", "status-rate", "stream-memory", "slot-memory"):
        assert told["figures"][name]["value"] > 0, name
