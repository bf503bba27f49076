"""Numbers that tests measure and the guide shows: `RECORD=1` writes them to the guide's figures."""

import json
import os

from tests.record import ROOT, circumstances

FOLDER = ROOT / "site_src" / "_data" / "figures"


def keep(file: str, **measured: tuple[float, str]) -> None:
    """Record values with their units, by name; without `RECORD=1` each must be recorded already."""
    path = FOLDER / f"{file}.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {"figures": {}}
    figures = {
        name.replace("_", "-"): {"value": round(value, 1 if value < 100 else None), "unit": unit}
        for name, (value, unit) in measured.items()
    }
    if os.environ.get("RECORD") == "1":
        known = dict(sorted((kept["figures"] | figures).items()))
        told = {"recorded": circumstances(), "figures": known}
        path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    else:
        assert set(figures) <= set(kept["figures"]), "measured, but not recorded: RECORD=1"
