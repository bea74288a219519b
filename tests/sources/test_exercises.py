"""Exercises as sheets print them: what they ask is answered, and other numbers are not taken for them."""

from __future__ import annotations

import re
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


LINEAR = """\
ARG seed 0
ARG address space size 16k
ARG phys mem size 64k
ARG page size 4k
ARG verbose True

Page Table (from entry 0 down to the max size)
  [       0]  0x8000000c
  [       1]  0x00000000
  [       2]  0x00000000
  [       3]  0x80000006

Virtual Address Trace
  VA 0x00003229 (decimal:    12841) --> PA or invalid address?
  VA 0x00001369 (decimal:     4969) --> PA or invalid address?
"""
"""What OSTEP's paging-linear-translate.py prints; the answers are its own with -c: 0x6229, and invalid."""

TWO_LEVELS = (
    "page 108: " + "7f " * 24 + "a1 " + "7f " * 7 + "\npage  33: " + "7f " * 8 + "b5 " + "7f " * 23 + "\n"
    "page  53: " + "00 " * 28 + "08 " + "00 " * 3 + "\n"
    "PDBR: 108  (decimal) [This means the page directory is held in this page]\n\n"
    "Virtual Address 611c: Translates To What Physical Address (And Fetches what Value)? Or Fault?\n"
)
"""What its paging-multilevel-translate.py prints for seed 0, with the pages of one walk: 0x6bc, and the byte 08."""


@pytest.mark.parametrize("text", [LINEAR, re.sub(r"\[ +[0-9]\]", "", LINEAR), f"a mail\n{LINEAR}"])
def test_a_page_table_with_its_question_is_answered(text: str) -> None:
    found = vm.load(text)
    assert [(int(one.va), one.pa, one.fault) for one in found.accesses] == [
        (0x3229, 0x6229, ""),
        (0x1369, None, "invalid at level 1"),
    ]
    assert (found.pa, found.unsaid) == (0x6229, ())
    assert "[VPN 3]" in repr(found)
    assert "Invalid (VPN 1 not valid)" in repr(found)
    assert vm.picture(found).scene() == vm.picture(found.accesses[0]).scene()


def test_a_page_table_of_two_levels_is_walked() -> None:
    found = vm.load(TWO_LEVELS)
    assert (found.pa, found.byte) == (0x6BC, 8)


@pytest.mark.parametrize("says", ["00001369 (decimal 4969) [VPN 1]", "Invalid (VPN 1 not valid)"])
def test_an_answer_beside_the_question_is_compared(says: str) -> None:
    before, _, after = LINEAR.rpartition("PA or invalid address?")
    found = vm.load(before + says + after)
    assert any("another answer" in one for one in found.unsaid) == says.startswith("0")


def test_a_page_table_with_lines_missing_is_not_answered() -> None:
    with pytest.raises(vm.Refused, match="3 lines, and its pages are 4"):
        vm.load(LINEAR.replace("  [       2]  0x00000000\n", ""))


def translated(addresses: list[int], frames: dict[int, int]) -> str:
    """Write what a student's program for the project of Silberschatz's chapter prints."""
    lines = [f"Virtual address: {va} Physical address: {frames[va >> 8] << 8 | va & 255} Value: 0" for va in addresses]
    return "\n".join(lines) + "\n"


def test_a_students_translations_are_compared_with_a_run() -> None:
    addresses = [16916, 62493, 30198, 53683, 40185, 16917]
    text = translated(addresses, {16916 >> 8: 0, 62493 >> 8: 1, 30198 >> 8: 2, 53683 >> 8: 3, 40185 >> 8: 4})
    found = vm.load(text)
    assert found.addresses.tolist() == addresses
    assert found.unsaid[0].startswith(
        "6 of 6 translations are those of a run with pages of 256 bytes, in which 5 pages"
    )
    wrong = vm.load(text.replace(f"{4 << 8 | 40185 & 255} ", "77 ")).unsaid[0]
    assert wrong.startswith("5 of 6 translations")
    assert f"in line 5: 40185 is at {4 << 8 | 40185 & 255} in the run" in wrong
