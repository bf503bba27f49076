"""Whose token counts: every way of being wrong is refused, in the same words."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from tests.integration.conftest import running_api, until
from tests.integration.identity.conftest import Ask, bearer, secured
from tests.issuer import ADA, AUDIENCE, BOB, CLIENT, SCOPE, Issuer, Key

TASK = {"kind": "rehearsal", "input": {"steps": 1}}


@pytest.mark.claim("identity.token")
def test_a_good_token_names_the_tenant(ask: Ask, issuer: Issuer) -> None:
    made = ask("POST", "/tasks", issuer.token(), json=TASK)
    assert made.status_code == 202
    ids = [item["id"] for item in ask("GET", "/tasks", issuer.token()).json()["items"]]
    assert ids == [made.json()["id"]]
    assert ask("GET", "/tasks", issuer.token(BOB)).json()["items"] == []


def test_scope_lists_and_app_tokens_are_understood(ask: Ask, issuer: Issuer) -> None:
    for claims in ({"scp": f"other {SCOPE}"}, {"scp": None, "idtyp": "app"},
                   {"aud": ["other", AUDIENCE]}):  # fmt: skip
        assert ask("GET", "/tasks", issuer.token(**claims)).status_code == 200, claims


def unsigned(issuer: Issuer) -> str:
    def part(said: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()

    said = jwt.decode(issuer.token(), options={"verify_signature": False})
    return f"{part({'alg': 'none', 'kid': issuer.keys[-1].id})}.{part(said)}."


def by_public_key(issuer: Issuer) -> str:
    """HMAC with what is public: the classic confusion of algorithms."""
    said = issuer.token().split(".")[1]
    header = {"alg": "HS256", "typ": "JWT", "kid": issuer.keys[-1].id}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    secret = json.dumps(issuer.keys[-1].public).encode()
    mac = hmac.new(secret, f"{head}.{said}".encode(), hashlib.sha256).digest()
    return f"{head}.{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def tampered(issuer: Issuer) -> str:
    head, _, mac = issuer.token().split(".")
    return f"{head}.{issuer.token(BOB).split('.')[1]}.{mac}"


STRANGER = Key()
WRONG: dict[str, Any] = {
    "nonsense": lambda issuer: "nonsense",
    "three empty parts": lambda issuer: "..",
    "huge": lambda issuer: "a" * 20_000,
    "no signature": unsigned,
    "the public key as a secret": by_public_key,
    "another one's claims": tampered,
    "a stranger's key under its name": lambda issuer: issuer.token(
        key=STRANGER, header={"kid": issuer.keys[-1].id}
    ),
    "a key of the token's own": lambda issuer: issuer.token(
        key=STRANGER, header={"jwk": STRANGER.public, "jku": "http://127.0.0.1:9/keys"}
    ),
    "wrong audience": lambda issuer: issuer.token(aud="00000003-0000-0000-c000-000000000000"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "wrong issuer": lambda issuer: issuer.token(iss=f"{issuer.url}/other"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "not yet": lambda issuer: issuer.token(nbf=4_000_000_000),
    "no end": lambda issuer: issuer.token(exp=None),
    "no tenant": lambda issuer: issuer.token(tid=None),
    "tenant of another form": lambda issuer: issuer.token(tid=["a", "b"]),
    "another scope": lambda issuer: issuer.token(scp="mail.read"),
    "an ID token": lambda issuer: issuer.token(scp=None, nonce="n"),
    "the UI's ID token": lambda issuer: issuer.token(aud=CLIENT, scp=None, nonce="n"),
}


@pytest.mark.claim("identity.wrong-tokens")
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_nobody_s(ask: Ask, issuer: Issuer, name: str) -> None:
    answer = ask("GET", "/tasks", headers=bearer(WRONG[name](issuer)))
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("#unauthorized")
    assert answer.json()["detail"] in {"The token is not valid here.", "Send a token, or sign in."}
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_the_end_of_a_token_is_told(ask: Ask, issuer: Issuer) -> None:
    for seconds in (-3600, -1):
        answer = ask("GET", "/tasks", issuer.token(seconds=seconds))
        assert (answer.status_code, answer.json()["detail"]) == (401, "The token has expired.")


def test_other_schemes_and_two_tokens_are_refused(ask: Ask, issuer: Issuer, guarded: Any) -> None:
    assert ask("GET", "/tasks").headers["www-authenticate"] == "Bearer"
    assert ask("GET", "/tasks", headers={"Authorization": "Basic YTpi"}).status_code == 401
    with guarded.client() as client:
        twice = [("Authorization", f"Bearer {issuer.token()}")] * 2
        assert client.get("/tasks", headers=twice).status_code == 401
        in_url = client.get("/tasks", params={"access_token": issuer.token()})
        assert in_url.status_code == 401


@pytest.mark.claim("identity.rotation")
def test_keys_rotate_and_a_dropped_key_ends_its_tokens(
    servers: Any, database: Any, issuer: Issuer
) -> None:
    with (
        Issuer.running() as own,
        secured(servers, database, own, keys_refresh=0.3) as api,
        api.client() as client,
    ):
        old = own.token()

        def status(token: str) -> int:
            return client.get("/tasks", headers=bearer(token)).status_code

        own.rotate()
        until(lambda: status(own.token()) == 200)
        assert status(old) == 200
        own.away = True
        assert [status(own.token()), status(old)] == [200, 200]
        own.away = False
        own.rotate(keep=False)
        until(lambda: status(own.token()) == 200)
        assert status(old) == 401


@pytest.mark.claim("identity.key-lookups")
def test_forged_key_ids_do_not_make_the_api_ask_the_issuer_each_time(
    servers: Any, database: Any
) -> None:
    with (
        Issuer.running() as own,
        secured(servers, database, own, keys_pause=600) as api,
        api.client() as client,
    ):
        before = len(own.asked)
        for number in range(50):
            forged = own.token(key=STRANGER, header={"kid": f"forged-{number}"})
            assert client.get("/tasks", headers=bearer(forged)).status_code == 401
        assert len(own.asked) - before <= 2


@pytest.mark.claim("identity.issuer-away")
def test_without_the_issuer_s_keys_nobody_gets_in(servers: Any, database: Any) -> None:
    with Issuer.running() as own:
        own.away = True
        settings = {**own.settings, "revocation_poll": 0.2, "keys_pause": 0.2}
        with running_api(servers, database, settings) as api, api.client() as client:
            headers = bearer(own.token(ADA))
            answer = client.get("/tasks", headers=headers)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            assert client.get("/tasks").status_code == 401
            assert client.get("/readyz").status_code == 200
            own.away = False
            until(lambda: client.get("/tasks", headers=headers).status_code == 200)
