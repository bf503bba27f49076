"""A stream ends with the right to it; and no token is written down anywhere."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.conftest import PATIENCE, Api, Hands, Reader, until
from tests.integration.identity.conftest import bearer, secured
from tests.integration.identity.test_sessions import Person
from tests.integration.test_api_traces import collector
from tests.issuer import ADA, BOB, Issuer

TASK = {"kind": "rehearsal", "input": {"steps": 1}}


@pytest.fixture
def task(guarded: Api, issuer: Issuer, hands: Hands) -> str:
    with guarded.client(headers=bearer(issuer.token())) as client:
        id = client.post("/tasks", json=TASK).json()["id"]
    hands.claim(id)
    return str(id)


def told(reader: Reader, api: Api, path: str, headers: dict[str, str]) -> int:
    """What the client hears that comes back, as every client does."""
    reader.wait_for_end()
    assert reader.status == 200
    with api.client(headers=headers) as client, client.stream("GET", path) as answer:
        return answer.status_code


def ending(api: Api, issuer: Issuer, path: str) -> tuple[Reader, dict[str, str]]:
    """A stream with a token that ends soon, though not before it told something."""
    for seconds in (2, 5, 20):
        headers = bearer(issuer.token(seconds=seconds))
        reader = Reader(f"{api.url}{path}", **headers)
        reader.wait_for_bytes()
        if reader.status == 200 and reader.raw:
            return reader, headers
    raise AssertionError("no token was good for as long as an answer takes")


@pytest.mark.claim("identity.stream-expiry")
@pytest.mark.claim("threat.t1")
@pytest.mark.parametrize("path", ["/tasks/{id}/stream", "/stream?task={id}"])
def test_a_stream_ends_with_its_token(guarded: Api, issuer: Issuer, task: str, path: str) -> None:
    path = path.format(id=task)
    lasting = Reader(f"{guarded.url}{path}", **bearer(issuer.token()))
    reader, headers = ending(guarded, issuer, path)
    assert told(reader, guarded, path, headers) == 401
    assert not lasting.ended.is_set()
    lasting.leave()


@pytest.mark.claim("identity.stream-revocation")
def test_streams_end_when_their_reader_is_shut_out_or_signs_out(
    guarded: Api, issuer: Issuer, hands: Hands, task: str
) -> None:
    issuer.person = ADA
    person = Person(guarded).signs_in()
    cookie = {"Cookie": f"__Host-session={person.jar['__Host-session']}"}
    mine = bearer(issuer.token({**ADA, "oid": "eve"}))
    path = f"/tasks/{task}/stream"
    by_cookie, by_token = (Reader(f"{guarded.url}{path}", **one) for one in (cookie, mine))
    for reader in (by_cookie, by_token):
        reader.wait_for_bytes()
    assert person.ask("POST", "/session/sign-out").status_code == 204
    assert told(by_cookie, guarded, path, cookie) == 401
    assert not by_token.ended.is_set()
    operator = bearer(issuer.token({**ADA, "oid": "root", "roles": ["operator"]}))
    shut = {"url": f"{guarded.url}/revocations", "json": {"subject": "eve"}, "headers": operator}
    assert httpx.post(**shut, timeout=PATIENCE, trust_env=False).status_code == 204
    assert told(by_token, guarded, path, mine) == 401
    person.http.close()


@pytest.mark.claim("identity.stream-memory")
def test_what_is_in_memory_for_one_tenant_is_not_there_for_another(
    guarded: Api, issuer: Issuer, task: str
) -> None:
    mine, theirs = bearer(issuer.token()), bearer(issuer.token(BOB))
    path = f"/tasks/{task}/stream"
    reader = Reader(f"{guarded.url}{path}", **mine)
    reader.wait_for(2)
    for asked in (path, f"/stream?task={task}", f"/stream?task={task}:2"):
        with guarded.client(headers=theirs) as client, client.stream("GET", asked) as answer:
            assert answer.status_code == 404, "followed here, and not theirs"
    again = Reader(f"{guarded.url}/stream?task={task}", **mine)
    again.wait_for_bytes()
    for one in (reader, again):
        one.leave()


@pytest.mark.claim("identity.not-told-after")
def test_nothing_is_told_after_the_right_has_ended(
    guarded: Api, issuer: Issuer, hands: Hands, task: str
) -> None:
    reader, headers = ending(guarded, issuer, f"/tasks/{task}/stream")
    reader.wait_for(2)
    with guarded.client(headers=headers) as client:
        until(lambda: client.get("/tasks").status_code == 401)
    hands.log(task, "a secret of later")
    reader.wait_for_end()
    assert b"a secret of later" not in reader.raw


@pytest.fixture
def watched(
    servers: Any, database: Any, issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> Iterator[tuple[Api, list[Any]]]:
    with (
        collector() as (endpoint, spans),
        secured(servers, database, issuer, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as api,
    ):
        yield api, spans


@pytest.mark.claim("identity.canary")
def test_no_token_code_or_cookie_is_written_down(
    watched: tuple[Api, list[Any]], issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    api, spans = watched
    issuer.person = BOB
    token, forged = issuer.token(BOB), issuer.token(BOB, aud="canary-audience")
    person = Person(api).signs_in()
    person.ask("POST", "/tasks", json=TASK)
    secrets = [token, forged, *(value for value in person.jar.values() if value)]
    for line in person.set:
        secrets.append(line.split(";")[0].split("=", 1)[1].strip('"'))
    with api.client() as client:
        for one in (token, forged, "canary-nonsense"):
            client.get("/tasks", headers=bearer(one))
            client.get("/tasks", params={"access_token": one, "token": one})
            client.get(f"/tasks/{one[:60]}")
            client.post("/tasks", content=one, headers=bearer(one))
        made = client.post("/tasks", json=TASK, headers=bearer(token)).json()["id"]
        with client.stream("GET", f"/tasks/{made}/stream", headers=bearer(token)) as stream:
            next(stream.iter_raw())
    until(lambda: sum(span.name == "POST /tasks" for span in spans) >= 2)
    api.terminate()
    written = json.dumps([str(span) for span in spans]) + "".join(capfd.readouterr())
    assert "POST /tasks" in written
    for secret in filter(None, secrets):
        for piece in (secret, secret[-40:]):
            assert piece not in written
    person.http.close()
