"""The way of a large input: a slot, its bytes, a cut, and a task that names it."""

import hashlib
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from demo.store.engines import engine
from tests.integration.conftest import PATIENCE, Api, StartApi, until

CSV = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000))
SHA = hashlib.sha256(CSV).hexdigest()

pytestmark = pytest.mark.timeout(400)  # the first one may install Azurite


@pytest.fixture
def api(start_api: StartApi, store_settings: dict[str, str]) -> Iterator[Api]:
    with start_api(**store_settings) as api:
        yield api


@pytest.fixture
def folder_api(start_api: StartApi) -> Iterator[Api]:
    with start_api(upload_limit=2_000_000, upload_slots=4) as api:
        yield api


def opened(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/uploads", json={"size": len(CSV), **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"].endswith(f"/uploads/{answer.json()['id']}")
    return dict(answer.json())


def sent(client: httpx.Client, slot: dict[str, Any], data: bytes = CSV) -> dict[str, Any]:
    """As the slot says: to the API or straight to the store, then the word that it is complete."""
    how = slot["transfer"]
    put = httpx.request(
        how["method"],
        how["url"],
        content=data,
        headers=how["headers"],
        trust_env=False,
        timeout=PATIENCE,
    )
    assert put.is_success, put.text
    done = client.post(f"/uploads/{slot['id']}/complete")
    assert done.status_code == 200, done.text
    return dict(done.json())


def task_with(client: httpx.Client, upload: str, **headers: str) -> httpx.Response:
    body = {"kind": "dataset_profile", "input": {"upload": upload}}
    return client.post("/tasks", json=body, headers=headers)


@pytest.mark.claim("claim-check.slot")
def test_a_slot_is_filled_completed_and_named_by_a_task(
    api: Api, store_settings: dict[str, str]
) -> None:
    with api.client() as client:
        slot = opened(client, sha256=SHA)
        assert (slot["status"], slot["received"]) == ("open", 0)
        direct = not slot["transfer"]["url"].startswith(api.url)
        assert direct == bool(store_settings), "the bytes go where the store is"
        early = task_with(client, slot["id"])
        assert early.status_code == 422
        assert early.json()["type"].endswith("#upload-not-usable")
        full = sent(client, slot)
        assert (full["status"], full["received"], full["transfer"]) == ("complete", len(CSV), None)
        assert task_with(client, slot["id"]).status_code == 202
        again = client.post(f"/uploads/{slot['id']}/complete")
        assert again.json() == full, "said twice, once true"


@pytest.mark.claim("claim-check.signed")
def test_a_signed_url_opens_one_blob_for_writing_and_nothing_else(
    start_api: StartApi, emulator: dict[str, str]
) -> None:
    with start_api(**emulator) as api, api.client() as client:
        slot, other = opened(client), opened(client)
        url = slot["transfer"]["url"]
        elsewhere = url.replace(slot["id"], other["id"])
        put: dict[str, Any] = {"content": CSV, "headers": slot["transfer"]["headers"]}
        with httpx.Client(timeout=PATIENCE, trust_env=False) as anyone:
            assert anyone.put(elsewhere, **put).status_code == 403
            assert anyone.get(url).status_code == 403
            assert anyone.delete(url).status_code == 403
            assert anyone.put(url, **put).status_code == 201
            short = anyone.put(other["transfer"]["url"], **{**put, "content": CSV[:9]})
            assert short.status_code == 201
        assert client.put(f"/uploads/{slot['id']}", content=CSV).status_code == 409
        assert client.post(f"/uploads/{other['id']}/complete").status_code == 409


@pytest.mark.claim("claim-check.resume")
def test_after_a_cut_the_client_asks_for_the_offset_and_goes_on(folder_api: Api) -> None:
    with folder_api.client() as client:
        slot = opened(client, sha256=SHA)
        path, half = f"/uploads/{slot['id']}", len(CSV) // 2
        cut(folder_api.url, path, CSV[:half], len(CSV))
        until(lambda: client.get(path).json()["received"] == half)
        head = client.head(path)
        assert head.headers["Upload-Offset"] == str(half)
        assert head.headers["Upload-Complete"] == "?0"

        wrong = client.put(path, content=CSV[9:], headers=ranged(9, len(CSV)))
        assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, str(half))
        rest = client.put(path, content=CSV[half:], headers=ranged(half, len(CSV)))
        assert rest.status_code == 200, rest.text
        assert rest.json()["status"] == "complete"
        assert rest.headers["Upload-Complete"] == "?1"
        late = client.put(path, content=CSV)
        assert late.status_code == 409, "what is complete stays as it is"


