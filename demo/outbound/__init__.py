"""The one place that opens a socket to the world: guarded, bounded, polite.

guard    which URLs and addresses are allowed     line      sockets with a deadline, under httpcore
request  one bounded GET                          polite    redirects, robots.txt, turns, breaker
"""

from demo.outbound.guard import Guard
from demo.outbound.polite import Outbound

__all__ = ["Guard", "Outbound"]
