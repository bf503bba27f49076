"""Access tokens: who may be believed, and what is taken from them."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from demo.auth import ROLES, Principal, Unauthorized
from demo.auth.issuers import Issuer
from demo.settings import Settings

ALGORITHMS = ("RS256", "PS256", "ES256")  # never the token's own word for it
LONGEST = 16_384
KNOWN = 10_000
SKEW = 30  # of the issuer's clock; the end of a token is taken by ours
WRONG = "The token is not valid here."


class Tokens:
    """Verifies tokens; one that was good is known by its hash until it ends."""

    def __init__(self, knobs: Settings, issuers: Mapping[str, Issuer]) -> None:
        self._knobs = knobs
        self._issuers = issuers
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """Who is meant by an access token.

        Raises:
            Unauthorized: it is not good, here or now.
            IssuerAway: that can't be known.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None or not self.signed(known):
            claims, key = await self.claims(token, self._knobs.audiences)
            self._check_purpose(token, claims)
            known = principal(claims, self._knobs, key)
            self._known[digest] = known
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        if known.expires <= time.time():
            del self._known[digest]
            raise Unauthorized("The token has expired.")
        return known

    def signed(self, known: Principal) -> bool:
        """Whether the key of a token that was good is still the issuer's."""
        return known.key is None or self._issuers[known.key[0]].holds(known.key[1])

    # --8<-- [start:verify]
    async def claims(
        self, token: str, audiences: Iterable[str]
    ) -> tuple[Mapping[str, Any], tuple[str, str]]:
        """What a token says, once signature, issuer, audience and times are right."""
        try:
            if len(token) > LONGEST:
                raise Unauthorized(WRONG)
            said = jwt.decode_complete(token, options={"verify_signature": False})
            issuer = self._issuers[str(said["payload"]["iss"])]  # one of ours; its keys decide
            kid = str(said["header"]["kid"])
            claims = jwt.decode(
                token,
                await issuer.key(kid),
                algorithms=ALGORITHMS,
                issuer=issuer.url,
                audience=list(audiences),
                leeway=SKEW,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthorized("The token has expired.") from None
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise Unauthorized(WRONG) from None
        return claims, (issuer.url, kid)

    def _check_purpose(self, token: str, claims: Mapping[str, Any]) -> None:
        """An ID token says who signed in; it is no permission to call an API."""
        scopes = str(claims.get("scp") or claims.get("scope") or "").split()
        header = str(jwt.get_unverified_header(token).get("typ", "")).lower()
        is_app = claims.get("idtyp") == "app" or (not scopes and header.endswith("at+jwt"))
        if not is_app and self._knobs.scope not in scopes:
            raise Unauthorized(WRONG)

    # --8<-- [end:verify]


# --8<-- [start:principal]
def principal(
    claims: Mapping[str, Any], knobs: Settings, key: tuple[str, str] | None = None
) -> Principal:
    """Tenant, subject and roles of a verified token; the tenant comes from nowhere else."""
    tenant = claims.get(knobs.tenant_claim)
    subject = claims.get("oid") or claims.get("sub")
    roles = claims.get("roles", [])
    if not isinstance(tenant, str) or not tenant or not isinstance(subject, str):
        raise Unauthorized(WRONG)
    if len(knobs.issuers) > 1 and tenant not in str(claims["iss"]).split("/"):
        raise Unauthorized(WRONG)  # one issuer may not speak for the tenant of another
    held = ROLES.intersection(roles) if isinstance(roles, list) else frozenset[str]()
    return Principal(
        tenant=tenant,
        roles=frozenset(held | {"user"} if "operator" in held else held),
        subject=subject,
        name=str(claims.get("name", ""))[:200],
        issued=float(claims["iat"]),
        expires=float(claims["exp"]),
        key=key,
    )


# --8<-- [end:principal]
