"""Limits at the door: exact for a crowd, and honest about when to come back."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from demo.store.engines import engine

from .conftest import Hands, StartApi, submit


def crowd(client: httpx.Client, size: int) -> list[httpx.Response]:
    """Posts that leave at the same moment, each with a key of its own."""
    barrier = Barrier(size)

    def post(number: int) -> httpx.Response:
        barrier.wait()
        return keyed(client, f"key-{number}")

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(post, range(size)))


def keyed(client: httpx.Client, key: str) -> httpx.Response:
    return client.post("/tasks", json={"kind": "rehearsal"}, headers={"Idempotency-Key": key})


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].split("#")[1]


def pool(size: int) -> Any:
    return httpx.Limits(max_connections=size, max_keepalive_connections=size)


@pytest.mark.claim("security.quota")
@pytest.mark.claim("threat.d1")
def test_fifty_posts_at_once_fill_a_quota_of_ten_with_ten(
    start_api: StartApi, own_hands: Hands
) -> None:
    with start_api(DEMO_OPEN_TASKS="10") as api, api.client(limits=pool(50)) as client:
        answers = crowd(client, 50)
        assert Counter(answer.status_code for answer in answers) == {202: 10, 429: 40}
        assert own_hands.rows("SELECT count(*) FROM tasks") == [(10,)]
        assert own_hands.rows("SELECT count(*) FROM events") == [(10,)]
        refused = next(n for n, answer in enumerate(answers) if answer.status_code == 429)
        taken = next(n for n, answer in enumerate(answers) if answer.status_code == 202)
        assert told(answers[refused]) == (429, "too-many-open")
        assert 1 <= int(answers[refused].headers["Retry-After"]) <= 60

        again = keyed(client, f"key-{taken}")
        assert again.status_code == 202, "what was promised is answered, quota or not"
        assert again.headers["Idempotent-Replayed"] == "true"

        assert client.post(f"/tasks/{again.json()['id']}/cancel").status_code == 200
        freed = keyed(client, f"key-{refused}")
        assert freed.status_code == 202, "an ended task makes room, and no refusal kept the key"
        assert "Idempotent-Replayed" not in freed.headers
        assert told(keyed(client, "one-more")) == (429, "too-many-open")


@pytest.mark.claim("security.rate-limit")
@pytest.mark.claim("threat.d1")
def test_a_minute_has_its_share_and_the_header_says_when_the_next_begins(
    start_api: StartApi, database: Any
) -> None:
    with start_api(DEMO_SUBMISSIONS_A_MINUTE="5") as api, api.client(limits=pool(20)) as client:
        began = time.monotonic()
        answers = crowd(client, 20)
        assert Counter(answer.status_code for answer in answers) == {202: 5, 429: 15}
        refused = keyed(client, "later")
        assert told(refused) == (429, "rate-limited")
        assert 59 - (time.monotonic() - began) < int(refused.headers["Retry-After"]) <= 60
        owner = engine(database.owner)
        with owner.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE tasks DISABLE TRIGGER guard_task")
            connection.exec_driver_sql("UPDATE tasks SET created = created - interval '61 s'")
        owner.dispose()
        assert keyed(client, "later").status_code == 202


@pytest.mark.claim("security.back-pressure")
@pytest.mark.claim("threat.d1")
def test_full_queues_close_the_door_for_as_long_as_they_take_to_drain(
    start_api: StartApi, own_hands: Hands
) -> None:
    with start_api(DEMO_MOST_QUEUED="3") as api, api.client() as client:
        for _ in range(3):
            submit(client)
    with start_api(DEMO_MOST_QUEUED="3") as api, api.client() as client:
        refused = keyed(client, "later")
        assert told(refused) == (503, "overloaded")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert client.get("/readyz").status_code == 200, "who is busy stays in rotation"
        assert own_hands.rows("SELECT count(*) FROM tasks") == [(3,)]
