"""A bare Celery app: a task that does nothing, results ignored, everything else as it comes."""

import os

from celery import Celery
from redis import Redis

QUEUE = "noop"
app = Celery("noop", broker=os.environ.get("DEMO_REDIS_URL", ""))
app.conf.update(task_ignore_result=True, task_default_queue=QUEUE, result_backend=None)


@app.task(name="noop")
def noop() -> None:
    """Nothing."""


def waiting(client: Redis) -> int:
    """Messages that no pool child has taken yet."""
    return int(client.llen(QUEUE)) + int(client.hlen("unacked"))
