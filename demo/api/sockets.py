"""What the machine must grant before a port opens: descriptors, a queue, and a way to give up."""

import resource
import socket
import sys
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from demo.settings import Settings

SPARE = 200  # descriptors beside the streams: database, broker, files, requests
BACKLOG = 2048
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
WRITE_BUFFER = 16_384  # bytes waiting for a slow reader, here and again in the kernel
NOT_SENT = getattr(socket, "TCP_NOTSENT_LOWAT", 0x201 if sys.platform == "darwin" else 25)


# --8<-- [start:descriptors]
def grant_descriptors(knobs: Settings) -> None:
    """Raise the soft limit to what the streams need; a default bows to the hard limit, too.

    Raises:
        SystemExit: streams were asked for that can never be opened.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed, unlimited = knobs.streams + SPARE, resource.RLIM_INFINITY
    granted = needed if hard == unlimited else min(needed, hard)
    if soft != unlimited and soft < granted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted == needed:
        return
    if "streams" in knobs.model_fields_set or granted <= SPARE:
        raise SystemExit(
            f"DEMO_STREAMS={knobs.streams} needs {needed} descriptors; the hard limit is {hard}.\n"
            f"Raise it (ulimit -Hn {needed}, LimitNOFILE={needed}) or ask for fewer streams."
        )
    knobs.streams = granted - SPARE
    print(f"At most {knobs.streams} streams: the limit of descriptors is {hard}.", file=sys.stderr)


# --8<-- [end:descriptors]


def say_short_queue() -> None:
    """A burst of clients that come back waits in the kernel's queue, if that is long enough."""
    if SOMAXCONN.exists() and (longest := int(SOMAXCONN.read_text())) < BACKLOG:
        told = f"net.core.somaxconn is {longest}: of a burst, the kernel keeps no more waiting."
        print(f"{told}\nRaise it: sysctl -w net.core.somaxconn={BACKLOG}", file=sys.stderr)


def shared_port(knobs: Settings) -> list[socket.socket] | None:
    """Several processes bind one port; the kernel deals new connections out among them."""
    if knobs.processes == 1:
        return None
    family = socket.AF_INET6 if ":" in knobs.host else socket.AF_INET
    address = (knobs.host.strip("[]"), knobs.port)
    return [socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=True)]


class Protocol(HttpToolsProtocol):
    """uvicorn's own, which lets a stream give up a reader that takes nothing."""

    def connection_made(self, transport: Any) -> None:
        """Little waits for a slow reader in memory: it goes on from the log."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        own = transport.get_extra_info("socket")
        if own.family in (socket.AF_INET, socket.AF_INET6):
            own.setsockopt(socket.IPPROTO_TCP, NOT_SENT, WRITE_BUFFER)

    def on_message_begin(self) -> None:
        """ASGI knows no way to drop a connection."""
        super().on_message_begin()
        self.scope["abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
