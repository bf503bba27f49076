"""Step 2: the message is a hint to claim the row, sent again for as long as the row is queued.

run: celery -A step2_claim worker
and: python step2_claim.py      (the dispatcher, as many as you like)
"""

import os
import time
from contextlib import suppress
from uuid import uuid4

from celery import Celery
from core import sql
from kombu.exceptions import OperationalError
from work import write

app = Celery(broker=os.environ["BROKER"])
sql("""SELECT pg_advisory_xact_lock(506); CREATE TABLE IF NOT EXISTS reports2 (
    id text, pages int, status text DEFAULT 'queued', due timestamptz DEFAULT now())""")
# --8<-- [start:claim]
CLAIM = "UPDATE reports2 SET status = 'running' WHERE id = %s AND status = 'queued' RETURNING pages"
DUE = """UPDATE reports2 SET due = now() + '2 s' WHERE id IN (
    SELECT id FROM reports2 WHERE status = 'queued' AND due <= now() FOR UPDATE SKIP LOCKED)
    RETURNING id"""


@app.task(name="report", ignore_result=True)
def report(id: str) -> None:
    for (pages,) in sql(CLAIM, id):  # none: somebody else has it, or had
        for page in range(1, pages + 1):
            write(id, page)
        sql("UPDATE reports2 SET status = 'succeeded' WHERE id = %s", id)


def submit(pages: int) -> str:
    id = str(uuid4())
    sql("INSERT INTO reports2 VALUES (%s, %s)", id, pages)  # the API needs no broker any more
    return id


def dispatch() -> None:
    for (id,) in sql(DUE):
        report.delay(id)


# --8<-- [end:claim]


def status(id: str) -> str:
    return str(sql("SELECT status FROM reports2 WHERE id = %s", id)[0][0])


if __name__ == "__main__":
    while True:
        with suppress(OperationalError):  # the broker is away: the row comes due again
            dispatch()
        time.sleep(0.5)
