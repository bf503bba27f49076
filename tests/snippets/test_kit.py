"""The conformance kit: full marks for the demo and for a right little server, and each wrong one
loses exactly what it should. `RECORD=1` writes the tables and the transcript that the guide shows.
"""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from snippets.kit import following, streaming
from snippets.kit.catalog import RULES
from snippets.kit.rules import Level, Outcome
from snippets.kit.scorecard import Scorecard, checked
from snippets.kit.sse import read
from snippets.kit.target import OPTIONS, Target
from tests.stack import Stack

from .conftest import ROOT, SNIPPETS
from .wrong_servers import right, wrong

RECORD = os.environ.get("RECORD") == "1"
TOLD = {
    "submit": "POST /jobs",
    "body": '{"seconds": 1.5}',
    "slow": '{"seconds": 600}',
    "failing": '{"seconds": 0.5, "fails": true}',
    "keep-alive": 8,
    "timeout": 8,
    "token-env": "KIT_TOKEN",
    "other-token-env": "KIT_OTHER_TOKEN",
}
SCRIPTS = ("score.sh", "score-with-pytest.sh")
Done = subprocess.CompletedProcess[str]
DEMO = (
    "--kind", "rehearsal",
    "--input", '{"steps": 3}',
    "--slow", '{"steps": 2, "step_seconds": 300}',
    "--failing", '{"steps": 1, "fail_at": 1}',
    "--keep-alive", "20",
)  # fmt: skip

LOST: dict[type[Any], set[str]] = {
    right.Right: set(),
    wrong.JobId: {
        "submit.accepted",
        "submit.monitor",
        "submit.operation-location",
        "submit.absolute",
        "submit.location",
        "submit.retry-after",
        "submit.same-id",
        "key.marked",
        "prefer.async",
    },
    wrong.OwnWords: {
        "monitor.stays",
        "monitor.final-word",
        "monitor.not-modified",
        "cancel.ends",
    },
    wrong.Relative: {"submit.absolute", "submit.retry-after", "monitor.retry-after"},
    wrong.CheckThenAct: {"key.parallel", "key.reused"},
    wrong.NoIds: {"stream.ids", "stream.resume", "stream.over", "stream.garbage"},
    wrong.Buffered: {"stream.live", "stream.keep-alive"},
    wrong.Late: {
        "refuse.malformed",
        "refuse.invalid",
        "refuse.unknown-member",
        "refuse.media-type",
    },
    wrong.Forgetful: {"monitor.etag-changes", "monitor.foreign", "cancel.late"},
}
MORE = (wrong.Sloppy, wrong.Unready, wrong.Moody, wrong.Undone, wrong.Torn)
MIXTURES = [*LOST, *MORE]
pytestmark = pytest.mark.timeout(600)  # the first test waits for nearly all of the runs


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An app on a free port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # callers wait for a server that is slow to start, and are not refused
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=partial(server.run, sockets=[listening]))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def target(url: str, **more: Any) -> Target:
    defaults = {name: default for name, (default, _) in OPTIONS.items()}
    return Target.told(url, {**defaults, **TOLD, **more})


def score(url: str, **more: Any) -> Scorecard:
    return Scorecard(list(checked(target(url, **more))))


def lost(card: Scorecard) -> set[str]:
    return {result.rule.id for result in card.results if result.lost}


def mistake(server: type[Any]) -> Scorecard:
    with served(server().app()) as url:
        return score(url, **({"monitor": "/jobs/{job}"} if server is wrong.JobId else {}))


@pytest.fixture(scope="module", autouse=True)
def tokens() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_TOKEN", "one")
        patch.setenv("KIT_OTHER_TOKEN", "another")
        for module in (following, streaming):
            patch.setattr(module, "NO_NEWS", 5)  # many times what a closed stream needs
        yield


def ran(*command: str, **environment: str) -> Done:
    """A program to its end."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def kit(*arguments: str) -> Done:
    """The command line."""
    return ran(sys.executable, "-m", "snippets.kit", *arguments)


def scored(script: str) -> Done:
    """A script to copy, against a server that keeps all rules."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with served(right.Right().app()) as url:
        return ran("sh", f"snippets/kit/{script}", PATH=path, API=url, API_TOKEN="one")


def refused() -> Done:
    """The command line, against a server that breaks a must."""
    with served(wrong.Relative().app()) as url:
        return kit(url, "--submit", "POST /jobs", "--body", '{"seconds": 1.5}')


def plugged(folder: Path) -> Done:
    """The plugin, against the same."""
    options = ["--kit-submit", "POST /jobs", "--kit-body", '{"seconds": 1.5}']
    plain = ["-p", "snippets.kit.plugin", "-q", "-c", "/dev/null", "-rA", str(folder)]
    with served(wrong.Relative().app()) as url:
        return ran(sys.executable, "-m", "pytest", *plain, "--kit-url", url, *options)


