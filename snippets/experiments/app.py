"""A plain Celery app: the settings are the experiment's, the tasks keep a diary."""

import json
import os
import signal
import time
from pathlib import Path

from celery import Celery
from celery.signals import worker_shutting_down

app = Celery(broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(json.loads(os.environ["SETTINGS"]))


def note(what: str, name: str) -> None:
    """One line in the diary, written before anything else can happen."""
    line = {"what": what, "name": name, "pid": os.getpid(), "worker": os.getppid()}
    with Path(os.environ["DIARY"]).open("a") as diary:
        diary.write(json.dumps(line | {"at": time.time()}) + "\n")


# --8<-- [start:tasks]
@app.task(name="work")
def work(name: str, seconds: float) -> str:
    note("start", name)
    time.sleep(seconds)
    note("finish", name)
    return name


@app.task(name="poison")
def poison(name: str) -> None:
    note("start", name)
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does to a child without memory


# --8<-- [end:tasks]


@worker_shutting_down.connect
def told(**_: object) -> None:
    note("told", "worker")
