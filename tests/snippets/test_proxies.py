"""The demo's stream through real proxies: what freezes it, what cuts it and what cures that."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.stack import Stack, eventually

from .behind import Change, Proxy, behind, version
from .conftest import SNIPPETS
from .watching import Reader

TABLE = SNIPPETS / "proxies" / "table.md"
pytestmark = pytest.mark.timeout(600)  # the first test waits for all rows
KEEPALIVE = 1  # the demo's 15 s, shortened like the limits below
ENVOY_GZIP = """                http_filters:
                  - name: envoy.filters.http.compressor
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor
                      response_direction_config:
                        common_config: {content_type: [text/event-stream]}
                      compressor_library:
                        name: gzip
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip
"""  # noqa: E501
HTTPS = ("HTTP/1.1", "HTTP/2")
HOST = "proxy_set_header Host $http_host;"
OLD = ("proxy_http_version 1.1;", "proxy_http_version 1.0;")
DEAF = (HOST, f"{HOST} proxy_ignore_headers X-Accel-Buffering;")
UNBUFFERED = (HOST, f"{HOST} proxy_buffering off;")
PASSED = (HOST, f"{HOST} proxy_pass_header X-Accel-Buffering;")
GZIP = (HOST, f"{HOST} gzip on; gzip_proxied any; gzip_types text/event-stream;")
BACKEND_GZIP = (
    "backend api\n",
    "backend api\n  compression algo gzip\n  compression type text/event-stream\n",
)
COMPRESSOR = ("                http_filters:\n", ENVOY_GZIP)
STRIPPED = (
    'domains: ["*"]\n',
    'domains: ["*"]\n                      response_headers_to_remove: [cache-control]\n',
)


@dataclass(frozen=True)
class Row:
    """A setting of a proxy, and what becomes of a stream; `comments` for one that is idle."""

    proxy: str
    setting: str
    outcome: str
    changes: tuple[Change, ...] = ()
    encoding: str | None = None
    events: int = 3
    comments: int = 0
    inner: tuple[Change, ...] | None = None


def idle(proxy: str, name: str, old: str) -> tuple[Row, Row]:
    """A limit of silence below the time between two comments, and one above."""
    below = (old, old.replace("60s", "0.5s" if proxy == "envoy" else "500ms"))
    above = (old, old.replace("60s", "6s"))
    return (
        Row(proxy, f"{name} below the comments' pace", "cut", (below,), events=0, comments=9),
        Row(proxy, f"{name} above it, an idle task", "live", (above,), events=0, comments=9),
    )


ROWS = (
    Row("nginx", "the file below", "live"),
    Row("nginx", "`X-Accel-Buffering` ignored", "live", (DEAF,)),
    Row("nginx", "`gzip` for event streams", "live", (GZIP,), "gzip"),
    Row("nginx", "`gzip`, `X-Accel-Buffering` ignored", "frozen", (GZIP, DEAF)),
    Row("nginx", "the same, `proxy_buffering off`", "live", (GZIP, DEAF, UNBUFFERED), "gzip"),
    Row("nginx", "HTTP/1.0 to a second nginx, then the API", "frozen", (OLD,), inner=()),
    Row("nginx", "the second has `proxy_pass_header`", "live", (OLD,), inner=(PASSED,)),
    Row("nginx", "or the first has `proxy_buffering off`", "live", (OLD, UNBUFFERED), inner=()),
    *idle("nginx", "`proxy_read_timeout`", "proxy_read_timeout 60s"),
    Row("haproxy", "the file below", "live"),
    Row("haproxy", "without `option http-no-delay`", "live", (("option http-no-delay", ""),)),
    Row("haproxy", "`compression` for event streams", "live", (BACKEND_GZIP,)),
    *idle("haproxy", "`timeout server`", "timeout server 60s"),
    Row("envoy", "the file below", "live", events=12),
    Row("envoy", "a route `timeout` of 2 s", "cut", (("timeout: 0s", "timeout: 2s"),), events=50),
    Row("envoy", "compressor for event streams", "live", (COMPRESSOR,)),
    Row("envoy", "the same, `no-transform` removed", "live", (COMPRESSOR, STRIPPED), "gzip"),
    *idle("envoy", "`stream_idle_timeout`", "stream_idle_timeout: 60s"),
)


@dataclass(frozen=True)
class Seen:
    """What became of a stream, and what of that the guide tells."""

    outcome: str
    encoding: str | None
    told: str


Matrix = dict[tuple[Row, str], Seen]


@pytest.fixture(scope="module")
def patient() -> Iterator[Stack]:
    """A stack whose comments come each second."""
    with Stack.running(DEMO_KEEPALIVE=str(KEEPALIVE)) as stack:
        yield stack


@pytest.fixture(scope="module")
def matrix(patient: Stack, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """All rows over both versions of HTTP; some at a time, for each starts a proxy."""
    flowing = patient.submit(steps=1000, step_seconds=0.3)
    silent = patient.submit(steps=1, step_seconds=600)
    for task in (flowing, silent):
        patient.until(task, "running")
    control = Reader(f"{patient.url}/tasks/{flowing['id']}/stream", two=False)
    eventually(lambda: control.newest)

    def look(row: Row) -> dict[tuple[Row, str], Seen]:
        with ExitStack() as running:

            def start(name: str, upstream: str, changes: tuple[Change, ...] = ()) -> Proxy:
                folder = tmp_path_factory.mktemp(name)
                return running.enter_context(behind(name, upstream, folder, changes))

            upstream = patient.url
            if row.inner is not None:
                upstream = start("nginx", upstream, row.inner).one
            proxy = start(row.proxy, upstream, row.changes)
            id, last = (silent["id"], 2) if row.comments else (flowing["id"], control.newest)
            path = f"/tasks/{id}/stream?after={last}"
            readers = [Reader(proxy.one + path, two=False), Reader(proxy.two + path, two=True)]
            pairs = zip(HTTPS, readers, strict=True)
            return {(row, http): seen(row, reader, control, last) for http, reader in pairs}

    with ThreadPoolExecutor(5) as some:
        found = {key: one for rows in some.map(look, ROWS) for key, one in rows.items()}
    for task in (flowing, silent):
        patient.client.post(f"/tasks/{task['id']}/cancel")
    return found


def seen(row: Row, reader: Reader, control: Reader, since: int) -> Seen:
    outcome = reader.watch(control, since, events=row.events, comments=row.comments)
    told = outcome
    if outcome == "live" and reader.lateness:
        told += f", {1000 * reader.lateness[0]:.0f} ms"
    if outcome == "cut":
        assert reader.ended
        told += f" after {reader.ended - reader.began:.1f} s"
    assert reader.protocol in (None, reader.expected)
    return Seen(
        outcome, reader.encoding, told + (", gzip" if reader.encoding and outcome == "live" else "")
    )


def table(matrix: Matrix) -> str:
    """The rows as Markdown."""
    lines = ["| Proxy | Setting | HTTP/1.1 | HTTP/2 |", "| --- | --- | --- | --- |"]
    for row in ROWS:
        first = row.setting == "the file below"
        name = f"{row.proxy} {version(row.proxy)}" if first else ""
        cells = [matrix[row, one].told for one in HTTPS]
        lines.append(f"| {name} | {row.setting} | {' | '.join(map(strong, cells))} |")
    return "\n".join(lines) + "\n"


def strong(cell: str) -> str:
    return cell if cell.startswith("live") else re.sub("^[a-z]+", "**\\g<0>**", cell)


@pytest.mark.claim("proxies.freeze")
@pytest.mark.parametrize("http", HTTPS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.proxy}: {row.setting}")
def test_what_a_reader_sees(matrix: Matrix, row: Row, http: str) -> None:
    found = matrix[row, http]
    assert found.outcome == row.outcome
    if found.outcome == "live":
        assert found.encoding == row.encoding


@pytest.mark.claim("proxies.headers")
def test_no_other_header_thaws_what_nginx_holds_back(matrix: Matrix, patient: Stack) -> None:
    task = patient.submit(steps=1, step_seconds=0)
    with patient.client.stream("GET", f"/tasks/{task['id']}/stream") as answer:
        said = answer.headers
    assert said["incremental"] == "?1"
    assert "no-transform" in said["cache-control"]
    assert said["x-accel-buffering"] == "no"
    deaf = [found.outcome for (row, _), found in matrix.items() if row.changes == (GZIP, DEAF)]
    assert deaf == ["frozen", "frozen"]


@pytest.mark.claim("proxies.table")
def test_the_guide_shows_this_table(matrix: Matrix) -> None:
    now = table(matrix)
    if os.environ.get("RECORD") == "1":
        TABLE.write_text(now)
    assert shape(TABLE.read_text()) == shape(now)


def shape(text: str) -> str:
    """A table without what differs from run to run: times, and versions of the day."""
    return re.sub(r"\d+(\.\d+)*", "N", text)
