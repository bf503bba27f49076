"""No other web page drives the API, and every answer says what a browser may do with it."""

import subprocess
import sys
from typing import Any

import httpx
import pytest

from demo.auth import is_loopback, principal_of, refuse_unsafe_bind
from demo.settings import Settings

from .conftest import Hands, StartApi, submit

REHEARSAL = {"kind": "rehearsal", "input": {"steps": 1}}
DOCS = "http://127.0.0.1:8002"


@pytest.mark.claim("threat.b3")
def test_only_listed_names_of_the_server_are_answered(client: httpx.Client) -> None:
    port = client.base_url.port
    for host in ("evil.test", f"evil.test:{port}", "127.0.0.1.evil.test", "localhost.evil.test:80",
                 "127.0.0.1@evil.test", "[::1].evil.test", "[::2]"):  # fmt: skip
        answer = client.get("/livez", headers={"Host": host})
        assert answer.status_code == 421, host
        assert answer.json()["type"] == "/guide/reference/problems/#wrong-host"
    for host in ("localhost", f"LOCALHOST:{port}", "[::1]", f"[::1]:{port}", "127.0.0.1:1"):
        assert client.get("/livez", headers={"Host": host}).status_code == 200, host


@pytest.mark.claim("threat.b2")
def test_other_pages_cannot_change_anything(client: httpx.Client, hands: Hands) -> None:
    own = str(client.base_url)
    foreign: list[dict[str, str]] = [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": f"{own}.evil.test"},
        {"Origin": "http://127.0.0.1:8003"},
        {"Origin": own.replace("http:", "https:")},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.test", "Sec-Fetch-Site": "same-origin"},
    ]
    for headers in foreign:
        for path in ("/tasks", "/nothing"):
            answer = client.post(path, json=REHEARSAL, headers=headers)
            assert answer.status_code == 403, headers
            assert answer.json()["type"].endswith("#cross-site")
            assert "access-control-allow-origin" not in answer.headers
    assert hands.rows("SELECT 1 FROM tasks") == []
    for headers in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert client.post("/tasks", json=REHEARSAL, headers=headers).status_code == 202


@pytest.mark.claim("threat.b1")
@pytest.mark.claim("identity.embedding")
def test_other_pages_may_link_here_and_load_nothing(client: httpx.Client, hands: Hands) -> None:
    id = submit(client)["id"]
    linked = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    foreign: list[dict[str, str]] = [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": "http://evil.test"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
        {},
    ]
    for site in ("cross-site", "same-site"):
        for path in (f"/tasks/{id}/stream", "/tasks", "/", "/session"):
            for headers in foreign:
                answer = client.get(path, headers={"Sec-Fetch-Site": site, **headers})
                assert answer.status_code == 403, (path, headers)
        assert client.get("/", headers={"Sec-Fetch-Site": site, **linked}).status_code == 200
    theirs = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Origin": DOCS}
    assert client.get("/tasks", headers=theirs).status_code == 200


def test_one_other_origin_is_let_in_by_name(client: httpx.Client) -> None:
    ask = {"Origin": DOCS, "Access-Control-Request-Method": "POST"}
    preflight = client.options("/tasks", headers=ask)
    assert preflight.status_code == 204
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert set(allowed) == {
        "content-type", "idempotency-key", "if-none-match", "last-event-id", "operation-id",
        "prefer",
    }  # fmt: skip
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    made = client.post(
        "/tasks", json=REHEARSAL, headers={"Origin": DOCS, "Sec-Fetch-Site": "same-site"}
    )
    for answer in (
        preflight,
        made,
        client.get(f"/tasks/{made.json()['id']}", headers={"Origin": DOCS}),
        client.get("/tasks/none", headers={"Origin": DOCS}),
        client.post("/tasks", json={}, headers={"Origin": DOCS}),
    ):
        assert answer.headers["access-control-allow-origin"] == DOCS
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
        assert "Operation-Location" in answer.headers["access-control-expose-headers"]
    for origin in ("http://evil.test", "null", f"{DOCS}.evil.test"):
        refused = client.options("/tasks", headers={**ask, "Origin": origin})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
        read = client.get("/tasks", headers={"Origin": origin})
        assert "access-control-allow-origin" not in read.headers


def test_headers_by_area(client: httpx.Client) -> None:
    strict = "require-trusted-types-for 'script'"
    for path in ("/", "/tasks", "/openapi.json", "/nothing", "/status", "/docs", "/guide/"):
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "object-src 'none'" in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts, path
        assert (strict in policy) == (path not in {"/docs", "/guide/"})
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers, "there is no certificate here"


@pytest.mark.claim("security.hsts")
def test_forwarded_headers_count_from_trusted_proxies_only(start_api: StartApi) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tasks.example:8443"}
    with start_api() as api, api.client(headers=forwarded) as client:
        assert submit(client, steps=1)["links"]["self"].startswith(f"{api.url}/tasks/")
    settings: dict[str, Any] = {
        "trusted_proxies": "127.0.0.0/8, ::1",
        "allowed_hosts": "tasks.example,127.0.0.1",
    }
    with start_api(**settings) as api, api.client(headers=forwarded) as client:
        made = client.post("/tasks", json=REHEARSAL)
        here = f"https://tasks.example:8443/tasks/{made.json()['id']}"
        assert made.headers["operation-location"] == here == made.json()["links"]["self"]
        page = client.get("/tasks?limit=1&kind=rehearsal", headers=forwarded).json()
        assert page["items"][0]["links"]["self"] == here
        evil = client.get("/tasks", headers={"X-Forwarded-Host": "evil.test"})
        assert evil.status_code == 421
        for answer in (made, evil, client.get("/")):
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        plain = client.get("/", headers={"X-Forwarded-Proto": "http"})
        assert "strict-transport-security" not in plain.headers


def test_other_binds_are_refused_until_someone_says_why() -> None:
    for host, code in (("0.0.0.0", 1), ("192.0.2.1", 1), ("::", 1)):
        ended = subprocess.run(
            [sys.executable, "-c", "from demo.api.serve import main; main()"],
            env={"DEMO_HOST": host, "DEMO_DATABASE_URL": "postgresql:///x", "DEMO_WAKEUP_KEY": "x"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == code
        assert b"no issuer says who they are" in ended.stderr


@pytest.mark.claim("identity.bind")
def test_with_an_issuer_any_bind_starts_and_half_an_issuer_never() -> None:
    one, us = "https://login.test/t/v2.0", "an-api"
    refuse_unsafe_bind(Settings(host="0.0.0.0", issuers=[one], audiences=[us]))
    refuse_unsafe_bind(Settings(host="127.0.0.1"))
    for wrong in ({}, {"issuers": ""}, {"issuers": [one]}, {"audiences": [us]}):
        with pytest.raises(SystemExit, match="DEMO_"):
            refuse_unsafe_bind(Settings(host="0.0.0.0", **wrong))


def test_who_is_asking() -> None:
    knobs = Settings(tenant="local", published_on_loopback=False)
    for client in ("127.0.0.1", "::1", "127.9.9.9"):
        assert is_loopback(client)
        assert principal_of(client, knobs)
    for client in ("10.0.0.1", "::ffff:10.0.0.1", "192.168.1.1", "nonsense", "", None):
        assert principal_of(client, knobs) is None
    assert principal_of("172.17.0.1", Settings(published_on_loopback=True))
