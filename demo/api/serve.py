"""The API as a process: one uvicorn server that ends its streams when it is told to stop."""

import asyncio
import gc
import math
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from demo.api.app import create_app
from demo.api.connections import Connection
from demo.api.sockets import BACKLOG, grant_descriptors, say_short_queue, shared_port
from demo.auth import refuse_unsafe_bind
from demo.settings import Settings, settings


# --8<-- [start:drain]
class Server(uvicorn.Server):
    """uvicorn waits for open streams for ever; here a signal ends them first, cleanly."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Any]) -> None:
        super().__init__(config)
        self._drain = drain

    async def serve(self, sockets: Any = None) -> None:
        """Serve until a signal."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, end the streams, finish requests, exit with 0."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # else the signal is raised again at the end
        self._loop.call_soon_threadsafe(self._drain)


# --8<-- [end:drain]


def server(knobs: Settings) -> Server:
    """The configured server."""
    app = create_app()
    config = uvicorn.Config(
        app,
        host=knobs.host,
        port=knobs.port,
        loop="uvloop",
        http=Connection,
        backlog=BACKLOG,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,  # requests are in the traces, and no query string in a log
        server_header=False,
        proxy_headers=False,  # the shield reads them
        timeout_keep_alive=75,  # longer than a gateway keeps an idle connection
        timeout_graceful_shutdown=math.ceil(knobs.drain),
    )
    return Server(config, lambda: app.state.drain())


# --8<-- [start:collect]
def collect_rarely() -> None:
    """Let the collector of cycles pass over what stays: all streams stop while it looks.

    It looks at all that lives whenever that has grown by a quarter: again and again while
    streams open, and longer each time. A stream that ends leaves no cycle.
    """
    gc.freeze()  # what was imported lives as long as the process
    gc.set_threshold(5_000, 20, 20)


# --8<-- [end:collect]


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    knobs = settings()
    refuse_unsafe_bind(knobs)
    grant_descriptors(knobs)
    say_short_queue()
    serving = server(knobs)
    collect_rarely()
    serving.run(shared_port(knobs))
