"""Each step of the tutorial runs as a reader runs it, and is better than the step before.

What the guide prints of it is recorded here: `RECORD=1` writes the transcripts anew.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from redis import Redis

from demo.local.servers import free_port
from tests.stack import eventually
from tests.transcripts import keep

from .conftest import ROOT, SNIPPETS

STEPS = SNIPPETS / "tutorial"
SHOWN = {"api": 8010, "gateway": 8009}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
PAGE = re.compile(r"report (\w{4}), page (\d+)")


class Process:
    """A program of the tutorial in a terminal of its own."""

    def __init__(self, name: str, command: str, output: Path, environment: dict[str, str]) -> None:
        self.name, self._output = name, output
        program, *arguments = command.split()
        start = {"python": [], "uvicorn": ["-m", "uvicorn"]}[program]
        with output.open("a") as file:
            self.process = subprocess.Popen(
                [sys.executable, *start, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=subprocess.DEVNULL,
            )

    @property
    def said(self) -> list[str]:
        return self._output.read_text().splitlines()

    @property
    def pages(self) -> list[tuple[str, int]]:
        """Report and page of each line that says so."""
        found = (PAGE.match(line) for line in self.said)
        return [(match[1], int(match[2])) for match in found if match]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Tutorial:
    """The reader's terminals: programs that run, commands typed, and what was seen."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._ports = {name: free_port() for name in SHOWN}
        self.api = f"http://127.0.0.1:{self._ports['api']}"
        self.gateway = f"http://127.0.0.1:{self._ports['gateway']}"
        self.client = httpx.Client(timeout=60, trust_env=False)
        self.running: list[Process] = []
        self._seen: list[str] = []

    def start(self, name: str, command: str) -> Process:
        """Start a program; its ports are the ones that the guide shows, moved to free ones."""
        self._seen.append(f"$ {command} &")
        output = self._folder / f"{name}-{len(self.running)}"
        self.running.append(Process(name, self._moved(command), output, self._environment))
        return self.running[-1]

    def serve(self, step: str) -> Process:
        """Start the API of a step and wait until it answers."""
        command = f"uvicorn --app-dir snippets/tutorial {step}:app --port 8010 --no-access-log"
        api = self.start("api", command)
        eventually(lambda: self._answers(self.api))
        return api

    def worker(self, step: str, name: str = "worker") -> Process:
        return self.start(name, f"python snippets/tutorial/{step}.py")

    def limit(self, seconds: int) -> None:
        """Put the gateway in front."""
        self.start("gateway", f"python snippets/tutorial/gateway.py 8009 8010 --limit {seconds}")
        eventually(lambda: self._answers(self.gateway))

    def type(self, command: str) -> str:
        """Run a command in the reader's own terminal."""
        done = subprocess.run(
            ["sh", "-c", self._moved(command)],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self._seen += [f"$ {command}", *done.stdout.replace("\r", "").splitlines()]
        return done.stdout

    def comment(self, text: str) -> None:
        self._seen.append(f"# {text}")

    def show(self, *processes: Process) -> None:
        """What programs have printed in their terminals."""
        self._seen += [f"{p.name} | {line}" for p in processes for line in p.said]

    def record(self, step: int) -> None:
        """Keep what was seen, with one name for the report that it is about."""
        heard = (
            line for line in self._seen if not line.startswith(":")
        )  # keep-alives come by chance
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(heard)) + "\n"
        for name, port in self._ports.items():
            text = text.replace(str(port), str(SHOWN[name]))
        ids = [*UUID.findall(text), *re.findall(r"report ([0-9a-f]{4}),", text)]
        for id, name in zip(dict.fromkeys(id[:4] for id in ids), "ab", strict=False):
            text = re.sub(f"{id}[0-9a-f]{{4}}-[0-9a-f-]{{27}}", f"{name * 4}…", text)
            text = text.replace(f"report {id},", f"report {name * 4},")
        keep(f"tutorial-{step}.console", text, stream=True)

    def submit(self, pages: int) -> str:
        answer = self.client.post(f"{self.api}/reports", params={"pages": pages})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    def monitor(self, id: str) -> httpx.Response:
        return self.client.get(f"{self.api}/reports/{id}")

    def status(self, id: str) -> str:
        return str(self.monitor(id).json()["status"])

    def end(self) -> None:
        for process in self.running:
            process.kill()
        self.client.close()

    def _moved(self, command: str) -> str:
        for name, shown in SHOWN.items():
            command = command.replace(str(shown), str(self._ports[name]))
        return command

    def _answers(self, url: str) -> bool:
        try:
            return self.client.get(f"{url}/docs").status_code in (200, 501)
        except httpx.TransportError:
            return False


