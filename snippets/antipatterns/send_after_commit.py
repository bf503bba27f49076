"""Anti-pattern: commit the row, then send the message. Between the two it is nobody's."""

import os
from uuid import uuid4

from celery import Celery
from fastapi import FastAPI
from sqlalchemy import create_engine, text

app = FastAPI()
celery = Celery(broker=os.environ["BROKER"])
engine = create_engine(os.environ["DATABASE_URL"])
INSERT = text("INSERT INTO reports VALUES (:id, 'queued')")
FINISH = text("UPDATE reports SET status = 'succeeded' WHERE id = :id")
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS reports (id text, status text)"))


# --8<-- [start:send]
@app.post("/reports", status_code=202)
def create_report() -> dict[str, str]:
    id = str(uuid4())
    with engine.begin() as connection:
        connection.execute(INSERT, {"id": id})
    celery.send_task("report", args=[id])  # what if this fails, or is never reached?
    return {"id": id, "status": "queued"}


# --8<-- [end:send]


@celery.task(name="report", ignore_result=True)
def report(id: str) -> None:
    with engine.begin() as connection:
        connection.execute(FINISH, {"id": id})
