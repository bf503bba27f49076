"""A small world on loopback: names, addresses and servers that the guard takes for public."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.outbound import Guard
from tests.listening import Listening

Answer = Callable[[socket.socket, str], None]
PUBLIC, INSIDE = "93.184.215.14", "127.0.0.1"


def http(body: bytes = b"<title>Hello</title>", status: int = 200, **headers: Any) -> bytes:
    """An answer as bytes; header names with underscores."""
    named = {"Content-Type": "text/html", "Content-Length": len(body)} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Text\r\n{lines}\r\n".encode() + body


class Server(Listening):
    """A TCP server that reads a request's head and lets `answer` do the rest."""

    def __init__(self, answer: Answer | bytes | dict[str, bytes]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.times: list[float] = []
        self.reads_head = True
        super().__init__()

    @property
    def paths(self) -> list[str]:
        return [head.split()[1] for head in self.asked]

    def serve(self, client: socket.socket) -> None:
        """One request's head, and the answer."""
        with client as connected:
            try:
                head = connected.recv(65_536).decode("latin-1") if self.reads_head else "TLS /"
                if not head:
                    return  # who had no time left hung up
                self.asked.append(head)
                self.times.append(time.time())
                self._reply(connected, head.split()[1])
            except (OSError, IndexError):  # it hung up, or never asked
                return

    def _reply(self, connected: socket.socket, path: str) -> None:
        if isinstance(self.answer, dict):
            connected.sendall(self.answer.get(path, http(b"none", 404)))
        elif isinstance(self.answer, bytes):
            connected.sendall(self.answer)
        else:
            self.answer(connected, path)


@dataclass
class World:
    """Which name has which addresses, and which server stands behind an address."""

    names: dict[str, list[str]] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    dialled: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def serve(
        self, answer: Answer | bytes | dict[str, bytes], name: str = "site.test", at: str = PUBLIC
    ) -> Server:
        self.names[name] = [at]
        if at in self.servers:
            self.servers[at].close()
        self.servers[at] = Server(answer)
        return self.servers[at]

    def resolve(self, host: str, port: int, seconds: float) -> list[str]:
        self.looked_up.append(host)
        return self.names.get(host, [host])

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self.servers[address].port), seconds)

    def guard(self, guide: str | None = None) -> Guard:
        return Guard(guide, self.resolve, self.dial)
