"""MkDocs' side of `_tools`: read the tree, add pages, translate markers, check the output."""

import logging
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402
from mkdocs.utils import get_relative_url  # noqa: E402

from site_src._tools import glossary, outputs, pages, reference, shared, tables  # noqa: E402
from site_src._tools.checks import Site  # noqa: E402
from site_src._tools.markers import Badges  # noqa: E402

log = logging.getLogger("mkdocs.hooks.guide")
current: dict[str, Site] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Read all written pages, tell what is wrong with them, add what is generated."""
    root, docs = Path(config.config_file_path).parent, Path(config.docs_dir)
    written = {file.src_uri: file.content_string for file in files.documentation_pages()}
    site = current["site"] = Site.read(root, docs, written)
    for problem in [*site.problems, *tables.untold(site)]:
        log.warning(problem)
    for uri, text in reference.pages(site).items():
        files.append(File.generated(config, uri, content=text))
    for uri, path in shared.files(root, docs).items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Replace markers, add titles, proofs and terms."""
    badges = Badges(current["site"], f"{get_relative_url('.', page.url).rstrip('/')}/")
    text = pages.translate(markdown, badges.replace, current["site"].exists)
    return f"{text}\n\n{badges.section()}\n\n{glossary.abbreviations(current['site'].data)}\n"


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Find code that came around the fences; explain each term once."""
    site = current["site"]
    if page.file.src_uri in site.fences and "doc-object" not in html:
        blocks = [b for b in site.fences[page.file.src_uri] if b.language != "mermaid"]
        if len(re.findall(r"<pre\b", html)) > len(blocks):
            log.warning("%s: code outside of a fence comes from no file", page.file.src_uri)
    return glossary.once(html)


def on_post_build(config: MkDocsConfig) -> None:
    """What strict mode does not see."""
    site = Path(config.site_dir)
    extra = [*config.extra_css, *(str(script) for script in config.extra_javascript)]
    for problem in [*outputs.missing(site, extra), *outputs.foreign(site)]:
        log.warning(problem)
