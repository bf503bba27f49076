"""What all processes know together of a host outside: its turn, its breaker, who reads it."""

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

# --8<-- [start:visit]
ONE_OF_A_TENANT = statement("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 2))")
VISIT = statement("""
    WITH others AS (
        SELECT count(*) AS number, min(at) + interval '1 hour' AS until FROM visits
        WHERE tenant = :tenant AND host <> :host AND at > clock_timestamp() - interval '1 hour'
    ), noted AS (
        INSERT INTO visits (tenant, host) SELECT :tenant, :host FROM others WHERE number < :most
        ON CONFLICT (tenant, host) DO UPDATE SET at = clock_timestamp()
        RETURNING host
    )
    SELECT CASE WHEN NOT EXISTS (SELECT FROM noted)
        THEN extract(epoch FROM until - clock_timestamp()) END AS wait FROM others""")
# --8<-- [end:visit]


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


def visit(connection: Connection, tenant: str, host: str, *, most: int) -> float | None:
    """Note that a tenant reads a host; seconds to wait when it reads `most` others already."""
    connection.execute(ONE_OF_A_TENANT, {"tenant": tenant})  # who counts must see who counted
    (found,) = rows(connection, VISIT, tenant=tenant, host=host, most=most)
    return None if found["wait"] is None else max(0.0, float(found["wait"]))
