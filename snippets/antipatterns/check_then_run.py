"""Anti-pattern: look at the status, then run. Two workers look before either of them writes."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Engine, text

STATUS = text("SELECT status FROM tasks WHERE id = :id")
TAKE = text("UPDATE tasks SET status = 'running', attempt = 1 WHERE id = :id")


# --8<-- [start:check]
def handle(engine: Engine, id: UUID, work: Callable[[], None]) -> None:
    with engine.begin() as connection:
        status = connection.execute(STATUS, {"id": id}).scalar_one()
    if status != "queued":
        return  # "idempotent": somebody else has it
    with engine.begin() as connection:
        connection.execute(TAKE, {"id": id})
    work()


# --8<-- [end:check]
