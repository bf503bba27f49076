"""Each rule of the guide, kept and then broken once: what is broken stops a strict build."""

import json
import re
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup

from .conftest import RECORDED, Small

INDEX = "site_src/index.md"
FENCE = "```python\n{}\n```\n"

BREAKS: dict[str, tuple[Callable[[Small], None], str]] = {
    "typed fence": (
        lambda site: site.add(INDEX, FENCE.format("x = 1")),
        "index.md:12: this block comes from no file",
    ),
    "typed line beside an include": (
        lambda site: site.change(INDEX, ':idea"\n', ':idea"\ny = 2\n'),
        "index.md:7: typed into a block: 'y = 2'",
    ),
    "typed fence in a tab": (
        lambda site: site.add(INDEX, '\n=== "Shell"\n\n    ```sh\n    ls\n    ```\n'),
        "index.md:15: this block comes from no file",
    ),
    "indented code": (
        lambda site: site.add(INDEX, "\nText:\n\n    x = 1\n"),
        "index.md: code outside of a fence comes from no file",
    ),
    "code in HTML": (
        lambda site: site.add(INDEX, "\n<pre><code>x = 1</code></pre>\n"),
        "index.md: code outside of a fence comes from no file",
    ),
    "typed title": (
        lambda site: site.change(INDEX, "```python", '```python title="other.py"'),
        "index.md:5: leave the title out",
    ),
    "missing file": (
        lambda site: site.change(INDEX, "one.py:idea", "two.py"),
        "index.md:6: no file snippets/two.py",
    ),
    "missing region": (
        lambda site: site.change(INDEX, ":idea", ":thought"),
        "index.md:6: no region 'thought' in snippets/one.py",
    ),
    "missing end": (
        lambda site: site.change("snippets/one.py", "# --8<-- [end:idea]\n", ""),
        "snippets/one.py:1: region 'idea' has no [end:idea]",
    ),
    "end without start": (
        lambda site: site.add("snippets/one.py", "# --8<-- [end:more]\n"),
        "snippets/one.py:4: region 'more' ends but never started",
    ),
    "region twice": (
        lambda site: site.add("snippets/one.py", "# --8<-- [start:idea]\n# --8<-- [end:idea]\n"),
        "snippets/one.py:4: region 'idea' starts twice",
    ),
    "unused region": (
        lambda site: site.write("demo/two.py", "# --8<-- [start:b]\n# --8<-- [end:b]\n"),
        "demo/two.py:1: no page shows region 'b'",
    ),
    "unused transcript": (
        lambda site: site.write("snippets/transcripts/a.http", "GET /\n"),
        "snippets/transcripts/a.http:1: no page shows this transcript",
    ),
    "claim without a test": (
        lambda site: site.add(INDEX, "\nIt is so. {claim:area.other}\n"),
        "index.md:13: no test carries the claim 'area.other'",
    ),
    "test without a claim": (
        lambda site: site.change(INDEX, " {claim:area.holds}", ""),
        "tests/test_one.py:4: no page makes the claim 'area.holds'",
    ),
    "demand that nobody claims": (
        lambda site: site.change("site_src/_data/checklist.yml", "holds:", "stands:"),
        "_data/checklist.yml: no page makes the claim 'area.stands'",
    ),
    "unknown fact": (
        lambda site: site.add(INDEX, "\n{fact:no.fact}\n"),
        "index.md:13: no fact 'no.fact' is recorded",
    ),
    "unknown figure": (
        lambda site: site.add(INDEX, "\n{figure:bench.nothing}\n"),
        "index.md:13: no figure 'bench.nothing' is recorded",
    ),
    "unknown run": (
        lambda site: site.add(INDEX, "\n{widget:nothing}\n"),
        "index.md:13: no widget 'nothing' is recorded",
    ),
    "fact without a date": (
        lambda site: site.add("site_src/_data/facts.yml", 'b:\n  text: "x"\n  url: "y"\n'),
        "_data/facts.yml: b needs checked, expires, source",
    ),
    "problem without a cure": (
        lambda site: site.change("site_src/_data/problems.yml", "  not-found:", "  not-there:"),
        "_data/problems.yml: requests lacks 'not-found'",
    ),
    "problem that is gone": (
        lambda site: site.change("site_src/_data/problems.yml", "  not-found:", "  not-there:"),
        "_data/problems.yml: 'not-there' is not in the code",
    ),
    "threat without a test": (
        lambda site: site.change("site_src/_data/threats.yml", "S9:", "S8:"),
        "_data/threats.yml: S8: no test carries the claim 'threat.s8'",
    ),
    "open threat with a test": (
        lambda site: site.add("site_src/_data/threats.yml", "  open: true\n"),
        "_data/threats.yml: S9: a test carries it, so it is not open",
    ),
    "threat without its code": (
        lambda site: site.change("site_src/_data/threats.yml", "snippets/one.py", "snippets/0.py"),
        "_data/threats.yml: S9: no file snippets/0.py",
    ),
    "threat that no page shows": (
        lambda site: site.change(INDEX, "{threats:abuse}", ""),
        "_data/threats.yml: S9: no page shows the group 'abuse'",
    ),
    "image of another host": (
        lambda site: site.add(INDEX, "\n![sky](https://example.org/sky.png)\n"),
        "index.html: loads https://example.org/sky.png",
    ),
    "script of another host": (
        lambda site: site.add(INDEX, '\n<script src="//example.org/a.js"></script>\n'),
        "index.html: loads //example.org/a.js",
    ),
    "font of another host": (
        lambda site: site.write(
            "site_src/stylesheets/extra.css", "@font-face { src: url(https://example.org/f.woff2) }"
        ),
        "stylesheets/extra.css: loads https://example.org/f.woff2",
    ),
    "missing style sheet": (
        lambda site: site.change("mkdocs.yml", "stylesheets/extra.css", "stylesheets/other.css"),
        "mkdocs.yml: stylesheets/other.css is not in the site",
    ),
    "missing script": (
        lambda site: site.change("mkdocs.yml", "demo-ui/task-stream.js", "demo-ui/other.js"),
        "mkdocs.yml: assets/demo-ui/other.js is not in the site",
    ),
    "broken link": (
        lambda site: site.add(INDEX, "\n[there](there.md)\n"),
        "'there.md', but the target is not found among documentation files",
    ),
    "broken anchor": (
        lambda site: site.add(INDEX, "\n[there](glossary.md#there)\n"),
        "does not contain an anchor '#there'",
    ),
    "page outside of the navigation": (
        lambda site: site.write("site_src/lost.md", "# Lost\n"),
        'not included in the "nav" configuration',
    ),
}


