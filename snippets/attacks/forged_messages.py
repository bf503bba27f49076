"""Write to the broker as somebody who has its password: forge a wake-up, then a hint.

python snippets/attacks/forged_messages.py http://127.0.0.1:8001 redis://:PASSWORD@127.0.0.1:PORT/0
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
from celery import Celery
from redis import Redis

FORGED = {"seq": 2, "type": "end", "attempt": 9, "at": "2026-01-01T00:00:00Z", "data": {}}


# --8<-- [start:forged]
def forge_wakeup(redis: Redis, id: str) -> None:
    """Tell all followers that the task has ended; without the key there is no signature."""
    news = {"task": id, "seq": 2, "events": [{**FORGED, "data": {"status": "succeeded"}}]}
    redis.publish(f"lro:task:{id}", bytes(32) + json.dumps(news).encode())


def forge_hint(redis_url: str, id: str, attempt: int) -> None:
    """Tell a worker to run a task again."""
    app = Celery(broker=redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "lro:"}
    app.send_task("demo.run", args=[id, attempt], queue="rehearsal", ignore_result=True)
    app.close()


# --8<-- [end:forged]
def attack(client: httpx.Client, redis_url: str) -> Iterator[tuple[str, str]]:
    """Each forgery with what stopped it."""
    redis = Redis.from_url(redis_url, protocol=2)
    task = {"kind": "rehearsal", "input": {"steps": 8, "step_seconds": 0.1}}
    id = client.post("/tasks", json=task).json()["id"]
    with client.stream("GET", f"/tasks/{id}/stream", timeout=30) as stream:
        shown = []
        for line in stream.iter_lines():
            if line.startswith("data:"):
                shown.append(json.loads(line.removeprefix("data:")))
                forge_wakeup(redis, id)
    log = _events(client, id)
    yield (
        "wake-up",
        f"the stream showed {len(shown)} events, the log holds {len(log)}: "
        + ("the same" if shown == log else "NOT THE SAME"),
    )
    for attempt in (0, 1, 2):
        forge_hint(redis_url, id, attempt)
    while redis.llen("lro:rehearsal"):
        time.sleep(0.1)
    later = client.post("/tasks", json={"kind": "rehearsal", "input": {"steps": 1}}).json()["id"]
    while client.get(f"/tasks/{later}").json()["status"] != "succeeded":
        time.sleep(0.1)
    same = _events(client, id) == log
    yield "hint", "no claim, no new event" if same else "NOTHING: the task ran again"
    redis.close()


def _events(client: httpx.Client, id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"/tasks/{id}/events").json()["items"]
    return items


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client, sys.argv[2]):
            print(f"{tried:8} {stopped_by}")
