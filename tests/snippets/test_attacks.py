"""Each attack of the security guide is tried on the running demo and stopped where it says."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis

from tests.stack import Stack

ROOT = Path(__file__).parents[2]
ATTACKS = ROOT / "snippets" / "attacks"
TRANSCRIPTS = ROOT / "snippets" / "transcripts"
RECORD = os.environ.get("RECORD") == "1"


def program(name: str) -> ModuleType:
    """An attack as a module."""
    spec = importlib.util.spec_from_file_location(f"attack_{name}", ATTACKS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tasks(stack: Stack) -> int:
    """How many tasks there are."""
    return sum(stack.client.get("/status").json()["tasks"].values())


@pytest.mark.claim("security.ssrf")
@pytest.mark.claim("threat.s1")
def test_no_task_fetches_from_the_inside(stack: Stack) -> None:
    attack = program("metadata_ssrf")
    found = dict(attack.attack(stack.client))
    assert len(found) == len(attack.TARGETS)
    assert set(found.values()) == {"task failed: url_not_allowed"}


@pytest.mark.claim("security.quiet-refusal")
def test_a_refused_url_tells_nothing_about_the_network(stack: Stack) -> None:
    task = stack.ended(stack.submit("web_scrape", url="http://localhost:5432/", max_pages=1))
    told = str([task["error"], stack.events(task)]).replace(stack.url, "")
    assert "url_not_allowed" in told
    assert "127.0.0.1" not in told
    assert "::1" not in told


@pytest.mark.claim("security.cross-origin")
@pytest.mark.claim("threat.b2")
def test_no_other_web_page_drives_the_demo(stack: Stack) -> None:
    before = tasks(stack)
    for tried, stopped_by in program("cross_origin").attack(stack.client):
        assert stopped_by.startswith("403") or "no page of another origin" in stopped_by, tried
    assert tasks(stack) == before


@pytest.mark.claim("security.rebinding")
@pytest.mark.claim("threat.b3")
def test_a_rebound_name_gets_nothing(stack: Stack) -> None:
    before = tasks(stack)
    for tried, stopped_by in program("host_rebinding").attack(stack.client):
        assert stopped_by.startswith("421"), tried
    assert tasks(stack) == before


@pytest.mark.claim("security.bodies")
@pytest.mark.claim("threat.d2")
def test_no_body_is_read_beyond_its_limit(stack: Stack) -> None:
    before = tasks(stack)
    statuses = [stopped[:3] for _, stopped in program("oversize").attack(stack.client)]
    assert statuses == ["413", "413", "400", "422", "415"]
    assert tasks(stack) == before


@pytest.mark.claim("threat.a3")
@pytest.mark.claim("threat.t2")
def test_no_forged_field_or_position_is_taken(stack: Stack) -> None:
    before = tasks(stack)
    attack = program("forged_input")
    statuses = [stopped[:3] for _, stopped in attack.attack(stack.client)]
    assert statuses == ["422"] * len(attack.FIELDS) + ["400"] * len(attack.POSITIONS)
    assert tasks(stack) == before


@pytest.mark.claim("threat.d4")
@pytest.mark.claim("security.one-reading")
def test_no_request_is_read_in_two_ways(stack: Stack) -> None:
    attack = program("smuggling")
    found = dict(attack.attack(stack.url))
    assert len(found) == len(attack.REQUESTS) + len(attack.WHOLE)
    assert {tried: came for tried, came in found.items() if came != "refused, cut off"} == {}


@pytest.mark.claim("threat.d4")
@pytest.mark.claim("security.slow-clients")
def test_no_slow_client_holds_a_connection(stack: Stack) -> None:
    found = dict(program("slow_clients").attack(stack.url))
    assert set(found.values()) == {"cut off"}
    assert stack.client.get("/livez").status_code == 200


@pytest.mark.claim("security.headers")
@pytest.mark.parametrize("path", ["/", "/tasks", "/docs", "/nothing-here", "/tasks/unknown"])
def test_every_answer_tells_the_browser_what_it_may_do(stack: Stack, path: str) -> None:
    headers = stack.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    for rule in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert rule in policy
    if path != "/docs":
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy


@pytest.mark.claim("security.forged")
@pytest.mark.claim("threat.e2")
def test_forged_messages_are_worth_nothing(stack: Stack) -> None:
    found = dict(program("forged_messages").attack(stack.client, stack.valkey.url))
    assert found["wake-up"].endswith("the same")
    assert found["hint"] == "no claim, no new event"


@pytest.mark.claim("threat.e1")
@pytest.mark.claim("security.no-pickle")
def test_a_pickle_is_not_unpacked(stack: Stack) -> None:
    (found,) = program("pickled_message").attack(stack.client, stack.valkey.url)
    assert found == ("pickle", "not unpacked, and the worker lives")


@pytest.mark.claim("security.broker-password")
@pytest.mark.claim("threat.e2")
def test_the_broker_asks_for_its_password(stack: Stack) -> None:
    anonymous = Redis(host="127.0.0.1", port=stack.valkey.port, protocol=2)
    with pytest.raises(Exception, match="Authentication required"):
        anonymous.ping()
    anonymous.close()


@pytest.mark.parametrize(
    "name",
    [
        *("metadata_ssrf", "cross_origin", "host_rebinding"),
        *("forged_input", "oversize", "smuggling"),
    ],
)
def test_the_guide_shows_what_the_attacks_print(stack: Stack, name: str) -> None:
    path = f"snippets/attacks/{name}.py"
    command = [sys.executable, path, stack.url]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    told = f"$ python {path} http://127.0.0.1:8001\n{said}"
    recorded = TRANSCRIPTS / f"{name}.console"
    if RECORD:
        recorded.write_text(told)
    assert recorded.read_text() == told
