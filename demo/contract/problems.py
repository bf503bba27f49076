"""Errors in words: RFC 9457 problems for requests, the same fields for failed tasks."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """RFC 9457 problem details; `type` resolves to a page of the guide."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="One entry per offending field: `field` and `message`."
    )


class TaskError(BaseModel):
    """Why a task failed: Azure's `code` and `message` beside RFC 9457's members.

    No integer `status`: pollers read the monitor's own `status` only.
    """

    code: str
    message: str
    type: str | None = None
    title: str | None = None
    detail: str | None = None
