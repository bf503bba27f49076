"""TLS in front of a server that speaks none, as those of the wheels do."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import trustme

ASKED = bytes.fromhex("0000000804d2162f")  # how a PostgreSQL client asks for TLS


class Front(ThreadingTCPServer):
    """Ends TLS for a port, with a certificate for one name; counts what clients say inside."""

    heard = 0

    def __init__(self, authority: trustme.CA, name: str, behind: int, *, postgres: bool) -> None:
        super().__init__(("127.0.0.1", 0), Line)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.tls)
        self.behind, self.postgres = behind, postgres
        self.port = self.server_address[1]


class Line(BaseRequestHandler):
    """One client's connection, until either side ends it."""

    server: Front

    def handle(self) -> None:
        with suppress(OSError):  # a client that believes nothing hangs up
            self.request.settimeout(30)
            if self.server.postgres:
                assert self.request.recv(8, socket.MSG_WAITALL) == ASKED
                self.request.sendall(b"S")
            with (
                self.server.tls.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(("127.0.0.1", self.server.behind)) as server,
            ):
                self._carry(client, server)

    def _carry(self, client: ssl.SSLSocket, server: socket.socket) -> None:
        while True:
            ready = [client] if client.pending() else select.select([client, server], (), ())[0]
            for one in ready:
                if not (some := one.recv(65_536)):
                    return
                if one is client:
                    self.server.heard += len(some)
                (server if one is client else client).sendall(some)


@contextmanager
def fronted(authority: trustme.CA, name: str, behind: int, *, postgres: bool) -> Iterator[Front]:
    """A running front; afterwards all its lines have ended, and the count is final."""
    with Front(authority, name, behind, postgres=postgres) as front:
        thread = threading.Thread(target=front.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield front
        finally:
            front.shutdown()
            thread.join()
