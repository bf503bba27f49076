"""Dead letters: inspected, retried with another input, discarded; all of it in the audit log."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from demo.contract import Status

from .conftest import Hands
from .test_api_refusals import slug

ERROR = {"code": "rehearsed", "title": "Rehearsed", "message": "Step 2 failed."}


@pytest.fixture
def dead(client: httpx.Client, hands: Hands) -> dict[str, Any]:
    return failed(client, hands)


def failed(client: httpx.Client, hands: Hands) -> dict[str, Any]:
    body = {"kind": "rehearsal", "input": {"steps": 3, "fail_at": 2}, "priority": 2}
    task = client.post("/tasks", json=body).json()
    hands.claim(task["id"])
    hands.finish(task["id"], Status.FAILED, error=ERROR)
    return dict(client.get(f"/tasks/{task['id']}").json())


def listed(client: httpx.Client) -> list[str]:
    ids, url = [], "/dead-letters?limit=2"
    while url:
        page = client.get(url).json()
        ids += [task["id"] for task in page["items"]]
        url = page.get("next")
    return ids


def audited(client: httpx.Client, task: dict[str, Any]) -> list[dict[str, Any]]:
    entries, url = [], "/audit?limit=1"
    while url:
        page = client.get(url).json()
        entries += page["items"]
        url = page.get("next")
    return [entry for entry in entries if entry["task_id"] == task["id"]]


@pytest.mark.claim("failures.dead-letters")
def test_a_dead_letter_is_retried_with_another_input_and_stays_as_it_was(
    client: httpx.Client, dead: dict[str, Any]
) -> None:
    assert dead["id"] in listed(client)
    input = {**dead["input"], "fail_at": None}
    answer = client.post(f"/dead-letters/{dead['id']}/retry", json={"input": input})
    assert answer.status_code == 202, answer.text
    task = answer.json()
    assert answer.headers["operation-location"] == task["links"]["self"]
    assert (task["retry_of"], task["input"], task["priority"]) == (dead["id"], input, 2)
    assert client.get(f"/tasks/{dead['id']}").json() == dead
    assert dead["id"] not in listed(client)
    (entry,) = audited(client, dead)
    assert (entry["action"], entry["actor"]) == ("dead_letter.retry", "loopback")
    assert entry["was"] == {"kind": "rehearsal", "input": dead["input"], "error": ERROR}
    assert entry["became"] == {"task": task["id"], "input": input}


@pytest.mark.claim("failures.dead-letters")
def test_a_discarded_letter_leaves_the_list_and_nothing_else(
    client: httpx.Client, dead: dict[str, Any]
) -> None:
    answer = client.post(f"/dead-letters/{dead['id']}/discard", json={"reason": "A test."})
    assert (answer.status_code, answer.json()) == (200, dead)
    assert dead["id"] not in listed(client)
    assert client.get(f"/tasks/{dead['id']}").json() == dead
    (entry,) = audited(client, dead)
    assert (entry["action"], entry["became"]) == ("dead_letter.discard", {"reason": "A test."})


@pytest.mark.claim("failures.settled-once")
def test_of_many_operators_at_once_one_settles_a_letter(
    client: httpx.Client, dead: dict[str, Any]
) -> None:
    paths = ["retry", "discard"] * 6

    def settle(path: str) -> httpx.Response:
        return client.post(f"/dead-letters/{dead['id']}/{path}")

    with ThreadPoolExecutor(len(paths)) as threads:
        answers = list(threads.map(settle, paths))
    assert sum(answer.is_success for answer in answers) == 1
    refused = {slug(answer) for answer in answers if not answer.is_success}
    assert refused <= {"settled", "busy"}
    assert len(audited(client, dead)) == 1
    assert slug(settle("retry")) == slug(settle("discard")) == "settled"


def test_what_a_user_retried_is_no_dead_letter_any_more(
    client: httpx.Client, dead: dict[str, Any]
) -> None:
    assert client.post(f"/tasks/{dead['id']}/retry").status_code == 202
    assert dead["id"] not in listed(client)
    assert slug(client.post(f"/dead-letters/{dead['id']}/discard")) == "settled"


def test_only_failed_tasks_are_dead_letters(client: httpx.Client, hands: Hands) -> None:
    task = client.post("/tasks", json={"kind": "rehearsal"}).json()
    assert slug(client.post(f"/dead-letters/{task['id']}/retry")) == "not-found"
    hands.claim(task["id"])
    hands.finish(task["id"])
    assert slug(client.post(f"/dead-letters/{task['id']}/discard")) == "not-found"
    assert task["id"] not in listed(client)


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("retry", {"input": {"steps": 0}}, "invalid-input"),
        ("retry", {"kind": "web_scrape"}, "invalid-input"),
        ("discard", {"reason": "x" * 501}, "invalid-input"),
    ],
)
def test_a_wrong_word_settles_nothing(
    client: httpx.Client, dead: dict[str, Any], path: str, body: Any, problem: str
) -> None:
    assert slug(client.post(f"/dead-letters/{dead['id']}/{path}", json=body)) == problem
    assert dead["id"] in listed(client)
    assert audited(client, dead) == []
