"""Bad requests get the right problem and leave no row."""

import json
import socket
from typing import Any

import httpx
import pytest

from .conftest import PATIENCE, Api, Hands

JSON = {"Content-Type": "application/json"}
SCRAPE = {"kind": "web_scrape", "input": {"url": "http://example.com/"}}

INVALID: list[tuple[Any, str]] = [
    ({}, "kind"),
    ([], ""),
    ("text", ""),
    (None, ""),
    ({"kind": "cooking", "input": {}}, "kind"),
    ({"kind": 7, "input": {}}, "kind"),
    ({**SCRAPE, "tenant": "other"}, "tenant"),
    ({**SCRAPE, "priority": 10}, "priority"),
    ({**SCRAPE, "priority": False}, "priority"),
    ({**SCRAPE, "deadline": 1}, "deadline"),
    ({**SCRAPE, "deadline": "1764000000"}, "deadline"),
    ({**SCRAPE, "deadline": "2030-01-01T00:00:00"}, "deadline"),
    ({**SCRAPE, "deadline": "2030-02-30T00:00:00Z"}, "deadline"),
    ({**SCRAPE, "deadline": "9999-12-31T23:59:59-14:00"}, "deadline"),
    ({"kind": "web_scrape"}, "input"),
    ({"kind": "web_scrape", "input": {}}, "input.url"),
    ({"kind": "web_scrape", "input": {"url": "ftp://example.com/"}}, "input.url"),
    ({"kind": "web_scrape", "input": {"url": "http://"}}, "input.url"),
    ({"kind": "web_scrape", "input": {"url": "http://e.com/" + "a" * 3000}}, "input.url"),
    ({"kind": "web_scrape", "input": {"url": "http://e.com/", "max_pages": 51}}, "input.max_pages"),
    ({"kind": "rehearsal", "input": {"steps": 0}}, "input.steps"),
    ({"kind": "rehearsal", "input": {"steps": 10**30}}, "input.steps"),
    ({"kind": "rehearsal", "input": {"steps": "5"}}, "input.steps"),
    ({"kind": "rehearsal", "input": {"log_lines": False}}, "input.log_lines"),
    ({"kind": "rehearsal", "input": {"web_scrape": 1}}, "input.web_scrape"),
]


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["type"].split("/guide/reference/problems/#")[1])


@pytest.mark.claim("api.validates-early")
@pytest.mark.claim("threat.a3")
def test_bad_input_is_named_and_leaves_no_row(client: httpx.Client, hands: Hands) -> None:
    for body, field in INVALID:
        answer = client.post("/tasks", json=body)
        assert (answer.status_code, slug(answer)) == (422, "invalid-input"), body
        assert field in [error["field"] for error in answer.json()["errors"]], answer.text
    upload = b"019ab3f4-7c1e-7d52-b6a4-3f0c9a51e2d7"
    raw = [
        (b'{"zzz": 1e999999}', 422),
        (b'{"kind": "rehearsal", "input": {"step_seconds": 1e999999}}', 422),
        (b'{"kind": "rehearsal", "input": {"step_seconds": NaN}}', 422),
        (b'{"kind": "rehearsal", "input": {"\\ud800": 1}}', 422),
        (b'{"kind": "web_scrape", "input": {"url": "\\ud800"}}', 422),
        (b'{"kind": "\\ud800"}', 422),
        (
            b'{"kind": "dataset_profile", "input": {"upload": "%b", "nulls": ["\\u0000"]}}'
            % upload,
            422,
        ),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000, 400),
        (b"1" * 60_000, 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"", 422),
    ]
    for content, status in raw:
        answer = client.post("/tasks", content=content, headers=JSON)
        assert answer.status_code == status, (content[:50], answer.text)
        slug(answer)
    assert hands.rows("SELECT 1 FROM tasks") == []


def test_the_longest_url_is_taken_without_its_slash(client: httpx.Client) -> None:
    longest = "http://e.com?" + "a" * (2000 - 13)
    body = {"kind": "web_scrape", "input": {"url": longest}}
    assert client.post("/tasks", json=body).status_code == 202


def test_the_input_is_never_sent_back(client: httpx.Client) -> None:
    secret = "hunter2"
    for body in ({"kind": secret}, {"kind": "web_scrape", "input": {"url": f"ftp://{secret}/"}}):
        assert secret not in client.post("/tasks", json=body).text


@pytest.mark.claim("http.body-limit")
@pytest.mark.claim("threat.d2")
def test_a_large_body_is_cut_before_parsing(client: httpx.Client, hands: Hands) -> None:
    large = json.dumps({"kind": "rehearsal", "pad": "x" * 70_000}).encode()
    known = client.post("/tasks", content=large, headers=JSON)
    chunks = (b"x" * 1000 for _ in range(1000))
    chunked = client.post("/tasks", content=chunks, headers=JSON)
    for answer in (known, chunked):
        assert (answer.status_code, slug(answer)) == (413, "too-large")
    just_fits = {"kind": "rehearsal", "pad": ""}
    just_fits["pad"] = "x" * (65_536 - len(json.dumps(just_fits)))
    fits = client.post("/tasks", content=json.dumps(just_fits).encode(), headers=JSON)
    assert fits.status_code == 422, "read, and refused for another reason"
    assert hands.rows("SELECT 1 FROM tasks") == []


@pytest.mark.claim("http.json-only")
def test_only_json_is_taken(client: httpx.Client, hands: Hands) -> None:
    good = json.dumps(SCRAPE).encode()
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"):
        answer = client.post("/tasks", content=good, headers={"Content-Type": media_type})
        assert (answer.status_code, slug(answer)) == (415, "not-json"), media_type
    squeezed = {**JSON, "Content-Encoding": "gzip"}
    assert client.post("/tasks", content=good, headers=squeezed).status_code == 415
    assert hands.rows("SELECT 1 FROM tasks") == []
    charset = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/tasks", content=good, headers=charset).status_code == 202


def test_addresses_and_methods_that_do_not_exist(client: httpx.Client) -> None:
    assert slug(client.get("/nothing/here")) == "not-found"
    assert slug(client.post("/nothing")) == "not-found"
    wrong = client.delete("/tasks")
    assert slug(wrong) == "method-not-allowed"
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert client.post("/tasks/none/events").headers["allow"] == "GET, HEAD"
    assert client.post("/tasks/none/stream").headers["allow"] == "GET"
    assert client.post("/docs").headers["allow"] == "GET"
    for path in ("/../pyproject.toml", "/%2e%2e/app.py", "/guide/%2e%2e/%2e%2e/pyproject.toml"):
        assert client.get(path).status_code in {404, 503}, path


def test_a_request_that_is_not_http_is_cut_off(api: Api) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        raw.sendall(b"POST /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 400")
