"""The ASGI app: `uvicorn --factory demo.api.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from demo import telemetry
from demo.api import (
    auditing,
    health,
    operating,
    pages,
    problems,
    session,
    streams,
    submitting,
    tasks,
    uploads,
)
from demo.api.access import guard, operations, undeclared
from demo.api.announcing import Announcer
from demo.api.dependencies import State
from demo.api.documented import Api, operation_id
from demo.api.door import Door
from demo.api.express import Express
from demo.api.shield import Shield
from demo.api.tracing import Traced
from demo.auth.gate import Gate
from demo.blobs import Blobs
from demo.hub import Hub
from demo.settings import Settings, settings
from demo.store.batching import Batches
from demo.store.engines import async_engine
from demo.store.pool import Pool
from demo.store.submitting import Quota


class App(Api):
    """The API inside its shield."""

    def build_middleware_stack(self) -> ASGIApp:
        """The shield is outermost, so that errors get its headers too."""
        inner: ASGIApp = Express(super().build_middleware_stack(), operations(self))
        if telemetry.wanted():
            inner = Traced(inner, settings().traces_a_second)
        return Shield(inner, settings())


# --8<-- [start:app]
def create_app() -> FastAPI:
    """Make the app; nothing connects before its lifespan begins."""
    app = App(
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # `Traced` costs a third
    )
    problems.install(app)
    pages.install_files(app, settings().site)
    app.router.dependencies.append(Depends(guard))  # after the files, which are for everybody
    for resource in (submitting, tasks, uploads, streams, operating, health, pages, session):
        app.include_router(resource.router)
    app.include_router(session.revocations)
    if missing := undeclared(app):
        raise LookupError(f"no policy: {', '.join(missing)}")
    return app


# --8<-- [end:app]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Engine, hub and announcer live exactly as long as the app."""
    knobs = settings()
    _require_secrets(knobs)
    telemetry.start("api", telemetry.RECORDS)
    auditing.start()
    url = knobs.database_url.get_secret_value()
    engine, pool = async_engine(url), Pool(url, knobs.connections)
    door, announcer = Door(pool, knobs), Announcer(knobs)
    batches = Batches(pool, Quota(knobs.open_tasks, knobs.submissions_a_minute))
    try:
        async with Hub(engine, knobs).running() as hub, _gate(knobs, engine) as gate:
            app.state.drain = hub.drain
            yield State(
                engine=engine,
                batches=batches,
                door=door,
                hub=hub,
                announcer=announcer,
                gate=gate,
                blobs=Blobs(knobs),
            )
    finally:
        auditing.FLOOD.end()
        announcer.close()
        await pool.close()
        await engine.dispose()
        telemetry.stop()


@asynccontextmanager
async def _gate(knobs: Settings, engine: AsyncEngine) -> AsyncIterator[Gate | None]:
    """Open loopback has none: the bind and the shield stand there."""
    if not knobs.issuers:
        yield None
        return
    async with Gate(knobs, engine).running() as gate:
        yield gate


def _require_secrets(knobs: Settings) -> None:
    if knobs.client_id and len(knobs.session_key.get_secret_value()) < 32:
        raise SystemExit("DEMO_CLIENT_ID needs DEMO_SESSION_KEY, 32 characters or more.")
    for name in ("database_url", "wakeup_key"):
        if not getattr(knobs, name).get_secret_value():
            raise SystemExit(f"DEMO_{name.upper()} is not set; `python -m demo up` makes one.")
