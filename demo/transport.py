"""How a server is reached: on this machine, or by TLS that verifies who answers."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit


@lru_cache(maxsize=1024)
def is_loopback(host: str | None) -> bool:
    """Whether an address belongs to this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address((host or "").strip("[]")).is_loopback
    except ValueError:
        return False


# --8<-- [start:protected]
def is_protected(url: str) -> bool:
    """Whether a password sent there reaches the named server, and nobody else reads it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    elsewhere = {"host", "hostaddr", "service"} & set(query) or "," in parts.netloc
    if not elsewhere and (not parts.hostname or is_loopback(parts.hostname)):
        return True
    if url.startswith("rediss://"):  # exactly as the clients read it
        asked = (query.get("ssl_cert_reqs", "required"), query.get("ssl_check_hostname", "true"))
        return asked == ("required", "true")
    return parts.scheme.startswith("postgres") and query.get("sslmode") == "verify-full"


# --8<-- [end:protected]
