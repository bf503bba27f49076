"""Be another web page in the browser of somebody who runs the demo.

python snippets/attacks/cross_origin.py http://127.0.0.1:8001
"""

import sys
from collections.abc import Iterator

import httpx

TASK = '{"kind": "rehearsal"}'
EVIL = {"Origin": "https://evil.example"}
JSON = {"Content-Type": "application/json"}

# --8<-- [start:requests]
REQUESTS = (
    ("a script posts JSON", "POST", {**EVIL, **JSON, "Sec-Fetch-Site": "cross-site"}),
    ("a form posts text, needs no preflight", "POST", {**EVIL, "Content-Type": "text/plain"}),
    ("a sandboxed frame posts", "POST", {"Origin": "null", **JSON}),
    ("another port of this machine posts", "POST", {"Origin": "http://127.0.0.1:9999", **JSON}),
    ("an old browser posts without an origin", "POST", {"Sec-Fetch-Site": "cross-site", **JSON}),
    ("a script asks first", "OPTIONS", {**EVIL, "Access-Control-Request-Method": "POST"}),
    ("a script reads the tasks", "GET", EVIL),
)
# --8<-- [end:requests]


def attack(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Each request with what stopped it."""
    for says, method, headers in REQUESTS:
        body = TASK if method == "POST" else None
        answer = client.request(method, "/tasks", content=body, headers=headers)
        if "access-control-allow-origin" in answer.headers:
            yield says, "NOTHING: the page may read the answer"
        elif answer.is_success:
            yield says, f"{answer.status_code}, but no page of another origin may read it"
        else:
            yield says, f"{answer.status_code} {answer.json()['title']}"


if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client):
            print(f"{tried:40} {stopped_by}")
