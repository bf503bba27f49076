"""What was good and is no more: sessions that were ended, subjects that were shut out."""

import hashlib

from sqlalchemy import Connection

from demo.store.statements import rows, statement

REVOKE = statement("""
    WITH forgotten AS (DELETE FROM revocations WHERE expires < clock_timestamp())
    INSERT INTO revocations AS kept (key, expires)
    VALUES (:key, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (key) DO UPDATE SET before = clock_timestamp(),
        expires = greatest(kept.expires, excluded.expires)""")
REVOKED = statement("""
    SELECT key, extract(epoch FROM before)::float8 AS before FROM revocations
    WHERE expires > clock_timestamp()""")


def revocation_key(*names: str) -> str:
    """A name for what is revoked that tells nothing of it."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def revoke(connection: Connection, _: str, *names: str, seconds: float) -> None:
    """What was issued until now under these names is worth nothing; kept until it has ended."""
    connection.execute(REVOKE, {"key": revocation_key(*names), "seconds": seconds})


def revoked(connection: Connection) -> dict[str, float]:
    """The time of each revocation, by key."""
    return {row["key"]: row["before"] for row in rows(connection, REVOKED)}
