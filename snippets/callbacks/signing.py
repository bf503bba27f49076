"""Signatures by the Standard Webhooks scheme: what sender and receiver share."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

TOLERANCE = 300  # seconds between two clocks, and the age of a message that may still be taken


class Refused(Exception):
    """Nobody who holds a secret sent this, or it was sent long ago."""


# --8<-- [start:sign]
def signature(secret: str, id: str, timestamp: int, body: bytes) -> bytes:
    """One signature over id, time and body, for these very bytes."""
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")
    return b"v1," + b64encode(digest)


def headers(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Signed with every secret that is valid now: two while one replaces the other."""
    signed = b" ".join(signature(secret, id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signed.decode(),
    }


# --8<-- [end:sign]


# --8<-- [start:verify]
def verified(secrets: Sequence[str], sent: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a message that is genuine and fresh.

    Raises:
        Refused: it is neither, and nobody is told which.
    """
    id, timestamp = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    given = sent.get("webhook-signature", "").encode().split()
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise Refused
    if abs(now - int(timestamp)) > TOLERANCE:
        raise Refused
    wanted = [signature(secret, id, int(timestamp), body) for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
        raise Refused
    return id


# --8<-- [end:verify]
