"""Exercises as sheets print them: what they ask is answered, and other numbers are not taken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.sources.exercises import read_string

LINES = Path(__file__).with_name("exercises.txt").read_text(encoding="utf-8").splitlines()
"""The frames, the pages, and the text, with a sign for the end of a line."""


@pytest.mark.parametrize("line", LINES)
def test_a_reference_string_has_the_frames_of_its_text(line: str) -> None:
    frames, pages, text = (one.strip(" ") for one in line.split("|", 2))
    found = read_string(text.replace("⏎", "\n"))
    if frames == "none":
        assert found is None
        return
    assert found is not None
    assert [str(page) for page in found.pages] == pages.split()
    assert found.frames == tuple(map(int, frames.split()))
    loaded = vm.load(text.replace("⏎", "\n"))
    assert (loaded.frames, loaded.faults("lru", found.frames[0])) == (
        found.frames,
        found.faults("lru", found.frames[0]),
    )
    assert vm.picture(loaded).scene().title


@pytest.mark.parametrize(
    "text",
    ["1 2 3 4 1 2 5\n\n7 0 1 2 0 3 0 4\n4 frames",
     "(a) 1 2 3 4 1 2 5\n(b) 7 0 1 2 0 3 0 4 are reference strings\n4 frames",
     "String 1: 1 2 3 4 1 2 5\nString 2: 7 0 1 2 0 3 0 4\nframes = 4"],
)  # fmt: skip
def test_two_strings_are_two(text: str) -> None:
    found = vm.load(text)
    (other,) = found.others
    assert (len(found.pages), len(other.pages), found.frames, other.frames) == (7, 8, (4,), (4,))
    assert any("is another string" in one for one in found.unsaid)
    assert vm.picture(other).scene() != vm.picture(found).scene()


def test_a_string_in_lines_is_one_string() -> None:
    assert len(vm.load("7, 0, 1, 2, 0, 3, 0, 4, 2, 3,\n0, 3, 2, 1, 2, 0, 1, 7, 0, 1\n").pages) == 20
    assert len(vm.load("Reference string: " + "7 0 1 2 " * 12 + "\n" + "3 4 5 6 " * 3).pages) == 60
