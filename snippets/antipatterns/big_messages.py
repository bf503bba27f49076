"""Anti-pattern: the data in the message. The broker is memory, and every task shares it."""

import os
from base64 import b64decode, b64encode
from pathlib import Path
from uuid import uuid4

from celery import Celery

celery = Celery(broker=os.environ["BROKER"])
celery.conf.update(task_publish_retry=False, task_ignore_result=True)
BLOBS = Path(os.environ["BLOBS"])


# --8<-- [start:data]
def submit(data: bytes) -> None:
    celery.send_task("profile", args=[b64encode(data).decode()])  # JSON has no bytes


# --8<-- [end:data]


# --8<-- [start:reference]
def submit_reference(data: bytes) -> None:
    blob = uuid4().hex
    (BLOBS / blob).write_bytes(data)  # the real one is uploaded by the client, in pieces
    celery.send_task("profile_blob", args=[blob])


# --8<-- [end:reference]


@celery.task(name="profile")
def profile(data: str) -> None:
    note(len(b64decode(data)))


@celery.task(name="profile_blob")
def profile_blob(blob: str) -> None:
    with (BLOBS / blob).open("rb") as file:
        note(sum(map(len, iter(lambda: file.read(65_536), b""))))


def note(size: int) -> None:
    with Path(os.environ["DIARY"]).open("a") as diary:
        diary.write(f"{size}\n")
