"""An issuer's addresses and keys: found by discovery, kept, and looked up again in time."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from jwt import PyJWK, PyJWKSet, PyJWTError

from demo.auth import IssuerAway, Unauthorized
from demo.transport import is_loopback

LOG = logging.getLogger(__name__)
LARGEST = 1_000_000
KEPT = 24 * 3600.0  # while the issuer is away; Microsoft's advice, as the hour between two looks
SIGNING = {"RSA", "EC"}  # a symmetric key in a public document would let anyone sign


class Issuer:
    """One issuer, by the exact text that its tokens carry as `iss`."""

    def __init__(self, url: str, *, refresh: float, pause: float) -> None:
        self.url = url
        self.addresses: Mapping[str, Any] = {}
        self._refresh, self._pause = refresh, pause
        self._keys: dict[str, PyJWK] = {}
        self._read_at = self._tried_at = float("-inf")
        self._one = asyncio.Lock()

    def holds(self, id: str) -> bool:
        """Whether a key is still among the issuer's."""
        return id in self._keys

    # --8<-- [start:keys]
    async def key(self, id: str) -> PyJWK:
        """The key of that id; an unknown one is looked up, but never more often than the pause.

        Raises:
            Unauthorized: the issuer has no such key.
            IssuerAway: its keys can't be known.
        """
        if id not in self._keys:
            await self.look(self._pause)
        if id in self._keys:
            return self._keys[id]
        if not self._keys:
            raise IssuerAway(self.url)
        raise Unauthorized("The token is not valid here.")

    async def look(self, at_most_every: float | None = None) -> None:
        """Read discovery and keys, unless done a moment ago; old keys outlive a failure."""
        every = self._refresh if at_most_every is None else at_most_every
        async with self._one:
            now = time.monotonic()
            failed = self._tried_at > self._read_at
            if now - self._tried_at < (min(every, self._pause) if failed else every):
                return
            self._tried_at = now
            try:
                self.addresses, self._keys = await self._read()
                self._read_at = now
            except (httpx.HTTPError, ValueError, KeyError, TypeError, PyJWTError) as error:
                LOG.warning("issuer not read: %s", type(error).__name__)
                if now - self._read_at > KEPT:
                    self._keys = {}

    # --8<-- [end:keys]

    async def _read(self) -> tuple[Mapping[str, Any], dict[str, PyJWK]]:
        async with client() as http:
            where = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
            addresses = await fetched(http.build_request("GET", where), http)
            if addresses["issuer"] != self.url:
                raise ValueError("the issuer names itself otherwise")
            listed = await fetched(http.build_request("GET", addresses["jwks_uri"]), http)
        usable = [
            jwk
            for jwk in listed["keys"]
            if jwk.get("kty") in SIGNING
            and jwk.get("use", "sig") == "sig"
            and jwk.get("issuer", self.url) == self.url
        ]
        return addresses, {key.key_id: key for key in PyJWKSet(usable).keys if key.key_id}


def client() -> httpx.AsyncClient:
    """For the addresses of the issuer, which the operator named: no redirects, no proxy."""
    return httpx.AsyncClient(timeout=3, trust_env=False, follow_redirects=False)


async def fetched(request: httpx.Request, http: httpx.AsyncClient) -> Mapping[str, Any]:
    """A JSON object from the issuer, bounded, over TLS unless on this machine."""
    parts = urlsplit(str(request.url))
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        raise ValueError("not over TLS")
    answer = await http.send(request, stream=True)
    try:
        answer.raise_for_status()
        body = b""
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > LARGEST:
                raise ValueError("too large")
    finally:
        await answer.aclose()
    found = json.loads(body)
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found
