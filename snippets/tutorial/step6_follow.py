"""Step 6: a client follows the events, is cut, and goes on from the last one that it saw.

run: uvicorn --app-dir snippets/tutorial step6_follow:app --port 8010
and: python snippets/tutorial/step6_follow.py      (as many as you like)
"""

import time
from collections.abc import Iterator
from typing import Annotated
from uuid import uuid4

from database import claimed, sql
from fastapi import FastAPI, Header, Response
from fastapi.responses import StreamingResponse
from step6_log import CLAIM, VALKEY, checkpoint, events_after

app = FastAPI()


@app.post("/reports", status_code=202)
def submit(pages: int) -> dict[str, str]:
    id = str(uuid4())
    sql("INSERT INTO reports6 (id, pages) VALUES (%s, %s)", id, pages)
    return {"id": id}


# --8<-- [start:follow]
@app.get("/reports/{id}/stream")
def stream(id: str, last_event_id: Annotated[int, Header()] = 0) -> Response:
    return StreamingResponse(frames(id, last_event_id), media_type="text/event-stream")


def frames(id: str, seen: int) -> Iterator[str]:
    with VALKEY.pubsub() as wakeups:
        wakeups.subscribe(id)
        wakeups.get_message(timeout=5)  # confirmed; only then read
        while True:
            for seq, type, attempt in events_after(id, seen):
                yield f"id: {seq}\nevent: {type}\ndata: attempt {attempt}\n\n"
                if type == "end":
                    return
                seen = seq
            if not wakeups.get_message(timeout=1):
                yield ": still here; a lost wake-up costs a second\n"


# --8<-- [end:follow]


def work(id: str, pages: int, done: int, attempt: int) -> None:
    for page in range(done + 1, pages + 1):
        time.sleep(0.5)
        if not checkpoint(id, page, attempt):
            return


if __name__ == "__main__":
    for report in claimed(CLAIM):
        work(*report)
