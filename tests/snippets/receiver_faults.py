"""The receiver of `snippets/callbacks` on bad days: what it answers first is given as `BAD_DAYS`.

A number is a status answered without being asked; `lost` receives, and answers 500 all the same.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "snippets" / "callbacks"))

from receiver import app as receiver

days = [day for day in os.environ["BAD_DAYS"].split(",") if day]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The receiver, behind its bad days."""
    if scope["type"] != "http" or scope["method"] != "POST" or not days:
        await receiver(scope, receive, send)
        return
    day = days.pop(0)
    if day != "lost":
        while (await receive()).get("more_body"):
            pass  # who answers early and hangs up may not be heard
    if day == "lost":

        async def nobody(_: Any) -> None: ...

        await receiver(scope, receive, nobody)
    status = 500 if day == "lost" else int(day)
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})
