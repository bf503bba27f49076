"""Streams when wake-ups are lost or forged, servers die, and readers are slow."""

import json
import os
import signal
import socket
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis import Redis

from demo.wakeups import channel, encode

from .conftest import KEY, PATIENCE, Api, Hands, Reader, StartApi, lose, submit, until
from .metering import Meter, no_connection_is_held


def status(api: Api) -> str:
    with api.client() as client:
        return str(client.get("/status").json()["status"])


@pytest.mark.claim("stream.lost-wakeup")
def test_a_lost_wakeup_is_found_by_the_sweep(api: Api, client: httpx.Client, hands: Hands) -> None:
    id = submit(client, steps=1)["id"]
    reader = Reader(f"{api.url}/tasks/{id}/stream")
    reader.wait_for(1)
    hands.claim(id, wake=False)
    reader.wait_for(2)
    hands.log(id, "a", "b", wake=False)
    hands.finish(id, wake=False)
    reader.wait_for_end()
    assert reader.seqs == [1, 2, 3, 4, 5]


@pytest.mark.claim("stream.no-gap")
def test_readers_that_join_while_events_arrive_miss_none(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    id = submit(client, steps=1)["id"]
    hands.claim(id)
    readers = []
    for number in range(150):
        hands.log(id, f"line {number}")
        if number % 10 == 0:
            readers.append(Reader(f"{patient.url}/tasks/{id}/stream?after={number}"))
    hands.finish(id)
    for number, reader in enumerate(readers):
        reader.wait_for_end()
        assert reader.seqs == list(range(number * 10 + 1, 154))


@pytest.mark.claim("stream.gap")
def test_a_gap_between_wakeups_is_read_from_the_log(
    patient: Api, client: httpx.Client, hands: Hands
) -> None:
    id = submit(client, steps=1)["id"]
    readers = [Reader(f"{patient.url}/tasks/{id}/stream") for _ in range(3)]
    for reader in readers:
        reader.wait_for(1)
    hands.claim(id)
    for reader in readers:
        reader.wait_for(2)
    hands.log(id, *"abcdef", wake=False)
    hands.log(id, "heard")
    for reader in readers:
        reader.wait_for(9)
        assert reader.seqs == list(range(1, 10))
    hands.log(id, "x" * 9000)  # too large for a wake-up: it says its number only
    for reader in readers:
        reader.wait_for(10)
    hands.finish(id)
    for reader in readers:
        reader.wait_for_end()
        assert reader.seqs == list(range(1, 12))


@pytest.mark.claim("security.forged-wakeup")
@pytest.mark.claim("threat.e2")
def test_a_forged_wakeup_is_worth_nothing(
    patient: Api, client: httpx.Client, hands: Hands, servers: Any
) -> None:
    id = submit(client, steps=1)["id"]
    other = submit(client, steps=1)["id"]
    reader = Reader(f"{patient.url}/tasks/{id}/stream")
    reader.wait_for(1)
    true = hands.claim(id, wake=False)
    forged = {"seq": 2, "type": "end", "attempt": 1, "at": "now", "data": {"status": "succeeded"}}
    body = json.dumps({"task": id, "seq": 2, "events": [forged]}).encode()
    payloads = [b"", b"{}", body, b"\0" * 32 + body, encode(b"another key", true)]
    elsewhere = hands.claim(other, wake=False)
    with Redis.from_url(servers.redis_url) as redis:
        until(lambda: redis.pubsub_numsub(channel(UUID(id)))[0][1] == 1)
        for payload in (*payloads, encode(KEY.encode(), elsewhere)):
            assert redis.publish(channel(UUID(id)), payload) >= 1
        # one connection, in order: once this is here, all the others were looked at
        redis.publish(channel(UUID(id)), encode(KEY.encode(), true))
    reader.wait_for(2)
    assert reader.seqs == [1, 2]
    own = client.get(f"/tasks/{id}/events").json()["items"]
    assert json.loads(reader.blocks[1].split(b"data: ", 1)[1]) == own[1], "no other task's"
    hands.finish(id)
    reader.wait_for_end()
    assert reader.seqs == [1, 2, 3]


@pytest.mark.claim("stream.without-valkey")
def test_valkey_dies_and_returns_mid_stream(
    patient: Api, client: httpx.Client, hands: Hands, servers: Any
) -> None:
    id = submit(client, steps=1)["id"]
    hands.claim(id)
    reader = Reader(f"{patient.url}/tasks/{id}/stream")
    reader.wait_for(2)
    servers.valkey.kill()
    try:
        until(lambda: status(patient) == "degraded")
        hands.log(id, "nobody tells", wake=False)
        reader.wait_for(3)
        late = Reader(f"{patient.url}/tasks/{id}/stream")
        late.wait_for(3)
    finally:
        servers.valkey.start(forget=True)
    # told to whoever listens again; who does not yet, looks once it does
    there = hands.log(id, "while it comes back", wake=False)
    with Redis.from_url(servers.redis_url) as redis:
        redis.publish(channel(UUID(id)), encode(KEY.encode(), there))
    reader.wait_for(4)
    until(lambda: status(patient) == "ok")
    with Redis.from_url(servers.redis_url) as redis:
        name = channel(UUID(id))
        until(lambda: redis.pubsub_numsub(name)[0][1] == 1)
    hands.log(id, "told again")
    reader.wait_for(5)
    hands.finish(id)
    for one in (reader, late):
        one.wait_for_end()
        assert one.seqs == [1, 2, 3, 4, 5, 6]


@pytest.mark.claim("stream.no-gap")
def test_a_subscription_that_holds_late_misses_nothing(
    patient: Api, client: httpx.Client, hands: Hands, servers: Any
) -> None:
    id = submit(client, steps=1)["id"]
    pid = servers.valkey.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        reader = Reader(f"{patient.url}/tasks/{id}/stream")
        reader.wait_for(1)
        hands.claim(id, wake=False)
    finally:
        os.kill(pid, signal.SIGCONT)
    reader.wait_for(2)
    hands.finish(id)
    reader.wait_for_end()
    assert reader.seqs == [1, 2, 3]


@pytest.mark.claim("api.database-away")
@pytest.mark.claim("threat.e7")
def test_postgresql_dies_and_returns_mid_stream(
    start_api: StartApi, own_hands: Hands, servers: Any
) -> None:
    with start_api(sweep=0.3, keepalive=0.3) as api, api.client() as client:
        id, other = (submit(client, steps=1)["id"] for _ in range(2))
        reader = Reader(f"{api.url}/tasks/{id}/stream")
        reader.wait_for(1)
        lose(servers.postgres)
        try:
            down = client.get("/readyz")
            assert (down.status_code, down.json()["type"].split("#")[1]) == (503, "unavailable")
            for answer in (
                client.get(f"/tasks/{id}"),
                client.get(f"/tasks/{other}/stream"),
                client.post("/tasks", json={"kind": "rehearsal"}),
            ):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            assert client.get("/livez").status_code == 200
            told = client.get("/status").json()
            assert told["status"] == "degraded"
            assert told["degraded"][0].startswith("database")
        finally:
            servers.postgres.start()
        until(lambda: client.get("/readyz").status_code == 200)
        own_hands.source.dispose()
        own_hands.claim(id, wake=False)
        own_hands.finish(id, wake=False)
        reader.wait_for_end()
        assert reader.seqs == [1, 2, 3], "the stream stayed open"


@pytest.mark.claim("stream.slow-reader")
@pytest.mark.claim("threat.d3")
def test_a_slow_reader_goes_on_from_the_log(start_api: StartApi, own_hands: Hands) -> None:
    with start_api(follower_queue=5, keepalive=0.5) as api, api.client() as client:
        id = submit(client, steps=1)["id"]
        own_hands.claim(id)
        quick = Reader(f"{api.url}/tasks/{id}/stream")
        quick.wait_for(2)
        host, port = api.url.removeprefix("http://").split(":")
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(PATIENCE)
            slow.connect((host, int(port)))
            slow.sendall(f"GET /tasks/{id}/stream HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            for number in range(100):  # soon: who takes nothing for 30 s is cut off
                own_hands.log(id, *(f"{number} " + "x" * 900 for _ in range(7)))
            quick.wait_for(702)
            own_hands.finish(id)
            quick.wait_for_end()
            raw = b""
            while b"event: end" not in raw:
                chunk = slow.recv(65_536)
                assert chunk
                raw += chunk
        seqs = [int(line[4:]) for line in raw.split(b"\n") if line.startswith(b"id: ")]
        assert seqs == list(range(1, 704)) == quick.seqs


@pytest.mark.claim("stream.idle-costs-nothing")
def test_idle_streams_share_one_subscription_and_cost_nothing(
    patient: Api, client: httpx.Client, hands: Hands, servers: Any
) -> None:
    ids = [submit(client, steps=1)["id"] for _ in range(3)]
    readers = [Reader(f"{patient.url}/tasks/{id}/stream") for id in ids for _ in range(10)]
    for reader in readers:
        reader.wait_for(1)
    names = [channel(UUID(id)) for id in ids]
    with Redis.from_url(servers.redis_url) as redis:
        until(lambda: [count for _, count in redis.pubsub_numsub(*names)] == [1, 1, 1])
        no_connection_is_held(servers, hands)
        until(lambda: len(redis.pubsub_channels("lro:task:*")) == 3)  # earlier ones were left
        until(lambda: all(b": keep-alive" in reader.raw for reader in readers))
        with Meter(servers, patient).no_commands():
            sizes = [len(reader.raw) for reader in readers]
            until(lambda: all(len(r.raw) > n for r, n in zip(readers, sizes, strict=True)))
        for reader in readers:
            reader.leave()
        until(lambda: not any(count for _, count in redis.pubsub_numsub(*names)))
