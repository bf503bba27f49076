"""The orphan sweep: a blob lives as long as a row names it, whoever left it behind."""

import re

from sqlalchemy import Engine

from demo.blobs import Blobs
from demo.store import uploads
from demo.store.engines import begin

OURS = re.compile(r"t-[^/]+/(uploads|tasks)/([0-9a-f-]{36})(?:\.part|/([^/]+))?")


# --8<-- [start:sweep]
def sweep(source: Engine, blobs: Blobs) -> int:
    """Forget expired uploads, then delete what no row names; returns how many blobs went.

    The row always comes first, so a blob without one is nobody's any more.
    """
    with begin(source) as connection:
        uploads.expire(connection)
    gone = 0
    for keys in blobs.listed():
        orphans = _orphans(source, keys)
        blobs.remove(*orphans)
        gone += len(orphans)
    return gone


def _orphans(source: Engine, keys: list[str]) -> list[str]:
    """Open tasks keep all they wrote, final ones only the report of their result."""
    ours = [found for found in map(OURS.fullmatch, keys) if found]
    ids = {folder: {one[2] for one in ours if one[1] == folder} for folder in ("uploads", "tasks")}
    with begin(source) as connection:
        named = uploads.named(connection, **ids)
    return [one[0] for one in ours if named.get(one[2], "") not in {None, one[3]}]


# --8<-- [end:sweep]
