"""Anti-pattern: look for the key, then insert. Parallel requests look before any has inserted."""

import os
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI, Header
from sqlalchemy import create_engine, text

app = FastAPI()
engine = create_engine(os.environ["DATABASE_URL"], pool_size=20)
FIND = text("SELECT id FROM orders WHERE key = :key")
INSERT = text("INSERT INTO orders VALUES (:id, :key)")
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS orders (id text, key text)"))


# --8<-- [start:look]
@app.post("/orders", status_code=202)
def create_order(idempotency_key: Annotated[str, Header()]) -> dict[str, str]:
    with engine.begin() as connection:
        known = connection.execute(FIND, {"key": idempotency_key}).scalar()
    if known:
        return {"id": known}
    id = str(uuid4())
    with engine.begin() as connection:
        connection.execute(INSERT, {"id": id, "key": idempotency_key})
    return {"id": id}


# --8<-- [end:look]
