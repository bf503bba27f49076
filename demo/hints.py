"""How hints travel: kombu's Redis transport, which takes one from its list and forgets it."""

from typing import Any

from kombu.transport import redis


# --8<-- [start:forgetful]
class Forgetful(redis.QoS):
    """Keeps no copy of what was taken: nothing to acknowledge, and nothing comes back.

    A hint that is lost with its worker is sent again from its row, after seconds. A copy
    would take two transactions more, and come back after a visibility timeout.
    """

    def append(self, message: Any, delivery_tag: str) -> None:
        """Keep nothing."""

    def ack(self, delivery_tag: str) -> None:
        """Nothing was kept."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop it, whatever was wrong with it."""

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """Nothing waits to come back."""


class Channel(redis.Channel):
    """A channel of hints."""

    QoS = Forgetful


class Transport(redis.Transport):
    """What a worker's `broker_transport` names."""

    Channel = Channel


# --8<-- [end:forgetful]
