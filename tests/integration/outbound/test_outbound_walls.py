"""The wall behind the guard: with the guard switched off nothing of the inside is reached."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.outbound.walls import PUBLIC, behind, reached, walls


@pytest.fixture
def inside(servers: Any) -> Iterator[dict[str, str]]:
    """What listens on this machine, and what a cloud's inside looks like."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        yield {
            "canary": f"127.0.0.1:{canary.getsockname()[1]}",
            "PostgreSQL": f"127.0.0.1:{servers.postgres.port}",
            "Valkey": f"127.0.0.1:{servers.valkey.port}",
        }


CLOUD = ("169.254.169.254:80", "168.63.129.16:80", "10.0.0.1:443", "192.168.0.1:80")


def test_without_a_wall_all_of_it_is_reached(inside: dict[str, str]) -> None:
    assert {name: reached(address) for name, address in inside.items()} == dict.fromkeys(
        inside, "reached"
    )


@pytest.mark.claim("threat.s4")
@pytest.mark.claim("security.second-wall")
def test_behind_each_wall_nothing_of_the_inside_is_reached(inside: dict[str, str]) -> None:
    built = dict(walls())
    assert built, "this system can build none"
    for wall, prefix in built.items():
        found = behind(wall, prefix, *inside.values(), *CLOUD)
        outside = found.pop(f"{PUBLIC}:80", "reached")
        assert outside == "reached", f"{wall}: the wall is a cage"
        assert len(found) == len(inside) + len(CLOUD)
        assert "reached" not in found.values(), (wall, found)
        print(f"{wall}: {found}")
