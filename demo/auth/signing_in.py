"""Sign-in for people: authorization code with PKCE, all of it on the server's side."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from demo.auth import IssuerAway, Principal, Unauthorized
from demo.auth.gate import Gate
from demo.auth.issuers import Issuer, client, fetched
from demo.auth.sessions import SIGN_IN, SIGN_IN_SECONDS
from demo.auth.tokens import principal
from demo.settings import Settings


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie that it brings back."""

    address: str
    cookie: str


class SignIn:
    """The first issuer's sign-in, as the client that the settings name."""

    def __init__(self, gate: Gate, knobs: Settings, back: str) -> None:
        self._gate, self._knobs, self._back = gate, knobs, back
        self._issuer: Issuer = gate.issuers[knobs.issuers[0]]

    # --8<-- [start:begin]
    async def begin(self, to: str) -> Begun:
        """Three secrets of this one sign-in, sealed in a cookie; the issuer sees two hashes of it.

        Raises:
            IssuerAway: its addresses can't be known.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._knobs.client_id,
            "redirect_uri": self._back,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        held = {"state": state, "nonce": nonce, "verifier": verifier, "to": to}
        cookie = self._gate.seals.seal(SIGN_IN, time.time() + SIGN_IN_SECONDS, **held)
        return Begun(f"{await self._address('authorization_endpoint')}?{urlencode(asked)}", cookie)

    # --8<-- [end:begin]

    # --8<-- [start:finish]
    async def finish(self, cookie: str, state: str, code: str, said: str) -> tuple[Principal, str]:
        """Who signed in, and where they were going.

        Raises:
            Unauthorized: not begun in this browser, not answered by this issuer, or not good.
            IssuerAway: that can't be known.
        """
        held = self._gate.seals.open(SIGN_IN, cookie)
        if not held or not secrets.compare_digest(held["state"].encode(), state.encode()):
            raise Unauthorized("That sign-in was not begun in this browser. Begin it again.")
        if said and said != self._issuer.url:
            raise Unauthorized("Another issuer answered.")
        token = await self._redeem(code, held["verifier"])
        claims, _ = await self._gate.tokens.claims(token, [self._knobs.client_id])
        if not secrets.compare_digest(str(claims.get("nonce", "")), held["nonce"]):
            raise Unauthorized("That sign-in is not the one that was begun.")
        return principal(claims, self._knobs), held["to"]

    # --8<-- [end:finish]

    async def _redeem(self, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._knobs.client_id,
            "code_verifier": verifier,
        }
        if secret := self._knobs.client_secret.get_secret_value():
            form["client_secret"] = secret
        where = await self._address("token_endpoint")
        try:
            async with client() as http:
                answer = await fetched(http.build_request("POST", where, data=form), http)
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500:
                raise Unauthorized(
                    "The issuer did not accept that sign-in. Begin it again."
                ) from None
            raise IssuerAway(where) from error
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise IssuerAway(where) from error
        return str(answer.get("id_token", ""))

    async def _address(self, name: str) -> str:
        if name not in self._issuer.addresses:
            await self._issuer.look(0)
        if name not in self._issuer.addresses:
            raise IssuerAway(self._issuer.url)
        return str(self._issuer.addresses[name])


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
