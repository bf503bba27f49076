"""Many bad targets, as a first URL, as a name and as a redirect: an internal canary hears nothing.

Whatever is dialled that is not the one public site reaches the canary, which counts.
"""

import re
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from demo.contract import Page, PermanentFailure
from tests.integration.outbound.conftest import Outbounds
from tests.integration.outbound.world import INSIDE, PUBLIC, Server, World, http
from tests.targets import (
    BAD_ADDRESSES,
    BAD_NEAR_THE_GUIDE,
    BAD_URLS,
    GOOD_URLS,
    GUIDE,
    as_libc_reads,
)

SITE = "http://redirecting.test/"


@pytest.fixture
def canary(world: World, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Everywhere but at the public site."""
    hit = world.serve(http(b"secret"), name="inside.test", at=INSIDE)
    world.names = {f"name{n}.test": [address] for n, address in enumerate(BAD_ADDRESSES)}
    world.names |= {"localhost": ["::1", INSIDE], "mixed.test": [PUBLIC, "10.0.0.7"]}
    world.names |= {"rebind.test": [INSIDE], "nowhere.test": [""]}

    def resolve(host: str, port: int, seconds: float) -> list[str]:
        return world.names.get(host) or [as_libc_reads(host)]

    def dial(address: str, port: int, seconds: float) -> socket.socket:
        world.dialled.append(address)
        known = world.servers.get(address, hit)
        return socket.create_connection(("127.0.0.1", known.port), seconds)

    monkeypatch.setattr(world, "resolve", resolve)
    monkeypatch.setattr(world, "dial", dial)
    return hit


def bad_targets() -> Iterator[str]:
    yield from BAD_URLS
    yield from BAD_NEAR_THE_GUIDE
    yield from (f"http://name{n}.test/" for n in range(len(BAD_ADDRESSES)))


def can_be_a_location(url: str) -> bool:
    """Absolute and bad also where it was joined: that drops an empty user name, packs a space."""
    absolute = re.match("[a-z+]+://[^/?@]", url) and " " not in url
    return bool(absolute) and url.isascii() and url.isprintable() and len(url) < 60_000


def outcome(fetch: Callable[[str], Page], url: str) -> str:
    """The code of the refusal, or the page that came."""
    try:
        return str(fetch(url))
    except PermanentFailure as refused:
        return refused.code


@pytest.mark.claim("threat.s1")
@pytest.mark.claim("security.targets")
def test_no_bad_target_reaches_the_canary(
    world: World, canary: Server, outbound: Outbounds
) -> None:
    targets = list(bad_targets())
    assert len(targets) >= 120
    fetch = outbound(guide=GUIDE).fetch
    told = {url: outcome(fetch, url) for url in targets}
    assert {url: came for url, came in told.items() if came != "url_not_allowed"} == {}
    assert (world.dialled, canary.asked) == ([], [])


@pytest.mark.claim("threat.s2")
@pytest.mark.claim("security.targets")
def test_no_redirect_to_a_bad_target_reaches_the_canary(
    world: World, canary: Server, outbound: Outbounds
) -> None:
    targets = [url for url in bad_targets() if can_be_a_location(url)]
    assert len(targets) >= 120
    pages = {f"/{n}": http(b"", 302, Location=url) for n, url in enumerate(targets)}
    site = world.serve({"/robots.txt": http(b"", 404), **pages}, name="redirecting.test")
    fetch = outbound(guide=GUIDE, host_interval=0.001).fetch
    told = {url: outcome(fetch, f"{SITE}{n}") for n, url in enumerate(targets)}
    assert {url: came for url, came in told.items() if came != "url_not_allowed"} == {}
    assert len(site.asked) == 1 + len(targets)
    assert set(world.dialled) == {PUBLIC}
    assert canary.asked == []


@pytest.mark.claim("security.targets")
def test_no_good_target_is_refused(world: World, canary: Server, outbound: Outbounds) -> None:
    targets = [url for url in GOOD_URLS if urlsplit(url).scheme.lower() == "http"]
    site = world.serve(http(b"<title>There</title>"))
    assert len(targets) >= 20
    world.names |= {"93.184.215.14": [PUBLIC], "8.8.8.8": [PUBLIC], "test": [PUBLIC]}
    for url in targets:
        visited = len(site.asked) + len(canary.asked)
        assert outbound(guide=GUIDE, host_interval=0.001).fetch(url).status == 200, url
        assert len(site.asked) + len(canary.asked) > visited
