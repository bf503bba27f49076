"""How a statement is written: SQL text with typed JSON, and the shape of every transition."""

import json
import re
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextualSelect, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB, asyncpg, psycopg2

JSON_PARAMETERS = (
    "input", "state", "effects", "events", "progress", "result", "error", "was", "became",
    "wanted",
)  # fmt: skip
DRIVER = "psycopg2"
JSON_COLUMNS = {*JSON_PARAMETERS, "committed", "data"}


def statement(sql: str) -> TextualSelect:
    """SQL whose JSON goes in and comes out as Python values on either driver."""
    names = set(re.findall(r"(?<!:):(\w+)", sql)).intersection(JSON_PARAMETERS)
    typed = text(sql).bindparams(*(bindparam(name, type_=JSONB) for name in names))
    return typed.columns(**dict.fromkeys(JSON_COLUMNS, JSONB))


# --8<-- [start:transition]
def transition(
    assignments: str, guard: str, beside: str = "", *, returns: str = "changed.*"
) -> TextualSelect:
    """Move rows and write their history in one statement.

    `assignments` and `guard` are SQL over the row; `:events` holds what to append. Numbers come
    from the row's own counter under its lock, so a history has no gap and no double. `beside`
    is one more part of the WITH, over `changed`. `returns` names the columns to hand out.
    """
    return statement(f"""
        WITH changed AS (
            UPDATE tasks SET {assignments}, last_seq = last_seq + jsonb_array_length(:events)
            WHERE {guard} RETURNING *
        ), logged AS (
            INSERT INTO events (task_id, tenant, seq, type, attempt, data)
            SELECT id, tenant, last_seq - jsonb_array_length(:events) + n, item->>'type',
                   attempt, item->'data'
            FROM changed, jsonb_array_elements(:events) WITH ORDINALITY AS given (item, n)
            RETURNING *
        ) {beside}
        SELECT {returns}, (
            SELECT jsonb_agg(event_json(seq, type, logged.attempt, at, data) ORDER BY seq)
            FROM logged WHERE task_id = id
        ) AS committed FROM changed""")  # noqa: S608 - constants of this package only


# --8<-- [end:transition]


def event(type_: str, **data: Any) -> dict[str, Any]:
    """An entry to append; its number, attempt and time come from the database."""
    return {"type": type_, "data": {k: v for k, v in data.items() if v is not None}}


def rows(connection: Connection, sql: TextualSelect, **parameters: Any) -> list[dict[str, Any]]:
    """Run and fetch all rows as dictionaries."""
    if connection.dialect.driver == DRIVER:
        found = connection.exec_driver_sql(spelled(sql), documented(parameters))
    else:
        found = connection.execute(sql, parameters)
    return [dict(row) for row in found.mappings()]


def documented(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters for psycopg2: its JSON as text.

    Around SQLAlchemy's types, for it matches columns to them anew for each result; psycopg2
    reads JSON itself.
    """
    documents = set(JSON_PARAMETERS).intersection(parameters)
    return parameters | {name: json.dumps(parameters[name]) for name in documents}


@cache
def spelled(sql: TextualSelect) -> str:
    """The statement with psycopg2's placeholders."""
    return sql.compile(dialect=psycopg2.dialect()).string  # type: ignore[no-untyped-call]


@cache
def numbered(sql: TextualSelect) -> tuple[str, tuple[str, ...]]:
    """The statement with numbers for names, as the server knows it, and the names in order."""
    compiled = sql.compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
    return compiled.string, tuple(compiled.positiontup or ())
