"""The whole core in one file: submit, dispatch, claim, checkpoint, finish, cancel, reap.

The row is the truth; a message says "go and claim" and nothing else. Every write after a claim
carries the number of the attempt: who was presumed dead and comes back matches no row.
"""

import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg2

LEASE = float(os.environ.get("LEASE", "30"))  # a worker silent this long is presumed dead
CRASHES = 5  # without a new checkpoint in between, then the task is given up
Step = tuple[int, Any]
Work = Callable[["Task"], Generator[Step, None, Any]]

TABLE = """SELECT pg_advisory_xact_lock(507); CREATE TABLE IF NOT EXISTS core_tasks (
    id uuid PRIMARY KEY, kind text NOT NULL, input jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued', attempt int NOT NULL DEFAULT 0,
    step int NOT NULL DEFAULT 0, state jsonb, result jsonb, error text,
    crashes int NOT NULL DEFAULT 0, hints int NOT NULL DEFAULT 0,
    due timestamptz NOT NULL DEFAULT now(), lease timestamptz)"""
SUBMIT = "INSERT INTO core_tasks (id, kind, input) VALUES (%s, %s, %s)"
DUE = """UPDATE core_tasks SET hints = hints + 1,
        due = now() + least(60, 2 ^ hints) * interval '1 s'
    WHERE id IN (SELECT id FROM core_tasks WHERE status = 'queued' AND due <= now()
                 ORDER BY due LIMIT 32 FOR UPDATE SKIP LOCKED)
    RETURNING id::text, attempt"""
CLAIM = """UPDATE core_tasks SET status = 'running', attempt = attempt + 1,
        lease = now() + make_interval(secs => %s)
    WHERE id = %s AND status = 'queued' AND attempt = %s
    RETURNING id::text, kind, input, attempt, step, state"""
BEAT = """UPDATE core_tasks SET lease = now() + make_interval(secs => %s)
    WHERE id = %s AND attempt = %s AND status IN ('running', 'canceling') RETURNING status"""
CHECKPOINT = """UPDATE core_tasks SET step = %s, state = %s, crashes = 0,
        lease = now() + make_interval(secs => %s)
    WHERE id = %s AND attempt = %s AND status = 'running' AND step < %s RETURNING step"""
FINISH = """UPDATE core_tasks SET status = CASE status WHEN 'canceling' THEN 'canceled' ELSE %s END,
        result = %s, error = %s, lease = NULL
    WHERE id = %s AND attempt = %s AND status IN ('running', 'canceling')"""
CANCEL = """UPDATE core_tasks
    SET status = CASE status WHEN 'queued' THEN 'canceled' ELSE 'canceling' END
    WHERE id = %s AND status IN ('queued', 'running') RETURNING status"""
REAP = """UPDATE core_tasks SET crashes = crashes + 1, due = now(), hints = 0, lease = NULL,
        error = CASE WHEN crashes >= %s THEN 'worker_lost' END,
        status = CASE WHEN status = 'canceling' THEN 'canceled'
                      WHEN crashes >= %s THEN 'failed' ELSE 'queued' END
    WHERE status IN ('running', 'canceling') AND lease < now()"""


class LetGo(Exception):
    """The task is canceled, or another attempt has it: write nothing more."""


@dataclass(frozen=True)
class Task:
    """A task as it was claimed, and where its work goes on."""

    id: str
    kind: str
    input: Any
    attempt: int
    step: int
    state: Any


def sql(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement; what it wrote is committed when this returns."""
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def submit(kind: str, input: Any) -> str:
    """Promise a task. It needs no broker."""
    id = str(uuid4())
    sql(SUBMIT, id, kind, json.dumps(input))
    return id


def dispatch(send: Callable[[str, int], None]) -> None:
    """Send hints for what is due; they are sent after the COMMIT, and again until one is heard."""
    for id, attempt in sql(DUE):
        send(id, attempt)


def claim(id: str, attempt: int) -> Task | None:
    """Compare and set. None: the hint is late, doubled or forged."""
    taken = sql(CLAIM, LEASE, id, attempt)
    return Task(*taken[0]) if taken else None


def checkpoint(task: Task, step: int, state: Any) -> None:
    """Commit a step. Nothing before it is ever done again."""
    if not sql(CHECKPOINT, step, json.dumps(state), LEASE, task.id, task.attempt, step):
        raise LetGo


def finish(task: Task, status: str, result: Any = None, error: str | None = None) -> None:
    """End the task: status and result at once."""
    sql(FINISH, status, json.dumps(result), error, task.id, task.attempt)


def cancel(id: str) -> bool:
    """End a queued task now, ask a running one to let go. False: it has ended."""
    return bool(sql(CANCEL, id))


def reap() -> None:
    """Free what dead workers held."""
    sql(REAP, CRASHES, CRASHES)


def run(task: Task, work: Work) -> None:
    """Drive a work from its last checkpoint to an end, with a heartbeat beside it."""
    ended = threading.Event()
    threading.Thread(target=_beat, args=(task, ended), daemon=True).start()
    try:
        steps = work(task)
        while True:
            checkpoint(task, *next(steps))
    except StopIteration as done:
        finish(task, "succeeded", done.value)
    except LetGo:
        finish(task, "canceled")
    except psycopg2.OperationalError:
        raise  # the database is away: the lease frees the task
    except Exception as error:
        finish(task, "failed", error=str(error))
    finally:
        ended.set()


def _beat(task: Task, ended: threading.Event) -> None:
    while not ended.wait(LEASE / 6):
        with suppress(psycopg2.OperationalError):  # the next beat may arrive
            if not sql(BEAT, LEASE, task.id, task.attempt):
                return
