"""The site's list of pages: each document is in it once, and each line of it is a document."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_document_is_in_the_list_of_the_site() -> None:
    listed = re.findall(
        r"^(docs/[\w/-]+)$", (ROOT / "tools" / "website" / "contents.md").read_text(), flags=re.MULTILINE
    )
    paths = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "dev").glob("*.md")]
    there = [path.relative_to(ROOT).with_suffix("").as_posix() for path in paths]
    assert sorted(listed) == sorted(there)