@pytest.fixture
def tutorial(
    tmp_path: Path, environment: dict[str, str], servers: Any, database: Any
) -> Iterator[Tutorial]:
    urls = {"DATABASE_URL": database.owner, "REDIS_URL": servers.redis_url}
    made = Tutorial(tmp_path, environment | urls)
    yield made
    made.end()


Log = Callable[[str], list[tuple[Any, ...]]]
OTHERS = """SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
def log(database: Any) -> Iterator[Log]:
    """What the database says."""
    connection = psycopg2.connect(database.owner)
    connection.autocommit = True
    with connection.cursor() as cursor:

        def rows(statement: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement)
            return cursor.fetchall()

        yield rows
    connection.close()


def written(*processes: Process, count: int) -> Callable[[], bool]:
    """Whether so many pages have been written."""
    return lambda: sum(len(process.pages) for process in processes) >= count


SUBMIT = "curl -s -o /dev/null -w '%{http_code}\\n' -X POST 'http://127.0.0.1:8009/reports?pages=4'"


@pytest.mark.claim("tutorial.cut")
def test_step_1_is_cut_and_its_work_runs_twice(tutorial: Tutorial) -> None:
    api = tutorial.serve("step1_blocking")
    tutorial.limit(1)
    assert tutorial.type(SUBMIT) == "504\n"
    tutorial.comment("try again, as every client does")
    assert tutorial.type(SUBMIT) == "504\n"
    eventually(written(api, count=8))
    tutorial.show(api)
    tutorial.record(1)
    assert len({report for report, _ in api.pages}) == 2


@pytest.mark.claim("tutorial.forgets")
def test_step_2_answers_in_time_and_forgets_at_a_restart(tutorial: Tutorial) -> None:
    api = tutorial.serve("step2_background")
    tutorial.limit(1)
    id = re.findall(UUID, tutorial.type(SUBMIT.replace("-o /dev/null -w '", "-w '\\n")))[0]
    eventually(written(api, count=1))
    tutorial.show(api)
    tutorial.comment("kill -9 the API, as a deploy or a crash may, and start it again")
    api.kill()
    again = tutorial.serve("step2_background")
    answer = tutorial.type(f"curl -s http://127.0.0.1:8010/reports/{id}")
    tutorial.record(2)
    assert answer == '{"detail":"Not Found"}'
    assert not again.said


@pytest.mark.claim("tutorial.found-again")
def test_step_3_is_found_again_but_nobody_works_on_it(tutorial: Tutorial) -> None:
    api = tutorial.serve("step3_row")
    answer = tutorial.type("curl -si -X POST 'http://127.0.0.1:8010/reports?pages=4'")
    assert "retry-after: 1" in answer
    id = re.findall(UUID, answer)[0]
    eventually(written(api, count=1))
    tutorial.show(api)
    tutorial.comment("kill -9 the API and start it again")
    api.kill()
    again = tutorial.serve("step3_row")
    assert '"running"' in tutorial.type(f"curl -s http://127.0.0.1:8010/reports/{id}")
    tutorial.record(3)
    other = tutorial.submit(6)
    eventually(lambda: tutorial.status(other) == "succeeded")
    assert tutorial.status(id) == "running", "found, and for ever running"
    assert {report for report, _ in again.pages} == {other[:4]}


@pytest.mark.claim("tutorial.once")
def test_step_4_runs_once_with_two_workers_and_outlives_the_api(tutorial: Tutorial) -> None:
    api = tutorial.serve("step4_claim")
    workers = [tutorial.worker("step4_claim", f"worker {n}") for n in (1, 2)]
    id = re.findall(UUID, tutorial.type("curl -s -X POST 'http://127.0.0.1:8010/reports?pages=4'"))
    eventually(written(*workers, count=1))
    tutorial.comment("kill -9 the API and start it again")
    api.kill()
    tutorial.serve("step4_claim")
    eventually(lambda: tutorial.status(id[0]) == "succeeded")
    tutorial.type(f"curl -s http://127.0.0.1:8010/reports/{id[0]}")
    tutorial.show(*workers)
    tutorial.record(4)
    more = [tutorial.submit(1) for _ in range(8)]
    eventually(lambda: all(tutorial.status(one) == "succeeded" for one in more))
    pages = [page for worker in workers for page in worker.pages]
    assert sorted(pages) == sorted(set(pages)), "no page twice"
    assert len(pages) == 4 + 8


def test_step_4_waits_for_ever_for_a_dead_worker(tutorial: Tutorial) -> None:
    tutorial.serve("step4_claim")
    worker = tutorial.worker("step4_claim")
    id = tutorial.submit(40)
    eventually(written(worker, count=1))
    worker.kill()
    tutorial.worker("step4_claim")
    other = tutorial.submit(4)
    eventually(lambda: tutorial.status(other) == "succeeded")
    assert tutorial.status(id) == "running"


@pytest.mark.claim("tutorial.goes-on")
def test_step_5_goes_on_from_the_last_page(tutorial: Tutorial) -> None:
    tutorial.serve("step5_checkpoint")
    first = tutorial.worker("step5_checkpoint", "worker 1")
    id = re.findall(UUID, tutorial.type("curl -s -X POST 'http://127.0.0.1:8010/reports?pages=6'"))
    eventually(written(first, count=2))
    tutorial.comment("kill -9 the worker and start another one")
    first.kill()
    done = tutorial.monitor(id[0]).json()["done"]
    second = tutorial.worker("step5_checkpoint", "worker 2")
    eventually(lambda: tutorial.status(id[0]) == "succeeded")
    tutorial.show(first, second)
    tutorial.type(f"curl -s http://127.0.0.1:8010/reports/{id[0]}")
    tutorial.record(5)
    assert [page for _, page in second.pages] == list(range(done + 1, 7))
    assert tutorial.monitor(id[0]).json()["attempt"] == 2


@pytest.mark.claim("tutorial.fenced")
def test_step_5_lets_nobody_write_who_lost_the_claim(tutorial: Tutorial, log: Log) -> None:
    tutorial.serve("step5_checkpoint")
    frozen = tutorial.worker("step5_checkpoint")
    id = tutorial.submit(6)
    eventually(written(frozen, count=1))

    def between_pages() -> bool:
        """Frozen without a transaction: the lock of an open one would keep everybody out."""
        frozen.process.send_signal(signal.SIGSTOP)
        if idle := log(OTHERS) == []:
            return idle
        frozen.process.send_signal(signal.SIGCONT)
        return False

    eventually(between_pages)
    tutorial.worker("step5_checkpoint")
    eventually(lambda: tutorial.status(id) == "succeeded")
    ended = tutorial.monitor(id).json()
    frozen.process.send_signal(signal.SIGCONT)
    eventually(lambda: frozen.said[-1] == f"report {id[:4]}, another attempt has it")
    assert tutorial.monitor(id).json() == ended


@pytest.mark.claim("tutorial.follows")
def test_step_6_shows_each_event_once_over_a_cut_and_a_crash(tutorial: Tutorial, log: Log) -> None:
    tutorial.serve("step6_follow")
    worker = tutorial.worker("step6_follow")
    id = re.findall(UUID, tutorial.type("curl -s -X POST 'http://127.0.0.1:8010/reports?pages=6'"))
    stream = f"curl -sN http://127.0.0.1:8010/reports/{id[0]}/stream"
    tutorial.comment("lose the connection in the middle of the third event")
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(tutorial.type, f"{stream} | sed '/^id: 3/q'")
        eventually(lambda: len(log("SELECT 1 FROM events6")) >= 3)
        worker.kill()  # curl, which notices only when it writes again, might outlive the work
    seen = cut.result().removesuffix("id: 3\n")
    tutorial.comment("kill -9 the worker, start another one, come back with the last whole event")
    tutorial.worker("step6_follow", "worker 2")
    seen += tutorial.type(f"{stream} -H 'Last-Event-ID: 2'")
    tutorial.record(6)
    assert re.findall(r"^id: (\d+)$", seen, re.M) == [str(n) for n in range(1, 7)]
    assert re.findall(r"^event: (\w+)$", seen, re.M) == ["page"] * 5 + ["end"]
    attempts = re.findall(r"attempt (\d)", seen)
    assert attempts == sorted(attempts)
    assert set(attempts) == {"1", "2"}


def test_the_tutorials_servers_start_and_leave_nothing(environment: dict[str, str]) -> None:
    command = [sys.executable, "snippets/tutorial/servers.py"]
    variables = environment | {"PYTHONPATH": "."}
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE) as process:
        assert process.stdout
        lines = [process.stdout.readline().decode().strip() for _ in range(2)]
        told = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        psycopg2.connect(told["DATABASE_URL"]).close()
        with Redis.from_url(told["REDIS_URL"], protocol=2) as valkey:
            assert valkey.ping()
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(told["DATABASE_URL"])


@pytest.mark.parametrize("path", sorted(STEPS.glob("step*.py")), ids=lambda path: path.stem)
def test_a_step_fits_a_page(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60
