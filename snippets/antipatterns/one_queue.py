"""Anti-pattern: reports of an hour and mails of a second in one queue, for the same slots."""

import os
import time
from pathlib import Path

from celery import Celery

celery = Celery(broker=os.environ["BROKER"])
celery.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1)


def note(line: str) -> None:
    with Path(os.environ["DIARY"]).open("a") as diary:
        diary.write(f"{line}\n")


# --8<-- [start:one]
@celery.task(name="report")
def report() -> None:
    time.sleep(0.5)  # stands for an hour
    note("report")


@celery.task(name="mail")
def mail() -> None:
    note("mail")


# celery -A one_queue worker --concurrency 2
# --8<-- [end:one]
