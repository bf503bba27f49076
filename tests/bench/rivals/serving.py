"""The demo's own uvicorn settings, for apps that do less."""

import sys
from typing import Any

import uvicorn
from uvicorn.config import WSProtocolType


def serve(app: Any, ws: WSProtocolType = "none") -> None:
    """Serve on the port of the command line until told to stop."""
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws=ws,
        ws_ping_interval=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
