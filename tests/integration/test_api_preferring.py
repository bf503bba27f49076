"""`Prefer: respond-async, wait=N`: a client waits for the end instead of polling for it."""

import json
import socket
import threading
import time
from typing import Any

import httpx
import pytest

from demo.api.preferring import preferences

from .conftest import PATIENCE, Api, Hands, StartApi, lose, submit, until
from .metering import no_connection_is_held

REHEARSAL = {"kind": "rehearsal", "input": {"steps": 2}}
LONG = 100  # seconds: a wait of that is not over by itself


class Waiting(threading.Thread):
    """A request that is kept waiting."""

    def __init__(self, api: Api, method: str, path: str, prefer: str = "", **more: Any) -> None:
        super().__init__()
        more.setdefault("headers", {"Prefer": prefer})
        self.ask = lambda: httpx.request(
            method, f"{api.url}{path}", timeout=2 * LONG, trust_env=False, **more
        )
        self.began = time.monotonic()
        self.start()

    def run(self) -> None:
        self.answer = self.ask()
        self.took = time.monotonic() - self.began

    def done(self) -> httpx.Response:
        self.join(PATIENCE)
        assert not self.is_alive(), "it still waits"
        return self.answer


@pytest.mark.claim("http.prefer-wait")
def test_who_waits_gets_the_end_as_soon_as_it_is_there(
    patient: Api, client: httpx.Client, hands: Hands, servers: Any
) -> None:
    """This API hardly ever sweeps, so that the wake-up alone can have ended the wait."""
    post = Waiting(patient, "POST", "/tasks", f"wait={LONG}", json=REHEARSAL)
    ((id,),) = until(lambda: hands.rows("SELECT id::text FROM tasks"))
    monitor = Waiting(patient, "GET", f"/tasks/{id}", f"wait={LONG}")
    result = Waiting(patient, "GET", f"/tasks/{id}/result", f"wait={LONG}")
    hands.claim(id)
    until(lambda: client.get("/status").json())
    with patient.client() as other:
        until(lambda: other.get("/status").json()["streams"] == 3)
    no_connection_is_held(servers, hands)
    assert all(waiting.is_alive() for waiting in (post, monitor, result))
    hands.finish(id, result={"pages": 7})
    for waiting in (post, monitor):
        answer = waiting.done()
        assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
        assert answer.headers["preference-applied"] == f"wait={LONG}"
        assert "retry-after" not in answer.headers
        assert waiting.took < LONG / 3
    assert post.answer.headers["operation-location"].endswith(f"/tasks/{id}")
    assert (result.done().status_code, result.answer.json()) == (200, {"pages": 7})
    assert "Prefer" in monitor.answer.headers["vary"]


@pytest.mark.claim("http.prefer-wait")
def test_a_wait_that_is_over_gets_the_202(client: httpx.Client, hands: Hands) -> None:
    def ask(prefer: str) -> tuple[int, str | None]:
        answer = client.post("/tasks", json=REHEARSAL, headers={"Prefer": prefer})
        assert answer.json()["status"] == "queued"
        assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code, answer.headers.get("preference-applied")

    began = time.monotonic()
    assert ask("respond-async, wait=1") == (202, "respond-async, wait=1")
    assert ask("wait=1") == (202, "wait=1")
    assert time.monotonic() - began > 1.9
    assert ask("respond-async") == (202, "respond-async")
    assert ask("wait=0") == (202, "wait=0")
    for bad in ("wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", 'x="wait=1', ";wait=1", "é"):
        assert ask(bad.encode("latin-1")) == (202, None), bad  # type: ignore[arg-type]
    id = submit(client, steps=1)["id"]
    still = client.get(f"/tasks/{id}", headers={"Prefer": "wait=1"})
    assert (still.status_code, still.json()["status"]) == (200, "queued")
    result = client.get(f"/tasks/{id}/result", headers={"Prefer": "wait=1"})
    assert (result.status_code, result.headers["preference-applied"]) == (202, "wait=1")


@pytest.mark.claim("http.prefer-bound")
def test_the_server_bounds_the_wait_and_ends_it_when_it_stops(
    start_api: StartApi, own_hands: Hands
) -> None:
    with start_api(longest_wait=1) as api, api.client() as client:
        bounded = client.post("/tasks", json=REHEARSAL, headers={"Prefer": "wait=3600"})
        assert (bounded.status_code, bounded.headers["preference-applied"]) == (202, "wait=1")
    with start_api(longest_wait=LONG, drain=LONG) as api, api.client() as client:
        waiting = Waiting(api, "POST", "/tasks", f"wait={LONG}", json=REHEARSAL)
        until(lambda: client.get("/status").json()["streams"])
        client.close()
        code, seconds = api.terminate()
        assert (waiting.done().status_code, code) == (202, 0)
        assert seconds < LONG / 4


@pytest.mark.claim("http.prefer-bound")
def test_a_wait_that_would_begin_while_the_server_stops_does_not(
    start_api: StartApi, own_hands: Hands
) -> None:
    body = json.dumps(REHEARSAL).encode()
    head = (
        "POST /tasks HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
        f"Content-Length: {len(body)}", "Expect: 100-continue", f"Prefer: wait={LONG}", "", "",
    )  # fmt: skip
    with (
        start_api(longest_wait=LONG, drain=LONG) as api,
        socket.create_connection(address(api), PATIENCE) as line,
    ):
        line.sendall("\r\n".join(head).encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 100 "), "it reads the body now"
        api.process.terminate()
        until(lambda: not accepts(api))
        line.sendall(body)
        assert line.recv(1000).startswith(b"HTTP/1.1 202 ")
        assert api.process.wait(PATIENCE) == 0


def address(api: Api) -> tuple[str, int]:
    host, port = api.url.removeprefix("http://").split(":")
    return host, int(port)


def accepts(api: Api) -> bool:
    """Whether the port is open."""
    with socket.socket() as probe:
        return probe.connect_ex(address(api)) == 0


@pytest.mark.claim("http.prefer-promise")
def test_what_was_accepted_is_told_though_the_database_goes(
    start_api: StartApi, own_hands: Hands, servers: Any
) -> None:
    with start_api() as api, api.client() as client:
        waiting = Waiting(api, "POST", "/tasks", "wait=5", json=REHEARSAL)
        until(lambda: client.get("/status").json()["streams"] or not waiting.is_alive())
        lose(servers.postgres)
        try:
            assert waiting.done().status_code == 202
        finally:
            servers.postgres.start()
    own_hands.source.dispose()


def test_preferences_are_read_as_the_rfc_says() -> None:
    assert preferences(["Respond-Async, WAIT=10", f"wait={LONG}"]) == {
        "respond-async": "", "wait": "10"
    }  # fmt: skip
    assert preferences(['wait = "5" ; a=1;b, handling=lenient']) == {
        "wait": "5", "handling": "lenient"
    }  # fmt: skip
    assert preferences(['foo="a, wait=7", ,', "=1", "a b"]) == {}
