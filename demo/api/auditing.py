"""What was refused, canceled or done by operators: one JSON line each, for those who look later."""

import asyncio
import json
import logging
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import Scope

from demo import telemetry
from demo.auth import NOBODY, Principal

AUDIT = logging.getLogger("demo.audit")
REFUSED = {401, 403, 413, 415, 421, 429, 503}
ACTS = ("/cancel", "/retry", "/discard", "/revocations")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def start() -> None:
    """Lines go to standard error, where a container's collector reads them."""
    if not AUDIT.handlers:
        AUDIT.addHandler(logging.StreamHandler(sys.stderr))
    AUDIT.setLevel(logging.INFO)
    AUDIT.propagate = False


def asks(scope: Scope, principal: Principal) -> None:
    """Remember on whose behalf a request runs."""
    scope.setdefault("audit", {})["principal"] = principal


# --8<-- [start:note]
def note(scope: Scope, status: int, most: int) -> None:
    """One record, if there is anything to tell: names and numbers, nothing that a client wrote."""
    path, method = scope["path"], scope["method"]
    acted = method == "POST" and path.endswith(ACTS)
    foreign = status == 404 and path.startswith("/tasks/")
    if not (acted or foreign or status in REFUSED):
        return
    event = "act" if acted and status < 400 else "refusal"
    if event == "refusal" and FLOOD.swallows(most):
        return
    principal: Principal = scope["audit"].get("principal", NOBODY)
    task = UUID.search(path)
    _tell(
        event,
        action=f"{method} {path.rsplit('/', 1)[-1] if acted else ''}".strip(),
        status=status,
        tenant=principal.tenant or None,
        actor=principal.subject or None,
        task=task[0] if task else None,
        trace=telemetry.trace_id(telemetry.traceparent()),
        client=scope["client"][0] if scope.get("client") else None,
    )


# --8<-- [end:note]


def _tell(event: str, **told: Any) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    AUDIT.info(json.dumps({"at": at, "event": event, **told}))
    telemetry.record(f"audit.{event}", told)


# --8<-- [start:flood]
class Flood:
    """Of many refusals within a second the first are told one by one, the others as a number."""

    def __init__(self) -> None:
        self._told = self._untold = 0
        self._until = 0.0

    def swallows(self, most: int) -> bool:
        """Whether this refusal is only counted."""
        if (now := time.monotonic()) >= self._until:
            self.end()
            self._told, self._until = 0, now + 1
            asyncio.get_running_loop().call_later(1, self.end)  # nobody else may be refused then
        self._told += 1
        self._untold += self._told > most
        return self._told > most

    def end(self) -> None:
        """Tell how many were only counted."""
        if self._untold:
            _tell("refusals", count=self._untold)
            self._untold = 0


# --8<-- [end:flood]

FLOOD = Flood()
