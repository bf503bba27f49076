"""Step 1: a row before the message. Whatever happens, it is known what was promised.

run: celery -A step1_row worker
"""

import os
from uuid import uuid4

from celery import Celery
from core import sql
from work import write

app = Celery(broker=os.environ["BROKER"])
sql("SELECT pg_advisory_xact_lock(506); CREATE TABLE IF NOT EXISTS reports1 (id text, status text)")


# --8<-- [start:row]
@app.task(name="report", ignore_result=True)
def report(id: str, pages: int) -> None:
    sql("UPDATE reports1 SET status = 'running' WHERE id = %s", id)
    for page in range(1, pages + 1):
        write(id, page)
    sql("UPDATE reports1 SET status = 'succeeded' WHERE id = %s", id)


def submit(pages: int) -> str:
    id = str(uuid4())
    sql("INSERT INTO reports1 VALUES (%s, 'queued')", id)
    report.delay(id, pages)
    return id


def status(id: str) -> str:
    return str(sql("SELECT status FROM reports1 WHERE id = %s", id)[0][0])


# --8<-- [end:row]
