"""Notebook 00: what is worth part of the points, and the mistakes that have names; the rest is in test_sheets.py."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying
from vmwidgets import lab
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.labs.exercises.addresses import (
    KINDS,
    RIGHTS,
    PaperSheet,
    _outcome,
    first_fit,
    in_memory,
    solved,
    ways,
    wrong_step,
)

WALK: Any = lab.practice("00/walk")
SEGMENTS: Any = lab.practice("00/segments")


def points(sheet: Any, thing: object) -> list[int]:
    return [criterion.points for criterion in lab.check(sheet, thing).criteria]


def named(sheet: Any, thing: object) -> set[str]:
    return {one.mistake.name for one in lab.check(sheet, thing).criteria if one.mistake}


def test_every_segment_at_one_place_has_a_name() -> None:
    start = SEGMENTS.given.free[0][0]
    parts = {
        name: (start, size, rights) for (name, rights), size in zip(RIGHTS.items(), SEGMENTS.given.sizes, strict=True)
    }
    program = vm.Segments(
        **{name: (base, size, rights.replace("-", "")) for name, (base, size, rights) in parts.items()}
    )
    assert named(SEGMENTS, program) == {"two segments, one place"}


def test_segments_that_have_nothing_yet_are_not_called_wrong() -> None:
    sentences = [one.sentence for one in lab.check(SEGMENTS, SEGMENTS.start()).criteria]
    assert [sentence for sentence in sentences if "not judged yet" not in sentence] == []


@pytest.mark.parametrize("number", range(1, 101))
def test_the_pieces_are_filled_in_one_way_and_not_by_first_fit(number: int) -> None:
    given: Any = lab.practice("00/segments", number).given
    assert sum(given.sizes) == sum(size for _, size in given.free)
    assert len(ways(given)) == 1
    assert not first_fit(given)


@pytest.mark.parametrize("number", range(1, 101))
def test_a_sheet_has_an_address_that_is_found_and_faults_at_both_levels(number: int) -> None:
    given: Any = lab.practice("00/walk", number).given
    answers = [*solved(given).values()]
    assert any(isinstance(answer, int) for answer in answers)
    faults = [answer for answer in answers if not isinstance(answer, int)]
    assert {level for level, _ in faults} == {1, 2}
    assert {kind for _, kind in faults} == {"not-present", "protection"}


def test_physical_addresses_without_offsets_have_a_name() -> None:
    found = {at: answer & -4096 if isinstance(answer, int) else answer for at, answer in solved(WALK.given).items()}
    assert named(WALK, found) == {"the offset is lost"}


def test_what_a_check_says_does_not_sort_the_addresses() -> None:
    """Which of them go through is a part of the answer: all are said, in the order of the sheet, or none."""
    for answers in WALK.given.start(), dict.fromkeys(WALK.given.addresses, 0):
        for one in lab.check(WALK, answers).criteria:
            said = [address for address in map(str, map(vm.Address, WALK.given.addresses)) if address in one.actual]
            assert said in ([], [*map(str, map(vm.Address, WALK.given.addresses))])


def test_the_check_says_which_answers_are_wrong_and_why() -> None:
    """Once, next to the first thing that is wrong; a right answer has no remark."""
    right = solved(WALK.given)
    for wrong, answer in right.items():
        other = (3 - answer[0], answer[1]) if isinstance(answer, tuple) else answer ^ 4
        found = [one.actual for one in lab.check(WALK, {**right, wrong: other}).criteria]
        assert sum(map(bool, found)) == 1
        said = dict(one.split(": ", 1) for one in "".join(found).split("; "))
        assert [address for address, text in said.items() if "(" in text] == [str(vm.Address(wrong))]


FLAWS: list[tuple[str, Any, str]] = [
    ("found", 0x9_9000, "the offset is wrong"),
    ("found", 0x9_9007, "the lowest bits of a descriptor are flags"),
    ("found", 0x2123, "this is in the table below the root: one more descriptor is read"),
    ("found", 0x8_8123, "no descriptor that the walk reads leads to this page"),
    ("found", (1, "protection"), "the walk's descriptor at level 1 allows user code to write"),
    ("found", (2, "not-present"), "the walk's descriptor at level 2 is present"),
    ("found", "protection", 'write a physical address, or a fault such as (1, "protection")'),
    ("found", ("protection", 1), 'write a physical address, or a fault such as (1, "protection")'),
    ("large", 0x40_0123, "the offset is wrong"),
    ("large", 0x40_0087, "the lowest bits of a descriptor are flags"),
    ("large", (1, "not-present"), "the walk reads no descriptor at level 1"),
    ("no page", 0x9_9123, "look at the flags of each descriptor"),
    ("no page", (1, "protection"), "bit 0 of the walk's descriptor at level 1 is 0"),
    ("no page", (2, "protection"), "the walk's descriptor at level 2 allows user code to write"),
    ("no table", (1, "not-present"), "the walk reads no descriptor at level 1"),
    ("no table", 0, "no descriptor that the walk reads leads to this page"),
    ("kernel's page", 0x9_9123, "look at the flags of each descriptor"),
    ("kernel's page", (1, "not-present"), "the walk's descriptor at level 1 is present"),
    ("table for reading", (1, "protection"), "the walk's descriptor at level 1 allows user code to write"),
]


@pytest.mark.parametrize(("kind", "answer", "flaw"), FLAWS, ids=str)
def test_a_wrong_answer_is_told_its_step(kind: str, answer: Any, flaw: str) -> None:
    upper, lower = KINDS[kind]
    words = {0x1014: (0x40_0000 if upper & 0x80 else 0x2000) | upper, 0x2018: 0x9_9000 | lower}
    address = 5 << 22 | 6 << 12 | 0x123
    asked = PaperSheet(tuple(words.items()), (address,))
    assert solved(asked)[address] != answer
    assert wrong_step(asked, address, answer) == flaw


@pytest.mark.parametrize("written", [hex, str, lambda key: f"{vm.Address(key)}", lambda key: f"{key:X}"])
def test_keys_that_are_text_are_told_to_be_numbers(written: Any) -> None:
    right = solved(WALK.given)
    first = min(right)
    said = str(lab.check(WALK, {written(key): answer for key, answer in right.items()}))
    assert said.count("without quotes") == 3
    assert "for each address" not in said
    one = str(lab.check(WALK, {**dict.fromkeys(right, 5), first: None, written(first): right[first]}))
    assert f"such as {vm.Address(first)}, without quotes" in one
    other = str(lab.check(WALK, {"0x123": 5}))
    assert "such as 0x" in other
    assert "the key '0x123' is text" in other


def test_keys_of_another_sheet_are_told_the_sheets_own() -> None:
    said = str(lab.check(WALK, {0x123: 5}))
    assert all(str(vm.Address(key)) in said for key in solved(WALK.given))


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    right = {numpy.uint64(key): numpy.uint64(answer) if isinstance(answer, int) else answer
             for key, answer in solved(WALK.given).items()}  # fmt: skip
    assert points(WALK, right) == [2, 2, 1]


def test_a_fault_that_is_text_is_told_to_be_a_pair() -> None:
    said = str(lab.check(WALK, {key: str(answer) for key, answer in solved(WALK.given).items()}))
    assert 'such as (1, "protection") without quotes' in said


def test_an_answer_that_is_none_is_wrong_and_nothing_breaks() -> None:
    for odd in ("?", (1,), (1, 2, 3), [], {}, -1, 0.5, object()):
        assert points(WALK, dict.fromkeys(WALK.given.addresses, odd)) == [0, 0, 0]


def test_what_each_kind_of_descriptor_gives() -> None:
    """From the manual: SDM 3A, 4.3 and 4.6: rights are judged with both descriptors, absence first."""
    expected: dict[str, Any] = {
        "found": "pa", "large": "pa", "no table": (2, "not-present"), "no page": (1, "not-present"),
        "table for reading": (2, "protection"), "page for reading": (1, "protection"),
        "kernel's table": (2, "protection"), "kernel's page": (1, "protection"),
    }  # fmt: skip
    for kind, (upper, lower) in KINDS.items():
        memory = Ram(1 << 20)
        memory.write_word(0x1000 + 4 * 5, 4, (0x40_0000 if upper & 0x80 else 0x2000) | upper)
        memory.write_word(0x2000 + 4 * 6, 4, 0x9_9000 | lower)
        answer = _outcome(
            PageTables("paper", memory, FORMATS["x86"], 0x1000).walk(5 << 22 | 6 << 12 | 0x123, "write", user=True)
        )
        wanted = expected[kind]
        if wanted == "pa":
            wanted = 0x40_0000 + (6 << 12) + 0x123 if kind == "large" else 0x9_9123
        assert answer == wanted, kind


def test_a_check_draws_the_free_pieces_and_what_lies_in_them() -> None:
    """Before anything is placed too: the pieces are what the sums are about."""
    (low, room), (high, more) = SEGMENTS.given.free
    for program in SEGMENTS.given.start(), vm.Segments(code=(low, room, "rx"), data=(high - 4096, 8192, "rw")):
        drawn = in_memory(program, SEGMENTS.given)
        assert sum(one.end - one.start for one in drawn.stretches if one.free) == room + more
        assert lab.check(SEGMENTS, program).picture
    assert [(one.names, one.free) for one in drawn.stretches] == [
        ((), False), (("code",), True), ((), False), (("data",), False), (("data",), True), ((), True)
    ]  # fmt: skip
    assert saying("segments: segments/outside", names="data") in vm.picture(drawn).to_text()


def test_segments_in_one_place_are_drawn_as_such() -> None:
    program = vm.Segments(code=(0, 8192, "rx"), data=(4096, 8192, "rw"))
    text = vm.picture(program.layout).to_text()
    assert saying("segments: segments/over", names="code and data") in text
    assert [(one.start, one.names) for one in program.layout.stretches] == [
        (0, ("code",)), (4096, ("code", "data")), (8192, ("data",))
    ]  # fmt: skip
