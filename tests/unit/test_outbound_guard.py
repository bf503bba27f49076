"""Which URLs and addresses the guard lets through: none of the bad, all of the good."""

import ipaddress
import socket

import pytest

from demo.contract import PermanentFailure
from demo.outbound import Guard
from demo.outbound.guard import Target, surely_public
from tests.targets import (
    BAD_ADDRESSES,
    BAD_NEAR_THE_GUIDE,
    BAD_URLS,
    GOOD_ADDRESSES,
    GOOD_URLS,
    GUIDE,
    PUBLIC,
    as_libc_reads,
)


class World:
    """Names and their addresses; whoever is dialled is noted."""

    def __init__(self) -> None:
        self.dialled: list[str] = []
        self.lookups = 0

    def resolve(self, host: str, port: int, seconds: float) -> list[str]:
        self.lookups += 1
        return {
            "localhost": ["127.0.0.1", "::1"],
            "mixed.test": [PUBLIC, "10.0.0.7"],
            "nowhere.test": [""],
            "rebind.test": [PUBLIC] if self.lookups == 2 else ["127.0.0.1"],
        }.get(host) or [as_libc_reads(host)]

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.socket()

    def visit(self, url: str) -> Target:
        guard = Guard(GUIDE, self.resolve, self.dial)
        target = guard.target(url)
        guard.connect(target, lambda: 5).close()
        return target


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.claim("security.is-global")
@pytest.mark.parametrize("address", ["224.0.0.1", "64:ff9b::7f00:1", "168.63.129.16"])
def test_what_python_calls_global_is_not_believed(address: str):
    assert ipaddress.ip_address(address).is_global
    assert not surely_public(address)


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.claim("threat.s1")
def test_an_address_that_is_not_surely_public_is_refused(address: str):
    assert not surely_public(address)


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_a_public_address_is_not_refused(address: str):
    assert surely_public(address)


@pytest.mark.claim("security.ssrf")
@pytest.mark.parametrize("url", [*BAD_URLS, *BAD_NEAR_THE_GUIDE], ids=lambda url: repr(url[:50]))
@pytest.mark.claim("threat.s1")
def test_a_bad_url_reaches_nobody(world: World, url: str):
    with pytest.raises(PermanentFailure) as refused:
        world.visit(url)
    assert refused.value.code == "url_not_allowed"
    assert world.dialled == []


@pytest.mark.parametrize("url", GOOD_URLS)
@pytest.mark.claim("threat.s1")
def test_a_good_url_is_dialled_at_the_address_that_was_checked(world: World, url: str):
    target = world.visit(url)
    own = target.url.port == 8001
    assert target.own is own
    assert len(world.dialled) == world.lookups == 1
    assert own or surely_public(world.dialled[0])


@pytest.mark.claim("security.quiet-refusal")
def test_a_refusal_does_not_tell_what_a_name_resolves_to(world: World):
    with pytest.raises(PermanentFailure) as refused:
        world.visit("http://mixed.test/")
    assert "10.0.0.7" not in str(refused.value)


def test_without_a_guide_loopback_has_no_exception(world: World):
    with pytest.raises(PermanentFailure):
        Guard(None, world.resolve, world.dial).target(GUIDE)


def test_the_next_address_is_tried_when_one_does_not_answer():
    dialled = []

    def dial(address: str, port: int, seconds: float) -> socket.socket:
        dialled.append((address, seconds))
        if address == "2606:4700::1":
            raise ConnectionRefusedError
        return socket.socket()

    guard = Guard(None, lambda *_: ["2606:4700::1", PUBLIC], dial)
    guard.connect(guard.target("http://site.test/"), lambda: 8).close()
    assert dialled == [("2606:4700::1", 4), (PUBLIC, 8)]
