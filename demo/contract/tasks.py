"""The task as a client sees it: status monitor, events and pages of both."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from demo.contract.problems import TaskError


# --8<-- [start:status]
class Status(StrEnum):
    """Where a task stands; lower case, Azure's spelling."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        """No transition leads out of a final status, and no write touches its row."""
        return self in {Status.SUCCEEDED, Status.FAILED, Status.CANCELED}


# --8<-- [end:status]


class EventType(StrEnum):
    """What an entry of a task's history tells."""

    STATUS = "status"
    PROGRESS = "progress"
    LOG = "log"
    END = "end"


class TaskProgress(BaseModel):
    """How far the work is; `step` counts committed checkpoints."""

    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    message: str | None = None
    step: int = 0


class Links(BaseModel):
    """Absolute URLs of everything that belongs to one task."""

    self: str
    result: str
    events: str
    stream: str
    cancel: str
    retry: str


class Task(BaseModel):
    """The status monitor (Azure REST guidelines, long-running operations)."""

    id: UUID
    task_id: UUID = Field(description="The same as `id`.")
    kind: str
    priority: int = Field(description="Among the tenant's own waiting tasks 0 goes first.")
    status: Status
    progress: TaskProgress
    attempt: int = Field(description="Claims by a worker so far, counted from 1.")
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    input: dict[str, Any]
    result: Any = None
    error: TaskError | None = None
    retry_of: UUID | None = None
    deadline: datetime | None = Field(
        default=None, description="A task that is not finished by then fails."
    )
    trace_id: str | None = Field(
        default=None, description="Its trace, from the POST to the last attempt."
    )
    links: Links


class TaskPage(BaseModel):
    """One page of tasks, newest first; `next` is absent on the last."""

    items: list[Task]
    next: str | None = Field(default=None, description="Absolute URL of the next page.")


class Event(BaseModel):
    """One entry of a task's history, numbered 1..n without a gap."""

    seq: int
    type: EventType
    attempt: int
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    """One page of events; `next` is absent when the log has no more today."""

    items: list[Event]
    next: str | None = Field(default=None, description="Absolute URL of the next page.")
