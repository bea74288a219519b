"""Each link of a document that stays within the project leads to a file that is there, and to a heading in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("*.md", "docs/**/*.md", "notebooks/*.md", "course/*/assistants.md", "course/instructors/*.md")
DOCUMENTS = sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})
TAG = re.compile(r'(?:src|href|srcset)="([^"]+)"')


def links(text: str) -> Iterator[str]:
    """The targets in a page, in Markdown and in HTML; code has no links.

    >>> list(links("[a](b.md#c) `[d](e)`\\n\\n<img src=\\"f.svg\\">\\n"))
    ['b.md#c', 'f.svg']
    """
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        for token in (block, *(block.children or [])):
            if token.type in ("html_block", "html_inline"):
                yield from TAG.findall(token.content)
            elif target := token.attrGet("href") or token.attrGet("src"):
                yield str(target)


@cache
def headings(path: Path) -> set[str]:
    """The headings of a page, as GitHub writes them in addresses."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def lost(page: Path, link: str) -> bool:
    """Whether a link leads nowhere."""
    name, _, heading = link.partition("#")
    if "://" in link or link.startswith("mailto:"):
        return False
    target = page.parent / name if name else page
    return not target.exists() or bool(heading and target.suffix == ".md" and heading not in headings(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    assert [link for link in links(document.read_text(encoding="utf-8")) if lost(document, link)] == []


@pytest.mark.parametrize("link", ["docs/nothing.md", "docs/glossary.md#nothing", "#nothing"])
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert lost(ROOT / "README.md", link)
