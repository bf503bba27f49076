"""The claim check's store: one library for a local folder, Azure Blob and S3."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import AzureStore, LocalStore, S3Store, from_url

from demo.contract import PermanentFailure, TransientFailure
from demo.settings import Settings

PART = 5 << 20  # S3 takes no smaller one
AT_ONCE = 2
LISTED = 1000


# --8<-- [start:keys]
def upload_key(tenant: str, id: object) -> str:
    """Where an upload lies: no other part of the program makes such a name."""
    return f"{_folder(tenant)}/uploads/{id}"


def task_key(tenant: str, id: object, name: str = "") -> str:
    """Where a task's own blobs lie."""
    return f"{_folder(tenant)}/tasks/{id}/{name}"


def _folder(tenant: str) -> str:
    return f"t-{quote(tenant, safe='')}"  # no tenant's name can climb out of its folder


# --8<-- [end:keys]


@dataclass(frozen=True, slots=True)
class Blob:
    """What the store says of a blob."""

    key: str
    size: int
    etag: str


class Blobs:
    """Made after the fork, as engines are.

    Raises:
        PermanentFailure: `blob_gone`, `upload_changed`.
        TransientFailure: `blobs_unavailable`, when the store does not answer as it should.
    """

    # --8<-- [start:open]
    def __init__(self, knobs: Settings) -> None:
        """By `DEMO_BLOB_URL`; credentials come by the store's own variables or identity."""
        self.folder: Path | None = None
        self._store: Any
        if knobs.blob_url:
            self._store = from_url(
                knobs.blob_url,
                client_options={"allow_http": knobs.blob_http, "timeout": "30s"},
                retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=20)},
            )
        else:
            self.folder = knobs.data.resolve() / "blobs"
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store = LocalStore(self.folder, automatic_cleanup=True)

    # --8<-- [end:open]

    def head(self, key: str) -> Blob:
        """Size and version."""
        with _told(key):
            return _blob(obstore.head(self._store, key))

    # --8<-- [start:read]
    def read(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        """A range, of exactly this version when one is given."""
        options: Any = {"range": (start, start + length)}
        if etag:
            options["if_match"] = etag
        with _told(key):
            return bytes(obstore.get(self._store, key, options=options).bytes())

    def write(self, key: str, parts: Iterable[bytes | memoryview]) -> int:
        """All parts as one blob, which is there as a whole or not at all; its size."""
        size = 0

        def counted() -> Iterator[bytes | memoryview]:
            nonlocal size
            for part in parts:
                size += len(part)
                yield part

        with _told(key):
            obstore.put(self._store, key, counted(), chunk_size=PART, max_concurrency=AT_ONCE)
        return size

    # --8<-- [end:read]

    def remove(self, *keys: str) -> None:
        """Delete; what is gone already is fine."""
        for key in keys:
            with _told(key), suppress(FileNotFoundError):
                obstore.delete(self._store, key)

    def listed(self) -> Iterator[list[str]]:
        """All keys, some at a time."""
        with _told("the list"):
            for some in obstore.list(self._store, chunk_size=LISTED):
                yield [found["path"] for found in some]

    # --8<-- [start:sign]
    def signed(self, key: str, seconds: float) -> tuple[str, dict[str, str]]:
        """A URL by which this one blob can be written, and the headers that go with it."""
        if not isinstance(self._store, AzureStore | S3Store):
            raise TypeError("a local folder has no signed URLs")
        with _told(key):
            url = obstore.sign(self._store, "PUT", key, timedelta(seconds=seconds))
        azure = isinstance(self._store, AzureStore)
        return url, {"x-ms-blob-type": "BlockBlob"} if azure else {}

    # --8<-- [end:sign]


def _blob(found: Any) -> Blob:
    return Blob(found["path"], found["size"], found["e_tag"])


@contextmanager
def _told(key: str) -> Iterator[None]:
    """The library's errors in words of the contract; its own texts name hosts and accounts."""
    try:
        yield
    except FileNotFoundError:
        raise PermanentFailure("blob_gone", "What the task refers to is no longer there.") from None
    except PreconditionError:
        raise PermanentFailure(
            "upload_changed", "The upload was overwritten after it was complete."
        ) from None
    except (BaseError, OSError) as error:
        message = f"The blob store failed: {type(error).__name__}."
        raise TransientFailure("blobs_unavailable", message) from error
