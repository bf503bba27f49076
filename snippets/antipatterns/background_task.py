"""Anti-pattern: 202, then the work in the API's own memory. A deploy forgets it."""

import time

from fastapi import BackgroundTasks, FastAPI, HTTPException

app = FastAPI()
reports: dict[str, str] = {}


# --8<-- [start:background]
@app.post("/reports/{name}", status_code=202)
def create_report(name: str, background: BackgroundTasks) -> dict[str, str]:
    reports[name] = "running"
    background.add_task(crunch, name)  # a promise that only this process remembers
    return {"name": name, "status": "running"}


# --8<-- [end:background]


@app.get("/reports/{name}")
def read_report(name: str) -> dict[str, str]:
    if name not in reports:
        raise HTTPException(404)
    return {"name": name, "status": reports[name]}


def crunch(name: str) -> None:
    """Stands for the work."""
    time.sleep(2)
    reports[name] = "succeeded"
