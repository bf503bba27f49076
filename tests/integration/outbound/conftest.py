"""Fixtures of the outbound tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.outbound import Outbound
from demo.settings import Settings
from demo.store.engines import engine
from tests.integration.outbound.world import INSIDE, Server, World, http


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for server in made.servers.values():
        server.close()


@pytest.fixture
def inside(world: World) -> Server:
    """A server that nobody outside may reach: each test checks that it has no visitor."""
    return world.serve(http(b"secret"), name="inside.test", at=INSIDE)


Outbounds = Callable[..., Outbound]


@pytest.fixture
def outbound(world: World, database: Any) -> Iterator[Outbounds]:
    """Makes an `Outbound` as a worker has it, with settings of the test's choice."""
    engines = []

    def make(guide: str | None = None, **knobs: Any) -> Outbound:
        source = engine(database.worker)
        engines.append(source)
        return Outbound(
            source,
            Settings(**{"host_interval": 0.01, "fetch_timeout": 60, **knobs}),
            world.guard(guide),
        )

    yield make
    for source in engines:
        source.dispose()
