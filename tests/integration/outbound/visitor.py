"""A process that fetches a page a few times: `visitor.py DATABASE PORT TIMES`."""

import socket
import sys

from demo.outbound import Guard, Outbound
from demo.settings import Settings
from demo.store.engines import engine
from tests.integration.outbound.world import PUBLIC

database, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
guard = Guard(
    None,
    lambda *_: [PUBLIC],
    lambda address, _, seconds: socket.create_connection(("127.0.0.1", port), seconds),
)
outbound = Outbound(engine(database), Settings(host_interval=0.3), guard)
for _ in range(times):
    outbound.fetch("http://site.test/")
