"""Step 2: 202 at once, then the work in the memory of the process that answered.

run: uvicorn --app-dir snippets/tutorial step2_background:app --port 8010
"""

import time
from typing import Any
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException

app = FastAPI()
reports: dict[str, dict[str, Any]] = {}


# --8<-- [start:background]
@app.post("/reports", status_code=202)
def submit(pages: int, background: BackgroundTasks) -> dict[str, Any]:
    id = str(uuid4())
    reports[id] = {"id": id, "status": "running", "pages": pages}
    background.add_task(work, id, pages)  # a promise that only this process remembers
    return reports[id]


@app.get("/reports/{id}")
def monitor(id: str) -> dict[str, Any]:
    if id not in reports:
        raise HTTPException(404)
    return reports[id]


# --8<-- [end:background]


def work(id: str, pages: int) -> None:
    for page in range(1, pages + 1):
        time.sleep(0.5)
        print(f"report {id[:4]}, page {page}", flush=True)
    reports[id]["status"] = "succeeded"
