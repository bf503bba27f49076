"""Step 1: the request does the work, and lives exactly as long as its connection.

run: uvicorn --app-dir snippets/tutorial step1_blocking:app --port 8010
"""

import time
from uuid import uuid4

from fastapi import FastAPI

app = FastAPI()


# --8<-- [start:request]
@app.post("/reports")
def make_report(pages: int) -> dict[str, object]:
    id = str(uuid4())
    for page in range(1, pages + 1):
        write(id, page)
    return {"id": id, "status": "succeeded", "pages": pages}


# --8<-- [end:request]


def write(id: str, page: int) -> None:
    """A page of the report: half a second here, minutes where it hurts."""
    time.sleep(0.5)
    print(f"report {id[:4]}, page {page}", flush=True)
