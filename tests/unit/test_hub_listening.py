"""When a process looks for what it may not have heard."""

import asyncio

import pytest

from demo.hub import listening
from demo.hub.listening import Listener


class Server:
    """Takes what it is told, and confirms nothing by itself."""

    async def subscribe(self, *channels: str) -> None:
        pass

    unsubscribe = subscribe


def test_a_late_subscription_that_is_left_keeps_nobody_from_looking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "CONFIRMATION", 0.01)
    looks = []

    async def scene() -> None:
        listener = Listener("redis://127.0.0.1:1", lambda *_: None, lambda: looks.append(True))
        monkeypatch.setattr(listener, "_pubsub", Server())
        await listener.join("kept", "left")
        listener._confirmed("kept")
        assert looks == [], "the other may still miss something"
        await listener.leave("left")
        await listener.close()

    asyncio.run(scene())
    assert looks == [True]
