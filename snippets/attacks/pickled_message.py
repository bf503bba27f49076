"""Write code into the broker as somebody who has its password: a pickle that makes a file.

python snippets/attacks/pickled_message.py http://127.0.0.1:8001 redis://:PASSWORD@127.0.0.1:PORT/0
"""

import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from celery import Celery

PICKLE = {"content_type": "application/x-python-serialize", "content_encoding": "binary"}


# --8<-- [start:pickle]
class Bomb:
    """Whoever unpickles it opens a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def throw(redis_url: str, bomb: Bomb) -> None:
    """A message as Celery makes it where pickles are allowed."""
    app = Celery(broker=redis_url)
    app.conf.broker_transport_options = {"global_keyprefix": "lro:"}
    body = pickle.dumps(([bomb, 0], {}, {}))
    named = {"task": "demo.run", "id": "1"}
    with app.connection_for_write() as connection:
        connection.Producer().publish(body, routing_key="rehearsal", headers=named, **PICKLE)


# --8<-- [end:pickle]
def attack(client: httpx.Client, redis_url: str) -> Iterator[tuple[str, str]]:
    """Whether the file is there once the worker has gone on to other work."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        made = Path(folder) / "made"
        throw(redis_url, Bomb(made))
        task = client.post("/tasks", json={"kind": "rehearsal", "input": {"steps": 1}}).json()
        while client.get(f"/tasks/{task['id']}").json()["status"] != "succeeded":
            time.sleep(0.1)
        yield "pickle", "NOTHING: it ran" if made.exists() else "not unpacked, and the worker lives"


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client, sys.argv[2]):
            print(f"{tried:8} {stopped_by}")
