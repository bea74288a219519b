"""docs/grading.md names the limits that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmwidgets.grading.course import FILE_SECONDS
from vmwidgets.grading.processes import SECONDS
from vmwidgets.labs.saved import NOTEBOOK_BYTES

TEXT = " ".join((Path(__file__).resolve().parents[2] / "docs" / "grading.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "words",
    [f"up to {NOTEBOOK_BYTES >> 20} MiB (or `--size MIB`)",
     f"may take {FILE_SECONDS} seconds (or `--seconds S`), and one piece of work {SECONDS}."],
)  # fmt: skip  # a table
def test_a_limit_is_said_as_it_is(words: str) -> None:
    assert words in TEXT
