"""Tell a URL that a task has ended: signed, at least once, never to an address inside.

A loop beside the API, any number of copies; it needs the API's monitor and a table of its own.
"""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpcore
import httpx
import psycopg2
from signing import headers

from demo.contract import PermanentFailure
from demo.outbound.guard import Guard, Target
from demo.outbound.line import Deadline, GuardedBackend
from demo.outbound.request import certificates

SECONDS, ANSWER = 10, 16_384  # a receiver answers soon and briefly, or it has not answered
FINAL, GONE = {"succeeded", "failed", "canceled"}, {404, 410}
# --8<-- [start:table]
TABLE = """CREATE TABLE IF NOT EXISTS callbacks (
    id text PRIMARY KEY, monitor text NOT NULL, url text NOT NULL, body text,
    status text NOT NULL DEFAULT 'waiting', -- sending, delivered, given_up
    attempts int NOT NULL DEFAULT 0, due timestamptz NOT NULL DEFAULT now())"""
REGISTER = "INSERT INTO callbacks (id, monitor, url) VALUES (%s, %s, %s)"
WAITING = "SELECT id, monitor FROM callbacks WHERE status = 'waiting'"
ENDED = """UPDATE callbacks SET status = 'sending', body = %s, due = now()
    WHERE id = %s AND status = 'waiting'"""
TAKE = """UPDATE callbacks SET attempts = attempts + 1, due = now() + make_interval(secs => %s)
    WHERE id = (SELECT id FROM callbacks WHERE status = 'sending' AND due <= now()
                ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, url, body, attempts"""
LATER = """UPDATE callbacks SET due = now() +
        make_interval(secs => %s * least(1800, 2 ^ attempts) * (0.5 + random() / 2))
    WHERE id = %s AND attempts = %s AND status = 'sending'"""
CLOSE = "UPDATE callbacks SET status = %s WHERE id = %s AND status IN ('waiting', 'sending')"
# --8<-- [end:table]


class Sender:
    """Callbacks of one API, for one receiver's secrets."""

    def __init__(
        self,
        database: str,
        secrets: Sequence[str],
        guard: Guard,
        *,
        first: float = 5,
        most: int = 12,
    ) -> None:
        self._database, self._secrets, self._guard = database, secrets, guard
        self._first, self._most = first, most
        self._api = httpx.Client(timeout=SECONDS, verify=certificates(), trust_env=False)
        self._sql("SELECT pg_advisory_xact_lock(505);" + TABLE)

    # --8<-- [start:send]
    def register(self, monitor: str, url: str) -> str:
        """Promise a callback for a task; a URL that may not be asked is refused now."""
        self._guard.target(url)
        id = f"msg_{uuid4().hex}"
        self._sql(REGISTER, id, monitor, url)
        return id

    def collect(self) -> None:
        """Look whether tasks have ended; what is sent is the monitor as it was then."""
        for id, monitor in self._sql(WAITING):
            status, task = self._look(monitor)
            if status in GONE:
                self._sql(CLOSE, "given_up", id)
            elif task.get("status") in FINAL:
                told = {"type": f"task.{task['status']}", "timestamp": task["finished"]}
                self._sql(ENDED, json.dumps({**told, "data": task}), id)

    def _look(self, monitor: str) -> tuple[int, dict[str, Any]]:
        """One that does not answer now is asked again, and holds up no other."""
        try:
            answer = self._api.get(monitor)
            return answer.status_code, answer.json() if answer.is_success else {}
        except (httpx.HTTPError, ValueError):
            return 0, {}

    def deliver(self) -> bool:
        """Send what is due. Taken for longer than a try can last: a crash here repeats it."""
        for id, url, body, attempts in self._sql(TAKE, 3 * SECONDS):
            status = self._post(url, id, body.encode())
            if 200 <= status < 300:
                self._sql(CLOSE, "delivered", id)
            elif status == 410 or attempts >= self._most:
                self._sql(CLOSE, "given_up", id)
            else:
                self._sql(LATER, self._first, id, attempts)
            return True
        return False

    # --8<-- [end:send]

    # --8<-- [start:post]
    def _post(self, url: str, id: str, body: bytes) -> int:
        """The receiver's status, or 0; no redirect is followed, no answer is read."""
        signed = headers(self._secrets, id, int(time.time()), body)
        more = {"Content-Type": "application/json", "Connection": "close"}
        try:
            target = self._guard.target(url)
            more |= {"Host": target.url.netloc.decode(), "Content-Length": str(len(body))}
            return self._ask(target, {**signed, **more}, body)
        except (PermanentFailure, OSError, httpcore.NetworkError, httpcore.ProtocolError):
            return 0

    def _ask(self, target: Target, sent: dict[str, str], body: bytes) -> int:
        to = target.url
        url = httpcore.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
        backend = GuardedBackend(self._guard, target, Deadline(SECONDS, ANSWER))
        with (
            httpcore.HTTPConnection(url.origin, certificates(), network_backend=backend) as line,
            line.stream("POST", url, headers=sent, content=body) as answer,
        ):
            return answer.status

    # --8<-- [end:post]

    def close(self) -> None:
        self._api.close()

    def _sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with (
            closing(psycopg2.connect(self._database)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
