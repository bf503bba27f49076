"""What was promised and is not kept, counted, beside the demo that keeps it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg2
import pytest

from demo.local.servers import Valkey
from tests.figures import keep
from tests.stack import Stack

from .conftest import Serve, Wait, Workers

SUBMITS = 5
PARALLEL = 20
Rows = list[tuple[Any, ...]]


class Sql:
    """Statements in a session of the test's own."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)

    def __call__(self, statement: str) -> Rows:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def sql(database: Any) -> Iterator[Sql]:
    made = Sql(database.owner)
    yield made
    made.connection.close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    alone = httpx.Limits(max_keepalive_connections=0)  # a server that fails may hang up
    with httpx.Client(timeout=60, trust_env=False, limits=alone) as made:
        yield made


def psycopg2_url(database: Any) -> str:
    """For SQLAlchemy, whose own choice is psycopg 3."""
    return str(database.owner).replace("postgresql:", "postgresql+psycopg2:")


def lines(diary: Path) -> list[str]:
    return diary.read_text().splitlines() if diary.exists() else []


@pytest.mark.claim("antipatterns.dual-write")
def test_rows_whose_message_could_not_be_sent_wait_for_ever(
    serve: Serve, celery_worker: Workers, broker: Valkey, database: Any, sql: Sql,
    client: httpx.Client, eventually: Wait,
) -> None:  # fmt: skip
    urls = {"BROKER": broker.url, "DATABASE_URL": psycopg2_url(database)}
    app = serve("send_after_commit", **urls)
    broker.kill()
    refused = [client.post(f"{app.url}/reports").status_code for _ in range(SUBMITS)]
    broker.start()
    celery_worker("send_after_commit:celery", "--pool", "solo", **urls)
    assert client.post(f"{app.url}/reports").status_code == 202
    eventually(lambda: sql("SELECT * FROM reports WHERE status = 'succeeded'"))
    assert refused == [500] * SUBMITS
    ((stuck,),) = sql("SELECT count(*) FROM reports WHERE status = 'queued'")
    assert stuck == SUBMITS, "committed, and nobody will ever work on them"
    keep("antipatterns", dual_stuck=(stuck, f"of {SUBMITS} rows"))


@pytest.mark.claim("core.accepts-without-broker")
def test_rows_that_are_their_own_outbox_run_when_the_broker_is_back(stack: Stack) -> None:
    stack.valkey.kill()
    try:
        tasks = [stack.submit(steps=1, step_seconds=0) for _ in range(SUBMITS)]
    finally:
        stack.valkey.start(forget=True)
    ended = [stack.ended(task)["status"] for task in tasks]
    assert ended == ["succeeded"] * SUBMITS
    keep("antipatterns", outbox_stuck=(0, f"of {SUBMITS} rows"))


@pytest.mark.claim("antipatterns.check-then-insert")
def test_parallel_requests_that_look_first_all_insert(
    serve: Serve, database: Any, sql: Sql, client: httpx.Client, eventually: Wait
) -> None:
    app = serve("check_then_insert", DATABASE_URL=psycopg2_url(database))
    key = {"Idempotency-Key": "one"}
    with sql.connection, sql.connection.cursor() as cursor, ThreadPoolExecutor(PARALLEL) as pool:
        # a slow INSERT: whoever looks meanwhile finds nothing
        cursor.execute("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")
        sent = [pool.submit(client.post, f"{app.url}/orders", headers=key) for _ in range(PARALLEL)]

        def waiting() -> bool:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone() == (PARALLEL,)

        eventually(waiting)
        sql.connection.commit()
        ids = {one.result().json()["id"] for one in sent}
    assert len(ids) == PARALLEL
    keep("antipatterns", look_orders=(len(ids), f"orders for {PARALLEL} requests with one key"))


@pytest.mark.claim("http.idempotency-parallel")
def test_parallel_requests_with_one_key_make_one_task(stack: Stack) -> None:
    key, body = {"Idempotency-Key": uuid4().hex}, {"kind": "rehearsal", "input": {"steps": 1}}

    def submit(_: int) -> str:
        answer = stack.client.post("/tasks", json=body, headers=key)
        return str(answer.json().get("id", answer.status_code))

    with ThreadPoolExecutor(PARALLEL) as pool:
        told = set(pool.map(submit, range(PARALLEL)))
    assert len(told - {"409"}) == 1  # 409: the first one is in flight; ask again
    keep("antipatterns", key_tasks=(1, f"task for {PARALLEL} requests with one key"))


@pytest.mark.claim("antipatterns.revoke-no-cancel")
def test_tasks_that_were_told_canceled_run(
    serve: Serve, celery_worker: Workers, broker: Valkey, tmp_path: Path, client: httpx.Client,
    eventually: Wait,
) -> None:  # fmt: skip
    variables = {"BROKER": broker.url, "DIARY": str(tmp_path / "diary")}
    app = serve("revoke_to_cancel", **variables)
    ids = [client.post(f"{app.url}/reports").json()["id"] for _ in range(SUBMITS)]
    told = [client.post(f"{app.url}/reports/{id}/cancel").json()["status"] for id in ids]
    celery_worker("revoke_to_cancel:celery", "--pool", "solo", **variables)
    eventually(lambda: len(lines(tmp_path / "diary")) == SUBMITS)
    assert told == ["canceled"] * SUBMITS
    assert sorted(lines(tmp_path / "diary")) == sorted(ids)
    keep("antipatterns", revoked_ran=(SUBMITS, f"of {SUBMITS} canceled tasks"))


@pytest.mark.claim("core.cancel-queued")
def test_tasks_that_were_canceled_without_a_worker_do_not_run(stack: Stack) -> None:
    with stack.without("worker"):
        tasks = [stack.submit(steps=1) for _ in range(SUBMITS)]
        for task in tasks:
            assert stack.client.post(f"/tasks/{task['id']}/cancel").is_success
        later = stack.submit(steps=1, step_seconds=0)
    assert stack.ended(later)["status"] == "succeeded"
    attempts = [stack.monitor(task)["attempt"] for task in tasks]
    assert attempts == [0] * SUBMITS
    keep("antipatterns", canceled_ran=(0, f"of {SUBMITS} canceled tasks"))
