"""The rules of the code, checked by the tools that know them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
TOOLS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", LINT_IMPORTS],
}


@pytest.mark.timeout(600)  # mypy begins without its cache
@pytest.mark.parametrize("tool", TOOLS)
def test_the_code_keeps_its_rules(tool):
    run = subprocess.run(
        [sys.executable, *TOOLS[tool]], cwd=ROOT, capture_output=True, text=True, timeout=590
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_module_has_outgrown_a_reader():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "demo").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 220
    }
    assert long == {}


def test_migrations_form_one_line():
    revisions = [path.name[:4] for path in (ROOT / "demo/store/migrations").rglob("0*.py")]
    assert sorted(revisions) == [f"{number:04}" for number in range(1, len(revisions) + 1)]
