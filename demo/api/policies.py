"""Security headers by area: strict for API and UI, as strict as their parts allow elsewhere."""

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from starlette.types import Scope

INLINE = re.compile(rb"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL | re.I)
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
# of this name alone: what lives below it is its owner's to decide
TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
NOTHING_ELSE = "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

# --8<-- [start:strict]
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    f"{NOTHING_ELSE}; require-trusted-types-for 'script'; trusted-types 'none'"
)
# --8<-- [end:strict]
# Swagger UI and mermaid write style elements at run time, which no hash can name
STYLED = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    f"font-src 'self' data:; connect-src 'self'; {NOTHING_ELSE}"
)


def security_headers(scope: Scope, site: Path) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, by where it is and how it was asked for."""
    path = scope["path"]
    if path == "/guide" or path.startswith("/guide/"):
        policy = f"{STYLED}; script-src 'self' {_hashes(site)}".strip()
    elif path == "/docs" or path.startswith("/docs/"):
        policy = f"{STYLED}; script-src 'self'"
    else:
        policy = STRICT
    return _encoded(policy, scope["scheme"] == "https")


@lru_cache(maxsize=8)
def _encoded(policy: str, secure: bool) -> list[tuple[bytes, bytes]]:
    named = {**COMMON, **(TLS_ONLY if secure else {}), "Content-Security-Policy": policy}
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]


def _hashes(site: Path) -> str:
    """Of all inline scripts of the built site: instant navigation runs them under any page."""
    try:
        return _hashed(site, (site / "sitemap.xml").stat().st_mtime_ns)
    except FileNotFoundError:
        return ""  # not built yet, or being replaced


@lru_cache(maxsize=2)
def _hashed(site: Path, built: int) -> str:
    return " ".join(sorted({_hash(code) for page in site.rglob("*.html") for code in _code(page)}))


def _code(page: Path) -> Iterator[bytes]:
    for found in INLINE.finditer(page.read_bytes()):
        if b"src=" not in found["attributes"] and b"json" not in found["attributes"]:
            yield found["code"]


def _hash(code: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode()}'"


CORS = {
    "Access-Control-Expose-Headers": "Operation-Location, Location, Retry-After, ETag, "
    "Idempotent-Replayed, Idempotency-Key-Expires, Preference-Applied",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key, If-None-Match, "
    "Last-Event-ID, Operation-Id, Prefer",
    "Access-Control-Max-Age": "600",
    "Cache-Control": "no-store",
}
