"""What the recipes in course/ don't say: mistakes with names, and what is not judged yet."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.own_process import LoaderSheet, StackSheet, loader, stack
from vmwidgets.sources.strace.result import LoadedStrace

LOADS = """
for name, base in given.bases.items():
    task = thing.tasks[name]
    for part in given.parts:
        task.mmap(part.in_file, part.rights, "private fixed", given.file, part.offset, at=base + part.address)
    end = base + part.address + part.in_file
    stop = base + part.address + part.in_memory
    rest = -end % vm.PAGE
    task.write(end, bytes(rest))
    task.mmap(stop - end - rest, "rw", "private fixed", at=end + rest)
writer = next(iter(given.bases))
thing.tasks[writer].write(given.bases[writer] + given.variable, given.value.encode())
"""
"""A right solution, line by line."""


def points(found: Iterable[Criterion]) -> list[int]:
    return [criterion.points for criterion in found]


def judged(recipe: str, number: int = 1) -> list[Criterion]:
    """What the judge finds of these lines on a sheet; errors in them are the student's."""
    sheet: Any = lab.practice("10/loader", number)
    names = {"vm": vm, "thing": sheet.start(), "given": sheet.given}
    exec(recipe, names)
    thing: Any = names["thing"]
    return list(loader(thing, sheet.given))


def named(found: Iterable[Criterion]) -> set[str]:
    return {criterion.mistake.name for criterion in found if criterion.mistake is not None}


# ---- 10/loader -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "earned", "mistake"),
    [
        ("", "", [2, 1, 2, 2, 1], ""),
        ("part.in_file, part", "part.in_memory, part", [2, 1, 2, 2, 1], ""),
        ("given.file, part.offset", "given.file, 0", [0, 1, 2, 2, 1], "another place in the file"),
        ('part.rights, "private', '"rwx", "private', [0, 1, 2, 2, 1], ""),
        ("private fixed", "shared fixed", [2, 1, 0, 2, 1], "shared for private"),
        ("    task.write(end, bytes(rest))\n", "", [2, 1, 2, 1, 1], "more of the file"),
        ('rest, "rw"', 'rest, "r"', [2, 1, 2, 1, 1], ""),
        ("    task.mmap(stop", "    # (stop", [2, 1, 2, 1, 1], ""),
        ("thing.tasks[writer].write", "# ", [2, 1, 0, 2, 1], ""),
        ("\nwriter", "\ntask.brk(task.brk() + 1)\nwriter", [2, 1, 2, 2, 0], ""),
        ("given.bases.items()", "list(given.bases.items())[:1]", [0, 0, 0, 0, 0], ""),
    ],
)
def test_each_part_of_loading_counts(old: str, new: str, earned: list[int], mistake: str) -> None:
    recipe = LOADS.replace(old, new) if old else LOADS
    assert recipe != LOADS or not old
    for number in range(1, 5):
        found = judged(recipe, number)
        assert points(found) == earned
        assert named(found) == ({mistake} if mistake else set())


def test_one_task_that_is_right_is_half_of_the_places() -> None:
    spoilt = LOADS.replace("\nwriter", '\ntask.mprotect(base, vm.PAGE, "rw")\nwriter')
    assert points(judged(spoilt))[0] == 1


def test_the_other_task_must_not_have_the_value() -> None:
    same = f"{LOADS}\ntask.write(base + given.variable, given.value.encode())"
    assert points(judged(same)) == [2, 1, 1, 2, 1]


def test_zeroes_that_two_tasks_share_are_not_their_own() -> None:
    """One memory object for the zeroes of both tasks: each would see what the other writes there."""
    one = LOADS.replace('"rw", "private fixed", at=end', '"rw", "shared fixed", thing.object("zeroes"), at=end')
    assert points(judged(one)) == [2, 1, 0, 2, 1]


def test_variables_that_are_copied_have_frames_that_the_file_could_give() -> None:
    copied = LOADS.replace(
        "        task.mmap(part.in_file, part.rights,",
        """        if part.rights == "rw":
            task.mmap(part.in_file, "rw", "private fixed", at=base + part.address)
            task.write(base + part.address, thing.files[given.file].read(part.offset, part.in_file))
            continue
        task.mmap(part.in_file, part.rights,""",
    )
    found = judged(copied)
    assert points(found) == [2, 0, 2, 2, 1]
    assert named(found) == {"copied, not mapped"}


@pytest.mark.parametrize(("past", "mistake"), [(True, "a mapping past the file's end"), (False, "more of the file")])
def test_a_file_that_is_mapped_too_far_is_a_mistake_with_a_name(past: bool, mistake: str) -> None:
    """The pages of zeroes are the file's: with its next bytes, or past its end."""
    longer = LOADS.replace("part.in_file, part", "part.in_memory, part").replace("    task.mmap(stop", "    # (stop")
    number = next(one for one in range(1, 50) if ends_before_the_zeroes(one) == past)
    found = judged(longer, number)
    assert points(found) == [2, 1, 2, 1, 1]
    assert named(found) == {mistake}


def ends_before_the_zeroes(number: int) -> bool:
    """Whether the file's last page is the one in which its variables end."""
    given: Any = lab.practice("10/loader", number).given
    return bool(given.parts[-1].in_file % vm.PAGE + given.symbols <= vm.PAGE)


