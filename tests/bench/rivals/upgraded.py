"""The same frames from the same timer over WebSocket, nothing behind them, nothing said back."""

import asyncio
from typing import Any

from tests.bench.rivals import frames
from tests.bench.rivals.serving import serve


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """`/tasks/N/stream` follows once it is upgraded; the rest is the bare server's."""
    if scope["type"] != "websocket":
        await frames.app(scope, receive, send)
        return
    mine: asyncio.Queue[bytes] = asyncio.Queue()
    frames.followers[int(scope["path"].split("/")[2])].add(mine)
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "bytes": await mine.get()})


if __name__ == "__main__":
    serve(app, ws="websockets-sansio")
