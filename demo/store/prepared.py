"""Statements that a connection plans once: a worker asks the same few for each step of a task.

PostgreSQL would plan each of them anew; psycopg2 prepares nothing by itself, so it is told by SQL.
What may meet a table of any size is not prepared: its plan would stay what suited the table when
it was small.
"""

from functools import cache
from itertools import count
from typing import Any

import psycopg2  # type: ignore[import-untyped]
from sqlalchemy import Connection, TextualSelect
from sqlalchemy.exc import DBAPIError

from demo.store.statements import documented, numbered, rows

NAMES = count()


# --8<-- [start:prepared]
def prepared(connection: Connection, sql: TextualSelect, **parameters: Any) -> list[dict[str, Any]]:
    """The same as `rows`, prepared where this connection has not seen it yet; psycopg2 only.

    `sql` returns columns by name: with `*` a prepared statement fails once a column was added.
    It goes past SQLAlchemy's result, which takes longer to set up than to read.
    """
    if not connection.get_execution_options()["prepares"]:
        return rows(connection, sql, **parameters)
    name, definition, call = _named(sql)
    known: set[str] = connection.info.setdefault("prepared", set())
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            if name not in known:
                cursor.execute(definition)
                known.add(name)
            cursor.execute(call, documented(parameters))
            columns = [column.name for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    except psycopg2.Error as error:
        if driver.closed:  # the pool's other connections went with it
            connection.invalidate(error)
            connection.engine.dispose()
        raise DBAPIError.instance(
            call, None, error, psycopg2.Error, dialect=connection.dialect
        ) from error


# --8<-- [end:prepared]


@cache
def _named(sql: TextualSelect) -> tuple[str, str, str]:
    text, names = numbered(sql)
    name = f"lro_{next(NAMES)}"
    values = ", ".join(f"%({one})s" for one in names)
    return name, f"PREPARE {name} AS {text}", f"EXECUTE {name} ({values})"
