"""The audit log as an operator sees it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class AuditEntry(BaseModel):
    """Who did what to whose task; never changed, never removed before its time."""

    id: int
    at: datetime
    actor: str
    action: str
    task_id: UUID | None = None
    was: Any = Field(default=None, description="What it was before.")
    became: Any = Field(default=None, description="What was made of it.")


class AuditPage(BaseModel):
    """One page of entries, newest first; `next` is absent on the last."""

    items: list[AuditEntry]
    next: str | None = Field(default=None, description="Absolute URL of the next page.")
