"""A gateway with a response time-out, as stands in front of every cloud; its limit is yours.

usage: python gateway.py PORT UPSTREAM_PORT [--limit SECONDS]
"""

import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("upstream", type=int)
parser.add_argument("--limit", type=float, default=60)
OPTIONS = parser.parse_args()
UPSTREAM = httpx.Client(
    base_url=f"http://127.0.0.1:{OPTIONS.upstream}", timeout=OPTIONS.limit, trust_env=False
)


# --8<-- [start:gateway]
class Gateway(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        try:
            answer = UPSTREAM.post(self.path, content=self.rfile.read(length))
            status, body = answer.status_code, answer.content
        except httpx.ReadTimeout:
            status, body = 504, b""  # the work behind it is not told
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# --8<-- [end:gateway]

if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), Gateway).serve_forever()
