"""Sign-in by a browser without a browser: each step, and each step as an attacker would take it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from demo.auth.sessions import SESSION, SIGN_IN
from tests.integration.conftest import PATIENCE, Api, until
from tests.integration.identity.conftest import bearer
from tests.issuer import ADA, BOB, CLIENT, Issuer

TASK = {"kind": "rehearsal", "input": {"steps": 1}}
OWN = {"Sec-Fetch-Site": "same-origin"}
LINKED = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


class Person:
    """Keeps cookies by hand: without TLS here httpx would hold them back."""

    def __init__(self, api: Api) -> None:
        self.origin = api.url
        self.jar: dict[str, str] = {}
        self.set: list[str] = []
        self.http = api.client()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        held = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        headers = {**OWN, **more.pop("headers", {})} | ({"Cookie": held} if held else {})
        answer = self.http.request(method, path, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            self.set.append(line)
            name, value = line.split(";")[0].split("=", 1)
            self.jar[name] = value.strip('"')
        return answer

    def begin(self, to: str = "/") -> str:
        """The address at the issuer."""
        answer = self.ask("GET", "/session/sign-in", params={"to": to})
        assert answer.status_code == 303
        return answer.headers["location"]

    def comes_back(self, address: str, **changed: str) -> httpx.Response:
        """Through the issuer and back, by links only."""
        back = httpx.get(address, timeout=PATIENCE, trust_env=False).headers["location"]
        parts = urlsplit(back)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
        return self.ask("GET", parts.path, params=query, headers=LINKED)

    def signs_in(self) -> "Person":
        assert self.comes_back(self.begin()).status_code == 303
        return self

    @property
    def status(self) -> int:
        return self.ask("GET", "/tasks").status_code


@pytest.fixture
def person(guarded: Api, issuer: Issuer, hands: Any) -> Iterator[Person]:
    issuer.person = ADA
    someone = Person(guarded)
    yield someone
    someone.http.close()


@pytest.mark.claim("identity.session")
def test_a_person_signs_in_and_the_page_has_no_token(person: Person, issuer: Issuer) -> None:
    assert person.ask("GET", "/session").json() == {
        "sign_in": "/session/sign-in", "name": None, "tenant": None, "roles": [],
    }  # fmt: skip
    address = person.begin("/#/tasks/1")
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{person.origin}/session/callback"]
    answer = person.comes_back(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#/tasks/1")
    assert answer.content == b""
    for name, rule in ((SESSION, "SameSite=strict"), (SIGN_IN, "SameSite=lax")):
        (line,) = [one for one in person.set if one.startswith(f"{name}=e")]
        assert {"HttpOnly", "Secure", "Path=/", rule} <= set(line.split("; "))
        assert "Domain" not in line
    told = person.ask("GET", "/session").json()
    assert (told["name"], told["tenant"], told["roles"]) == ("Ada", ADA["tid"], ["user"])
    made = person.ask("POST", "/tasks", json=TASK)
    assert made.status_code == 202
    assert made.json()["id"] in person.ask("GET", "/tasks").text


@pytest.mark.claim("identity.own-pages")
def test_the_cookie_counts_for_our_own_pages_only(person: Person) -> None:
    person.signs_in()
    other_port = person.origin.rsplit(":", 1)[0] + ":1"
    foreign: list[dict[str, str]] = [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8002"},
        {"Origin": other_port},
        {"Origin": "null"},
        {"Origin": person.origin.replace("http:", "https:")},
    ]
    for headers in foreign:
        assert person.ask("GET", "/tasks", headers=headers).status_code in {401, 403}, headers
        made = person.ask("POST", "/tasks", json=TASK, headers=headers)
        assert made.status_code in {401, 403}, headers
    typed = {"Sec-Fetch-Site": "none"}
    assert person.ask("GET", "/tasks", headers=typed).status_code == 200
    assert person.ask("POST", "/tasks", json=TASK, headers=typed).status_code == 401
    as_form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": person.origin}
    assert person.ask("POST", "/tasks", content="a=b", headers=as_form).status_code == 415
    assert person.ask("GET", "/tasks").json()["items"] == []


@pytest.mark.claim("identity.sign-in-attacks")
def test_a_sign_in_that_was_begun_elsewhere_is_nobody_s(
    person: Person, issuer: Issuer, guarded: Api
) -> None:
    victim = Person(guarded)
    theirs = person.begin()
    assert victim.comes_back(theirs).status_code == 401  # login CSRF: no cookie of this sign-in
    victim.begin()
    assert victim.comes_back(theirs).status_code == 401  # another sign-in's cookie
    assert victim.comes_back(victim.begin(), state="guess").status_code == 401
    assert victim.comes_back(victim.begin(), code="guess").status_code == 401
    assert victim.comes_back(victim.begin(), iss="https://evil.test").status_code == 401
    assert SESSION not in victim.jar
    victim.http.close()


def test_a_code_of_another_sign_in_does_not_fit(person: Person, issuer: Issuer) -> None:
    """Injected code: state and cookie are the victim's, the code is the attacker's."""
    injected = httpx.get(person.begin(), timeout=PATIENCE, trust_env=False).headers["location"]
    code = parse_qs(urlsplit(injected).query)["code"][0]
    assert person.comes_back(person.begin(), code=code).status_code == 401


def test_an_answer_to_another_sign_in_is_not_taken(person: Person, issuer: Issuer) -> None:
    issuer.nonce = "of-another"
    try:
        assert person.comes_back(person.begin()).status_code == 401
    finally:
        issuer.nonce = None


def test_a_code_is_worth_nothing_twice(person: Person) -> None:
    address = person.begin()
    back = urlsplit(httpx.get(address, timeout=PATIENCE, trust_env=False).headers["location"])
    again = f"{back.path}?{back.query}"
    held = dict(person.jar)
    assert person.ask("GET", again).status_code == 303
    person.jar = held
    assert person.ask("GET", again).status_code == 401


ELSEWHERE = [
    "https://evil.test/",
    "//evil.test",
    "/\\evil.test",
    "/guide/../../evil",
    "/%2f/evil",
    "javascript:alert(1)",
    "/tasks",
    "/guide/\nx",
    "/#/tasks/1\r\nSet-Cookie: a=b",
]


@pytest.mark.claim("identity.no-open-redirect")
def test_sign_in_leads_nowhere_else(person: Person) -> None:
    for to in ELSEWHERE:
        answer = person.comes_back(person.begin(to))
        assert answer.headers["location"] in {"/", "/guide/../../evil"}, to
        assert urlsplit(answer.headers["location"]).netloc == ""


@pytest.mark.claim("identity.cookie-forgery")
def test_a_cookie_of_ones_own_making_is_nothing(person: Person, issuer: Issuer) -> None:
    person.signs_in()
    good = person.jar[SESSION]
    for forged in (
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        issuer.token(BOB),
        issuer.token(aud=SESSION, held={"tenant": "x"}),
        person.jar[SIGN_IN] or "x",
        "",
    ):
        person.jar[SESSION] = forged
        assert person.status == 401
    person.begin()
    person.jar[SESSION] = person.jar[SIGN_IN]  # sealed by us, for another purpose
    assert person.status == 401


@pytest.mark.claim("identity.sign-out")
def test_sign_out_ends_the_session_itself(person: Person) -> None:
    stolen = dict(person.signs_in().jar)
    assert person.status == 200
    assert person.ask("POST", "/session/sign-out").status_code == 204
    assert person.jar[SESSION] == ""
    assert person.status == 401
    person.jar = stolen
    until(lambda: person.status == 401)


@pytest.mark.claim("identity.revocation")
def test_an_operator_shuts_somebody_of_the_same_tenant_out(
    person: Person, issuer: Issuer, guarded: Api
) -> None:
    issuer.person = ida = {**ADA, "oid": "ida"}  # nobody's else: she stays shut out
    person.signs_in()
    hers, grace = issuer.token(ida), {**ADA, "oid": "grace", "roles": ["operator"]}
    with guarded.client() as client:

        def revoke(who: dict[str, Any], subject: str) -> int:
            headers = bearer(issuer.token(who))
            answer = client.post("/revocations", json={"subject": subject}, headers=headers)
            return answer.status_code

        assert revoke(ADA, "grace") == 403
        assert revoke({**BOB, "roles": ["operator"]}, "ida") == 204  # another tenant's
        assert revoke({**grace, "oid": "other"}, "nobody") == 204
        assert client.get("/tasks", headers=bearer(hers)).status_code == 200
        assert revoke(grace, "ida") == 204
        until(lambda: client.get("/tasks", headers=bearer(hers)).status_code == 401)
        until(lambda: person.status == 401)
        assert client.get("/tasks", headers=bearer(issuer.token(grace))).status_code == 200


def test_the_issuer_down_is_no_way_in(person: Person, issuer: Issuer) -> None:
    address = person.begin()
    back = urlsplit(httpx.get(address, timeout=PATIENCE, trust_env=False).headers["location"])
    issuer.away = True
    try:
        assert person.ask("GET", f"{back.path}?{back.query}").status_code == 503
    finally:
        issuer.away = False
    assert person.status == 401


def test_on_open_loopback_there_is_no_sign_in(client: httpx.Client) -> None:
    assert client.get("/session/sign-in").status_code == 404
    assert client.get("/session").json()["sign_in"] is None


def test_client_ids_are_no_secret_and_the_verifier_is_not_shown(person: Person) -> None:
    address = person.begin()
    assert CLIENT in address
    assert "verifier" not in address
