"""One GET: bounded in time, size and encoding; nothing is followed, kept or decoded."""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpcore
import httpx
from opentelemetry.trace import SpanKind

from demo.contract import PermanentFailure, TransientFailure
from demo.outbound.guard import Guard, Target
from demo.outbound.line import Deadline, GuardedBackend
from demo.telemetry import span, traceparent

HEAD_LIMIT = 131_072  # httpcore refuses a head above 100 KB; this bounds what is not body
REDIRECTS = {301, 302, 303, 307, 308}
BUSY = {429, 502, 503, 504}
NO_SUCH_HOST = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
LONGEST_WAIT = 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `location` only with a redirect, whose body is not read."""

    status: int
    media_type: str
    body: bytes
    location: str | None = None


@lru_cache
def certificates() -> ssl.SSLContext:
    """Loaded once: it takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True)
class Client:
    """How each request is made."""

    guard: Guard
    user_agent: str
    timeout: float
    limit: int
    tls: ssl.SSLContext

    def get(self, target: Target) -> Answer:
        """Ask once, under a span that shows neither query nor fragment."""
        shown = str(target.url.copy_with(query=None, fragment=None))
        named = {"http_request_method": "GET", "url_full": shown, "server_address": target.host}
        with span("GET", kind=SpanKind.CLIENT, **named) as current:
            answer = self._named(target)
            current.set_attribute("http.response.status_code", answer.status)
            return answer

    # --8<-- [start:errors]
    def _named(self, target: Target) -> Answer:
        """Every way to fail, in words of the contract."""
        try:
            return self._ask(target)
        except TimeoutError:
            message = f"{target.host} did not answer within {self.timeout:g} s."
            raise TransientFailure("timeout", message) from None
        except ssl.SSLCertVerificationError:
            message = f"{target.host} has no valid certificate."
            raise PermanentFailure("certificate_invalid", message) from None
        except socket.gaierror as error:
            if error.errno in NO_SUCH_HOST:
                message = f"There is no host named {target.host}."
                raise PermanentFailure("host_not_found", message) from None
            raise _broken(target) from None
        except httpcore.RemoteProtocolError as error:
            if getattr(error.__cause__, "error_status_hint", None) == 431:
                message = f"{target.host} sent more headers than the demo reads."
                raise PermanentFailure("headers_too_large", message) from None
            raise _broken(target) from None
        except (OSError, httpcore.ProtocolError):
            raise _broken(target) from None

    # --8<-- [end:errors]

    def _ask(self, target: Target) -> Answer:
        url = httpcore.URL(
            scheme=target.url.raw_scheme,
            host=target.url.raw_host,
            port=target.url.port,
            target=target.url.raw_path,
        )
        deadline = Deadline(self.timeout, self.limit + HEAD_LIMIT)
        backend = GuardedBackend(self.guard, target, deadline)
        # one connection a request: one lookup, one check, one deadline; hosts are asked rarely
        with (
            httpcore.HTTPConnection(url.origin, self.tls, network_backend=backend) as connection,
            connection.stream("GET", url, headers=self._headers(target)) as response,
        ):
            return self._read(target, response)

    def _headers(self, target: Target) -> dict[str | bytes, str | bytes]:
        headers: dict[str | bytes, str | bytes] = {
            "User-Agent": self.user_agent,
            "Accept": "text/html, */*;q=0.1",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        trace = traceparent() if target.own else None  # no stranger learns of our traces
        return headers | {"traceparent": trace} if trace else headers

    # --8<-- [start:bounds]
    def _read(self, target: Target, response: httpcore.Response) -> Answer:
        headers = httpx.Headers(response.headers)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status in REDIRECTS and "location" in headers:
            return Answer(response.status, media_type, b"", headers["location"])
        if response.status in BUSY:
            wait = seconds_of(headers.get("retry-after"))
            message = f"{target.host} is busy: it answered {response.status}."
            raise TransientFailure("far_side_busy", message, wait)
        if headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            message = f"{target.host} sent an encoding that was not asked for."
            raise PermanentFailure("unsupported_encoding", message)  # it may be a bomb
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > self.limit:
                message = f"The page is larger than the {self.limit} bytes the demo reads."
                raise PermanentFailure("body_too_large", message)
        return Answer(response.status, media_type, bytes(body))

    # --8<-- [end:bounds]


def _broken(target: Target) -> TransientFailure:
    return TransientFailure("connection_failed", f"The connection to {target.host} failed.")


def seconds_of(retry_after: str | None) -> float | None:
    """`Retry-After` in either of its forms, bounded; None: absent or not understood."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:9]), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    left = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(left, 0.0), LONGEST_WAIT)
