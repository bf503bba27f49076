"""Files that the site serves unchanged: the demo's widget, the calculator, what was recorded."""

import re
from pathlib import Path

BESIDE = re.compile(r"""["'`]\./([\w-]+\.(?:m?js|css))["'`]""")
WIDGET = "assets/demo-ui"
RUNS = "assets/runs"
SIZING = "assets/sizing"
FIGURES = "assets/figures"


def files(root: Path, docs: Path) -> dict[str, Path]:
    """Where each file stands in the site, and where it comes from."""
    ui = root / "demo" / "ui"
    widget = beside(ui, "task-stream.js", {}) | beside(ui, "tokens.css", {})
    runs = {path.name: path for path in sorted((docs / "_data" / "runs").glob("*.json"))}
    figures = {path.name: path for path in (docs / "_data" / "figures").glob("measure.json")}
    sizing: dict[str, Path] = {}
    for name in ("plan.mjs", "profile.mjs", "together.mjs", "traps.mjs", "yaml.mjs"):
        beside(root / "snippets" / "sizing", name, sizing)
    folders = {WIDGET: widget, RUNS: runs, SIZING: sizing, FIGURES: figures}
    return {f"{at}/{name}": path for at, found in folders.items() for name, path in found.items()}


def beside(ui: Path, name: str, found: dict[str, Path]) -> dict[str, Path]:
    """A file and all that it names as `./other`."""
    path = ui / name
    if name not in found and path.is_file():
        found[name] = path
        for other in BESIDE.findall(path.read_text("utf-8")):
            beside(ui, other, found)
    return found
