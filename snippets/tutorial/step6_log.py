"""Step 6, what both processes share: each commit writes an event with the next number.

The API and the worker of `step6_follow.py` know no other way to the tables.
"""

import os
from contextlib import suppress
from typing import Any

from database import sql, table
from redis import Redis, RedisError

VALKEY = Redis.from_url(os.environ["REDIS_URL"], protocol=2, socket_timeout=2)
table("""reports6 (id text PRIMARY KEY, pages int, done int DEFAULT 0, attempt int DEFAULT 0,
         lease timestamptz DEFAULT now())""")
table("events6 (report text, seq int, type text, attempt int, PRIMARY KEY (report, seq))")
CLAIM = """UPDATE reports6 SET attempt = attempt + 1, lease = now() + '3 s' WHERE id = (
        SELECT id FROM reports6 WHERE done < pages AND lease <= now()
        LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, pages, done, attempt"""

# --8<-- [start:log]
CHECKPOINT = """WITH mine AS (
        UPDATE reports6 SET done = %s, lease = now() + '3 s'
        WHERE id = %s AND attempt = %s RETURNING *)
    INSERT INTO events6
    SELECT id, done, CASE done WHEN pages THEN 'end' ELSE 'page' END, attempt
    FROM mine RETURNING seq"""


def checkpoint(id: str, page: int, attempt: int) -> bool:
    """Commit a page and its event, then wake whoever follows. False: another attempt has it."""
    committed = sql(CHECKPOINT, page, id, attempt)
    with suppress(RedisError):
        VALKEY.publish(id, page)
    return bool(committed)


def events_after(id: str, seen: int) -> list[tuple[Any, ...]]:
    """Number, type and attempt of each later event, in order."""
    return sql(
        "SELECT seq, type, attempt FROM events6 WHERE report = %s AND seq > %s ORDER BY seq",
        id,
        seen,
    )


# --8<-- [end:log]
