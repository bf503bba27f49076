"""One trace a task, seen by a real collector; and a dead collector that nobody notices."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import rotel

from demo.local.servers import free_port
from tests.stack import Stack, eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ASKING = "00f067aa0ba902b7"
CANARY = "canary-7f3a"
WHOLE = {("api", "POST /tasks"), ("dispatcher", "dispatch"), ("worker", "attempt rehearsal")}


@dataclass
class Collector:
    """rotel, an OTLP collector, printing what it receives."""

    port: int
    output: Path

    def spans(self, trace: str) -> list[dict[str, str]]:
        """Service, name, id and parent of each span of a trace."""
        service, found = "", []
        for block in re.split(r"(?=^Span #|^ResourceSpans #)", self.output.read_text(), flags=re.M):
            if named := re.search(r"service\.name: Str\((.*?)\)", block):
                service = named[1]
            span = dict(re.findall(r"^ +(Trace ID|Parent ID|ID|Name) +: ?(.*)$", block, flags=re.M))
            if span.get("Trace ID") == trace:
                found.append({**span, "service": service})
        return found


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(free_port(), tmp_path / "spans.txt")
    program = Path(rotel.__file__).with_name("rotel-agent")
    endpoints = [f"--otlp-http-endpoint=127.0.0.1:{made.port}"]
    endpoints += [f"--otlp-grpc-endpoint=127.0.0.1:{free_port()}"]
    prints = ["--exporter=blackhole", "--debug-log=traces", "--debug-log-verbosity=detailed"]
    with made.output.open("w") as output:
        process = subprocess.Popen([program, "start", *endpoints, *prints], stdout=output)
    try:
        eventually(lambda: _listens(made.port), what="the collector does not listen")
        yield made
    finally:
        process.terminate()
        process.wait(60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.claim("core.one-trace")
def test_one_trace_holds_post_hint_attempts_and_requests(collector):
    endpoint = f"http://127.0.0.1:{collector.port}"
    with Stack.running("--no-guide", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as stack:
        answer = stack.client.post(
            f"/tasks?token={CANARY}",
            json={"kind": "rehearsal", "input": {"steps": 40, "step_seconds": 0.2}},
            headers={"traceparent": f"00-{TRACE}-{ASKING}-01"},
        )
        task = answer.json()
        stack.until(task, "running", step=2)
        stack.kill_pool()
        assert stack.ended(task)["status"] == "succeeded"

        # each process sends its spans when its time has come, the last of them when it ends
        eventually(lambda: names(collector.spans(TRACE)) >= WHOLE, what="a process told nothing")
    eventually(lambda: not hanging(collector.spans(TRACE)), what="a span hangs in the air")
    assert CANARY not in collector.output.read_text()


def names(spans: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(span["service"], span["Name"]) for span in spans}


def hanging(spans: list[dict[str, str]]) -> list[dict[str, str]]:
    """Spans whose parent nobody has seen."""
    ids = {span["ID"] for span in spans} | {ASKING}
    return [span for span in spans if span["Parent ID"] not in ids]


@pytest.mark.claim("core.dead-collector")
def test_a_collector_that_never_answers_slows_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Stack.running("--no-guide", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as stack:
            began = time.monotonic()
            tasks = [stack.submit(steps=2, step_seconds=0) for _ in range(20)]
            submitted = time.monotonic() - began
            assert {stack.ended(task)["status"] for task in tasks} == {"succeeded"}
    # one export alone would wait 2 s for its answer
    assert submitted / len(tasks) < 1, f"{submitted:.1f} s for {len(tasks)} submits"
