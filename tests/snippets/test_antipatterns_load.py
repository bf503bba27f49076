"""What a wrong version costs everybody else, counted beside the right one."""

import asyncio
import random
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from kombu.exceptions import OperationalError
from redis import Redis

from demo.local.servers import Valkey
from snippets.experiments.bench import hang_up
from tests.figures import keep
from tests.stack import Stack

from .conftest import Serve, Wait, Workers, consumers, loaded, lose
from .test_antipatterns_promises import lines

THREADS = 40  # of a FastAPI process, by default
PROBES = 10
SECOND = httpx.Timeout(30, read=1)


def probe(url: str) -> bool:
    """As an orchestrator asks: a second without an answer is none."""
    try:
        return httpx.get(url, timeout=SECOND, trust_env=False).is_success
    except httpx.ReadTimeout:
        return False


def probes(url: str) -> int:
    """How many of them are answered."""
    with ThreadPoolExecutor(PROBES) as pool:
        return sum(pool.map(probe, [url] * PROBES))


@pytest.mark.claim("antipatterns.waiting-handler")
def test_requests_that_wait_for_a_task_leave_no_thread_for_the_probe(
    serve: Serve, broker: Valkey, eventually: Wait
) -> None:
    app = serve("waiting_handler", BROKER=broker.url)
    eventually(lambda: probes(f"{app.url}/livez") == PROBES)
    with Redis.from_url(broker.url, protocol=2) as queue, ThreadPoolExecutor(THREADS) as pool:
        ask = partial(httpx.post, f"{app.url}/reports", timeout=60, trust_env=False)
        sent = [pool.submit(ask) for _ in range(THREADS)]
        eventually(lambda: queue.llen("celery") == THREADS)
        answered = probes(f"{app.url}/livez")
        app.kill()
        assert all(isinstance(one.exception(), httpx.TransportError) for one in sent)
    assert answered == 0
    keep("antipatterns", waiting_probes=(answered, f"of {PROBES} probes"))


@pytest.mark.claim("core.accepts-without-worker")
def test_requests_that_submit_a_task_leave_the_probe_alone(stack: Stack, eventually: Wait) -> None:
    with stack.without("worker"):
        tasks = [stack.submit(steps=1, step_seconds=0) for _ in range(THREADS)]
        # a busy machine may be late once; who holds a thread for each request is late for ever
        eventually(lambda: probes(f"{stack.url}/livez") == PROBES)
        canceled = [stack.client.post(f"/tasks/{task['id']}/cancel") for task in tasks]
    assert all(answer.is_success for answer in canceled)
    keep("antipatterns", accepted_probes=(PROBES, f"of {PROBES} probes"))


SIZE, COUNT, BOUND = 8_000_000, 30, 10


@pytest.mark.claim("antipatterns.big-messages")
def test_a_broker_refuses_tasks_when_data_fills_it(
    broker: Valkey, tmp_path: Path, celery_worker: Workers, eventually: Wait
) -> None:
    variables = {"BROKER": broker.url, "BLOBS": str(tmp_path), "DIARY": str(tmp_path / "diary")}
    big = loaded("antipatterns/big_messages.py", **variables)
    data = bytes(SIZE)
    with Redis.from_url(broker.url, protocol=2) as memory:

        def used() -> int:
            return int(memory.info("memory")["used_memory"])

        def sent(submit: Callable[[bytes], None], most: int) -> tuple[int, float, float]:
            """How many were accepted, the memory of each in the broker, and seconds for each."""
            empty, begun = used(), time.monotonic()
            accepted = sum(1 for _ in takewhile(accepts(submit), range(most)))
            spent = time.monotonic() - begun
            return accepted, (used() - empty) / accepted, spent / accepted

        def accepts(submit: Callable[[bytes], None]) -> Callable[[object], bool]:
            def one(_: object) -> bool:
                try:
                    submit(data)
                except OperationalError:
                    return False
                return True

            return one

        wrong, wrong_bytes, wrong_seconds = sent(big.submit, COUNT)
        memory.delete("celery")
        eventually(lambda: used() < SIZE)  # it is freed behind our back
        right, right_bytes, right_seconds = sent(big.submit_reference, COUNT)
        celery_worker("big_messages:celery", "--pool", "solo", **variables)
        eventually(lambda: lines(tmp_path / "diary") == [str(SIZE)] * COUNT)
        hang_up(big.celery)
    assert wrong < COUNT == right
    assert wrong_bytes > 100 * right_bytes
    keep(
        "antipatterns",
        data_accepted=(wrong, f"of {COUNT} tasks"),
        data_memory=(wrong_bytes / 2**20, "MiB a task"),
        data_send=(1000 * wrong_seconds, "ms"),
        reference_accepted=(right, f"of {COUNT} tasks"),
        reference_memory=(right_bytes / 2**10, "KiB a task"),
        reference_send=(1000 * right_seconds, "ms"),
    )


LONG = 8


