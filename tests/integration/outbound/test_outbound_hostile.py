"""A far side that means harm: redirects inside, bombs, endless answers, slow drips, false names."""

import gzip
import resource
import socket
import ssl
import threading
import time

import pytest
import trustme

from demo.contract import PermanentFailure, TransientFailure
from demo.outbound import guard
from demo.outbound.request import Client, certificates
from tests.integration.outbound.world import INSIDE, PUBLIC, World, http

OPEN = {"/robots.txt": http(b"", 404)}


def moved(to: str) -> bytes:
    return http(b"", 302, Location=to)


@pytest.mark.claim("security.ssrf")
@pytest.mark.parametrize(
    "to",
    [
        *("http://127.0.0.1/", "http://127.0.0.1:80/secret", "//127.0.0.1/", "http://inside.test/"),
        *("http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://user@127.0.0.1/"),
        *("file:///etc/passwd", "gopher://inside.test/", "http://site.test:22/", "http://[::1"),
    ],
)
@pytest.mark.claim("threat.s2")
def test_a_redirect_passes_the_same_guard_as_the_first_url(world, inside, outbound, to):
    site = world.serve(OPEN | {"/": moved(to)})
    with pytest.raises(PermanentFailure) as refused:
        outbound().fetch("http://site.test/")
    assert refused.value.code == "url_not_allowed"
    assert site.paths == ["/robots.txt", "/"]
    assert inside.asked == []


def test_a_redirect_out_of_the_guide_loses_its_exception(world, inside, outbound):
    world.serve({"/guide/": moved("/tasks")}, name="127.0.0.1", at=INSIDE)
    with pytest.raises(PermanentFailure) as refused:
        outbound(guide="http://127.0.0.1:8001/guide/").fetch("http://127.0.0.1:8001/guide/")
    assert refused.value.code == "url_not_allowed"
    assert world.servers[INSIDE].paths == ["/guide/"]


@pytest.mark.claim("threat.s2")
def test_a_redirect_loop_ends(world, outbound):
    site = world.serve(OPEN | {"/a": moved("/b"), "/b": moved("/a")})
    with pytest.raises(PermanentFailure) as refused:
        outbound().fetch("http://site.test/a")
    assert refused.value.code == "too_many_redirects"
    assert len(site.asked) == 1 + 5


def test_four_redirects_are_followed(world, outbound):
    hops = {f"/{n}": moved(f"/{n + 1}") for n in range(4)}
    world.serve(OPEN | hops | {"/4": http(b"there")})
    page = outbound().fetch("http://site.test/0")
    assert (page.url, page.body) == ("http://site.test/4", b"there")


@pytest.mark.claim("threat.s3")
def test_a_name_that_changes_its_address_is_checked_each_time(world, inside, outbound):
    world.serve(OPEN | {"/": http()})
    answers = iter([[PUBLIC], [PUBLIC], ["127.0.0.1"]])
    world.resolve = lambda *_: next(answers)
    fetch = outbound().fetch
    assert fetch("http://site.test/").status == 200
    with pytest.raises(PermanentFailure) as refused:
        fetch("http://site.test/")
    assert refused.value.code == "url_not_allowed"
    assert inside.asked == []


@pytest.mark.claim("threat.s3")
def test_one_address_inside_among_public_ones_refuses_the_name(world, inside, outbound):
    site = world.serve(http())
    world.names["site.test"] = [PUBLIC, INSIDE]
    with pytest.raises(PermanentFailure) as refused:
        outbound().fetch("http://site.test/")
    assert refused.value.code == "url_not_allowed"
    assert (site.asked, inside.asked) == ([], [])


def test_internal_hosts_are_refused_before_their_robots_are_asked(world, inside, outbound):
    for url in ("http://127.0.0.1/", "http://inside.test/", "http://[::ffff:7f00:1]/"):
        with pytest.raises(PermanentFailure) as refused:
            outbound().fetch(url)
        assert refused.value.code == "url_not_allowed"
    assert inside.asked == []


@pytest.fixture
def client(world: World) -> Client:
    """Requests alone, with a bound of size that is soon reached."""
    return Client(world.guard(), "demo/0", timeout=30, limit=100_000, tls=certificates())


@pytest.fixture
def hasty(world: World) -> Client:
    """The same with a bound of time; what is served to it takes 50 s or for ever."""
    return Client(world.guard(), "demo/0", timeout=1, limit=100_000, tls=certificates())


def fails(client: Client, url: str = "http://site.test/") -> tuple[str, float]:
    began = time.monotonic()
    with pytest.raises((PermanentFailure, TransientFailure)) as failed:
        client.get(client.guard.target(url))
    assert PUBLIC not in str(failed.value)
    return failed.value.code, time.monotonic() - began


def drip(lines: bytes):
    def answer(connected: socket.socket, _: str) -> None:
        for byte in lines:
            connected.sendall(bytes([byte]))
            time.sleep(0.05)

    return answer


