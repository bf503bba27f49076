"""Anti-pattern: a revoke as the cancel. It is a message to the workers that listen just now."""

import os
import time
from pathlib import Path
from uuid import uuid4

from celery import Celery
from fastapi import FastAPI

app = FastAPI()
celery = Celery(broker=os.environ["BROKER"])


@app.post("/reports", status_code=202)
def create_report() -> dict[str, str]:
    id = str(uuid4())
    celery.send_task("report", args=[id], task_id=id)
    return {"id": id, "status": "queued"}


# --8<-- [start:revoke]
@app.post("/reports/{id}/cancel")
def cancel_report(id: str) -> dict[str, str]:
    celery.control.revoke(id)
    return {"id": id, "status": "canceled"}


# --8<-- [end:revoke]


@celery.task(name="report", ignore_result=True)
def report(id: str) -> None:
    with Path(os.environ["DIARY"]).open("a") as diary:
        diary.write(f"{id}\n")
    time.sleep(0.1)
