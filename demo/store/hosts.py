"""What all processes know together of a host outside: its next turn and its breaker."""

from sqlalchemy import Connection

from demo.store.statements import rows, statement

# --8<-- [start:turn]
TURN = statement(
    """
    INSERT INTO hosts AS known (host, next_at) VALUES (:host, clock_timestamp() + :interval)
    ON CONFLICT (host) DO UPDATE
        SET next_at = greatest(known.next_at, clock_timestamp()) + :interval
    RETURNING extract(epoch FROM next_at - clock_timestamp()) AS wait""".replace(
        ":interval", "make_interval(secs => :seconds)"
    )
)
# --8<-- [end:turn]

# --8<-- [start:breaker]
ADMIT = statement("""
    WITH known AS (  -- locked before it is read: of many callers only one sees the time over
        SELECT host, open_until FROM hosts WHERE host = :host AND open_until IS NOT NULL FOR UPDATE
    )
    UPDATE hosts SET open_until = CASE WHEN known.open_until <= clock_timestamp()
        THEN clock_timestamp() + make_interval(secs => :probe) ELSE known.open_until END
    FROM known WHERE hosts.host = known.host
    RETURNING extract(epoch FROM known.open_until - clock_timestamp()) AS wait""")
FAILED = statement("""
    UPDATE hosts SET failures = failures + 1, open_until = CASE
        WHEN failures + 1 >= :threshold
        THEN clock_timestamp() + make_interval(secs => :seconds) END
    WHERE host = :host RETURNING failures""")
ANSWERED = statement("""
    UPDATE hosts SET failures = 0, open_until = NULL
    WHERE host = :host AND (failures > 0 OR open_until IS NOT NULL)""")
# --8<-- [end:breaker]


def turn(connection: Connection, host: str, seconds: float) -> float:
    """Book the next request to a host; returns how many seconds to wait for it."""
    booked = float(rows(connection, TURN, host=host, seconds=seconds)[0]["wait"])
    return max(0.0, booked - seconds)


def admit(connection: Connection, host: str, *, probe: float) -> float | None:
    """Seconds until the breaker lets a request through; None: it is closed; 0: go and probe.

    When an open breaker's time is over, exactly one caller is let through as a probe; the others
    wait `probe` seconds for what it finds.
    """
    found = rows(connection, ADMIT, host=host, probe=probe)
    return max(0.0, float(found[0]["wait"])) if found else None


def failed(connection: Connection, host: str, *, threshold: int, seconds: float) -> int:
    """Count a failure in a row; the breaker opens at the threshold."""
    found = rows(connection, FAILED, host=host, threshold=threshold, seconds=seconds)
    return int(found[0]["failures"]) if found else 0


def answered(connection: Connection, host: str) -> None:
    """The host answered: its breaker closes."""
    connection.execute(ANSWERED, {"host": host})