@pytest.fixture(scope="module")
def scorecard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "scorecard.json"


@pytest.fixture(scope="module")
def runs(
    tokens: None, stack: Stack, scorecard: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Done]]]:
    """All programs that take long, side by side: what they do most is wait."""
    folder = tmp_path_factory.mktemp("plugin")
    asked = {
        "demo": partial(kit, stack.url, *DEMO, "--json", str(scorecard)),
        **{script: partial(scored, script) for script in SCRIPTS},
        "wrong": refused,
        "plugin": partial(plugged, folder),
    }
    with ThreadPoolExecutor(len(asked)) as pool:
        yield {name: pool.submit(run) for name, run in asked.items()}


@pytest.fixture(scope="module")
def cards(tokens: None, runs: dict[str, Future[Done]]) -> dict[type[Any], Scorecard]:
    """Half of the servers at a time: they mostly wait, but a busy machine must not blur them."""
    last_first = MIXTURES[::-1]  # one of the last waits longer than all others
    with ThreadPoolExecutor(len(MIXTURES) // 2) as pool:
        return dict(zip(last_first, pool.map(mistake, last_first), strict=True))


@pytest.mark.claim("kit.exact")
@pytest.mark.parametrize("server", LOST, ids=lambda server: server.__name__)
def test_a_wrong_server_loses_exactly_what_it_gets_wrong(
    cards: dict[type[Any], Scorecard], server: type[Any]
) -> None:
    assert lost(cards[server]) == LOST[server]
    musts = {rule.id for rule in RULES if rule.level is Level.MUST}
    assert cards[server].conforms == (not LOST[server] & musts)


@pytest.mark.claim("kit.each-rule-fails")
def test_each_rule_is_broken_by_some_server(cards: dict[type[Any], Scorecard]) -> None:
    results = [result for card in cards.values() for result in card.results]
    failed = {result.rule.id for result in results if result.outcome is Outcome.FAILED}
    assert {rule.id for rule in RULES} - failed == set()


def test_what_is_not_offered_is_not_counted() -> None:
    class Bare(right.Right):
        def shown(self, request: Any, job: right.Job) -> dict[str, Any]:
            return {**super().shown(request, job), "links": {}}

        async def list(self, request: Any) -> Any:
            raise right.HTTPException(405, "no lists")

    with served(Bare().app()) as url:
        card = score(url, failing=None, slow=None)
    outcomes = {result.rule.id: result.outcome for result in card.results}
    assert lost(card) == set()
    missing = {id for id in outcomes if id.startswith(("stream.", "list."))} | {"cancel.late"}
    assert {outcomes[id] for id in missing} == {Outcome.NOT_OFFERED}
    untold = {"failed.ok", "failed.error", "result.failed", "cancel.ends", "key.reused"}
    assert {outcomes[id] for id in untold} == {Outcome.NOT_TRIED}
    counted = sum(outcome.counts for outcome in outcomes.values())
    assert sum(card.points(*Level)) == 2 * counted


def test_an_answer_may_be_anything() -> None:
    with served(wrong.Hello()) as url:
        card = score(url)
    assert not card.conforms
    assert len(card.results) == len(RULES)


def test_nothing_is_kept_where_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        card = score(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert {result.rule.id for result in card.results if result.outcome is Outcome.PASSED} == set()
    assert card.points(Level.MUST)[1] > 0


@pytest.mark.claim("kit.token")
def test_the_token_stays_with_its_origin() -> None:
    seen: list[dict[str, str]] = []

    class Elsewhere(right.Right):
        async def monitor(self, request: Any) -> Any:
            seen.append(dict(request.headers))
            return self.sent(right.JSONResponse({"id": "1", "status": "Succeeded"}))

    with served(Elsewhere().app()) as other:

        class Straying(right.Right):
            def here(self, request: Any, job: right.Job) -> str:
                return f"{other}/jobs/{job.id}"

        with served(Straying().app()) as url:
            score(url)
    assert seen
    assert not [headers for headers in seen if "authorization" in headers]


@pytest.mark.claim("kit.tidy")
def test_no_task_is_left_running() -> None:
    server = right.Right()
    with served(server.app()) as url:
        score(url)
    assert len(server.jobs) == 11
    slow = [job for job in server.jobs.values() if job.seconds == 600]
    assert slow
    assert {job.status for job in slow} == {"Canceled"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_streams_are_read_in_pieces_of_any_size(size: int, end: str) -> None:
    lines = [
        "retry: 5",
        "id: 1",
        "event: a",
        'data: {"x": "\u2028"}',
        "data:y",
        "",
        ": z",
        "id",
        "",
    ]
    wire = "".join(line + end for line in lines).encode()
    pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
    stream = read(httpx.Response(200, stream=Pieces(pieces)), 5)
    assert [(e.id, e.type, e.data) for e in stream.events] == [("1", "a", '{"x": "\u2028"}\ny')]
    assert (stream.retry_inside, stream.retry_alone, stream.closed) == (1, 0, True)


class Pieces(httpx.SyncByteStream):
    """A body as a network may cut it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def outcomes(text: str) -> list[str]:
    """Outcome, level and rule of each line, and the score."""
    return re.findall(r"^(?:\S (?:passed|failed|not \w+) +\w+ +\S+|\d+ of .*)", text, re.M)


@pytest.mark.claim("kit.demo")
def test_the_demo_keeps_every_rule(runs: dict[str, Future[Done]], scorecard: Path) -> None:
    run = runs["demo"].result()
    card = json.loads(scorecard.read_text())
    assert run.returncode == 0, run.stdout + run.stderr
    not_kept = [result for result in card["results"] if result["outcome"] != "passed"]
    assert {result["id"] for result in not_kept} <= {"monitor.foreign"}
    asked = shlex.join(["python", "-m", "snippets.kit", "http://127.0.0.1:8001", *DEMO])
    shown = f"$ {asked}\n{run.stdout}"
    recorded(SNIPPETS / "transcripts" / "kit.console", shown, outcomes)


def recorded(path: Path, now: str, alike: Any = str) -> None:
    """Write what the guide shows, or compare with it."""
    if RECORD:
        path.write_text(now, "utf-8")
    assert alike(path.read_text("utf-8")) == alike(now), f"RECORD=1 writes {path.name} anew"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a task to submit is needed"),
        (["--body", "{"], "not JSON"),
        (["--body", "no-such-file"], "No such file"),
        (["--body", "{}", "--submit", "/tasks"], "a method and a path"),
        (["--body", "{}", "--token-env", "KIT_NO_TOKEN"], "the environment has no KIT_NO_TOKEN"),
    ],
)
def test_what_makes_no_sense_is_said_and_ends_with_2(arguments: list[str], said: str) -> None:
    run = kit("http://127.0.0.1:9", *arguments)
    assert run.returncode == 2
    assert said in run.stderr


@pytest.mark.claim("kit.exit-code")
def test_a_must_that_is_not_kept_ends_with_1(runs: dict[str, Future[Done]]) -> None:
    run = runs["wrong"].result()
    assert run.returncode == 1
    assert "✘ failed       must    submit.absolute" in run.stdout
    assert len(run.stdout.splitlines()) == len(RULES) + 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_to_copy_give_full_marks_to_a_right_server(
    runs: dict[str, Future[Done]], script: str
) -> None:
    run = runs[script].result()
    assert run.returncode == 0, run.stdout + run.stderr
    won, possible = re.findall(r"^(\d+) of (\d+) ", run.stdout, re.M)[-1]
    assert won == possible


@pytest.mark.claim("kit.pytest")
def test_as_a_pytest_plugin_each_rule_is_a_test(runs: dict[str, Future[Done]]) -> None:
    run = runs["plugin"].result()
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAILED kit::must submit.absolute" in run.stdout or "submit.absolute" in run.stdout
    assert re.search(r"3 failed, \d+ passed, \d+ skipped", run.stdout)
    assert re.search(r"^\d+ of \d+ \(must", run.stdout, re.M)


def test_the_table_of_rules_is_the_guides() -> None:
    rows = ["| Rule | Level | What is expected | Source |", "| --- | --- | --- | --- |"]
    for rule in RULES:
        sources = ", ".join(f"[{source.name}]({source.url})" for source in rule.sources)
        rows.append(f"| `{rule.id}` | {rule.level} | {rule.expected} | {sources} |")
    recorded(SNIPPETS / "kit" / "rules.md", "\n".join(rows) + "\n")


def test_the_table_of_scores_is_the_guides(cards: dict[type[Any], Scorecard]) -> None:
    rows = ["| Server | Points | Must | Loses |", "| --- | --- | --- | --- |"]
    for server in LOST:
        card = cards[server]
        won, possible = card.points(Level.MUST, Level.SHOULD)
        gone = ", ".join(f"`{r.rule.id}`" for r in card.results if r.lost) or "nothing"
        story = " ".join(str(server.__doc__).split("\n\n")[0].split())
        must = "/".join(map(str, card.points(Level.MUST)))
        rows.append(f"| {story} | {won} of {possible} | {must} | {gone} |")
    recorded(SNIPPETS / "kit" / "scores.md", "\n".join(rows) + "\n")
