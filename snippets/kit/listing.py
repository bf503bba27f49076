"""Rules on the list of tasks."""

from typing import Any

import httpx

from .evidence import Evidence, accepted, final, once
from .reading import absolute, document
from .rules import Finding, Level, NotOffered, NotReached, rule
from .sources import aip, azure


@once
def page(evidence: Evidence) -> httpx.Response:
    """The first page of tasks, of which there are several by now."""
    accepted(evidence)
    answer = evidence.api.get(evidence.target.list)
    if answer.status_code in {404, 405, 501}:
        raise NotOffered(f"{answer.status_code} for {evidence.target.list}")
    return answer


def items(answer: httpx.Response) -> list[Any] | None:
    """The one array of a page."""
    arrays = [value for value in document(answer).values() if isinstance(value, list)]
    return arrays[0] if len(arrays) == 1 else None


def next_page(answer: httpx.Response) -> str | None:
    """The URL of the next page."""
    found = document(answer)
    told = found.get("next") or found.get("nextLink")
    return told if isinstance(told, str) else answer.links.get("next", {}).get("url")


@rule(
    "list.object",
    "A list is an object with one array of tasks",
    Level.SHOULD,
    azure("collections-response-is-object"),
)
def is_an_object(evidence: Evidence) -> Finding:
    answer = page(evidence)
    kept = answer.status_code == 200 and bool(items(answer))
    return Finding(kept, f"{answer.status_code}" + ("" if kept else ", no array with tasks"))


@rule(
    "list.next",
    "A page names the next by an absolute URL, which has other tasks",
    Level.SHOULD,
    azure("collections-include-nextlink-for-more-results"),
    aip(158),
)
def leads_on(evidence: Evidence) -> Finding:
    final(evidence)
    here = items(page(evidence))
    if not here:
        raise NotReached("no tasks on the first page")
    url = next_page(page(evidence))
    if not url or not absolute(url):
        return Finding(False, f"relative: {url}" if url else "no next")
    there = items(evidence.api.get(url))
    kept = bool(there) and not any(task in here for task in there or ())
    return Finding(kept, "others" if kept else "the same tasks" if there else "nothing")
