"""Point a name of your own at 127.0.0.1 and let the victim's browser ask it.

python snippets/attacks/host_rebinding.py http://127.0.0.1:8001
"""

import sys
from collections.abc import Iterator

import httpx

NAMES = ("evil.example", "evil.example:8001", "127.0.0.1.evil.example", "127.0.0.1@evil.example")


# --8<-- [start:rebinding]
def attack(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """To the browser the page and the API are one origin now; only the name betrays it."""
    for name in NAMES:
        rebound = {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"}
        for method, path in (("GET", "/tasks"), ("POST", "/tasks")):
            answer = client.request(method, path, headers=rebound, json={"kind": "rehearsal"})
            stopped_by = answer.json().get("title", "NOTHING: it was let in")
            yield f"{method} {path} from {name}", f"{answer.status_code} {stopped_by}"


# --8<-- [end:rebinding]
if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], trust_env=False) as client:
        for tried, stopped_by in attack(client):
            print(f"{tried:44} {stopped_by}")
