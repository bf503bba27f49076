"""The site as it is published, a small site to break, and a browser that watches pages."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Browser, Page, expect

from tests.hosting import hosted

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000  # ms: it ends what hangs, and says nothing of how fast a page is
expect.set_options(timeout=PATIENCE)
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built strictly and with no way out of this machine."""
    site = tmp_path_factory.mktemp("built") / "guide"
    subprocess.run([sys.executable, "-m", "site_src._tools.fetch"], cwd=ROOT, check=True)
    # not quiet: what is not said is not counted by strict either
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)]
    environment = {**os.environ, **OFFLINE, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    told = (done.stdout + done.stderr).splitlines()
    assert [line for line in told if not line.startswith("INFO")] == []
    assert done.returncode == 0
    return site


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes nothing."""

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="session")
def address(built: Path) -> Iterator[str]:
    """The built site on a web server that knows nothing of the demo."""
    with hosted(partial(Quiet, directory=str(built.parent))) as url:
        yield f"{url}/guide/"


@dataclass
class Visitor:
    """A browser's page, what it asked for and what it complained of since it was sent somewhere."""

    page: Page
    address: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._heard(said.type, said.text))

    def _heard(self, type: str, text: str) -> None:
        if type in {"error", "warning"}:
            self.complaints.append(text)

    def go(self, path: str) -> Page:
        """Open a page of the site and wait until it is quiet."""
        self.start(path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def start(self, path: str) -> None:
        """Open a page of the site."""
        self.asked.clear()
        self.complaints.clear()
        self.page.goto(self.address + path, wait_until="commit")

    def beside(self) -> "Visitor":
        """Another page of the same browser."""
        return Visitor(self.page.context.new_page(), self.address)

    def foreign(self) -> list[str]:
        """Requests that left the site."""
        own = (self.address, "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """A visitor of the site: `visit(360, "dark").go("guides/streaming/")`."""
    contexts = []

    def enter(width: int = 1440, scheme: str = "light") -> Visitor:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Visitor(context.new_page(), address)

    yield enter
    for context in contexts:
        context.close()


class Kept(logging.Handler):
    """Remembers warnings, which strict mode turns into a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


NAV = """nav:
  - index.md
  - glossary.md
  - guides/checklist.md
  - reference/claims.md
  - reference/facts.md
  - reference/http.md
  - reference/kinds.md
  - reference/problems.md
  - reference/settings.md

"""
PAGE = """# Page

Some words about a checkpoint. It holds. {claim:area.holds}

```python
--8<-- "snippets/one.py:idea"
```

A fact: {fact:some.fact} A number: {figure:bench.latency}.

{threats:abuse}
"""
FACT = """some.fact:
  text: "The sky is blue."
  source: "A book"
  url: https://example.org/book
  checked: 2026-01-01
  expires: 2999-01-01
"""
THREAT = """S9:
  group: abuse
  threat: "A flood"
  rule: "A dam"
  code: [snippets/one.py]
  asvs: [1.2.3]
  api: [4]
"""
RECORDED = {"date": "2026-01-02T03:04:05Z", "machine": "a machine", "versions": {"x": "1"}}
FIGURES = {"recorded": RECORDED, "figures": {"latency": {"value": 1234.0, "unit": "ms"}}}
FILES = {
    "site_src/index.md": PAGE,
    "site_src/_data/facts.yml": FACT,
    "site_src/_data/threats.yml": THREAT,
    "site_src/_data/checklist.yml": 'Area:\n  area.holds: "It must hold."\n',
    "site_src/_data/glossary.yml": 'checkpoint:\n  means: "The durable point."\n',
    "site_src/_data/figures/bench.json": json.dumps(FIGURES),
    "site_src/stylesheets/extra.css": "",
    "site_src/javascripts/tables.js": "",
    "site_src/javascripts/sizing-calculator.js": "",
    "snippets/one.py": "# --8<-- [start:idea]\nidea = 1\n# --8<-- [end:idea]\n",
    "tests/test_one.py": "import pytest\n\n\n"
    '@pytest.mark.claim("area.holds")\ndef test_it_holds():\n    assert True\n\n\n'
    '@pytest.mark.claim("threat.s9")\ndef test_it_is_dry():\n    assert True\n',
    "demo/ui/tokens.css": "",
    "demo/ui/task-stream.js": 'import "./words.js";\n',
    "demo/ui/words.js": "",
}


@dataclass
class Small:
    """A site of one page that keeps every rule, with the real configuration around it."""

    root: Path
    said: list[str] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def add(self, path: str, text: str) -> None:
        self.write(path, (self.root / path).read_text() + text)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def build(self) -> list[str]:
        """All that the build complains of."""
        kept = Kept()
        logging.getLogger("mkdocs").addHandler(kept)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("NO_MKDOCS_2_WARNING", "1")
                config = load_config(str(self.root / "mkdocs.yml"), strict=False)
                config.plugins.on_startup(command="build", dirty=False)
                build(config)
        finally:
            logging.getLogger("mkdocs").removeHandler(kept)
        self.said = kept.said
        return kept.said

    def page(self, path: str = "index.html") -> str:
        return (self.root / "site" / path).read_text()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """A site to break."""
    return made(tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The same unbroken, built for all who only look."""
    site = made(tmp_path_factory.mktemp("whole"))
    site.build()
    return site


def made(root: Path) -> Small:
    """A site of one page in an empty folder."""
    site = Small(root)
    for path, text in FILES.items():
        site.write(path, text)
    shutil.copy(ROOT / "site_src/_data/problems.yml", root / "site_src/_data")
    (root / "site_src/assets").mkdir()
    (root / "site_src/assets/vendor").symlink_to(ROOT / "site_src/assets/vendor")
    settings = (ROOT / "mkdocs.yml").read_text()
    settings = re.sub(r"^nav:\n.*?^(?=\S)", NAV, settings, flags=re.S | re.M)
    settings = settings.replace("[site_src/_hooks.py]", f"[{ROOT}/site_src/_hooks.py]")
    site.write("mkdocs.yml", settings.replace("  - search\n", ""))
    return site
