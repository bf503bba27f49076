"""What all processes know together of a host."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.store import hosts
from demo.store.engines import begin, engine


@pytest.mark.claim("core.breaker")
def test_one_of_many_processes_probes_a_host_whose_breaker_is_half_open(database):
    source = engine(database.worker, pool_size=8)
    try:
        for round_ in range(30):
            host, together = f"host-{round_}", threading.Barrier(8)
            with begin(source) as connection:
                hosts.turn(connection, host, 0)
                hosts.failed(connection, host, threshold=1, seconds=0)

            def admitted(_: int, host: str = host, together: threading.Barrier = together) -> float:
                with begin(source) as connection:
                    together.wait(60)
                    return hosts.admit(connection, host, probe=60)

            with ThreadPoolExecutor(8) as threads:
                waits = list(threads.map(admitted, range(8)))
            assert sum(wait == 0 for wait in waits) == 1, waits
    finally:
        source.dispose()