@pytest.mark.claim("antipatterns.one-queue")
def test_a_mail_waits_for_every_report_in_front_of_it(
    broker: Valkey, tmp_path: Path, celery_worker: Workers, eventually: Wait
) -> None:
    apps: list[Any] = []

    def before_the_mail(module: str, *workers: tuple[str, ...]) -> int:
        """How many reports had ended when the mail was sent."""
        started: list[subprocess.Popen[bytes]] = []
        variables = {"BROKER": broker.url, "DIARY": str(tmp_path / module)}
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(Path(__file__).parents[2] / "snippets" / "antipatterns"))
            celery = loaded(f"antipatterns/{module}.py", **variables).celery
        for options in workers:
            started.append(celery_worker(f"{module}:celery", *options, **variables))
        # whoever started first would have an advantage that has nothing to do with queues
        eventually(lambda: consumers(broker) == len(workers))
        for name in ["report"] * LONG + ["mail"]:
            celery.send_task(name)
        eventually(lambda: len(lines(tmp_path / module)) == LONG + 1)
        for worker in started:
            lose(worker)
        apps.append(celery)
        return lines(tmp_path / module).index("mail")

    waited = before_the_mail("one_queue", ("-c", "2"))
    alone = before_the_mail("own_queues", ("-c", "1", "-Q", "short"), ("-c", "1", "-Q", "long"))
    hang_up(apps[0])  # the pool is one for both: their broker is
    assert waited >= LONG - 1
    assert alone <= LONG // 2
    keep("antipatterns", one_queue_waits=(waited, f"of {LONG} reports"))
    keep("antipatterns", own_queue_waits=(alone, f"of {LONG} reports"))


CLIENTS, CAPACITY, WINDOW = 60, 10, 0.2
SEED = 1211


class Hurry(selectors.SelectSelector):
    """Waits that take no time: a busy machine moves nobody's moment, and nobody waits."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0
        return super().select(0)


def hurried() -> asyncio.AbstractEventLoop:
    """An event loop whose clock jumps to the next moment at which anything is due."""
    selector = Hurry()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    return loop


class FarSide:
    """Serves so many requests in a window; counts all of them."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._served: deque[float] = deque()

    async def ask(self) -> bool:
        """Whether the one who asks is served."""
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        while self._served and now - self._served[0] > WINDOW:
            self._served.popleft()
        served = len(self._served) < CAPACITY
        if served:
            self._served.append(now)
        return served

    def peak(self) -> int:
        """Most requests in a window, after everybody's first."""
        later = sorted(self.asked)[CLIENTS:]
        return max(sum(0 <= other - one <= WINDOW for other in later) for one in later)


def storm(call: Callable[[Any], Awaitable[None]]) -> FarSide:
    """All clients at once, until each is served."""
    far = FarSide()

    async def everybody() -> None:
        await asyncio.gather(*(call(far.ask) for _ in range(CLIENTS)))

    with asyncio.Runner(loop_factory=hurried) as runner:
        runner.run(everybody())
    return far


@pytest.mark.claim("antipatterns.retry-together")
def test_clients_that_wait_alike_meet_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "snippets" / "antipatterns"))
    monkeypatch.setattr(random, "random", random.Random(SEED).random)
    together, apart = (
        storm(loaded(f"antipatterns/{name}.py").call) for name in ("retry_together", "retry_apart")
    )
    assert len(together.asked) > 1.3 * len(apart.asked)
    assert together.peak() > 1.3 * apart.peak()
    keep("antipatterns", together_requests=(len(together.asked), f"requests for {CLIENTS}"))
    keep("antipatterns", together_peak=(together.peak(), "at once"))
    keep("antipatterns", apart_requests=(len(apart.asked), f"requests for {CLIENTS}"))
    keep("antipatterns", apart_peak=(apart.peak(), "at once"))


FOLLOWERS, SECONDS = 1000, 3


async def transactions(url: str, database: str, followers: int) -> float:
    """PostgreSQL's transactions a second while so many clients follow a task that is silent."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    streams = []
    for _ in range(followers):
        reader, writer = await asyncio.open_connection(host, port)
        target = httpx.URL(url).raw_path
        writer.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (target, port))
        streams.append((reader, writer))
    for reader, _ in streams:
        await reader.readuntil(b"data: ")
    await asyncio.sleep(1.5)  # PostgreSQL's statistics come up to a second late
    before = committed(database)
    await asyncio.sleep(SECONDS)
    spent = committed(database) - before
    for _, writer in streams:
        writer.close()
    await asyncio.gather(*(w.wait_closed() for _, w in streams), return_exceptions=True)
    return spent / SECONDS


def committed(database: str) -> int:
    """Transactions so far."""
    connection = psycopg2.connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
        (count,) = cursor.fetchone() or (0,)
    connection.close()
    return int(count)


@pytest.mark.timeout(300)
@pytest.mark.claim("antipatterns.polling")
def test_streams_that_poll_keep_the_database_busy_with_nothing(
    serve: Serve, database: Any, stack: Stack
) -> None:
    app = serve("polling_stream", DATABASE_URL=database.owner)
    task = stack.submit(steps=1, step_seconds=600)
    stack.until(task, "running")
    url = f"{stack.url}/tasks/{task['id']}/stream"

    async def beside() -> list[float]:
        """Two databases: what one is asked is not counted in the other."""
        wrong = transactions(f"{app.url}/reports/1/stream", database.owner, FOLLOWERS)
        return await asyncio.gather(wrong, transactions(url, stack.postgres.url(), 1))

    polled, alone = asyncio.run(beside())
    app.kill()
    woken = asyncio.run(transactions(url, stack.postgres.url(), FOLLOWERS)) - alone
    stack.client.post(f"/tasks/{task['id']}/cancel")
    assert stack.ended(task)["status"] == "canceled"
    assert polled > 20 * max(woken, 1)
    keep("antipatterns", polled=(polled, f"transactions a second for {FOLLOWERS} idle clients"))
    keep("antipatterns", woken=(max(woken, 0), f"a second more for {FOLLOWERS} idle clients"))
