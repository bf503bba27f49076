"""The demo's worker with a work that ends at once, as the bare Celery's task does."""

from collections.abc import Generator

from demo.broker import app as app  # what `celery -A` looks for
from demo.contract import Done, RehearsalInput, Start, Tools, Yield
from demo.work import WORKS


def nothing(asked: RehearsalInput, start: Start, tools: Tools) -> Generator[Yield, None, None]:
    """Nothing."""
    yield Done(None)


WORKS["rehearsal"] = nothing
