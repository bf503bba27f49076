"""Step 4: each page is a checkpoint, and the core does the rest. Celery keeps pools and routing.

run: celery -A step4_core worker
and: python step4_core.py      (dispatcher and reaper, as many as you like)
"""

import os
import time
from collections.abc import Generator
from contextlib import suppress

import core
from celery import Celery
from kombu.exceptions import OperationalError
from work import write

app = Celery(broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_disable_prefetch=True)
core.sql(core.TABLE)


# --8<-- [start:work]
def report(task: core.Task) -> Generator[core.Step, None, int]:
    for page in range(task.step + 1, task.input["pages"] + 1):
        write(task.id, page)
        yield page, None  # committed before the next page begins
    return task.input["pages"]


WORKS = {"report": report}


@app.task(name="run")
def run(id: str, attempt: int) -> None:
    if task := core.claim(id, attempt):
        core.run(task, WORKS[task.kind])


def dispatch() -> None:
    core.reap()
    core.dispatch(lambda id, attempt: run.delay(id, attempt))


# --8<-- [end:work]


def submit(pages: int) -> str:
    return core.submit("report", {"pages": pages})


def status(id: str) -> str:
    return str(core.sql("SELECT status FROM core_tasks WHERE id = %s", id)[0][0])


if __name__ == "__main__":
    while True:
        with suppress(OperationalError):  # the broker is away: the row comes due again
            dispatch()
        time.sleep(0.5)
