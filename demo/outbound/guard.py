"""Which URLs may be asked, which addresses may be dialled; the rest is refused."""

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue

from httpx import URL, InvalidURL

from demo.contract import PermanentFailure

# --8<-- [start:addresses]
UNICAST6 = ip_network("2000::/3")  # all that IANA has given out for hosts
NOT_SURELY_PUBLIC = [
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's wire server: a public address that answers inside only
        *("2001::/23", "2001:db8::/32", "3fff::/20"),  # Teredo, ORCHID, benchmarks, documents
        "2002::/16",  # 6to4: carries any IPv4 address
    )
]


def surely_public(address: str) -> bool:
    """No address that is reserved, tunnels another one or means a cloud's inside.

    `is_global` alone lets multicast, 6to4, NAT64, site-local and 168.63.129.16 pass. IPv4-mapped
    and -compatible, NAT64, unique-local and link-local addresses lie outside `UNICAST6`.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip not in UNICAST6 or ip.scope_id):
        return False
    return ip.is_global and not any(ip in block for block in NOT_SURELY_PUBLIC)


# --8<-- [end:addresses]

NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)$")


def refusal(reason: str) -> PermanentFailure:
    """The message never shows what a name resolved to: it would map the network inside."""
    return PermanentFailure("url_not_allowed", f"This URL is not allowed: {reason}.")


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """All addresses of a name; a thread, because nothing else ends a slow lookup in time."""
    answers: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(entry[4][0]) for entry in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if not isinstance(answer, list):
        raise answer
    return answer


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """A connection to one address; a number, so that no second lookup can answer otherwise."""
    return socket.create_connection((address, port), seconds)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was parsed once: what is asked is what was checked."""

    url: URL
    own: bool  # the demo's own guide

    @property
    def host(self) -> str:
        """The host in ASCII; without brackets."""
        return self.url.raw_host.decode()

    @property
    def port(self) -> int:
        """The port, the scheme's own if none is named."""
        default = 443 if self.url.scheme == "https" else 80
        return default if self.url.port is None else self.url.port

    @property
    def origin(self) -> str:
        """Scheme, host and, if it isn't the scheme's own, port."""
        return f"{self.url.scheme}://{self.url.netloc.decode()}"


@dataclass(frozen=True, slots=True)
class Guard:
    """Public hosts on the web's ports, and below `guide` the demo's own pages."""

    guide: str | None = None
    resolve: Callable[[str, int, float], list[str]] = resolve
    dial: Callable[[str, int, float], socket.socket] = dial

    # --8<-- [start:url]
    def target(self, url: str) -> Target:
        """The parsed URL.

        Raises:
            PermanentFailure: `url_not_allowed`, and why.
        """
        if re.search(r"[\s\\\x00-\x20\x7f]", url):
            raise refusal("it holds a space, a backslash or a control character")
        try:
            target = Target(URL(url), own=False)
        except (InvalidURL, ValueError):
            raise refusal("it is not a valid URL") from None
        if target.url.scheme not in {"http", "https"}:
            raise refusal("only http and https are")
        if "@" in re.split(r"[/?#]", url.partition("://")[2])[0]:
            raise refusal("it holds a user name or password")
        if self._own(target):
            return Target(target.url, own=True)
        if target.port not in {80, 443}:
            raise refusal("only the ports 80 and 443 are")
        if not plain(target.host):
            raise refusal("its host is spelled in an odd way")
        return target

    # --8<-- [end:url]

    # --8<-- [start:connect]
    def connect(self, target: Target, seconds: Callable[[], float]) -> socket.socket:
        """Resolve once, refuse if any answer is not surely public, dial what was checked."""
        addresses = self.resolve(target.host, target.port, seconds())
        if not addresses or not (target.own or all(map(surely_public, addresses))):
            raise refusal("its host is not a public one")
        for left in range(len(addresses), 1, -1):
            try:
                return self.dial(addresses[-left], target.port, seconds() / left)
            except OSError:
                continue  # the next address of the same host, with its share of the time
        return self.dial(addresses[-1], target.port, seconds())

    # --8<-- [end:connect]

    def _own(self, target: Target) -> bool:
        if not self.guide:
            return False
        guide, path = Target(URL(self.guide), own=True), target.url.path  # decoded once
        folder = guide.url.path.rstrip("/")
        # a server or proxy may decode once more than we do: what could climb out is refused
        odd = {"%", "\\", ";"} & set(path) or {".", ".."} & set(path.split("/"))
        return (
            target.origin == guide.origin
            and not odd
            and path.isprintable()
            and (path + "/").startswith(folder + "/")
        )


def plain(host: str) -> bool:
    """A domain name, or an address in its one canonical spelling."""
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return bool(NAME.fullmatch(host)) and not NUMBER.search(host.rpartition(".")[2])
