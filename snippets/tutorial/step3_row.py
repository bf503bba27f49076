"""Step 3: a row first, then the 202. Whoever asks after a restart finds the report again.

run: uvicorn --app-dir snippets/tutorial step3_row:app --port 8010
"""

import time
from typing import Any
from uuid import uuid4

from database import sql, table
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response

app = FastAPI()
table("reports3 (id text PRIMARY KEY, pages int, status text)")


# --8<-- [start:submit]
@app.post("/reports", status_code=202)
def submit(
    pages: int, background: BackgroundTasks, request: Request, response: Response
) -> dict[str, Any]:
    id = str(uuid4())
    sql("INSERT INTO reports3 VALUES (%s, %s, 'running')", id, pages)  # committed: now promise it
    background.add_task(work, id, pages)
    response.headers["Operation-Location"] = f"{request.base_url}reports/{id}"
    response.headers["Retry-After"] = "1"
    return {"id": id, "status": "running", "pages": pages}


@app.get("/reports/{id}")
def monitor(id: str) -> dict[str, Any]:
    for pages, status in sql("SELECT pages, status FROM reports3 WHERE id = %s", id):
        return {"id": id, "status": status, "pages": pages}
    raise HTTPException(404)


# --8<-- [end:submit]


def work(id: str, pages: int) -> None:
    for page in range(1, pages + 1):
        time.sleep(0.5)
        print(f"report {id[:4]}, page {page}", flush=True)
    sql("UPDATE reports3 SET status = 'succeeded' WHERE id = %s", id)
