"""Anti-pattern: send the task, then wait for its result in the request. A queue for the queue."""

import os
from typing import Any

from celery import Celery
from fastapi import FastAPI

app = FastAPI()
celery = Celery(broker=os.environ["BROKER"], backend=os.environ["BROKER"])


# --8<-- [start:wait]
@app.post("/reports")
def create_report() -> dict[str, Any]:
    result = celery.send_task("report")
    return {"report": result.get(timeout=60)}  # holds one of the API's 40 threads meanwhile


@app.get("/livez")
def livez() -> dict[str, str]:
    return {"status": "ok"}


# --8<-- [end:wait]