SLOW = {
    "status line": b"HTTP/1.1 200 OK" + b" " * 1000,
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
    "body": b"HTTP/1.1 200 OK\r\n\r\n" + b"." * 1000,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n.\r\n" * 1000,
}


@pytest.mark.parametrize("part", SLOW)
@pytest.mark.claim("threat.s6")
def test_a_slow_drip_is_cut_at_the_total_deadline(world, hasty, part):
    world.serve(drip(SLOW[part]))
    code, took = fails(hasty)
    assert code == "timeout"
    assert 0.9 < took < 12


def test_a_host_that_accepts_and_says_nothing_is_cut(world, hasty):
    world.serve(lambda connected, _: connected.recv(1))
    code, took = fails(hasty)
    assert (code, took < 12) == ("timeout", True)


def test_a_tls_handshake_that_drips_is_cut(world, hasty):
    world.serve(drip(b"\x16\x03\x03\x40\x00" + b"\x02" * 1000))
    code, took = fails(hasty, "https://site.test/")
    assert (code, took < 12) == ("timeout", True)


def test_a_slow_lookup_is_cut(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answered.wait(30)][1:])
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        guard.resolve("site.test", 80, 0.2)
    answered.set()
    assert time.monotonic() - began < 7


def endless(head: bytes, unit: bytes):
    def answer(connected: socket.socket, _: str) -> None:
        connected.sendall(head)
        while True:
            connected.sendall(unit)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "body": (OK + b"\r\n", b"." * 10_000),
    "lying body": (OK + b"Content-Length: 999999999999\r\n\r\n", b"." * 10_000),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"." * 4096 + b"\r\n"),
    "tiny chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;x=yyyyyyyyyy\r\n.\r\n" * 500),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.claim("threat.s6")
def test_an_endless_answer_is_cut_at_the_bound(world, client, what):
    world.serve(endless(*ENDLESS[what]))
    assert fails(client)[0] == "body_too_large"


@pytest.mark.parametrize("line", [b"X: " + b"y" * 300_000 + b"\r\n\r\n", b"X: y\r\n" * 60_000])
@pytest.mark.claim("threat.s6")
def test_300_kb_of_headers_are_refused(world, client, line):
    world.serve(OK + line)
    assert fails(client)[0] == "headers_too_large"


@pytest.mark.claim("threat.s5")
def test_a_compressed_answer_is_refused_unread(world, client):
    bomb = gzip.compress(bytes(50_000_000))
    world.serve(http(bomb, Content_Encoding="gzip"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert fails(client)[0] == "unsupported_encoding"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


def test_a_body_of_exactly_the_bound_is_read(world, client):
    world.serve(http(b"." * 100_000))
    assert len(client.get(client.guard.target("http://site.test/")).body) == 100_000


@pytest.mark.parametrize(
    "noise", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n."]
)
def test_what_breaks_off_or_is_no_http_may_be_tried_again(world, client, noise):
    world.serve(noise)
    assert fails(client)[0] == "connection_failed"


def test_nobody_listening_may_be_tried_again(world, client):
    world.serve(http()).close()
    assert fails(client)[0] == "connection_failed"


def test_a_name_that_does_not_exist_is_permanent(world, client):
    def resolve(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    world.resolve = resolve
    client = Client(world.guard(), "demo/0", 60, 1000, certificates())
    assert fails(client)[0] == "host_not_found"


def serve_tls(world: World, authority: trustme.CA, name: str) -> list[str | None]:
    """A server with a certificate for `name`; returns the names that visitors asked for."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    asked: list[str | None] = []
    tls.sni_callback = lambda _, name, __: asked.append(name)

    def answer(connected: socket.socket, _: str) -> None:
        with tls.wrap_socket(connected, server_side=True) as wrapped:
            wrapped.recv(65_536)
            wrapped.sendall(http(b"in private"))

    world.serve(answer).reads_head = False
    return asked


def trusting(world: World, authority: trustme.CA) -> Client:
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    return Client(world.guard(), "demo/0", 60, 100_000, tls)


def test_tls_asks_for_the_name_although_an_address_was_dialled(world):
    authority = trustme.CA()
    asked = serve_tls(world, authority, "site.test")
    client = trusting(world, authority)
    answer = client.get(client.guard.target("https://site.test/"))
    assert (answer.body, asked, world.dialled) == (b"in private", ["site.test"], [PUBLIC])


def test_a_certificate_for_another_name_is_refused(world):
    authority = trustme.CA()
    serve_tls(world, authority, "other.test")
    assert fails(trusting(world, authority), "https://site.test/")[0] == "certificate_invalid"


def test_a_certificate_of_an_unknown_authority_is_refused(world, client):
    serve_tls(world, trustme.CA(), "site.test")
    assert fails(client, "https://site.test/")[0] == "certificate_invalid"
