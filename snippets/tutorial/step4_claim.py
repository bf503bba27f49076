"""Step 4: the API only writes the row; workers, in processes of their own, claim it.

run: uvicorn --app-dir snippets/tutorial step4_claim:app --port 8010
and: python snippets/tutorial/step4_claim.py      (as many as you like)
"""

import time
from typing import Any
from uuid import uuid4

from database import claimed, sql, table
from fastapi import FastAPI, HTTPException

app = FastAPI()
table("reports4 (id text PRIMARY KEY, pages int, status text)")


@app.post("/reports", status_code=202)
def submit(pages: int) -> dict[str, Any]:
    id = str(uuid4())
    sql("INSERT INTO reports4 VALUES (%s, %s, 'queued')", id, pages)
    return {"id": id, "status": "queued", "pages": pages}


@app.get("/reports/{id}")
def monitor(id: str) -> dict[str, Any]:
    for pages, status in sql("SELECT pages, status FROM reports4 WHERE id = %s", id):
        return {"id": id, "status": status, "pages": pages}
    raise HTTPException(404)


# --8<-- [start:claim]
CLAIM = """UPDATE reports4 SET status = 'running'
    WHERE id = (SELECT id FROM reports4 WHERE status = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, pages"""


def work(id: str, pages: int) -> None:
    for page in range(1, pages + 1):
        time.sleep(0.5)
        print(f"report {id[:4]}, page {page}", flush=True)
    sql("UPDATE reports4 SET status = 'succeeded' WHERE id = %s", id)


if __name__ == "__main__":
    for report in claimed(CLAIM):
        work(*report)
# --8<-- [end:claim]
