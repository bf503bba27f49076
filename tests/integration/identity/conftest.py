"""An API that believes a real issuer, for callers of two tenants."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.integration.conftest import Api, running_api, until
from tests.issuer import Issuer

FAST = {"revocation_poll": 0.5, "keepalive": 1, "sweep": 0.5, "linger": 1, "keys_pause": 0.2}


def ready(api: Api, issuer: Issuer) -> None:
    """Wait until the issuer's keys and the revocations are known."""
    headers = bearer(issuer.token())
    with api.client(headers=headers) as client:
        until(lambda: client.get("/status").status_code == 200)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with Issuer.running() as issuer:
        yield issuer


@contextmanager
def secured(servers: Any, database: Any, issuer: Issuer, **settings: Any) -> Iterator[Api]:
    """An API process behind an issuer."""
    with running_api(servers, database, {**FAST, **issuer.settings, **settings}) as api:
        ready(api, issuer)
        yield api


@pytest.fixture(scope="session")
def guarded(servers: Any, shared_database: Any, issuer: Issuer) -> Iterator[Api]:
    """One for all tests that need no settings of their own."""
    with secured(servers, shared_database, issuer) as api:
        yield api


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(guarded: Api, hands: Any) -> Iterator[Ask]:
    """`ask("GET", "/tasks", token)`."""
    with guarded.client() as client:

        def asked(method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
            headers = (bearer(token) if token else {}) | more.pop("headers", {})
            client.cookies.clear()
            return client.request(method, path, headers=headers, **more)

        yield asked
