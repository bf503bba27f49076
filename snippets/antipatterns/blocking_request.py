"""Anti-pattern: the request does the work. It lives exactly as long as the connection is kept."""

import time
from typing import Any

from fastapi import FastAPI

app = FastAPI()
started: list[str] = []


# --8<-- [start:blocking]
@app.post("/reports")
def create_report(name: str) -> dict[str, Any]:
    report = crunch(name)  # 20 minutes; every proxy on the way gives up before
    return {"report": report}


# --8<-- [end:blocking]


def crunch(name: str) -> str:
    """Stands for the work; 2 s here, so that a gateway with a limit of half a second cuts it."""
    started.append(name)
    time.sleep(2)
    return f"{name}.pdf"


@app.get("/started")
def read_started() -> list[str]:
    """How often the work began: what the client never learns."""
    return started
