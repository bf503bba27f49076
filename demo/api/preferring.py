"""`Prefer: respond-async, wait=N` (RFC 7240): wait for a task's end without polling for it."""

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.request import parse_http_list

from fastapi import Depends, Header, Request

from demo.api.dependencies import Ask, Asked
from demo.api.problems import Refusal
from demo.store.records import Record

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a word of HTTP's grammar
PREFERENCE = re.compile(rf'({TOKEN})(?:\s*=\s*"?({TOKEN})?"?)?\s*(?:;.*)?')
DIGITS = re.compile("[0-9]{1,9}")


def preferences(lines: list[str]) -> dict[str, str]:
    """Each preference by its name, the first of a name; what can't be read is not there."""
    found: dict[str, str] = {}
    for said in map(PREFERENCE.fullmatch, parse_http_list(",".join(lines))):
        if said:
            found.setdefault(said[1].lower(), said[2] or "")
    return found


@dataclass(frozen=True, slots=True)
class Wish:
    """How long the client would wait, as far as the server grants it."""

    asked: Asked
    wait: float | None
    asynchronous: bool

    # --8<-- [start:wait]
    async def granted(self, task: Record) -> Record:
        """The task after the wait: as soon as it ends, or as it then is."""
        if task.status.final or not self.wait:
            return task
        try:
            await self.asked.hub.wait_for_end(task, self.wait)
            return await self.asked.find(task.id)
        except Refusal:
            return task  # what was promised holds without the database

    # --8<-- [end:wait]

    def headers(self, task: Record) -> dict[str, str]:
        """What was heeded."""
        applied = ["respond-async"] if self.asynchronous and not task.status.final else []
        applied += [] if self.wait is None else [f"wait={self.wait:.0f}"]
        return {"Vary": "Prefer"} | ({"Preference-Applied": ", ".join(applied)} if applied else {})


async def wish(
    request: Request,
    ask: Ask,
    prefer: Annotated[
        str | None, Header(description="`respond-async`, `wait=SECONDS` (RFC 7240).")
    ] = None,
) -> Wish:
    """The preferences of a request, on however many lines."""
    said = preferences(request.headers.getlist("prefer") if prefer else [])
    wait = said.get("wait", "")
    seconds = min(int(wait), ask.knobs.longest_wait) if DIGITS.fullmatch(wait) else None
    return Wish(ask, seconds, "respond-async" in said)


Wished = Annotated[Wish, Depends(wish)]
