"""A receiver: verify the bytes, keep each id once, answer at once, work later.

run: DATABASE_URL=… CALLBACK_SECRETS=whsec_… uvicorn --app-dir snippets/callbacks receiver:app
"""

import os
import time
from contextlib import closing

import psycopg2
from fastapi import FastAPI, HTTPException, Request
from signing import Refused, verified

app = FastAPI()
SECRETS = os.environ["CALLBACK_SECRETS"].split(",")
TABLE = "CREATE TABLE IF NOT EXISTS received (id text PRIMARY KEY, body text)"
# --8<-- [start:receive]
KEEP = "INSERT INTO received VALUES (%s, %s) ON CONFLICT DO NOTHING"


@app.post("/done", status_code=204)
async def task_done(request: Request) -> None:
    body = await request.body()  # the bytes that were signed, not JSON written anew
    try:
        id = verified(SECRETS, request.headers, body, time.time())
    except Refused:
        raise HTTPException(401) from None
    sql(KEEP, id, body.decode())  # committed before the 204; a second copy changes nothing


# --8<-- [end:receive]


def sql(statement: str, *values: str) -> None:
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)


sql(TABLE)
