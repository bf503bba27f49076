"""The works: one generator a kind, which import the contract and nothing else of the demo.

To add a kind: its input and its `Kind` in `demo/contract/kinds.py`, a module here with one
generator, and its line in `WORKS`. When a newer work can't read the checkpoints of an older one,
raise the kind's `version` and say in `UPGRADES` how to translate step and state; without an entry
such tasks start over from step 0.
"""

from collections.abc import Callable
from typing import Any

from demo.contract import Work
from demo.work.dataset_profile import dataset_profile
from demo.work.rehearsal import rehearsal
from demo.work.web_scrape import web_scrape

WORKS: dict[str, Work] = {
    "web_scrape": web_scrape,
    "dataset_profile": dataset_profile,
    "rehearsal": rehearsal,
}
UPGRADES: dict[str, Callable[[int, Any], tuple[int, Any]]] = {}
