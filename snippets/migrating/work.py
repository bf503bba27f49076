"""The work that moves: pages of a report, each written somewhere outside."""

import os
import time
from pathlib import Path


def write(id: str, page: int) -> None:
    """A page: a third of a second here, minutes where it hurts."""
    time.sleep(0.3)
    with Path(os.environ["PAGES"]).open("a") as pages:
        pages.write(f"{id} {page}\n")
