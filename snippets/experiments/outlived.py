"""E3: no fault at all, but the task outlives the visibility timeout."""

from .bench import Entry, Seen, bench
from .settings import REJECT, visible


# --8<-- [start:outlive]
def outlived() -> Seen:
    with bench(REJECT | visible(2)) as it:
        it.worker(), it.worker()
        it.send("report", seconds=6)
        it.wait(lambda: len(it.diary("finish", "report")) >= 2)
        starts, finishes = it.diary("start", "report"), it.diary("finish", "report")
        window = finishes[-1].at - starts[0].at
        return it.seen("report", window=window, at_once=at_once(starts, finishes))


# --8<-- [end:outlive]


def at_once(starts: list[Entry], finishes: list[Entry]) -> int:
    """How many ran beside each other at most."""
    return max(
        sum(entry.at <= start.at for entry in starts)
        - sum(entry.at <= start.at for entry in finishes)
        for start in starts
    )
