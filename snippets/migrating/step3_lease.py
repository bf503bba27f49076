"""Step 3: a claim ends unless it is renewed. A dead worker's task is queued again.

run: celery -A step3_lease worker
and: python step3_lease.py      (dispatcher and reaper, as many as you like)
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
sql("""SELECT pg_advisory_xact_lock(506); CREATE TABLE IF NOT EXISTS reports3 (
    id text, pages int, status text DEFAULT 'queued', due timestamptz DEFAULT now(),
    attempt int DEFAULT 0, lease timestamptz)""")
DUE = """UPDATE reports3 SET due = now() + '2 s' WHERE id IN (
    SELECT id FROM reports3 WHERE status = 'queued' AND due <= now() FOR UPDATE SKIP LOCKED)
    RETURNING id, attempt"""
# --8<-- [start:lease]
CLAIM = """UPDATE reports3 SET status = 'running', attempt = attempt + 1, lease = now() + '3 s'
    WHERE id = %s AND attempt = %s AND status = 'queued' RETURNING pages, attempt"""
RENEW = """UPDATE reports3 SET lease = now() + '3 s'
    WHERE id = %s AND attempt = %s AND status = 'running' RETURNING id"""
FINISH = "UPDATE reports3 SET status = 'succeeded' WHERE id = %s AND attempt = %s"
REAP = """UPDATE reports3 SET status = 'queued', due = now()
    WHERE status = 'running' AND lease < now()"""


@app.task(name="report", ignore_result=True)
def report(id: str, sent: int) -> None:
    for pages, attempt in sql(CLAIM, id, sent):
        for page in range(1, pages + 1):
            write(id, page)
            if not sql(RENEW, id, attempt):
                return  # presumed dead, and replaced
        sql(FINISH, id, attempt)


# --8<-- [end:lease]


def submit(pages: int) -> str:
    id = str(uuid4())
    sql("INSERT INTO reports3 (id, pages) VALUES (%s, %s)", id, pages)
    return id


def dispatch() -> None:
    sql(REAP)
    for id, attempt in sql(DUE):
        report.delay(id, attempt)


def status(id: str) -> str:
    return str(sql("SELECT status FROM reports3 WHERE id = %s", id)[0][0])


if __name__ == "__main__":
    while True:
        with suppress(OperationalError):  # the broker is away: the row comes due again
            dispatch()
        time.sleep(0.5)
