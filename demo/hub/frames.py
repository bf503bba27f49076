"""An event as the bytes that a stream sends: the same ones from memory and from the log."""

import json
from dataclasses import dataclass
from typing import Any

ORDER = ("seq", "type", "attempt", "at", "data")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, encoded once for all its followers."""

    seq: int
    ends: bool
    wire: bytes

    # --8<-- [start:named]
    def named(self, task: bytes, cursor: bytes) -> bytes:
        """The same event in a stream of several tasks: it names its task, its id resumes all."""
        _, rest = self.wire.split(b"\n", 1)
        told = rest.replace(b"data: {", b'data: {"task_id":"%b",' % task, 1)
        return b"id: %b\n%b" % (cursor, told)

    # --8<-- [end:named]


# --8<-- [start:frame]
def frame(event: dict[str, Any]) -> Frame:
    """An SSE block whose data is one line: JSON escapes every line break inside."""
    data = json.dumps(ordered(event), separators=(",", ":"))
    block = f"id: {event['seq']}\nevent: {event['type']}\ndata: {data}\n\n"
    return Frame(event["seq"], event["type"] == "end", block.encode())


# --8<-- [end:frame]


def ordered(event: dict[str, Any]) -> dict[str, Any]:
    """An event's members in the order that people read them."""
    return {name: event[name] for name in ORDER}
