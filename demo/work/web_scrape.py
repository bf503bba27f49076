"""A polite crawl below the start URL's folder, breadth first, one checkpoint a page."""

from collections.abc import Generator
from typing import Any

from demo.contract import (
    Checkpoint,
    Done,
    Log,
    Page,
    PermanentFailure,
    Progress,
    Start,
    Tools,
    TransientFailure,
    WebScrapeInput,
    Yield,
)
from demo.work.pages import Reading, TooComplex, clean, read, within


# --8<-- [start:web_scrape]
def web_scrape(asked: WebScrapeInput, start: Start, tools: Tools) -> Generator[Yield, None, None]:
    """Read up to `max_pages` pages; step n has visited the first n URLs of `found`."""
    crawl = Crawl(asked, start.state)
    for step in range(start.step + 1, 2 * asked.max_pages + 1):
        if step > len(crawl.found) or len(crawl.pages) == asked.max_pages:
            break
        yield Progress(message=f"Reading {crawl.found[step - 1][0]}")
        level, line, wait = crawl.visit(step - 1, tools)
        yield Log(line, level)
        yield Checkpoint(step, crawl.state(), crawl.percent(), line)
        if wait:
            raise wait
    yield Done(crawl.result())


# --8<-- [end:web_scrape]


class Crawl:
    """What is known so far; bounded, so that 50 rich pages stay within 256 KB of state."""

    def __init__(self, asked: WebScrapeInput, state: Any) -> None:
        self.start = clean(str(asked.url)) or str(asked.url)
        self.most = asked.max_pages
        self.found: list[tuple[str, int]] = [(self.start, 0)]  # a URL and which one links to it
        self.pages: list[dict[str, Any]] = []
        self.broken: list[dict[str, Any]] = []
        if state:
            self.found = [(url, parent) for url, parent in state["found"]]
            self.pages, self.broken = list(state["pages"]), list(state["broken"])

    def state(self) -> dict[str, Any]:
        """A copy: the crawl goes on while the checkpoint is written."""
        found = [list(entry) for entry in self.found]
        return {"found": found, "pages": list(self.pages), "broken": list(self.broken)}

    def result(self) -> dict[str, Any]:
        """What the client gets."""
        broken = [self._located(**entry) for entry in self.broken]
        return {"start": self.start, "pages": self.pages, "broken": broken}

    def percent(self) -> float:
        """Pages read of those asked for."""
        return 100 * len(self.pages) / self.most

    # --8<-- [start:visit]
    def visit(self, index: int, tools: Tools) -> tuple[str, str, TransientFailure | None]:
        """Fetch and note one page; a page that fails is data, but the start page decides.

        Returns level and text of a log line, and a failure to be raised after the checkpoint.
        """
        url = self.found[index][0]
        try:
            page = tools.fetch(url)
            if index == 0:
                self._must_serve(page)
            return "info", self._note(index, page), None
        except TransientFailure as failure:
            if index == 0 or failure.code == "breaker_open":
                raise
            return (
                "warning",
                self._put_off(index, failure),
                failure if failure.retry_after else None,
            )
        except PermanentFailure as failure:
            if index == 0:
                raise
            return "warning", f"Skipped {url}: {failure}", None

    # --8<-- [end:visit]

    def _must_serve(self, page: Page) -> None:
        if page.status >= 500:
            raise TransientFailure("far_side_error", f"The start page answered {page.status}.")
        if page.status >= 300:
            raise PermanentFailure("start_page_failed", f"The start page answered {page.status}.")
        if not within(clean(page.url), self.start):
            message = "The start page redirects out of its folder; start from where it leads."
            raise PermanentFailure("left_scope", message)

    def _note(self, index: int, page: Page) -> str:
        url, final = self.found[index][0], clean(page.url)
        if page.status >= 300:
            self.broken.append({"at": index, "status": page.status})
            return f"Broken: {url} answered {page.status}"
        if final != url and (not within(final, self.start) or final in self._seen()):
            return f"Skipped {url}: it redirects to {final or 'another place'}"
        if page.media_type != "text/html":
            raise PermanentFailure("unsupported_media", f"it is not a web page: {page.media_type}")
        try:
            reading = read(page)
        except TooComplex:
            raise PermanentFailure("page_too_complex", "it is nested too deep") from None
        self._keep(index, final or url, page.status, reading)
        return f"Page {len(self.pages)} of up to {self.most}: {reading.facts['title'] or url}"

    def _keep(self, index: int, url: str, status: int, reading: Reading) -> None:
        self.pages.append({"url": url, "status": status, **reading.facts})
        seen = self._seen()
        for link in reading.links:
            if len(self.found) == 2 * self.most:
                break
            if link not in seen and within(link, self.start):
                seen.add(link)
                self.found.append((link, index))

    def _put_off(self, index: int, failure: TransientFailure) -> str:
        """To the end of the line once; who fails again is broken."""
        url = self.found[index][0]
        again = any(entry[0] == url for entry in self.found[:index])
        if again or len(self.found) == 2 * self.most:
            self.broken.append({"at": index, "error": failure.code})
            return f"Broken: {url}: {failure}"
        self.found.append(self.found[index])
        return f"Later: {url}: {failure}"

    def _located(self, at: int, **reason: Any) -> dict[str, Any]:
        url, parent = self.found[at]
        return {"url": url, **reason, "found_on": self.found[parent][0]}

    def _seen(self) -> set[str]:
        return {url for url, _ in self.found} | {page["url"] for page in self.pages}
