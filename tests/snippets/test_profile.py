"""The clients that upload: cut once in the middle, they send the rest and nothing twice."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import datasets
from tests.listening import Listening
from tests.stack import Stack

from .programs import printed

SIZE, CUT_AT = 4_000_000, 1_500_000


class CutOnce(Listening):
    """Forwards bytes; the first PUT ends after `CUT_AT` of them. Counts what PUTs carried."""

    def __init__(self, upstream: str) -> None:
        at = urlsplit(upstream)
        self._upstream = (at.hostname, at.port)
        self.puts: list[int] = []
        self._lines: list[socket.socket] = []
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        """Both ways."""
        upstream = socket.create_connection(self._upstream)
        self._lines += [client, upstream]
        threading.Thread(target=self._forward, args=(upstream, client), daemon=True).start()
        self._ask(client, upstream)

    def _ask(self, client: socket.socket, upstream: socket.socket) -> None:
        sends = False
        with suppress(OSError):
            while data := client.recv(65_536):
                if data.startswith(b"PUT "):
                    self.puts.append(0)
                    sends = True
                if sends:
                    self.puts[-1] += len(data)
                upstream.sendall(data)
                if sends and len(self.puts) == 1 and self.puts[0] > CUT_AT:
                    break
        if sends and len(self.puts) == 1:
            # a reset: a mere end of reading leaves the sender waiting for room
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        with suppress(OSError):
            upstream.shutdown(socket.SHUT_RDWR)

    def _forward(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := upstream.recv(65_536):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        super().close()
        for line in self._lines:
            line.close()


@pytest.fixture
def cutting(stack: Stack) -> Iterator[CutOnce]:
    with CutOnce(stack.url) as proxy:
        yield proxy


@pytest.mark.timeout(500)
@pytest.mark.claim("claim-check.clients")
@pytest.mark.parametrize("language", ["curl", "python"])
def test_a_cut_upload_goes_on_where_it_broke_off(
    stack: Stack, cutting: CutOnce, language: str, tmp_path: Path
) -> None:
    file = datasets.write(tmp_path / "large.csv", SIZE, padding=300)
    monitor = printed(language, "profile", str(file), DEMO_URL=cutting.url).strip()
    assert len(cutting.puts) >= 2, "it was cut"
    assert sum(cutting.puts) < SIZE + 1_500_000, "what had arrived was not sent again"
    ended = stack.ended({"id": monitor.rpartition("/")[2]}, within=300)
    assert (ended["status"], ended["result"]["bytes"]) == ("succeeded", file.stat().st_size)
