"""Sessions of people: signed cookies that no script reads and no other site sends."""

import secrets
import time
from dataclasses import asdict, replace
from typing import Any

import jwt

from demo.auth import Principal

SESSION = "__Host-session"
SIGN_IN = "__Host-sign-in"
SIGN_IN_SECONDS = 600


class Seals:
    """Signs what a cookie holds, for one purpose and until a time."""

    def __init__(self, key: str) -> None:
        self._key = key

    def seal(self, purpose: str, until: float, **held: Any) -> str:
        """The cookie's text."""
        told = {"aud": purpose, "exp": int(until), "held": held}
        return jwt.encode(told, self._key, "HS256")

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """What was sealed; None: by somebody else, for something else, or too long ago."""
        try:
            told = jwt.decode(
                text,
                self._key,
                ["HS256"],
                audience=purpose,
                options={"require": ["exp", "aud"], "strict_aud": True},
            )
        except jwt.PyJWTError:
            return None
        return dict(told["held"])

    # --8<-- [start:session]
    def session(self, principal: Principal) -> str:
        """A session of somebody who has just signed in; it ends with the token that said so."""
        sid = secrets.token_urlsafe(16)
        one = replace(principal, session=sid, issued=time.time(), key=None)
        return self.seal(SESSION, one.expires, **{**asdict(one), "roles": sorted(one.roles)})

    def principal(self, text: str) -> Principal | None:
        """Whose session it is."""
        if held := self.open(SESSION, text):
            return Principal(**{**held, "roles": frozenset(held["roles"])})
        return None

    # --8<-- [end:session]
