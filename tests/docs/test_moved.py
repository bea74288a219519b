"""Old addresses of the site lead to documents that are there, and to headings in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.test_links import headings
from tools.site import moved, reference

ROOT = Path(__file__).resolve().parents[2]
PAGES, SECTIONS = moved.listed()
MADE = {"speed", *(f"reference/{name}" for name in reference.PAGES)}
"""Pages that the build makes."""

OLD = """architecture comparison four-weeks gradescope grading-reference guide hosts hubs instructors it-department
kernels labs performance pilot releasing site versions xv6"""
"""The documents of version 0.1.0 that are now parts of others."""


def test_each_document_of_the_past_has_an_address() -> None:
    there = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {f"docs/{name}" for name in OLD.split()} == set(PAGES)
    assert there.isdisjoint(OLD.split())


@pytest.mark.parametrize("to", [*PAGES.values(), *(to for places in SECTIONS.values() for to in places.values())])
def test_each_leads_to_a_page_and_a_heading(to: str) -> None:
    name, _, section = to.partition("#")
    if name not in MADE:
        assert section in {"", *headings(ROOT / f"{name}.md")}


def test_a_page_at_an_old_address_leads_to_the_new_one(tmp_path: Path) -> None:
    moved.write(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.html")}
    assert written == {f"{old}.html" for old in PAGES}
    text = (tmp_path / "docs" / "four-weeks.html").read_text(encoding="utf-8")
    assert '<a href="../docs/teach.html#four-weeks">' in text
    assert (
        '"at-the-desk": "../docs/grading.html#ask-at-the-desk"'
        in (tmp_path / "docs" / "grading-reference.html").read_text()
    )
