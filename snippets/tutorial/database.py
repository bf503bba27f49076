"""What steps 3 to 6 share: statements in transactions of their own, at `DATABASE_URL`."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2


# --8<-- [start:sql]
def sql(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement; what it wrote is committed when this returns."""
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def claimed(claim: str) -> Iterator[tuple[Any, ...]]:
    """The rows that a claim gets, for ever; five looks a second when there is nothing."""
    while True:
        rows = sql(claim)
        yield from rows
        if not rows:
            time.sleep(0.2)


# --8<-- [end:sql]


def table(definition: str) -> None:
    """Make a table once, whoever starts first."""
    sql(f"SELECT pg_advisory_xact_lock(504); CREATE TABLE IF NOT EXISTS {definition}")