def test_a_site_that_keeps_the_rules_has_no_complaint(whole: Small) -> None:
    assert whole.said == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_rule_is_told(small: Small, name: str) -> None:
    apply, expected = BREAKS[name]
    apply(small)
    assert any(expected in said for said in small.build())


def test_code_is_titled_with_its_file(whole: Small) -> None:
    assert '<span class="filename">snippets/one.py</span>' in whole.page()


def test_a_sentence_opens_its_proof(whole: Small) -> None:
    page, ledger = whole.page(), whole.page("reference/claims/index.html")
    assert 'popovertarget="claim-area-holds"' in page
    assert "Tested, not recorded yet" in page
    assert "It holds." in ledger
    assert "def" in ledger
    assert 'id="area-holds"' in ledger


def test_a_claim_is_a_line_of_the_checklist_with_its_proof(whole: Small) -> None:
    page = BeautifulSoup(whole.page("guides/checklist/index.html"), "html.parser")
    lines = [item for item in page.select("article li") if item.find("input", type="checkbox")]
    (line,) = [item for item in lines if item.find("a", href=re.compile("area-holds$"))]
    assert line.text.strip().startswith("It must hold.")
    links = [link["href"] for link in line.select("a")]
    assert links == ["../../", "../../reference/claims/#area-holds"]


@pytest.mark.parametrize(("outcome", "word"), [("passed", "Proved."), ("failed", "Broken.")])
def test_a_badge_says_what_the_recorded_run_said(small: Small, outcome: str, word: str) -> None:
    run = {"test": "tests/test_one.py::test_it_holds", "outcome": outcome, "seconds": 0.5}
    record = {"recorded": RECORDED, "proofs": {"area.holds": [run]}}
    small.write("site_src/_data/proofs.json", json.dumps(record))
    small.build()
    assert word in small.page()
    assert "recorded 2026-01-02 on a machine; x 1" in small.page()


def test_a_threat_is_a_row_with_its_proof(whole: Small) -> None:
    page = whole.page()
    assert 'id="threat-s9"' in page
    assert 'popovertarget="claim-threat-s9"' in page
    assert "1.2.3 · API4" in page


def test_a_figure_carries_its_circumstances(whole: Small) -> None:
    assert '<data value="1234.0">1\u202f234</data> ms' in whole.page()
    assert "recorded 2026-01-02 on a machine; x 1" in whole.page()


def test_a_term_is_explained_at_its_first_use(small: Small) -> None:
    small.add(INDEX, "\nOne more checkpoint.\n")
    small.build()
    assert small.page().count('<abbr title="The durable point."') == 1


def test_a_fact_names_its_source_and_its_date(whole: Small) -> None:
    assert "The sky is blue." in whole.page()
    assert "checked on 2026-01-01" in whole.page()


def test_an_expired_fact_is_marked(small: Small) -> None:
    small.change("site_src/_data/facts.yml", "2999-01-01", "2026-02-01")
    assert small.build() == []
    assert "badge--expired" in small.page()
    assert "<strong>expired</strong>" in small.page("reference/facts/index.html")


def test_an_expired_fact_can_not_be_published(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH", "1")
    small.change("site_src/_data/facts.yml", "2999-01-01", "2026-02-01")
    assert small.build() == [
        "_data/facts.yml: some.fact expired on 2026-02-01: check https://example.org/book"
    ]


def test_markers_in_code_stay_as_they_are(small: Small) -> None:
    small.add(INDEX, "\nWrite `{claim:area.holds}` there.\n")
    assert small.build() == []
    assert "<code>{claim:area.holds}</code>" in small.page()


def test_the_widget_is_the_demos_own_file(whole: Small) -> None:
    for name in ("task-stream.js", "words.js", "tokens.css"):
        served = whole.root / "site/assets/demo-ui" / name
        assert served.read_bytes() == (whole.root / "demo/ui" / name).read_bytes()
