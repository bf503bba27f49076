"""A tiny load balancer: each new connection goes to the next server that takes it."""

import asyncio
from itertools import count
from typing import Any

from tests.bench.remote import serve

listening: list[asyncio.Server] = []
servers: list[int] = []
turn = count()


class Side(asyncio.Protocol):
    """One half of a relayed connection; what comes before the other half is there, waits."""

    def __init__(self, other: "Side | None" = None) -> None:
        self.other = other
        self.transport: Any = None
        self.early = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)
        else:
            self.early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other and self.other.transport:
            self.other.transport.close()


class Front(Side):
    """The client's half."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._task = asyncio.get_running_loop().create_task(self._join())

    async def _join(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in servers:
            port = servers[next(turn) % len(servers)]
            try:
                _, self.other = await loop.create_connection(lambda: Side(self), "127.0.0.1", port)
            except OSError:
                continue
            self.other.transport.write(self.early)
            break
        if self.transport is None and self.other:
            self.other.transport.close()
        elif self.other is None:
            self.transport.close()


async def listen() -> int:
    """Returns the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Front, "127.0.0.1", 0, backlog=4096)
    listening.append(server)
    return int(server.sockets[0].getsockname()[1])


async def point(ports: list[int]) -> None:
    """New connections go there from now on."""
    servers[:] = ports


if __name__ == "__main__":
    serve(listen=listen, point=point)
