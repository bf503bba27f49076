"""The local folder's way in: a body of gigabytes into a file, in bounded memory, to be resumed."""

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from fastapi import Request
from starlette.requests import ClientDisconnect

from demo.api.problems import Refusal
from demo.store.uploads import Uploaded

PIECE = 1 << 20
RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
CLOSE = {"Connection": "close"}


def partial(blob: Path) -> Path:
    """Where the bytes of an open upload are."""
    return blob.with_suffix(".part")


def received(blob: Path) -> int:
    """How many bytes need not be sent again."""
    for path in (partial(blob), blob):
        if path.exists():
            return path.stat().st_size
    return 0


# --8<-- [start:range]
def asked_range(told: str | None, size: int) -> tuple[int, int]:
    """First byte and the one after the last: all of it, or `Content-Range` (RFC 9110, 14.5)."""
    if told is None:
        return 0, size
    match = RANGE.fullmatch(told.strip())
    first, last, whole = map(int, match.groups()) if match else (1, 0, 0)
    if not first <= last < whole or whole != size:
        raise Refusal("malformed-request", f"`Content-Range: bytes FIRST-LAST/{size}`.", CLOSE)
    return first, last + 1


# --8<-- [end:range]


# --8<-- [start:receive]
async def receive(
    request: Request, blob: Path, wanted: tuple[int, int], slot: Uploaded, pause: float
) -> bool:
    """Append the body where it belongs; whether the upload is then complete.

    What arrived before a cut stays. Without a `Content-Range` it begins anew.
    """
    first, end = wanted
    blob.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(partial(blob)) as file:
        have = file.seek(0, os.SEEK_END)
        if first and first != have:
            raise Refusal(
                "wrong-offset", f"Go on at byte {have}.", {"Upload-Offset": str(have), **CLOSE}
            )
        file.truncate(first)
        file.seek(0)
        digest = await asyncio.to_thread(_digest, file)
        await _append(request, file, digest, end - first, pause)
        if file.tell() < slot.size:
            return False
        if slot.sha256 not in {None, digest.hexdigest()}:
            file.truncate(0)
            raise Refusal("digest-mismatch", "Other bytes arrived than were declared. Send again.")
        await asyncio.to_thread(os.fsync, file.fileno())
        partial(blob).rename(blob)
    return True


async def _append(
    request: Request, file: BufferedRandom, digest: "hashlib._Hash", length: int, pause: float
) -> None:
    waiting, left = bytearray(), length
    chunks = request.stream()
    try:
        while left:
            async with asyncio.timeout(pause):
                chunk = await anext(chunks, b"")
            if not chunk:
                raise Refusal("malformed-request", "The body ended before its range.", CLOSE)
            left -= len(chunk)
            if left < 0:
                raise Refusal("too-large", "More bytes than the slot is for.", CLOSE)
            waiting += chunk
            if len(waiting) >= PIECE or not left:
                await asyncio.to_thread(_write, file, digest, bytes(waiting))
                waiting.clear()
    except TimeoutError:
        raise Refusal("too-slow", "Ask for the offset and go on.", CLOSE) from None
    except ClientDisconnect:
        raise Refusal("malformed-request", "The body ended early.", CLOSE) from None
    finally:
        if waiting and left >= 0:
            _write(file, digest, bytes(waiting))


# --8<-- [end:receive]


def _write(file: BufferedRandom, digest: "hashlib._Hash", piece: bytes) -> None:
    file.write(piece)
    file.flush()
    digest.update(piece)


def _digest(file: BufferedRandom) -> "hashlib._Hash":
    return hashlib.file_digest(file, "sha256")


@contextmanager
def _held(path: Path) -> Iterator[BufferedRandom]:
    """One sender at a time; the kernel lets go however this process ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = "Another request sends to this slot."
            raise Refusal("busy", told, {"Retry-After": "1", **CLOSE}) from None
        yield file
