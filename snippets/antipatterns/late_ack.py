"""Anti-pattern: late ack alone, with work longer than the broker's visibility timeout."""

import os
import time
from pathlib import Path

from celery import Celery

app = Celery(broker=os.environ["BROKER"])

# --8<-- [start:late-ack]
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # the default is 3600 s, where a task of up to an hour ends; here in small
    broker_transport_options={
        "visibility_timeout": 2,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)


@app.task(name="report", ignore_result=True)
def report(starts: str) -> None:
    with Path(starts).open("a") as file:
        file.write("started\n")
    time.sleep(6)


# --8<-- [end:late-ack]
