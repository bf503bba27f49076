"""What can stand in the way of a start, each said in one sentence."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from demo.auth import refuse_unsafe_bind
from demo.local.children import NotStarted
from demo.settings import Settings


# --8<-- [start:lock]
@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it however this process ends."""
    # not 0700: as root PostgreSQL runs as another user, who must pass through
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (data / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotStarted(
                f"A stack already runs on {data}; stop it, or name another folder by DEMO_DATA."
            ) from None
        yield


# --8<-- [end:lock]


def refuse_address(knobs: Settings) -> None:
    """Before anything is started: others would be let in, or the port is taken."""
    refuse_unsafe_bind(knobs)
    family = socket.AF_INET6 if ":" in knobs.host else socket.AF_INET
    try:
        socket.create_server((knobs.host, knobs.port), family=family).close()
    except OSError as error:
        raise NotStarted(
            f"Port {knobs.port} of {knobs.host} can't be used ({os.strerror(error.errno or 0)});"
            f" choose another one, for instance by DEMO_PORT={knobs.port + 10}."
        ) from error


@contextmanager
def blamed_on(setting: str) -> Iterator[None]:
    """What a server refuses is said with the name of the setting that led there."""
    try:
        yield
    except (RedisError, DBAPIError) as error:
        raise NotStarted(f"{setting}: {getattr(error, 'orig', error)}".strip()) from error
