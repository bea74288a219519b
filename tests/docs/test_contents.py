"""The site's list of pages: each document is in it once, and each line of it is a document."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_document_is_in_the_list_of_the_site() -> None:
    listed = re.findall(
        r"^(docs/[\w-]+)$", (ROOT / "tools" / "website" / "contents.md").read_text(), flags=re.MULTILINE
    )
    there = [f"docs/{path.stem}" for path in sorted((ROOT / "docs").glob("*.md"))]
    assert sorted(listed) == sorted(there)
