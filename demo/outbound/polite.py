"""How we behave towards a host outside: redirects, robots.txt, its turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from httpx import InvalidURL
from protego import Protego
from sqlalchemy import Engine

from demo.contract import Log, Page, PermanentFailure, TransientFailure
from demo.outbound.guard import Guard, Target
from demo.outbound.request import Answer, Client, certificates
from demo.outbound.turns import Sleep, Turns
from demo.settings import Settings

HOPS = 4
ROBOTS_AGE = 3600
ROBOTS_KEPT = 64
LONGEST_DELAY = 30
Tell = Callable[[Log], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """A host's robots.txt as read at `at`; None: it has none."""

    parsed: Protego | None
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a request is made: how it waits, where its story goes, and whose it is."""

    sleep: Sleep
    tell: Tell
    tenant: str

    def says(self, message: str, level: str = "info") -> None:
        """One line of the story."""
        self.tell(Log(message, level))


class Outbound:
    """Fetches pages for all attempts of one process; made after the fork."""

    def __init__(self, source: Engine, knobs: Settings, guard: Guard | None = None) -> None:
        self._turns = Turns(source, knobs)
        self._knobs = knobs
        self._guard = guard or Guard(knobs.guide_url)
        self._rules: dict[str, Rules] = {}
        self._client = Client(
            self._guard, knobs.user_agent, knobs.fetch_timeout, knobs.fetch_limit, certificates()
        )

    def fetch(
        self,
        url: str,
        sleep: Sleep = time.sleep,
        tell: Tell = lambda _: None,
        *,
        tenant: str = "local",
    ) -> Page:
        """See `demo.contract.Tools.fetch`; waits with `sleep`, which may raise to stop it.

        What happens to a host's breaker is told with `tell`.
        """
        return self._follow(url, Caller(sleep, tell, tenant), robots=True)

    # --8<-- [start:follow]
    def _follow(self, url: str, caller: Caller, *, robots: bool) -> Page:
        for _ in range(1 + HOPS):
            target = self._guard.target(url)
            delay = self._permitted(target, caller) if robots else 0
            answer = self._ask(target, delay, caller)
            if answer.location is None:
                return Page(str(target.url), answer.status, answer.media_type, answer.body)
            url = _joined(target, answer.location)
        raise PermanentFailure("too_many_redirects", f"More than {HOPS} redirects.")

    # --8<-- [end:follow]

    def _permitted(self, target: Target, caller: Caller) -> float:
        """The delay that robots.txt asks for, if it allows the URL."""
        if target.own:
            return 0
        rules = self._rules.get(target.origin)
        if not rules or time.monotonic() - rules.at > ROBOTS_AGE:
            rules = Rules(self._robots(f"{target.origin}/robots.txt", caller))
            self._rules[target.origin] = rules
            for oldest in list(self._rules)[:-ROBOTS_KEPT]:
                del self._rules[oldest]
        if not rules.parsed:
            return 0
        if not rules.parsed.can_fetch(str(target.url), self._knobs.user_agent):
            message = f"{target.host} asks robots not to read this page (robots.txt)."
            raise PermanentFailure("robots_disallow", message)
        return min(rules.parsed.crawl_delay(self._knobs.user_agent) or 0, LONGEST_DELAY)

    # --8<-- [start:robots]
    def _robots(self, url: str, caller: Caller) -> Protego | None:
        """RFC 9309: no file allows everything, an unreachable one disallows everything."""
        try:
            page = self._follow(url, caller, robots=False)
        except PermanentFailure as failure:
            if failure.code != "too_many_redirects":
                raise
            return None
        if page.status >= 500:
            message = "The host's robots.txt is out of order, so its pages are not read now."
            raise TransientFailure("robots_unreachable", message)
        if page.status >= 300:
            return None
        return Protego.parse(page.body.decode("utf-8", "replace"))

    # --8<-- [end:robots]

    # --8<-- [start:ask]
    def _ask(self, target: Target, delay: float, caller: Caller) -> Answer:
        """One request in the host's turn; what came of it is told to all processes."""
        host, sleep = target.host, caller.sleep
        wait, probes = self._turns.book(target, delay, caller.tenant, sleep)
        sleep(wait)
        if probes:
            caller.says(f"Breaker half open: this request to {host} is the probe for all workers.")
        try:
            answer = self._client.get(target)
        except TransientFailure as failure:
            caller.says(self._turns.failed(host, failure.retry_after, sleep), "warning")
            raise
        except PermanentFailure:
            self._turns.answered(host, sleep)
            raise
        self._turns.answered(host, sleep)
        if probes:
            caller.says(f"Breaker closed: {host} answers again.")
        return answer

    # --8<-- [end:ask]


def _joined(target: Target, location: str) -> str:
    try:
        return str(target.url.join(location))
    except (InvalidURL, ValueError):
        return location  # the guard names what is wrong with it
