"""The gate: who a request comes from, and whether that still holds."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from demo.auth import IssuerAway, Principal, Unauthorized
from demo.auth.issuers import Issuer
from demo.auth.sessions import SESSION, Seals
from demo.auth.tokens import Tokens
from demo.beside import beside
from demo.settings import Settings
from demo.store.revoking import revocation_key, revoked

LOG = logging.getLogger(__name__)
SAFE = {"GET", "HEAD"}
NOBODY_ASKS = "Send a token, or sign in."


class Gate:
    """Stands before every route when there is an issuer."""

    def __init__(self, knobs: Settings, engine: AsyncEngine) -> None:
        self.issuers = {
            url: Issuer(url, refresh=knobs.keys_refresh, pause=knobs.keys_pause)
            for url in knobs.issuers
        }
        self.tokens = Tokens(knobs, self.issuers)
        self.seals = Seals(knobs.session_key.get_secret_value())
        self._engine = engine
        self._every = knobs.revocation_poll
        self._sessions = bool(knobs.client_id)
        self._revoked: dict[str, float] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Gate"]:
        """Learn of revocations and new keys until the block ends."""
        async with beside(self._learn()):
            yield self

    async def principal(self, method: str, own: str, headers: Mapping[str, str]) -> Principal:
        """Who asks: by the header if there is one, else by the cookie of our own pages.

        Raises:
            Unauthorized: nobody who may.
            IssuerAway: that can't be known.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise Unauthorized(NOBODY_ASKS)
            found: Principal | None = await self.tokens.principal(token.strip())
        else:
            found = self._by_session(method, own, headers)
        if found is None:
            raise Unauthorized(NOBODY_ASKS)
        if self._revoked is None:
            raise IssuerAway("revocations are not known yet")
        if not self.still(found):
            raise Unauthorized("The token or session was ended.")
        return found

    # --8<-- [start:still]
    def still(self, principal: Principal) -> bool:
        """Whether who asked a while ago may still listen; streams ask at every turn."""
        if principal.expires <= time.time() or not self.tokens.signed(principal):
            return False
        names = [("subject", principal.subject), ("session", principal.session)]
        keys = [revocation_key(principal.tenant, *name) for name in names if name[1]]
        return all((self._revoked or {}).get(key, 0) < principal.issued for key in keys)

    # --8<-- [end:still]

    # --8<-- [start:cookie]
    def _by_session(self, method: str, own: str, headers: Mapping[str, str]) -> Principal | None:
        """A cookie counts only from our own origin: SameSite alone takes any port for ours."""
        if not self._sessions or not from_own_page(method, own, headers):
            return None
        text = cookies(headers).get(SESSION)
        return self.seals.principal(text) if text else None

    # --8<-- [end:cookie]

    async def _learn(self) -> None:
        while True:
            try:
                async with self._engine.connect() as connection:
                    self._revoked = await connection.run_sync(revoked)
            except (OSError, SQLAlchemyError) as error:  # what was known still holds
                LOG.warning("revocations not read: %s", type(error).__name__)
            await asyncio.gather(*(issuer.look() for issuer in self.issuers.values()))
            await asyncio.sleep(self._every)


def from_own_page(method: str, own: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser sends this for a page of ours, or for the person at its address bar."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin and origin != own:
        return False
    if site is None:
        return origin == own or method in SAFE
    return site == "same-origin" or (site == "none" and method in SAFE)


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a request; none when they can't be read."""
    try:
        return {name: one.value for name, one in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}
