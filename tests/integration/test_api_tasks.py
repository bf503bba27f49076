"""The HTTP contract of tasks, against a real process, PostgreSQL and Valkey."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from redis import Redis
from sqlalchemy import text
from uuid_utils import uuid7

from demo.contract import Status
from demo.store.engines import engine

from .conftest import PATIENCE, Api, Hands, submit, until

REHEARSAL = {"kind": "rehearsal", "input": {"steps": 2}}
ERROR = {"code": "url_not_allowed", "message": "That address is not public."}


def in_every_state(client: httpx.Client, hands: Hands) -> dict[str, str]:
    """One task in each status."""
    ids = {status.value: submit(client, steps=1)["id"] for status in Status}
    for name in ("running", "canceling", "succeeded", "failed"):
        hands.claim(ids[name])
    for name in ("canceling", "canceled"):
        client.post(f"/tasks/{ids[name]}/cancel").raise_for_status()
    hands.finish(ids["succeeded"], result={"pages": [None, 1.5]})
    hands.finish(ids["failed"], Status.FAILED, error=ERROR)
    return ids


@pytest.mark.claim("http.accepted")
def test_a_202_tells_where_to_look_next(client: httpx.Client, hands: Hands, servers: Any) -> None:
    with Redis.from_url(servers.redis_url) as redis, redis.pubsub() as listening:
        listening.subscribe("lro:dispatch")
        assert listening.get_message(timeout=PATIENCE)["type"] == "subscribe"
        answer = client.post("/tasks", json=REHEARSAL)
        assert listening.get_message(timeout=PATIENCE)["type"] == "message"
    monitor = answer.json()
    here = f"{client.base_url}/tasks/{monitor['id']}"
    assert answer.status_code == 202
    assert answer.headers["operation-location"] == here == monitor["links"]["self"]
    assert answer.headers["location"] == f"{here}/result"
    assert int(answer.headers["retry-after"]) >= 1
    assert "idempotent-replayed" not in answer.headers
    assert UUID(monitor["id"]).version == 7
    assert monitor["task_id"] == monitor["id"]
    assert (monitor["status"], monitor["attempt"], monitor["error"]) == ("queued", 0, None)
    assert monitor["input"]["step_seconds"] == 0.5, "defaults are filled in"
    assert [(row.status, row.last_seq) for row in hands.rows("SELECT * FROM tasks")] == [
        ("queued", 1)
    ]


@pytest.mark.claim("api.key-replay")
@pytest.mark.claim("api.key-conflict")
def test_a_key_answers_the_same_task(client: httpx.Client, hands: Hands) -> None:
    first = client.post("/tasks", json=REHEARSAL, headers={"Idempotency-Key": '"k-1"'})
    for name, value in (("Idempotency-Key", "k-1"), ("Operation-Id", "k-1")):
        again = client.post("/tasks", json=REHEARSAL, headers={name: value})
        assert again.status_code == 202
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["id"] == first.json()["id"]
    spelled = {"input": {"steps": 2, "step_seconds": 0.5}, "kind": "rehearsal"}
    same = client.post("/tasks", json=spelled, headers={"Idempotency-Key": "k-1"})
    assert same.json()["id"] == first.json()["id"], "the same request in other words"
    other = client.post(
        "/tasks", json={**REHEARSAL, "input": {"steps": 3}}, headers={"Idempotency-Key": "k-1"}
    )
    assert (other.status_code, other.json()["type"].split("#")[1]) == (422, "key-reused")
    for bad in ("", '"', '""', "a b", '"a"b', "x" * 256, "é".encode("latin-1")):
        refused = client.post("/tasks", json=REHEARSAL, headers={"Idempotency-Key": bad})
        assert refused.status_code == 400, bad
    two = {"Idempotency-Key": "k-1", "Operation-Id": "k-2"}
    assert client.post("/tasks", json=REHEARSAL, headers=two).status_code == 400
    assert len(hands.rows("SELECT 1 FROM tasks")) == 1


@pytest.mark.claim("http.idempotency-parallel")
def test_a_key_sent_many_times_at_once_makes_one_task(api: Api, hands: Hands) -> None:
    def post(_: int) -> str:
        answer = httpx.post(
            f"{api.url}/tasks",
            json=REHEARSAL,
            headers={"Idempotency-Key": "at-once"},
            trust_env=False,
            timeout=PATIENCE,
        )
        assert answer.status_code == 202
        return str(answer.json()["id"])

    with ThreadPoolExecutor(50) as pool:
        assert len(set(pool.map(post, range(50)))) == 1
    assert len(hands.rows("SELECT 1 FROM tasks")) == 1


@pytest.mark.claim("api.key-replay")
def test_a_replay_is_202_while_open_and_200_when_final(client: httpx.Client, hands: Hands) -> None:
    def post() -> httpx.Response:
        return client.post("/tasks", json=REHEARSAL, headers={"Operation-Id": "k"})

    id = post().json()["id"]
    hands.claim(id)
    open = post()
    assert (open.status_code, open.json()["status"]) == (202, "running")
    hands.finish(id)
    final = post()
    assert (final.status_code, final.json()["status"]) == (200, "succeeded")
    for answer in (open, final):
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.headers["operation-location"].endswith(id)


@pytest.mark.claim("http.key-expires")
def test_a_key_tells_its_end_and_is_free_after_it(
    client: httpx.Client, hands: Hands, shared_database: Any
) -> None:
    def post(steps: int) -> httpx.Response:
        body = {"kind": "rehearsal", "input": {"steps": steps}}
        return client.post("/tasks", json=body, headers={"Idempotency-Key": "k"})

    first, again = post(1), post(1)
    days = client.get("/status").json()["idempotency_key_days"]
    told = parsedate_to_datetime(first.headers["idempotency-key-expires"])
    assert abs(told - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=1)
    assert again.headers["idempotency-key-expires"] == first.headers["idempotency-key-expires"]
    assert "idempotency-key-expires" not in client.post("/tasks", json=REHEARSAL).headers
    assert post(2).status_code == 422
    owner = engine(shared_database.owner)
    with owner.begin() as connection:
        connection.execute(text("UPDATE idempotency_keys SET expires = now() - interval '1 s'"))
    owner.dispose()
    fresh = post(2)
    assert fresh.status_code == 202
    assert "idempotent-replayed" not in fresh.headers
    assert fresh.json()["id"] != first.json()["id"]


@pytest.mark.claim("http.key-in-flight")
def test_a_key_is_refused_only_while_its_first_request_is_being_stored(
    client: httpx.Client, hands: Hands, shared_database: Any
) -> None:
    owner = engine(shared_database.owner)
    key = {"Idempotency-Key": "slow"}
    with owner.connect() as first:
        first.execute(text("SET idle_in_transaction_session_timeout = 0"))
        first.execute(
            text(
                "INSERT INTO idempotency_keys VALUES ('local', 'slow', 'f', gen_random_uuid(), "
                "now() + interval '1 day')"
            )
        )
        refused = client.post("/tasks", json=REHEARSAL, headers=key)
        first.rollback()
    owner.dispose()
    assert (refused.status_code, refused.json()["type"].split("#")[1]) == (409, "key-in-flight")
    assert int(refused.headers["retry-after"]) >= 1
    assert client.post("/tasks", json=REHEARSAL, headers=key).status_code == 202


@pytest.mark.claim("http.list")
def test_the_list_holds_tasks_in_every_state(client: httpx.Client, hands: Hands) -> None:
    ids = in_every_state(client, hands)
    page = client.get("/tasks").raise_for_status().json()
    assert {item["id"]: item["status"] for item in page["items"]} == {
        id: status for status, id in ids.items()
    }
    assert "next" not in page
    for status, id in ids.items():
        (item,) = client.get("/tasks", params={"status": status}).json()["items"]
        assert item == client.get(f"/tasks/{id}").json()
    assert len(client.get("/tasks?kind=rehearsal").json()["items"]) == 6
    assert client.get("/tasks?kind=web_scrape").json()["items"] == []


def test_pages_of_the_list_hold_each_task_once(client: httpx.Client) -> None:
    made = [submit(client, steps=1)["id"] for _ in range(5)]
    seen, url = [], "/tasks?limit=2&kind=rehearsal"
    while url:
        page = client.get(url).raise_for_status().json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        url = page.get("next")
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cursor=yesterday", 400),
        ("cursor=", 400),
        ("limit=0", 422),
        ("limit=1e3", 422),
        ("status=done", 422),
        ("kind=cooking", 422),
        ("stauts=failed", 422),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(
    client: httpx.Client, query: str, status: int
) -> None:
    answer = client.get(f"/tasks?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.claim("http.monitor-etag")
def test_the_monitor_is_sent_again_only_when_it_changed(client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    first = client.get(f"/tasks/{id}")
    assert int(first.headers["retry-after"]) >= 1
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    same = client.get(f"/tasks/{id}", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    assert "retry-after" in same.headers
    hands.claim(id)
    hands.finish(id, result=1)
    final = client.get(f"/tasks/{id}", headers=known)
    assert (final.status_code, final.json()["status"]) == (200, "succeeded")
    assert "retry-after" not in final.headers


@pytest.mark.claim("http.gone")
def test_unknown_ids_are_404_and_ids_older_than_retention_410(client: httpx.Client) -> None:
    old = UUID(int=uuid7().int - (8 * 86_400_000 << 80))
    for id, status in ((uuid7(), 404), (uuid4(), 404), ("abc", 404), ("0", 404), (old, 410)):
        for path in ("", "/result", "/events", "/stream"):
            answer = client.get(f"/tasks/{id}{path}")
            assert answer.status_code == status, (id, path)
            assert answer.json()["status"] == status
        for path in ("/cancel", "/retry"):
            assert client.post(f"/tasks/{id}{path}").status_code == status, (id, path)


@pytest.mark.claim("http.result")
def test_the_result_is_202_while_open_then_200_or_409(client: httpx.Client, hands: Hands) -> None:
    ids = in_every_state(client, hands)
    for name in ("queued", "running", "canceling"):
        answer = client.get(f"/tasks/{ids[name]}/result")
        assert (answer.status_code, answer.json()["status"]) == (202, name)
        assert "retry-after" in answer.headers
    answer = client.get(f"/tasks/{ids['succeeded']}/result")
    assert (answer.status_code, answer.json()) == (200, {"pages": [None, 1.5]})
    for name in ("failed", "canceled"):
        answer = client.get(f"/tasks/{ids[name]}/result")
        assert (answer.status_code, answer.json()["type"].split("#")[1]) == (409, f"task-{name}")
    error = client.get(f"/tasks/{ids['failed']}").json()["error"]
    assert error["type"].endswith("#url-not-allowed")
    assert (error["code"], error["message"]) == (ERROR["code"], ERROR["message"])
    assert "status" not in error, "pollers read the monitor's own"


def test_events_come_in_pages(client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    hands.claim(id)
    hands.log(id, *map(str, range(5)))
    seen, url = [], f"/tasks/{id}/events?limit=3"
    while url:
        page = client.get(url).raise_for_status().json()
        seen += page["items"]
        url = page.get("next")
    assert [event["seq"] for event in seen] == list(range(1, 8))
    assert list(seen[0]) == ["seq", "type", "attempt", "at", "data"]
    assert client.get(f"/tasks/{id}/events?after=7").json() == {"items": []}
    assert client.get(f"/tasks/{id}/events?after=99").json() == {"items": []}
    for bad in ("x", "-1", "1.0", "9" * 19, "9" * 400, "٣", ""):
        answer = client.get(f"/tasks/{id}/events", params={"after": bad})
        assert (answer.status_code, answer.json()["type"].split("#")[1]) == (400, "bad-cursor")


def test_a_work_that_overstates_spoils_no_page(client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    hands.claim(id)
    for percent, shown in ((100.0000001, 100), (-1, 0), (33.3, 33.3)):
        hands.log(id, "on", percent=percent, message="page 1")
        (item,) = client.get("/tasks").json()["items"]
        assert item["progress"] == {"percent": shown, "message": "page 1", "step": 0}


@pytest.mark.claim("http.cancel")
def test_cancel_says_what_it_did(client: httpx.Client, hands: Hands) -> None:
    queued, running = submit(client, steps=1)["id"], submit(client, steps=1)["id"]
    hands.claim(running)
    at_once = client.post(f"/tasks/{queued}/cancel")
    assert (at_once.status_code, at_once.json()["status"]) == (200, "canceled")
    assert at_once.json()["error"]["message"] == "The task was canceled."
    for _ in range(2):
        asked = client.post(f"/tasks/{running}/cancel")
        assert (asked.status_code, asked.json()["status"]) == (202, "canceling")
    hands.finish(running, Status.CANCELED)
    for id in (queued, running):
        late = client.post(f"/tasks/{id}/cancel")
        assert (late.status_code, late.json()["detail"]) == (409, "It is canceled.")


def test_head_is_get_without_its_body(client: httpx.Client) -> None:
    address = f"/tasks/{submit(client, steps=1)['id']}"
    head, get = client.head(address), client.get(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]
    assert client.head(f"{address}/stream").status_code == 405


@pytest.mark.claim("http.retry")
def test_a_retry_is_a_new_task(client: httpx.Client, hands: Hands) -> None:
    ids = in_every_state(client, hands)
    for name in ("queued", "running", "canceling", "succeeded"):
        assert client.post(f"/tasks/{ids[name]}/retry").status_code == 409, name
    before = client.get(f"/tasks/{ids['failed']}").json()
    same = client.post(f"/tasks/{ids['failed']}/retry")
    assert same.status_code == 202
    assert same.headers["operation-location"].endswith(same.json()["id"])
    assert same.json()["retry_of"] == ids["failed"]
    assert same.json()["input"] == before["input"]
    edited = client.post(f"/tasks/{ids['canceled']}/retry", json={"input": {"steps": 9}})
    assert edited.json()["input"]["steps"] == 9
    for body in ({"input": {"steps": 0}}, {"input": {"setps": 1}}, {"kind": "web_scrape"}):
        wrong = client.post(f"/tasks/{ids['failed']}/retry", json=body)
        assert wrong.status_code == 422, body
    key = {"Idempotency-Key": "again"}
    kept = [client.post(f"/tasks/{ids['failed']}/retry", headers=key).json() for _ in range(2)]
    assert kept[0]["id"] == kept[1]["id"]
    assert client.get(f"/tasks/{ids['failed']}").json() == before
    assert len(hands.rows("SELECT 1 FROM tasks")) == 6 + 3


def test_health_tells_parts_apart(client: httpx.Client, hands: Hands) -> None:
    in_every_state(client, hands)
    with hands.source.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO hosts (host, failures, open_until) "
            "VALUES ('slow.example', 5, now() + interval '1 hour'), ('old.example', 1, NULL)"
        )
    assert client.get("/livez").json() == client.get("/readyz").json() == {"status": "ok"}
    told = until(lambda: client.get("/status").json())
    assert told["tasks"] == {status.value: 1 for status in Status}
    assert [breaker["host"] for breaker in told["breakers"]] == ["slow.example"]
    assert told["status"] == "degraded"
    assert "slow.example" in told["degraded"][0]
