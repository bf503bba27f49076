"""From a claimed row to its end: resume the generator, heed what happens, write the outcome."""

import logging
import random
from collections.abc import Callable
from typing import Any

from demo.contract import (
    KINDS,
    Checkpoint,
    Done,
    PermanentFailure,
    Start,
    Status,
    Tools,
    TransientFailure,
    Work,
)
from demo.store.records import Record
from demo.worker.attempt import Attempt
from demo.worker.interrupts import Canceled, Expired, Fenced, Released

LOG = logging.getLogger(__name__)


# --8<-- [start:run]
def run(attempt: Attempt, work: Work, start: Start, tools: Tools) -> str:
    """Drive one attempt to an outcome, which is returned as a word for the trace."""
    try:
        try:
            return _outcome(attempt, work, start, tools)
        except (Canceled, Expired) as told:
            attempt.give_up(type(told))
            return type(told).__name__.lower()
    except Fenced:
        return "fenced"


def _outcome(attempt: Attempt, work: Work, start: Start, tools: Tools) -> str:
    try:
        result = _drive(attempt, work, start, tools)
    except Released:
        attempt.release()
        return "released"
    except TransientFailure as failure:
        return _try_later(attempt, failure)
    except PermanentFailure as failure:
        attempt.finish(Status.FAILED, error=_error(failure.code, str(failure)))
        return "failed"
    except Exception:
        LOG.exception("task %s: a bug in the work", attempt.task.id)
        attempt.finish(Status.FAILED, error=INTERNAL)
        return "failed"
    attempt.finish(Status.SUCCEEDED, result=result)
    return "succeeded"


# --8<-- [end:run]


# --8<-- [start:drive]
def _drive(attempt: Attempt, work: Work, start: Start, tools: Tools) -> Any:
    steps = work(KINDS[attempt.task.kind].input(**attempt.task.input), start, tools)
    try:
        for news in steps:
            attempt.heed()
            if isinstance(news, Done):
                return news.result
            if isinstance(news, Checkpoint):
                attempt.checkpoint(news)
            else:
                attempt.buffer.add(news)
    finally:
        steps.close()
    raise PermanentFailure("no_result", "The work ended without a result.")


# --8<-- [end:drive]

INTERNAL = {
    "code": "internal_error",
    "title": "Internal error",
    "message": "The work met an error that nobody expected. It is in the worker's log.",
}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "title": code.replace("_", " ").capitalize(), "message": message}


# --8<-- [start:backoff]
def backoff(failures: int, retry_after: float | None, draw: Callable[[], float]) -> float:
    """What the far side asks for, and up to 2, 4, 8 … 300 s more, all of it drawn."""
    return min(retry_after or 0.0, 3600.0) + draw() * min(300.0, 2.0 * 2.0**failures)


def _try_later(attempt: Attempt, failure: TransientFailure) -> str:
    task, budget = attempt.task, KINDS[attempt.task.kind].retries
    if task.failures >= budget:
        told = f"{failure} It was tried {task.failures + 1} times."
        attempt.finish(Status.FAILED, error=_error(failure.code, told))
        return "failed"
    delay = backoff(task.failures, failure.retry_after, random.random)
    attempt.postpone(delay, _error(failure.code, str(failure)), budget)
    return "postponed"


# --8<-- [end:backoff]


def start_of(task: Record, upgrade: Callable[[int, Any], tuple[int, Any]] | None) -> Start:
    """Where this version of the kind goes on from the row's checkpoint."""
    if task.version == KINDS[task.kind].version:
        return Start(task.step, task.state, task.attempt)
    step, state = upgrade(task.step, task.state) if upgrade else (0, None)
    return Start(step, state, task.attempt)