def ranged(first: int, size: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {first}-{size - 1}/{size}"}


def cut(url: str, path: str, part: bytes, size: int) -> None:
    """Promise all, send a part, and hang up."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), PATIENCE) as line:
        head = f"PUT {path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: {size}\r\n\r\n"
        line.sendall(head.encode() + part)


@pytest.mark.claim("claim-check.hash")
def test_other_bytes_than_declared_are_refused_and_may_be_sent_again(folder_api: Api) -> None:
    with folder_api.client() as client:
        slot = opened(client, sha256=SHA)
        path = f"/uploads/{slot['id']}"
        refused = client.put(path, content=CSV.replace(b"7", b"8"))
        assert refused.status_code == 422
        assert client.get(path).json()["received"] == 0
        assert client.put(path, content=CSV).json()["status"] == "complete"


@pytest.mark.claim("claim-check.bounded")
def test_what_does_not_fit_is_refused_in_words(folder_api: Api) -> None:
    with folder_api.client() as client:
        assert client.post("/uploads", json={"size": 2_000_001}).status_code == 413
        assert client.post("/uploads", json={"size": 0}).status_code == 422
        slot = opened(client)
        path = f"/uploads/{slot['id']}"
        assert client.put(path, content=CSV + b"x").status_code == 413
        assert client.put(path, content=CSV[:-1]).status_code == 400
        for told in ("bytes 0-9/*", "bytes 9-0/10", "bytes 0-9/10", "lines 0-9/10", "bytes -1-2/3"):
            answer = client.put(path, content=b"x", headers={"Content-Range": told})
            assert answer.status_code == 400, told
        for _ in range(3):
            opened(client)
        assert client.post("/uploads", json={"size": 1}).status_code == 429


def test_two_senders_at_once_are_one_too_many(folder_api: Api) -> None:
    with folder_api.client() as client:
        slot = opened(client)
        at = urlsplit(folder_api.url)
        path = f"/uploads/{slot['id']}"
        with socket.create_connection((at.hostname, at.port), PATIENCE) as line:
            head = f"PUT {path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: {len(CSV)}\r\n\r\n"
            line.sendall(head.encode() + CSV[:10])
            busy = until(lambda: _busy(client, path))
            assert busy.headers["Retry-After"] == "1"
        until(lambda: client.put(path, content=CSV).is_success)


def _busy(client: httpx.Client, path: str) -> httpx.Response | None:
    """Until the first sender holds the slot, a sender of one byte too few is told so instead."""
    answer = client.put(path, content=CSV[:-1])
    return answer if answer.status_code == 409 else None


@pytest.mark.claim("claim-check.silent-sender")
def test_a_sender_that_falls_silent_is_cut_off(start_api: StartApi) -> None:
    with start_api(upload_pause=0.3) as api, api.client() as client:
        slot = opened(client)
        at = urlsplit(api.url)
        with socket.create_connection((at.hostname, at.port), PATIENCE) as line:
            path = f"/uploads/{slot['id']}"
            head = f"PUT {path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: {len(CSV)}\r\n\r\n"
            line.sendall(head.encode() + CSV[:10])
            assert line.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert client.get(f"/uploads/{slot['id']}").json()["received"] == 10


@pytest.mark.claim("claim-check.tenant")
def test_another_tenant_s_upload_and_report_do_not_exist(
    start_api: StartApi, own_hands: Any
) -> None:
    with start_api(tenant="ours") as ours, ours.client() as client:
        slot = opened(client)
        sent(client, slot)
        task = task_with(client, slot["id"]).json()
        own_hands.claim(task["id"])
        own_hands.finish(task["id"], result={"report": {"name": "1-report.json", "bytes": 2}})
        with start_api(tenant="theirs") as theirs, theirs.client() as other:
            for id in (slot["id"], str(uuid4()), "no-uuid"):
                for method, path in (("GET", ""), ("PUT", ""), ("POST", "/complete")):
                    answer = other.request(method, f"/uploads/{id}{path}")
                    body = {**answer.json(), "instance": ""}
                    assert (answer.status_code, body["detail"]) == (404, "There is no such upload.")
            mine, nobody = (task_with(other, id) for id in (slot["id"], str(uuid4())))
            assert mine.status_code == nobody.status_code == 422
            assert mine.json()["detail"] == nobody.json()["detail"]
            assert other.get(f"/tasks/{task['id']}/report").status_code == 404
    assert own_hands.rows("SELECT tenant FROM uploads") == [("ours",)]


@pytest.mark.claim("claim-check.replay")
def test_a_replay_is_answered_when_its_upload_has_long_gone(
    start_api: StartApi, database: Any
) -> None:
    with start_api() as api, api.client() as client:
        slot = opened(client)
        sent(client, slot)
        key = {"Idempotency-Key": '"once"'}
        first = task_with(client, slot["id"], **key)
        with engine(database.owner).begin() as owner:
            owner.execute(text("UPDATE uploads SET expires = now()"))
        again = task_with(client, slot["id"], **key)
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert task_with(client, slot["id"]).status_code == 422
