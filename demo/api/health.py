"""Whether the process lives, can serve, and what is degraded."""

from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from demo.api.access import PUBLIC, USER
from demo.api.dependencies import Ask
from demo.api.problems import Refusal
from demo.store import reads


def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(tags=["health"], dependencies=[Depends(_never_stored)])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Health(BaseModel):
    """What works and what does not, in words."""

    status: str
    degraded: list[str]
    tasks: dict[str, int]
    breakers: list[dict[str, Any]]
    streams: int
    idempotency_key_days: int = Field(description="How long a key answers the same task.")


@router.get("/livez", openapi_extra=PUBLIC)
async def get_liveness() -> Alive:
    """The process answers; says nothing of its parts."""
    return Alive()


@router.get("/readyz", openapi_extra=PUBLIC)
async def get_readiness(ask: Ask) -> Alive:
    """PostgreSQL answers. A dead broker must not take the API out of rotation."""
    await ask.run(_ping)
    return Alive()


def _ping(connection: Connection, tenant: str) -> None:
    connection.execute(text("SELECT 1"))


@router.get("/status", openapi_extra=USER)
async def get_status(ask: Ask) -> Health:
    """What is degraded, for people and dashboards; always 200."""
    degraded = [] if ask.hub.up else ["broker: tasks start and streams follow by polling"]
    tasks: dict[str, int] = {}
    breakers: list[dict[str, Any]] = []
    try:
        tasks, breakers = await ask.run(_counted)
    except Refusal:
        degraded.append("database: nothing can be submitted or read")
    degraded += [f"{breaker['host']}: not asked for a while" for breaker in breakers]
    return Health(
        status="degraded" if degraded else "ok",
        degraded=degraded,
        tasks=tasks,
        breakers=breakers,
        streams=ask.hub.following,
        idempotency_key_days=min(ask.knobs.key_days, ask.knobs.retention_days),
    )


def _counted(connection: Connection, tenant: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
    breakers = [host for host in reads.hosts(connection) if host["open_until"]]
    return reads.counts(connection, tenant), breakers
