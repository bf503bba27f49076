"""Several tasks over one connection: `GET /stream?task=ID:SEQ&task=…`."""

import json
from typing import Any

import httpx
import pytest

from .conftest import Api, Hands, Reader, StartApi, submit, until


def two_tasks(client: httpx.Client, hands: Hands) -> list[str]:
    ids = [submit(client, steps=1)["id"] for _ in range(2)]
    for id in ids:
        hands.claim(id)
    return ids


def address(api: Api, *tasks: str) -> str:
    return f"{api.url}/stream?" + "&".join(f"task={task}" for task in tasks)


def told(reader: Reader) -> list[tuple[str, int]]:
    """The task and number of each event."""
    events = [json.loads(block.split(b"data: ", 1)[1]) for block in reader.blocks]
    return [(event["task_id"], event["seq"]) for event in events]


def last_id(reader: Reader) -> str:
    return reader.blocks[-1].split(b"\n")[0].removeprefix(b"id: ").decode()


def of(found: list[tuple[str, int]], id: str) -> list[int]:
    return [seq for task, seq in found if task == id]


@pytest.mark.claim("stream.several")
def test_one_connection_tells_all_tasks_until_all_have_ended(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    one, two = two_tasks(client, hands)
    reader = Reader(address(patient, one, f"{two}:1"))
    until(lambda: len(told(reader)) == 3)
    for number in range(20):
        hands.log(one if number % 2 else two, f"line {number}")
    hands.finish(two)
    until(lambda: (two, 13) in told(reader))
    assert not reader.ended.is_set(), "the other one goes on"
    hands.finish(one)
    reader.wait_for_end()
    assert of(told(reader), one) == list(range(1, 14))
    assert of(told(reader), two) == list(range(2, 14))
    alone = Reader(f"{patient.url}/tasks/{one}/stream")
    alone.wait_for_end()
    for block in alone.blocks:
        event = json.loads(block.split(b"data: ", 1)[1])
        named = b"data: " + json.dumps({"task_id": one, **event}, separators=(",", ":")).encode()
        assert named in reader.raw, "the same event, and whose it is"
    answer = client.get(address(patient, one, two), headers={"Last-Event-ID": last_id(reader)})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.claim("stream.several-resume")
def test_the_last_id_resumes_every_task_exactly(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    one, two = two_tasks(client, hands)
    for number in range(5):
        hands.log(one, f"line {number}")
        hands.log(two, f"line {number}")
    hands.finish(one)
    hands.finish(two)
    url = address(patient, one, two)
    whole = Reader(url)
    whole.wait_for_end()
    ids = [block.split(b"\n")[0].removeprefix(b"id: ").decode() for block in whole.blocks]
    for number, id in enumerate(ids[:-1], 1):
        rest = Reader(url, **{"Last-Event-ID": id})
        rest.wait_for_end()
        for task in (one, two):
            had = of(told(whole)[:number], task)
            assert had + of(told(rest), task) == list(range(1, 9)), id


@pytest.mark.claim("stream.several-refused")
def test_what_cannot_be_followed_is_named_before_the_first_byte(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    one, two = two_tasks(client, hands)
    unknown = "019aa9d2-6f6d-7c11-8f5e-3d1c8a5b0001"
    answer = client.get(address(patient, one, unknown))
    assert answer.status_code == 404
    assert [error["field"] for error in answer.json()["errors"]] == [unknown]
    for tasks, last in (
        (("x",), None), ((f"{one}:",), None), ((one, f"{one}:1"), None), ((f"{one}:-1",), None),
        ((one, two), "1"), ((one, two), "1.2.3"), ((one, two), "1,2"), ((one,), f"{one}:1"),
        ((one,), "9" * 19),
    ):  # fmt: skip
        headers = {"Last-Event-ID": last} if last else {}
        answer = client.get(address(patient, *tasks), headers=headers)
        assert answer.status_code == 400, (tasks, last)
        assert answer.json()["type"].endswith("#bad-cursor")
    for tasks in ((), tuple([one] * 101)):
        assert client.get(address(patient, *tasks)).status_code == 422


def test_a_cursor_past_the_head_resets_that_task_only(
    api: Api, client: httpx.Client, hands: Hands
) -> None:
    one, two = two_tasks(client, hands)
    reader = Reader(address(api, f"{one}:77", two))
    until(lambda: len(reader.blocks) == 3)
    head = reader.blocks[0].split(b"\n")
    assert head[:2] == [b"id: 2.0", b"event: reset"]
    reset: dict[str, Any] = json.loads(head[2].removeprefix(b"data: "))
    assert (reset["task_id"], reset["head"]) == (one, 2)
    assert reset["task"] == client.get(f"/tasks/{one}").json()
    hands.finish(one)
    hands.finish(two)
    reader.wait_for_end()
    assert of(told_after_reset(reader), one) == [3]
    assert of(told_after_reset(reader), two) == [1, 2, 3]


def told_after_reset(reader: Reader) -> list[tuple[str, int]]:
    events = [json.loads(block.split(b"data: ", 1)[1]) for block in reader.blocks[1:]]
    return [(event["task_id"], event["seq"]) for event in events]


@pytest.mark.claim("stream.limits")
def test_streams_beyond_the_limits_are_refused_in_time(start_api: StartApi) -> None:
    for limits, status, slug in (
        ({"tenant_streams": 2}, 429, "too-many-streams"),
        ({"streams": 2}, 503, "unavailable"),
    ):
        with start_api(**limits, keepalive=0.5) as api, api.client() as client:
            id = submit(client, steps=1)["id"]
            readers = [Reader(f"{api.url}/tasks/{id}/stream") for _ in range(2)]
            for reader in readers:
                reader.wait_for(1)
            answer = client.get(f"/tasks/{id}/stream")
            assert answer.status_code == status
            assert answer.json()["type"].endswith(f"#{slug}")
            assert 1 <= int(answer.headers["retry-after"]) <= 10
            assert client.get(f"/tasks/{id}").status_code == 200, "polling goes on"
            readers[0].leave()
            until(lambda: client.get("/status").json()["streams"] == 1)
            again = Reader(f"{api.url}/tasks/{id}/stream")
            again.wait_for(1)
