"""Every route that the app has, asked by everyone: what each may, and what nobody can tell apart.

The routes come from the app itself. A new one is covered at once; one whose path holds something
that this test can't make fails until it is told how.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from demo.api.access import KEY, operations
from demo.api.app import create_app
from demo.contract import Status
from demo.store.engines import engine
from tests.conftest import fresh_database
from tests.integration.conftest import Api, Hands, Reader
from tests.integration.identity.conftest import bearer, secured
from tests.issuer import ADA, BOB, Issuer
from tests.stack import ROOT

TASK = {"kind": "rehearsal", "input": {"steps": 1}}
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"\{(\w+)(?::path)?\}")
QUERIES = {"/stream": "?task={id}"}
BYTES = b"a,b\n"
BODIES: dict[str, Any] = {
    "/tasks": TASK,
    "/revocations": {"subject": "nobody"},
    "/uploads": {"size": len(BYTES)},
}
ROUTES = [
    (method, route.path + QUERIES.get(route.path, ""), route.openapi_extra[KEY])
    for route in operations(create_app())
    for method in sorted(route.methods - {"HEAD", "OPTIONS"})
]
GUARDED = [route for route in ROUTES if route[2] != "public"]
WITH_ID = [route for route in GUARDED if "{" in route[1]]
OPERATOR_ADA = {**ADA, "roles": ["operator"]}
OPERATOR_BOB = {**BOB, "roles": ["operator"]}


@dataclass
class World:
    """What belongs to Ada, and a client without anybody's token."""

    client: httpx.Client
    issuer: Issuer
    hands: Hands
    made: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
        headers = (bearer(token) if token else {}) | more.pop("headers", {})
        if method == "PUT":
            more.setdefault("content", BYTES)
        if method in {"POST", "PATCH"} and "content" not in more:
            more.setdefault("json", BODIES.get(path))
        with self.client.stream(method, path, headers=headers, **more) as answer:
            if "event-stream" in answer.headers.get("content-type", ""):
                answer._content = next(answer.iter_raw())  # a stream's first bytes are enough
            else:
                answer.read()
            return answer

    def path(self, template: str, known: bool = True) -> str:
        """The path with Ada's own ids, or with ids of nobody."""
        head = re.split("[/?]", template)[1]
        if "{" not in template:
            return template
        head = template if template in MAKERS else head
        assert head in MAKERS, f"say in MAKERS how to make one of {template}"
        if known and template not in self.made:
            self.made[template] = MAKERS[head](self)
        return NAME.sub(self.made[template] if known else str(uuid4()), template)


def task(world: World) -> str:
    made = world.call("POST", "/tasks", world.issuer.token(), json=TASK)
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


def dead_letter(world: World) -> str:
    made = task(world)
    world.hands.claim(made)
    world.hands.finish(made, Status.FAILED, error={"code": "rehearsed", "message": "Failed."})
    return made


def reported(world: World) -> str:
    made = task(world)
    world.hands.claim(made)
    world.hands.finish(made, result={"report": {"name": "report.json", "bytes": 2}})
    return made


def upload(world: World) -> str:
    made = world.call("POST", "/uploads", world.issuer.token())
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


MAKERS: dict[str, Callable[[World], str]] = {
    "uploads": upload,
    "/tasks/{id}/report": reported,
    "tasks": task,
    "stream": task,
    "dead-letters": dead_letter,
}
SERVED = {200, 201, 202, 204, 409, 410}  # 409, 410: the right person at the wrong time


@pytest.fixture
def world(guarded: Api, issuer: Issuer, hands: Hands) -> Iterator[World]:
    with guarded.client() as client:
        yield World(client, issuer, hands)


def told(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """What a caller learns, without what differs by the address itself and by the clock."""
    body = ID.sub("ID", answer.text)
    unlike = {"date", "content-length"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in unlike}


@pytest.mark.claim("identity.owner")
@pytest.mark.parametrize(("method", "path", "policy"), GUARDED)
def test_the_owner_is_served(world: World, method: str, path: str, policy: str) -> None:
    person = OPERATOR_ADA if policy == "operator" else ADA
    answer = world.call(method, world.path(path), world.issuer.token(person))
    assert answer.status_code in SERVED, f"say in QUERIES or BODIES what it needs: {answer.text}"


@pytest.mark.claim("threat.a1")
@pytest.mark.claim("identity.other-tenant")
@pytest.mark.parametrize(("method", "path", "policy"), WITH_ID)
def test_another_tenant_s_id_is_like_one_that_nobody_has(
    world: World, method: str, path: str, policy: str
) -> None:
    token = world.issuer.token(OPERATOR_BOB)
    theirs = world.call(method, world.path(path), token)
    nobody_s = world.call(method, world.path(path, known=False), token)
    assert theirs.status_code == 404
    assert told(theirs) == told(nobody_s)


@pytest.mark.claim("identity.followed")
def test_what_somebody_follows_right_now_is_no_other_tenant_s_either(
    world: World, guarded: Api
) -> None:
    ada, bob = world.issuer.token(), world.issuer.token(OPERATOR_BOB)
    hers = task(world)
    reader = Reader(f"{guarded.url}/tasks/{hers}/stream", **bearer(ada))
    reader.wait_for(1)
    for path in (f"/tasks/{hers}/stream", f"/stream?task={hers}", f"/stream?task={hers}:1"):
        assert world.call("GET", path, bob).status_code == 404
        assert world.call("GET", path, ada).status_code == 200
    reader.leave()


@pytest.mark.claim("identity.no-token")
@pytest.mark.claim("threat.a2")
@pytest.mark.parametrize(("method", "path", "policy"), GUARDED)
def test_without_a_good_token_nothing_is_told(
    world: World, method: str, path: str, policy: str
) -> None:
    token = world.issuer.token
    wrong = {
        "none": None,
        "expired": token(OPERATOR_ADA, seconds=-60),
        "wrong audience": token(OPERATOR_ADA, aud="another-api"),
        "wrong issuer": token(OPERATOR_ADA, iss="https://issuer.test"),
    }
    for name, one in wrong.items():
        for known in (True, False):
            answer = world.call(method, world.path(path, known), one)
            assert answer.status_code == 401, (name, known)
            assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}


