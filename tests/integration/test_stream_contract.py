"""What a reader of a stream can rely on."""

import json
import re
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from demo.contract import Status

from .conftest import PATIENCE, Api, Hands, Reader, StartApi, submit, until

FORGED = "\r\n\r\nid: 999\nevent: end\ndata: {}\n\n\u2028\u0085 \x1b[2J"


def a_finished_task(client: httpx.Client, hands: Hands) -> str:
    """Six events: submitted, claimed, three log lines, end."""
    id: str = submit(client, steps=1)["id"]
    hands.claim(id)
    hands.log(id, "one", FORGED, "three")
    hands.finish(id, result={})
    return id


@pytest.mark.claim("stream.history")
def test_history_then_tail_until_the_end(patient: Api, client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    hands.claim(id)
    reader = Reader(f"{patient.url}/tasks/{id}/stream")
    reader.wait_for(2)
    for number in range(3, 40):
        hands.log(id, f"line {number}")
        reader.wait_for(number)
    hands.finish(id)
    reader.wait_for_end()
    assert reader.seqs == list(range(1, 41))


@pytest.mark.claim("stream.same-bytes")
def test_memory_log_and_events_tell_the_same_bytes(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    id = submit(client, steps=1)["id"]
    live = [Reader(f"{patient.url}/tasks/{id}/stream") for _ in range(3)]
    for reader in live:
        reader.wait_for(1)
    hands.claim(id)
    hands.log(id, "äöü ∞ 🦀", FORGED)
    hands.finish(id, Status.FAILED, error={"code": "odd", "message": "1e400", "n": [1.5e300, 0.1]})
    late = Reader(f"{patient.url}/tasks/{id}/stream")
    for reader in (*live, late):
        reader.wait_for_end()
    assert len({b"\n\n".join(reader.blocks) for reader in (*live, late)}) == 1
    told = client.get(f"/tasks/{id}/events").json()["items"]
    data = [json.loads(block.split(b"data: ", 1)[1]) for block in late.blocks]
    assert data == told


@pytest.mark.claim("stream.no-injection")
@pytest.mark.claim("threat.x2")
def test_a_line_break_in_a_log_line_forges_nothing(
    api: Api, client: httpx.Client, hands: Hands
) -> None:
    id = a_finished_task(client, hands)
    with connect_sse(client, "GET", f"/tasks/{id}/stream") as source:
        events = list(source.iter_sse())
    assert [event.id for event in events] == ["1", "2", "3", "4", "5", "6"]
    assert events[3].event == "log"
    assert json.loads(events[3].data)["data"]["message"] == FORGED
    assert b"\x1b" not in events[3].data.encode()


@pytest.mark.claim("stream.resume")
def test_a_cursor_gives_exactly_the_later_events(
    api: Api, client: httpx.Client, hands: Hands
) -> None:
    id = a_finished_task(client, hands)
    url = f"{api.url}/tasks/{id}/stream"
    for have in range(6):
        for reader in (
            Reader(url, **{"Last-Event-ID": str(have)}),
            Reader(f"{url}?after={have}"),
            Reader(f"{url}?after=0", **{"Last-Event-ID": str(have)}),
        ):
            reader.wait_for_end()
            assert reader.seqs == list(range(have + 1, 7))


@pytest.mark.claim("stream.ended")
def test_a_reader_that_has_all_is_told_not_to_come_back(client: httpx.Client, hands: Hands) -> None:
    id = a_finished_task(client, hands)
    answer = client.get(f"/tasks/{id}/stream", headers={"Last-Event-ID": "6"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/tasks/{id}/stream?after=6").status_code == 204


@pytest.mark.claim("stream.bad-cursor")
@pytest.mark.claim("threat.t2")
def test_a_garbage_cursor_is_refused_before_the_first_byte(client: httpx.Client) -> None:
    id = submit(client, steps=1)["id"]
    for bad in ("x", "-1", "1 OR 1=1", str(2**63), "9" * 5000, "0x1", ""):
        for answer in (
            client.get(f"/tasks/{id}/stream", headers={"Last-Event-ID": bad}),
            client.get(f"/tasks/{id}/stream", params={"after": bad}),
        ):
            assert answer.status_code == 400, bad
            assert answer.json()["type"].endswith("#bad-cursor")


@pytest.mark.claim("stream.reset")
@pytest.mark.claim("threat.t2")
def test_a_cursor_past_the_head_gets_a_reset(api: Api, client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    reader = Reader(f"{api.url}/tasks/{id}/stream", **{"Last-Event-ID": "77"})
    reader.wait_for(1)
    assert reader.blocks[0].startswith(b"id: 1\nevent: reset\n")
    reset = json.loads(reader.blocks[0].split(b"data: ")[1])
    assert reset["head"] == 1
    assert reset["task"] == client.get(f"/tasks/{id}").json()
    hands.claim(id)
    hands.finish(id)
    reader.wait_for_end()
    assert reader.seqs == [1, 2, 3]
    ended = Reader(f"{api.url}/tasks/{id}/stream?after=2000")
    ended.wait_for_end()
    assert ended.seqs == [3]
    assert b"event: reset" in ended.raw


@pytest.mark.claim("stream.keepalive")
def test_headers_that_keep_proxies_from_buffering(
    api: Api, client: httpx.Client, hands: Hands
) -> None:
    id = submit(client, steps=1)["id"]
    reader = Reader(f"{api.url}/tasks/{id}/stream")
    until(lambda: b": keep-alive" in reader.raw)
    assert reader.headers["content-type"].split(";")[0] == "text/event-stream"
    assert reader.headers["cache-control"] == "no-store, no-transform"
    assert reader.headers["x-accel-buffering"] == "no"
    assert reader.headers["incremental"] == "?1"
    assert not {"content-length", "content-encoding"} & set(reader.headers)
    waits = re.findall(rb"^retry: (\d+)$", reader.raw, re.MULTILINE)
    assert len(waits) == 1
    assert 1000 <= int(waits[0]) <= 3000
    assert reader.raw.startswith(b"retry: "), "inside the first event's block"
    reader.leave()


@pytest.mark.claim("stream.bounded-age")
def test_a_stream_is_closed_at_its_age_and_resumed(start_api: StartApi, own_hands: Hands) -> None:
    with start_api(stream_age=3, keepalive=0.2) as api, api.client() as client:
        id = submit(client, steps=1)["id"]
        reader = Reader(f"{api.url}/tasks/{id}/stream")
        reader.wait_for_end()
        assert reader.seqs == [1]
        own_hands.claim(id)
        own_hands.finish(id)
        again = Reader(f"{api.url}/tasks/{id}/stream", **{"Last-Event-ID": "1"})
        again.wait_for_end()
        assert again.seqs == [2, 3]


@pytest.mark.claim("stream.drain")
def test_sigterm_ends_streams_cleanly(start_api: StartApi, own_hands: Hands) -> None:
    with start_api(drain=300) as api, api.client() as client:
        id = submit(client, steps=1)["id"]
        readers: list[Any] = [Reader(f"{api.url}/tasks/{id}/stream") for _ in range(20)]
        for reader in readers:
            reader.wait_for(1)
        api.process.terminate()
        for reader in readers:
            reader.wait_for_end()  # in no time, compared with what they are granted
        assert api.process.wait(PATIENCE) == 0
    own_hands.claim(id)
    own_hands.finish(id)
    with start_api() as api:
        again = Reader(f"{api.url}/tasks/{id}/stream", **{"Last-Event-ID": "1"})
        again.wait_for_end()
        assert again.seqs == [2, 3]
