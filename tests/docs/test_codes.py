"""Codes in documents are what `lab.begin` takes: a reader may type them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vmwidgets.labs.codes import checked_code

ROOT = Path(__file__).resolve().parents[2]
BEGIN = re.compile(r'student="([^"]+)", course="([^"]+)", code="([0-9A-Z-]+)"')
SHOWN = [
    pytest.param(*found, id=path.stem)
    for path in sorted((ROOT / "docs").glob("*.md"))
    for found in BEGIN.findall(path.read_text(encoding="utf-8"))
]


def test_there_are_codes_in_the_documents() -> None:
    assert len(SHOWN) >= 2


@pytest.mark.parametrize(("student", "course", "code"), SHOWN)
def test_a_code_that_is_shown_can_be_typed(student: str, course: str, code: str) -> None:
    assert checked_code(code, course, student) == code