def test_a_file_that_was_written_or_is_gone_is_not_as_it_was() -> None:
    written = f'{LOADS}\nthing.files[given.file].write(given.parts[-1].offset + vm.PAGE, b"x")'
    assert points(judged(written))[2] == 0
    assert points(judged(f"{LOADS}\nthing.files[given.file].vanish()"))[2] == 0


def test_a_task_that_has_ended_has_no_library() -> None:
    assert points(judged(f"{LOADS}\ntask.exit()")) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("number", range(1, 101))
def test_a_file_has_room_for_each_part_and_more_after_it(number: int) -> None:
    sheet: Any = lab.practice("10/loader", number)
    given: LoaderSheet = sheet.given
    for low, high in itertools.pairwise(given.parts):
        assert low.offset + low.in_file == high.offset
        assert low.address + low.in_memory <= high.address
    last = given.parts[-1]
    assert last.in_file % vm.PAGE
    assert last.in_memory // vm.PAGE > last.in_file // vm.PAGE
    assert sheet.start().files[given.file].size == last.offset + last.in_file + given.symbols
    assert last.address + 8 <= given.variable < last.address + last.in_file // vm.PAGE * vm.PAGE - len(given.value)
    assert len(set(given.bases.values())) == 2


# ---- 10/stack ------------------------------------------------------------------------------------

PIECES = StackSheet((("---", 1), ("rw-", 2048), ("r--", 3)), 33)
TRACE = """
execve("/bin/x", ["x"], 0x1) = 0
brk(NULL) = 0x55550000
brk(0x55571000) = 0x55571000
mmap(NULL, 8404992, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK, -1, 0) = 0x7f0000000000
mprotect(0x7f0000001000, 8388608, PROT_READ|PROT_WRITE) = 0
mprotect(0x7f0000801000, 12288, PROT_READ) = 0
"""


def loaded(trace: str) -> LoadedStrace:
    return vm.load_strace(vm.boot("x86-64"), trace)


@pytest.mark.parametrize(
    ("old", "new", "earned"),
    [
        ("", "", [2, 2, 2]),
        ("mmap(NULL, 8404992", "mmap(NULL, 8409088", [0, 2, 2]),
        ("0x7f0000001000, 8388608", "0x7f0000001000, 8384512", [0, 2, 2]),
        ("12288, PROT_READ)", "12288, PROT_NONE)", [0, 2, 2]),
        ("brk(0x55571000) = 0x55571000\n", "", [2, 0, 2]),
        ("mprotect(0x7f0000801000", "getpid() = 1\nmprotect(0x7f0000801000", [2, 2, 0]),
        ("execve", "mlock(0x1000, 4096) = 0\nexecve", [2, 2, 0]),
        (TRACE, 'execve("/bin/x", ["x"], 0x1) = 0\nbrk(NULL) = 0x55550000\n', [0, 0, 0]),
        (TRACE[TRACE.index("mprotect") :], "", [0, 2, 0]),
    ],
)
def test_each_part_of_it_counts(old: str, new: str, earned: list[int]) -> None:
    assert points(list(stack(loaded(TRACE.replace(old, new) if old else TRACE), PIECES))) == earned


def test_the_right_kinds_with_a_wrong_length_are_half_of_it() -> None:
    pieces, *_ = stack(loaded(TRACE), StackSheet((("---", 1), ("rw-", 2048), ("r--", 4)), 33))
    assert pieces.points == 1


def test_the_pieces_from_above_are_a_mistake_with_a_name() -> None:
    pieces, *_ = stack(loaded(TRACE), StackSheet(PIECES.pieces[::-1], 33))
    assert pieces.points == 0
    assert pieces.mistake is not None
    assert pieces.mistake.name == "addresses from above"


def test_a_right_that_is_none_has_a_name() -> None:
    pieces, *_ = stack(loaded(TRACE.replace("PROT_WRITE", "PROT_WRTE")), PIECES)
    assert pieces.points == 0
    assert pieces.mistake is not None
    assert pieces.mistake.name == "an unknown right"


def test_address_0_is_no_place_for_a_stack() -> None:
    pieces, *_ = stack(loaded(TRACE.replace("0x7f0000", "0x0")), PIECES)
    assert pieces.points == 0
    assert pieces.mistake is not None
    assert pieces.mistake.name == "near address 0"


def test_ranges_that_are_not_asked_for_are_counted_from_the_fourth_on() -> None:
    more = "\nfor number in range(5):\n    task.mmap(vm.PAGE, at=0x1000_0000 + 2 * vm.PAGE * number)"
    *_, nothing_else = judged(LOADS + more)
    assert nothing_else.actual.endswith(", and 2 more")


def test_two_pieces_may_have_a_gap_between_them() -> None:
    asked = StackSheet((("---", 1), ("", 2), ("rw-", 2046), ("r--", 3)), 33)
    cut = f"{TRACE}munmap(0x7f0000001000, 8192) = 0\n"
    assert points(list(stack(loaded(cut), asked)))[:2] == [2, 2]


def test_each_sheet_has_a_stack_with_a_guard_below_it_and_no_gap_at_an_end() -> None:
    for number in range(50):
        rights = [one for one, _ in StackSheet.drawn(Draws(str(number))).pieces]
        assert ("---", "rw-") in itertools.pairwise(rights)
        assert rights[0]
        assert rights[-1]
