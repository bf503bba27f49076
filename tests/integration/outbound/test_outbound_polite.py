"""What a host may expect of all our processes together: robots.txt, turns, patience."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from demo.contract import PermanentFailure, TransientFailure
from demo.store import hosts
from demo.store.engines import begin, engine
from tests.integration.conftest import lose
from tests.integration.outbound.world import INSIDE, http

ROOT = Path(__file__).parents[3]
URL = "http://site.test/"
GUIDE = "http://127.0.0.1:8001/guide/"
OPEN = {"/robots.txt": http(b"", 404), "/": http()}


def busy(status: int = 503, **headers: object) -> dict[str, bytes]:
    return OPEN | {"/": http(b"", status, **headers)}


def failure(outbound, url: str = URL) -> TransientFailure | PermanentFailure:
    with pytest.raises((TransientFailure, PermanentFailure)) as failed:
        outbound.fetch(url)
    return failed.value


BOOKED = """
CREATE TABLE booked (at timestamptz);
CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN INSERT INTO booked VALUES (NEW.next_at - interval '0.3 s'); RETURN NEW; END $$;
CREATE TRIGGER note_turn AFTER INSERT OR UPDATE OF next_at ON hosts
    FOR EACH ROW EXECUTE FUNCTION note_turn();
"""


@pytest.fixture
def booked(database):
    """The turns at hosts that were booked in the database, in seconds of the epoch."""
    owner = engine(database.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(BOOKED)

    def turns() -> list[float]:
        with owner.begin() as connection:
            found = connection.exec_driver_sql(
                "SELECT extract(epoch FROM at) FROM booked ORDER BY at"
            )
            return [float(at) for at in found.scalars()]

    yield turns
    owner.dispose()


@pytest.mark.claim("threat.s8")
def test_two_processes_together_ask_a_host_once_an_interval(world, database, booked):
    site = world.serve(OPEN)
    command = [sys.executable, "-m", "tests.integration.outbound.visitor", database.worker]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    visitors = [
        subprocess.Popen([*command, str(site.port), "4"], cwd=ROOT, env=environment)
        for _ in range(2)
    ]
    assert [visitor.wait(100) for visitor in visitors] == [0, 0]
    turns = booked()
    assert len(turns) == len(site.times) == 2 * (4 + 1)
    assert min(later - one for one, later in pairwise(turns)) >= 0.299
    # a process may be late for its own turn, never early
    assert all(at > turn - 0.01 for at, turn in zip(sorted(site.times), turns, strict=True))


def test_the_own_guide_is_read_at_a_livelier_pace_without_robots(world, outbound):
    guide = world.serve({"/guide/": http()}, name="127.0.0.1", at=INSIDE)
    reader, waits = outbound(GUIDE, host_interval=5, guide_interval=0.01), []
    for _ in range(3):
        assert reader.fetch(GUIDE, waits.append).status == 200
    assert guide.paths == ["/guide/"] * 3
    assert max(waits) < 1


def test_a_crawl_delay_is_kept(world, outbound):
    world.serve(OPEN | {"/robots.txt": http(b"User-agent: *\nCrawl-delay: 70")})
    waits: list[float] = []
    reader = outbound()
    for _ in range(2):
        reader.fetch(URL, waits.append)
    assert 10 < waits[-1] < 71


def test_the_agent_names_itself_and_asks_for_plain_html(world, outbound):
    site = world.serve(OPEN)
    outbound(user_agent="demo/1 (+http://example.com)").fetch(URL)
    assert "User-Agent: demo/1 (+http://example.com)" in site.asked[-1]
    assert "Accept-Encoding: identity" in site.asked[-1]
    assert "Host: site.test\r\n" in site.asked[-1]
    assert "cookie" not in site.asked[-1].lower()


ROBOTS = {
    "nothing": (http(b"", 404), True),
    "forbidden": (http(b"", 403), True),
    "html": (http(b"<html>welcome</html>"), True),
    "binary": (http(bytes(range(256))), True),
    "all are welcome": (http(b"User-agent: *\nDisallow:"), True),
    "nobody is": (http(b"User-agent: *\nDisallow: /"), False),
    "not this page": (http(b"User-agent: *\nDisallow: /page"), False),
    "this page after all": (http(b"User-agent: *\nDisallow: /\nAllow: /page"), True),
    "not us": (http(b"User-agent: long-running-operations-demo\nDisallow: /"), False),
    "not another": (http(b"User-agent: other\nDisallow: /"), True),
    "us, not all": (
        http(b"User-agent: *\nDisallow: /\n\nUser-agent: long-running-operations-demo\nAllow: /"),
        True,
    ),
    "loop": (http(b"", 302, Location="/robots.txt"), True),
}


@pytest.mark.parametrize("what", ROBOTS)
@pytest.mark.claim("threat.s8")
def test_robots_are_heeded_as_rfc_9309_says(world, outbound, what):
    answer, allowed = ROBOTS[what]
    site = world.serve({"/robots.txt": answer, "/page": http()})
    if allowed:
        assert outbound().fetch(f"{URL}page").status == 200
    else:
        assert failure(outbound(), f"{URL}page").code == "robots_disallow"
        assert "/page" not in site.paths


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(b"", 500), "robots_unreachable"),
        (b"", "connection_failed"),
        (http(b"", 503), "far_side_busy"),
    ],
)
def test_unreachable_robots_disallow_everything_for_now(world, outbound, answer, code):
    site = world.serve({"/robots.txt": answer, "/": http()})
    failed = failure(outbound())
    assert isinstance(failed, TransientFailure)
    assert failed.code == code
    assert "/" not in site.paths


def test_robots_are_read_once_for_many_pages(world, outbound):
    site = world.serve(OPEN)
    reader = outbound()
    for _ in range(3):
        reader.fetch(URL)
    assert site.paths.count("/robots.txt") == 1


def test_robots_hold_for_where_a_redirect_leads(world, outbound):
    world.serve(OPEN | {"/": http(b"", 302, Location="http://other.test/")})
    other = world.serve(
        {"/robots.txt": http(b"User-agent: *\nDisallow: /")}, "other.test", "1.1.1.1"
    )
    assert failure(outbound()).code == "robots_disallow"
    assert other.paths == ["/robots.txt"]


def test_a_status_is_data(world, outbound):
    for status in (200, 204, 401, 404, 410, 418, 500, 501):
        world.serve(OPEN | {"/": http(b"", status)})
        assert outbound().fetch(URL).status == status


def test_the_far_sides_own_wish_is_told_and_kept_by_all_processes(world, outbound):
    site = world.serve(busy(429, Retry_After=120))
    failed = failure(outbound())
    assert (failed.code, failed.retry_after) == ("far_side_busy", 120)
    other = failure(outbound())
    assert other.code == "breaker_open"
    assert 60 < other.retry_after <= 120
    assert site.paths.count("/") == 1


def test_a_date_is_understood_and_a_long_wait_is_bounded(world, outbound):
    world.serve(busy(Retry_After=formatdate(time.time() + 90, usegmt=True)))
    assert 30 < failure(outbound()).retry_after <= 90
    world.serve(busy(Retry_After="99999999999999999999"), "b.test", "1.1.1.1")
    assert failure(outbound(), "http://b.test/").retry_after == 3600
    world.serve(busy(Retry_After="soon"), "c.test", "1.0.0.1")
    assert failure(outbound(), "http://c.test/").retry_after is None


@pytest.mark.claim("core.breaker")
def test_a_breaker_opens_for_all_processes_and_one_probe_closes_it(world, outbound, database):
    site = world.serve(busy())
    one, two = (outbound(breaker_failures=3, breaker_seconds=600) for _ in range(2))
    assert [failure(one).code for _ in range(3)] == ["far_side_busy"] * 3
    asked = len(site.asked)
    assert failure(two).code == failure(one).code == "breaker_open"
    assert len(site.asked) == asked

    time_passes(database)
    arrived, go_on = threading.Event(), threading.Event()

    def answer(connected, path: str) -> None:
        arrived.set()
        go_on.wait(60)
        connected.sendall(OPEN[path])

    site.answer = answer
    probe = threading.Thread(target=one.fetch, args=(URL,))
    probe.start()
    assert arrived.wait(60)
    assert failure(two).code == "breaker_open"
    go_on.set()
    probe.join(60)
    assert two.fetch(URL).status == 200


def test_a_probe_that_fails_opens_the_breaker_again(world, outbound, database):
    world.serve(busy())
    reader = outbound(breaker_failures=2, breaker_seconds=600)
    codes = [failure(reader).code for _ in range(3)]
    time_passes(database)
    codes += [failure(reader).code for _ in range(2)]
    assert codes == [*["far_side_busy"] * 2, "breaker_open", "far_side_busy", "breaker_open"]


def time_passes(database) -> None:
    source = engine(database.worker)
    with begin(source) as connection:
        connection.execute(text("UPDATE hosts SET open_until = clock_timestamp()"))
    source.dispose()


@pytest.mark.claim("threat.s8")
@pytest.mark.claim("security.tenant-hosts")
def test_a_tenant_reads_so_many_hosts_in_an_hour(world, outbound, database):
    one, two = (outbound(tenant_hosts=2) for _ in range(2))
    sites = [world.serve(OPEN, f"{n}.test", f"1.1.1.{n}") for n in range(1, 4)]
    for reader, n in ((one, 1), (two, 2), (two, 1)):
        assert reader.fetch(f"http://{n}.test/").status == 200
    with pytest.raises(TransientFailure) as refused:
        one.fetch("http://3.test/")
    assert refused.value.code == "too_many_hosts"
    assert 3000 < refused.value.retry_after <= 3600
    assert not sites[2].asked
    assert one.fetch("http://3.test/", tenant="another").status == 200
    source = engine(database.owner)
    with begin(source) as connection:
        connection.execute(
            text("UPDATE visits SET at = at - interval '1 hour' WHERE host = '1.test'")
        )
    source.dispose()
    assert one.fetch("http://3.test/").status == 200


def test_the_hosts_of_a_tenant_are_counted_one_by_one(database):
    source = engine(database.worker, pool_size=8)

    def visits(n: int) -> bool:
        with begin(source) as connection:
            return hosts.visit(connection, "t", f"{n}.test", most=3) is None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(visits, range(40))) == 3
    source.dispose()


def test_a_refused_url_opens_no_breaker(world, inside, outbound):
    reader = outbound(breaker_failures=1)
    assert [failure(reader, "http://inside.test/").code for _ in range(3)] == [
        "url_not_allowed"
    ] * 3


def test_an_outage_of_postgresql_is_waited_out(world, outbound, servers):
    world.serve(OPEN)
    reader, waits = outbound(), []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if seconds == 1 and not servers.postgres.alive:
            servers.postgres.start()

    reader.fetch(URL, sleep)
    lose(servers.postgres)
    assert reader.fetch(URL, sleep).status == 200
    assert 1 in waits


def test_a_sleep_that_is_interrupted_stops_the_fetch(world, outbound):
    class Stop(BaseException):
        """As the worker's."""

    def sleep(_: float) -> None:
        raise Stop

    site = world.serve(OPEN)
    with pytest.raises(Stop):
        outbound().fetch(URL, sleep)
    assert site.asked == []