@pytest.mark.claim("identity.wrong-role")
@pytest.mark.parametrize(("method", "path", "policy"), GUARDED)
def test_without_the_role_it_is_refused(world: World, method: str, path: str, policy: str) -> None:
    without = [[], ["reader"]] + ([["user"]] if policy == "operator" else [])
    for roles in without:
        for known in (True, False):
            token = world.issuer.token({**ADA, "roles": roles})
            assert world.call(method, world.path(path, known), token).status_code == 403, roles


@pytest.mark.claim("identity.public")
def test_public_routes_know_nobody(world: World) -> None:
    public = {path for _, path, policy in ROUTES if policy == "public"}
    assert public == {
        "/livez", "/readyz", "/docs", "/docs/start.js", "/guide",
        "/session", "/session/sign-in", "/session/callback", "/session/sign-out",
    }  # fmt: skip
    mine = task(world)
    for path in public - {"/session/sign-out"}:
        answer = world.call("GET", path, world.issuer.token())
        assert mine not in answer.text


@pytest.mark.claim("identity.lists")
def test_lists_counts_and_keys_are_a_tenant_s_own(world: World) -> None:
    ada, bob = world.issuer.token(), world.issuer.token(BOB)
    key = {"Idempotency-Key": "the-same-key"}
    hers = world.call("POST", "/tasks", ada, json=TASK, headers=key).json()["id"]
    other = {**TASK, "input": {"steps": 2}}
    made = world.call("POST", "/tasks", bob, json=other, headers=key)
    assert (made.status_code, "idempotent-replayed" in made.headers) == (202, False)
    assert made.json()["id"] != hers
    assert [one["id"] for one in world.call("GET", "/tasks", ada).json()["items"]] == [hers]
    assert world.call("GET", "/status", bob).json()["tasks"] == {"queued": 1}
    after = world.call("GET", f"/tasks?cursor={hers}", bob).json()["items"]
    assert hers not in {one["id"] for one in after}


def leaks(world: World) -> list[str]:
    """The ways by which Bob learns of Ada's task, or changes it."""
    bob, hers = world.issuer.token(OPERATOR_BOB), task(world)
    world.call("POST", "/tasks", world.issuer.token(), json=TASK, headers={"Idempotency-Key": "k"})
    found = [
        f"{method} {path}"
        for method, path, _ in WITH_ID
        if world.call(method, world.path(path), bob).status_code != 404
    ]
    if hers in world.call("GET", "/tasks", bob).text:
        found.append("the list")
    if world.call("GET", "/status", bob).json()["tasks"]:
        found.append("the counts")
    return found


CONDITION = re.compile(r"(?:\b\w+\.)?tenant = :tenant")


def forgetful(folder: Path) -> int:
    """A copy of the demo whose statements forgot the tenant; how many did."""
    shutil.copytree(ROOT / "demo", folder / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    forgotten = 0
    for path in (folder / "demo").rglob("*.py"):
        changed, number = CONDITION.subn("CAST(:tenant AS text) IS NOT NULL", path.read_text())
        if number:
            path.write_text(changed)
            forgotten += number
    return forgotten


@pytest.mark.claim("identity.row-level-security")
def test_with_every_condition_gone_row_level_security_holds(
    servers: Any, issuer: Issuer, tmp_path: Path
) -> None:
    assert forgetful(tmp_path) >= 8
    with (
        fresh_database(servers) as database,
        secured(servers, database, issuer, PYTHONSAFEPATH=1, PYTHONPATH=str(tmp_path)) as api,
        api.client() as client,
    ):
        hands = Hands(engine(database.worker), servers.redis_url)
        world = World(client, issuer, hands)
        assert leaks(world) == []
        hands.source.dispose()
        owner = engine(database.owner)
        with owner.begin() as connection:  # the same with that wall down: the test can see a leak
            tables = connection.execute(text("SELECT oid::regclass::text FROM pg_class "
                                             "WHERE relrowsecurity")).scalars()  # fmt: skip
            for table in tables:
                connection.execute(text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))
        owner.dispose()
        world.made.clear()
        seen = leaks(world)
        assert {"the list", "the counts", "GET /tasks/{id}", "POST /tasks/{id}/cancel"} <= set(seen)
