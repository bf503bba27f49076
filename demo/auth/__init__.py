"""Who is asking: by a token, by a session, or as the person at the keyboard on open loopback."""

from dataclasses import dataclass
from math import inf

from demo.settings import Settings
from demo.transport import is_loopback


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a request runs; every statement carries the tenant."""

    tenant: str
    roles: frozenset[str] = frozenset()
    subject: str = ""
    name: str = ""
    issued: float = 0
    expires: float = inf
    session: str = ""
    key: tuple[str, str] | None = None  # issuer and id of the key that signed the token


ROLES = frozenset({"user", "operator"})
NOBODY = Principal("")


class Unauthorized(Exception):
    """Nobody is asking who may; the text is for the caller, and tells nothing to a forger."""


class IssuerAway(Exception):
    """Whether a token is good can't be known right now, so that nobody gets in."""


# --8<-- [start:bind]
def refuse_unsafe_bind(knobs: Settings) -> None:
    """Stop before the port opens: without an issuer the API is for loopback only.

    Raises:
        SystemExit: the bind would reach others.
    """
    if not knobs.issuers and not is_loopback(knobs.host) and not knobs.published_on_loopback:
        raise SystemExit(
            f"DEMO_HOST={knobs.host} would let others in, and no issuer says who they are.\n"
            "Set DEMO_ISSUERS and DEMO_AUDIENCES, or bind 127.0.0.1; in a container whose port is "
            "published on 127.0.0.1 only, set DEMO_PUBLISHED_ON_LOOPBACK=true."
        )
    if knobs.issuers and not knobs.audiences:
        raise SystemExit("DEMO_ISSUERS needs DEMO_AUDIENCES: whose tokens are for this API?")


# --8<-- [end:bind]


def principal_of(client: str | None, knobs: Settings) -> Principal | None:
    """The one tenant of open loopback; None: the caller is from elsewhere."""
    if is_loopback(client) or knobs.published_on_loopback:
        return Principal(knobs.tenant, ROLES, name="the person at the keyboard")
    return None
