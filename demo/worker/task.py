"""The Celery task behind every hint: claim, resume the work, let go."""

from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind
from sqlalchemy.exc import OperationalError

from demo import telemetry
from demo.broker import app
from demo.contract import KINDS, Start
from demo.settings import settings
from demo.store import attempts
from demo.store.engines import begin, once
from demo.store.records import Record
from demo.work import UPGRADES, WORKS
from demo.worker.attempt import Attempt
from demo.worker.process import Process, stopping, this
from demo.worker.pulse import Watch
from demo.worker.running import run, start_of
from demo.worker.tools import Toolbox


# --8<-- [start:hinted]
@app.task(name="demo.run", bind=True)
def hinted(self: Any, id: str, attempt: int) -> None:
    """A hint arrived; it may be lost, doubled, late, stale or forged, and claims at most once."""
    if stopping.is_set():
        return
    process = this()
    if task := _claim(process, UUID(id), attempt):
        process.publisher.publish(task)
        parent = self.request.headers and self.request.headers.get("traceparent")
        _work(process, task, parent or task.traceparent)


# --8<-- [end:hinted]


def _claim(process: Process, id: UUID, attempt: int) -> Record | None:
    """Claim; a second try is for the first connection after a restart of PostgreSQL."""

    knobs, me = settings(), process.worker

    def claim() -> Record | None:
        with (begin if knobs.tenant_cap else once)(process.source) as connection:
            return attempts.claim(
                connection, id, attempt, worker=me, lease=knobs.lease, cap=knobs.tenant_cap
            )

    try:
        return claim()
    except OperationalError:
        return claim()


def _work(process: Process, task: Record, parent: str | None) -> None:
    attempt = Attempt(task, process.source, process.publisher, settings(), stopping)
    named = {"task_id": str(task.id), "task_attempt": task.attempt, "task_kind": task.kind}
    with (
        telemetry.span(f"attempt {task.kind}", parent, kind=SpanKind.CONSUMER, **named) as span,
        process.pulse.beside(Watch(attempt, settings(), KINDS[task.kind].stall_timeout)),
    ):
        start = _start(process, task)
        outcome = run(attempt, WORKS[task.kind], start, Toolbox(process, attempt))
        span.set_attribute("task.outcome", outcome)


def _start(process: Process, task: Record) -> Start:
    start, version = start_of(task, UPGRADES.get(task.kind)), KINDS[task.kind].version
    if task.version != version:
        with begin(process.source) as connection:
            attempts.upgrade(connection, task, version, start.step, start.state)
    return start
