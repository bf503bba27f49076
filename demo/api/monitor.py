"""The status monitor: one rendering of a task, with the headers that pollers read."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from demo.api.problems import problem_type
from demo.contract import Links, Status, Task, TaskError, TaskProgress
from demo.store.records import Record

AS_STORED = ("id", "kind", "priority", "status", "attempt", "created", "started", "finished",
             "input", "result", "retry_of", "deadline")  # fmt: skip
PARTS = ("result", "events", "stream", "cancel", "retry")


def links(base: str, id: Any) -> Links:
    """Where everything of a task is."""
    here = f"{base}/tasks/{id}"
    return Links(self=here, **{part: f"{here}/{part}" for part in PARTS})


# --8<-- [start:monitor]
def monitor(task: Record, base: str) -> dict[str, Any]:
    """What a client sees of a task, as a value."""
    return rendered(task, base).model_dump(mode="json")


def rendered(task: Record, base: str) -> Task:
    """The same, before it is JSON; never lease or worker."""
    return Task(
        **{name: getattr(task, name) for name in AS_STORED},
        task_id=task.id,
        progress=progress(task),
        error=error(task, base),
        trace_id=task.traceparent.split("-")[1] if task.traceparent else None,
        links=links(base, task.id),
    )


# --8<-- [end:monitor]


def progress(task: Record) -> TaskProgress:
    """How far it is; a work that overstates makes no page fail."""
    percent = task.progress.get("percent")
    bounded = None if percent is None else max(0, min(100, percent))
    return TaskProgress(percent=bounded, message=task.progress.get("message"), step=task.step)


def error(task: Record, base: str) -> TaskError | None:
    """Azure's `code` and `message` beside RFC 9457's members."""
    if task.status is Status.CANCELED:
        code, message, slug = "canceled", "The task was canceled.", "task-canceled"
    elif task.error:
        code, message, slug = task.error["code"], task.error["message"], task.error["code"]
    else:
        return None
    title, type = code.replace("_", " ").capitalize(), problem_type(base, slug)
    return TaskError(code=code, message=message, type=type, title=title, detail=message)


# --8<-- [start:pace]
def pace(task: Record) -> dict[str, str]:
    """`Retry-After` while a task is open: a twentieth of its age, 1 to 15 seconds.

    Never 0: azure-core takes that for 30.
    """
    if task.status.final:
        return {}
    age = (datetime.now(UTC) - task.created).total_seconds()
    return {"Retry-After": str(max(1, min(15, round(age / 20))))}


# --8<-- [end:pace]


def accepted(task: Record, base: str, headers: dict[str, str]) -> Response:
    """The monitor, and where to look next: 202 while the task is open, 200 when it has ended."""
    shown = rendered(task, base)
    here = {"Operation-Location": shown.links.self, "Location": shown.links.result}
    told = {**here, **pace(task), **headers}
    code = 200 if task.status.final else 202
    return Response(shown.model_dump_json(), code, told, "application/json")


def shown(task: Record, base: str, known: str | None, headers: dict[str, str]) -> Response:
    """200 with an `ETag`, or 304 when the client has this very state."""
    body = rendered(task, base).model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    told = {"ETag": tag, "Cache-Control": "private, no-cache", **pace(task), **headers}
    if known and (known.strip() == "*" or tag in re.findall(r'"[^"]*"', known)):
        return Response(None, 304, told)
    return Response(body, 200, told, "application/json")
