"""What scanners found and was left has a written reason; each scanner is named by hash."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / ".ci"
# Each file of the baseline, and why what looks like a secret there is none.
REASONS = {
    "demo/deploy/chart/values.yaml": "the name of a secret, not its value",
    "snippets/sizing/manifests/api.yaml": "the name of a SecretProviderClass",
    "snippets/sizing/manifests/dispatcher.yaml": "the name of a SecretProviderClass",
    "snippets/sizing/manifests/migrate.yaml": "the name of a SecretProviderClass",
    "snippets/sizing/manifests/workers.yaml": "the name of a SecretProviderClass",
    "snippets/transcripts/failed.http": "the entity tag of a recorded answer",
    "snippets/transcripts/poll.http": "the entity tag of a recorded answer",
    "tests/azurite/__init__.py": "the emulator's well-known key, which opens nothing else",
    "tests/integration/claim/test_blobs.py": "a made-up word, to be refused",
    "tests/integration/test_api_refusals.py": "a made-up word, to be refused",
    "tests/integration/test_tls.py": "a URL of no server, to be refused",
    "tests/snippets/test_callbacks.py": "the example values of a signature's specification",
    "tests/system/test_traces.py": "a made-up trace id",
    "tests/targets.py": "a user name in a URL, to be refused",
}


@pytest.mark.claim("threat.e6")
@pytest.mark.claim("security.findings-have-reasons")
def test_each_finding_that_was_left_has_a_reason() -> None:
    assert json.loads((CI / "secrets.json").read_text())["results"].keys() == REASONS.keys()
    lines = (CI / "checkov.yml").read_text().splitlines()
    told = yaml.safe_load("\n".join(lines))
    given = [line for line in lines if re.fullmatch(r"  - [\w./]+ # .{20,}", line)]
    assert len(given) == len([*told["skip-check"], *told["skip-path"]])
    ignored = (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint.per-file-ignores]")[1]
    assert re.findall(r'"demo/.*S\d+"\] # ', ignored)
    bare = [
        f"{path}:{number}"
        for path in sorted((ROOT / "demo").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "# noqa\n" in f"{line}\n" or "# nosec" in line
    ]
    assert bare == [], "an exception names its rule"


@pytest.mark.parametrize("name", ["scan", "checkov"])
def test_each_scanner_is_installed_by_hash(name: str) -> None:
    lock = (CI / f"{name}.lock").read_text()
    packages = re.findall(r"^[a-z0-9][\w.\[\]-]*==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(packages) >= 2
    assert lock.count("--hash=sha256:") >= len(packages)
    install = re.search(r"pip install(.*\\\n)*.*", (CI / "scan").read_text())
    assert install
    assert "--require-hashes" in install[0]


BAD = 'case "$*" in *known-bad*) echo PYSEC-2018-28; exit 1;; esac; '
SCANNERS = {
    **dict.fromkeys(["cyclonedx-py", "detect-secrets-hook", "python"], "scan"),
    "pip-audit": "scan",
    "checkov": "checkov",
}


@pytest.mark.claim("security.scan-looked")
@pytest.mark.parametrize(
    ("says", "passes"),
    [
        ({"pip-audit": BAD}, True),
        ({"pip-audit": "echo No known vulnerabilities found"}, False),
        ({"pip-audit": "echo no such host >&2; exit 1"}, False),
        ({"pip-audit": BAD + "exit 1"}, False),
        ({"pip-audit": BAD, "checkov": "exit 1"}, False),
        ({"pip-audit": BAD, "detect-secrets-hook": "exit 1"}, False),
        ({"pip-audit": BAD, "detect-secrets-hook": "exit 3"}, True),
    ],
)
def test_a_scan_passes_only_if_every_scanner_could_look(
    says: dict[str, str], passes: bool, tmp_path: Path
) -> None:
    shutil.copytree(CI, tmp_path / ".ci")
    for name, home in SCANNERS.items():
        folder = tmp_path / "build" / "scanners" / home
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(CI / f"{home}.lock", folder / "lock")  # installed, as far as the script sees
        program(folder / "bin" / name, says.get(name, ""))
    program(tmp_path / "git", r"printf 'a\\0'")
    ran = subprocess.run(
        [tmp_path / ".ci" / "scan"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode == 0) == passes, ran.stderr
    assert "Known weaknesses" in ran.stdout, "all of them run, whatever one of them finds"
    assert ("NOT LOOKED AT" in ran.stderr) == (not says["pip-audit"].startswith(BAD))


def program(path: Path, says: str) -> None:
    """A shell script of one line."""
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
