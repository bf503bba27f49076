"""Whether more may come in: what a refusal at the door says, and when to come back."""

import time
from dataclasses import dataclass

from demo.api.problems import Refusal
from demo.settings import Settings
from demo.store import reads
from demo.store.pool import Pool

LOOK_AGAIN = 2.0
LONGEST = 60
LIMITS = {
    "LR010": ("too-many-open", "Your tasks fill your quota. Wait for one to end."),
    "LR011": ("rate-limited", "That is more than a minute's share."),
}


def refused(state: str, detail: str | None) -> Refusal | None:
    """What the database refused to insert, with the seconds that it counted."""
    if state not in LIMITS:
        return None
    slug, told = LIMITS[state]
    return Refusal(slug, told, {"Retry-After": _seconds(float(detail or 1))})


def _seconds(wait: float) -> str:
    return str(max(1, min(LONGEST, round(wait))))


# --8<-- [start:door]
@dataclass
class Door:
    """Closed while all queues together are too long; looked at only while somebody knocks."""

    pool: Pool
    knobs: Settings
    closed: str | None = None
    looked: float = -LOOK_AGAIN

    async def knock(self) -> None:
        """Pass, or be told when the queues will have drained.

        Raises:
            Refusal: 503, as long as the backlog is above its limit.
        """
        if (most := self.knobs.most_queued) is None:
            return
        if time.monotonic() > self.looked + LOOK_AGAIN:
            self.looked = time.monotonic()
            (found,) = await self.pool.rows(reads.BACKLOG, most=most)
            excess = found["waiting"] - most + 1
            drain = max(1, found["ended_a_minute"])
            self.closed = _seconds(60 * excess / drain) if excess > 0 else None
        if self.closed:
            raise Refusal("overloaded", "The queues are full.", {"Retry-After": self.closed})


# --8<-- [end:door]
