"""What a work may touch of the world, for one attempt; everything ends early when it must stop."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from demo.blobs import Blobs, task_key, upload_key
from demo.contract import Page, PermanentFailure
from demo.store import uploads
from demo.store.engines import begin
from demo.worker.attempt import Attempt
from demo.worker.process import Process


class Uploaded:
    """A complete upload, read in the version that was complete."""

    def __init__(self, row: uploads.Uploaded, blobs: Blobs, attempt: Attempt) -> None:
        self.size, self.sha256 = row.size, row.sha256
        self._key, self._etag = upload_key(row.tenant, row.id), row.etag
        self._blobs, self._attempt = blobs, attempt

    def read(self, start: int, length: int) -> bytes:
        """See `demo.contract.Upload`."""
        self._attempt.heed()
        return self._blobs.read(self._key, start, length, etag=self._etag)


class Toolbox:
    """See `demo.contract.Tools`."""

    def __init__(self, process: Process, attempt: Attempt) -> None:
        self._process = process
        self._attempt = attempt

    def fetch(self, url: str) -> Page:
        """See `demo.contract.Tools`."""
        attempt = self._attempt
        return self._process.outbound.fetch(
            url, attempt.sleep, attempt.buffer.add, tenant=attempt.task.tenant
        )

    # --8<-- [start:key]
    def key(self, effect: str) -> str:
        """Task and effect; never the attempt, or each attempt would be a new intent."""
        return f"{self._attempt.task.id}/{effect}"

    # --8<-- [end:key]

    def sleep(self, seconds: float) -> None:
        """See `demo.contract.Tools`."""
        self._attempt.sleep(seconds)

    def upload(self, id: UUID) -> Uploaded:
        """See `demo.contract.Tools`."""
        with begin(self._process.source) as connection:
            row = uploads.used(connection, self._attempt.task.tenant, id)
        if row is None:
            raise PermanentFailure("blob_gone", "What the task refers to is no longer there.")
        return Uploaded(row, self._process.blobs, self._attempt)

    # --8<-- [start:write]
    def write(self, name: str, parts: Iterable[bytes | memoryview]) -> dict[str, Any]:
        """A name that only this attempt writes: what a fenced one leaves behind harms nobody."""
        self._attempt.heed()
        task, own = self._attempt.task, f"{self._attempt.task.attempt}-{name}"
        size = self._process.blobs.write(self._key(own), parts)
        return {"name": own, "bytes": size, "href": f"/tasks/{task.id}/report"}

    # --8<-- [end:write]

    def read(self, name: str, start: int, length: int) -> bytes:
        """See `demo.contract.Tools`."""
        self._attempt.heed()
        return self._process.blobs.read(self._key(name), start, length)

    def remove(self, name: str) -> None:
        """See `demo.contract.Tools`."""
        self._process.blobs.remove(self._key(name))

    def _key(self, name: str) -> str:
        return task_key(self._attempt.task.tenant, self._attempt.task.id, name)
