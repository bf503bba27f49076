"""The one place that opens a socket to the world: guarded, bounded, polite.

guard    which URLs and addresses are allowed     line      sockets with a deadline, under httpcore
request  one bounded GET                          polite    redirects and robots.txt
turns    pace, breaker and tenants, for all processes
"""

from demo.outbound.guard import Guard
from demo.outbound.polite import Outbound

__all__ = ["Guard", "Outbound"]
