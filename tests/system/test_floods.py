"""A flood of one kind or of one tenant, ten times what can run, starves nobody else."""

import pytest

from tests.integration.outbound.world import Server, http
from tests.stack import eventually
from tests.system.fleet import ENDLESS, Fleet, fleet  # noqa: F401

SLOTS, FLOOD, VISITS = 4, 40, 20
# seconds; what is promised while a slot is free for the other. On two busy cores it is 0.1, and
# without what is tested here nothing ever starts
WITHIN = 2.0


@pytest.fixture
def site():
    server = Server(http(b"<title>Hello</title>"))
    yield f"http://127.0.0.1:{server.port}/"
    server.close()


@pytest.mark.claim("fair.reserved")
def test_a_flood_of_one_kind_leaves_a_reserved_slot_to_the_other(fleet: Fleet, site: str):  # noqa: F811
    fleet.environment["DEMO_GUIDE_URL"] = site
    page = {"url": site, "max_pages": 1}
    fleet.dispatcher()
    fleet.worker("shared", SLOTS - 1)
    reserved = fleet.worker("reserved", 1, "web")
    for _ in range(FLOOD):
        fleet.submit(**ENDLESS)
    eventually(lambda: fleet.running() == SLOTS - 1, within=120)
    assert fleet.visits(VISITS, "web_scrape", "local", **page) < WITHIN

    # the same four slots without a reservation: one line for all
    reserved.kill()
    fleet.worker("fourth", 1)
    eventually(lambda: fleet.running() == SLOTS, within=120)
    assert fleet.starts_none(3 * WITHIN, "web_scrape", "local", **page)


@pytest.mark.claim("fair.cap-starves-nobody")
def test_a_flood_of_one_tenant_runs_into_its_cap(fleet: Fleet):  # noqa: F811
    short = {"steps": 1, "step_seconds": 0}
    capped = {"DEMO_TENANT_CAP": str(SLOTS - 1)}
    members = [fleet.dispatcher(**capped), fleet.worker("capped", SLOTS, **capped)]
    for _ in range(FLOOD):
        fleet.submit(tenant="flood", **ENDLESS)
    eventually(lambda: fleet.running("flood") == SLOTS - 1, within=120)
    assert fleet.visits(VISITS, "rehearsal", "small", **short) < WITHIN
    assert fleet.running("flood") == SLOTS - 1

    # the same without a cap
    for member in members:
        member.kill()
    fleet.dispatcher()
    fleet.worker("capped", SLOTS)
    eventually(lambda: fleet.running("flood") == SLOTS, within=120)
    assert fleet.starts_none(3 * WITHIN, "rehearsal", "small", **short)
