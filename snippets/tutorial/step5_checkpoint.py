"""Step 5: each page is committed, and a claim ends. Another worker goes on from the last page.

run: uvicorn --app-dir snippets/tutorial step5_checkpoint:app --port 8010
and: python snippets/tutorial/step5_checkpoint.py      (as many as you like)
"""

import time
from typing import Any
from uuid import uuid4

from database import claimed, sql, table
from fastapi import FastAPI, HTTPException

app = FastAPI()
table("""reports5 (id text PRIMARY KEY, pages int, status text DEFAULT 'queued',
         done int DEFAULT 0, attempt int DEFAULT 0, lease timestamptz DEFAULT now())""")


@app.post("/reports", status_code=202)
def submit(pages: int) -> dict[str, Any]:
    id = str(uuid4())
    sql("INSERT INTO reports5 (id, pages) VALUES (%s, %s)", id, pages)
    return monitor(id)


@app.get("/reports/{id}")
def monitor(id: str) -> dict[str, Any]:
    for row in sql("SELECT status, done, attempt FROM reports5 WHERE id = %s", id):
        return {"id": id, "status": row[0], "done": row[1], "attempt": row[2]}
    raise HTTPException(404)


# --8<-- [start:checkpoint]
CLAIM = """UPDATE reports5 SET status = 'running', attempt = attempt + 1, lease = now() + '3 s'
    WHERE id = (SELECT id FROM reports5 WHERE status IN ('queued', 'running') AND lease <= now()
                LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, pages, done, attempt"""
CHECKPOINT = """UPDATE reports5 SET done = %s, status = %s, lease = now() + '3 s'
    WHERE id = %s AND attempt = %s RETURNING id"""


def work(id: str, pages: int, done: int, attempt: int) -> None:
    for page in range(done + 1, pages + 1):
        time.sleep(0.5)
        status = "succeeded" if page == pages else "running"
        if not sql(CHECKPOINT, page, status, id, attempt):
            return print(f"report {id[:4]}, another attempt has it", flush=True)
        print(f"report {id[:4]}, page {page}, attempt {attempt}", flush=True)


# --8<-- [end:checkpoint]

if __name__ == "__main__":
    for report in claimed(CLAIM):
        work(*report)
