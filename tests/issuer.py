"""A small OpenID Connect issuer that tokens can be had from: `python -m tests.issuer`.

Discovery, keys that rotate, authorization code with PKCE. It signs in whoever comes, so it is for
this machine and for tests only.
"""

import argparse
import base64
import hashlib
import json
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "2f6c1c9e-1d0f-4e37-9d1a-6a4c2f4b8a11"
CLIENT = "8a1f0f52-8a0e-4f0e-9a3e-0c2f6f0f7b22"
SCOPE = "access_as_user"
ADA = {
    "tid": "11111111-aaaa-4aaa-8aaa-000000000001",
    "oid": "ada",
    "name": "Ada",
    "roles": ["user"],
}
BOB = {
    "tid": "22222222-bbbb-4bbb-8bbb-000000000002",
    "oid": "bob",
    "name": "Bob",
    "roles": ["user"],
}
Claims = dict[str, Any]


class Key:
    """A signing key and its public half."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public(self) -> dict[str, Any]:
        jwk = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {**jwk, "kid": self.id, "use": "sig"}


class Issuer:
    """Whom it signs in is `person`; what it published is `keys`, the last of which signs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = [Key()]
        self.person: Claims = ADA
        self.asked: list[str] = []
        self.away = False
        self.nonce: str | None = None  # said instead of the right one
        self._codes: dict[str, tuple[dict[str, str], Claims]] = {}

    def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key; tokens of the old ones stay good unless these are dropped."""
        self.keys = [*(self.keys if keep else []), Key()]

    def token(
        self,
        person: Claims = ADA,
        /,
        *,
        key: Key | None = None,
        seconds: float = 3600,
        header: Claims | None = None,
        **claims: Any,
    ) -> str:
        """An access token, right unless told otherwise; a claim of None is left out."""
        now = int(time.time())
        ends = {"iat": now, "nbf": now, "exp": int(now + seconds)}
        said = {"iss": self.url, "aud": AUDIENCE, "scp": SCOPE, "sub": f"s-{person['oid']}"}
        said |= {**ends, **person, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        signing = key or self.keys[-1]
        return jwt.encode(said, signing.private, "RS256", {"kid": signing.id, **(header or {})})

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Discovery, keys, or a code for whoever is `person`."""
        match path:
            case "/.well-known/openid-configuration":
                ends = {"authorization_endpoint": "authorize", "token_endpoint": "token",
                        "jwks_uri": "keys"}  # fmt: skip
                return 200, {"issuer": self.url,
                             **{name: f"{self.url}/{at}" for name, at in ends.items()}}  # fmt: skip
            case "/keys":
                return 200, {"keys": [key.public for key in self.keys]}
            case "/authorize":
                code = secrets.token_urlsafe(24)
                self._codes[code] = (query, self.person)
                back = urlencode({"code": code, "state": query["state"], "iss": self.url})
                return 302, f"{query['redirect_uri']}?{back}"
        return 404, {}

    def post(self, form: dict[str, str]) -> tuple[int, Any]:
        """A code, once, for tokens; only to whom it was given."""
        asked, person = self._codes.pop(form.get("code", ""), ({}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        same = all(form.get(name) == asked.get(name) for name in ("client_id", "redirect_uri"))
        if not asked or not same or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        told = {"aud": asked["client_id"], "scp": None, "nonce": self.nonce or asked["nonce"]}
        return 200, {"token_type": "Bearer", "access_token": self.token(person),
                     "id_token": self.token(person, **told)}  # fmt: skip

    @classmethod
    @contextmanager
    def running(cls, port: int = 0) -> Iterator["Issuer"]:
        """Serve on loopback until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        server.daemon_threads = True
        issuer = cls(f"http://127.0.0.1:{server.server_port}")
        server.issuer = issuer  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def settings(self) -> dict[str, str]:
        """What an API needs to believe it."""
        return {"issuers": self.url, "audiences": AUDIENCE, "client_id": CLIENT,
                "session_key": "a key of the tests, 32 characters or more"}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._answer(*self._issuer(parts.path).get(parts.path, query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(*self._issuer(self.path).post(form))

    def _issuer(self, path: str) -> Issuer:
        issuer: Issuer = self.server.issuer  # type: ignore[attr-defined]
        issuer.asked.append(path)
        return issuer

    def _answer(self, status: int, told: Any) -> None:
        away = self.server.issuer.away  # type: ignore[attr-defined]
        self.send_response(503 if away else status)
        if status == 302 and not away:
            self.send_header("Location", told)
        body = b"" if isinstance(told, str) else json.dumps(told).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    """Serve, and say how the demo is started with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8004)
    parser.add_argument("--operator", action="store_true", help="give the role operator, too")
    chosen = parser.parse_args()
    with Issuer.running(chosen.port) as issuer:
        if chosen.operator:
            issuer.person = {**ADA, "roles": ["operator"]}
        for name, value in issuer.settings.items():
            print(f"export DEMO_{name.upper()}='{value}'")
        print(f"export TOKEN='{issuer.token(issuer.person)}'", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
