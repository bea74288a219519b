"""What the recipes in tests/labs/solutions don't say: mistakes with names, and what is not judged yet."""

from __future__ import annotations

import itertools

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.own_process import RECORDED, ExecveSheet, StackSheet, by_execve, execve, stack
from vmwidgets.sources.strace.result import LoadedStrace

ASKED = ExecveSheet("fails", ("code",), ("headers",), ("stack",))


def points(found: list[Criterion]) -> list[int]:
    return [criterion.points for criterion in found]


# ---- 10/execve -----------------------------------------------------------------------------------


@pytest.fixture
def task() -> Task:
    return ASKED.start()


def entered(task: Task, name: str, prot: str, *, offset: int | None = None) -> None:
    row = by_execve("fails")[name]
    assert row.system is not None
    where = row.system.offset if offset is None else offset
    lib = task.machine.object(row.system.name)
    task.map.enter(row.size, at=row.start, fixed=True, prot=prot, object=lib, offset=where)


@pytest.mark.parametrize("name", RECORDED)
def test_a_file_has_four_kinds_of_ranges_in_the_order_that_the_sheet_says(name: str) -> None:
    of = by_execve(name)
    for what in "program", "interpreter":
        rights = [
            row.system.protection if (row := of[f"{what} {kind}"]).system else ""
            for kind in ("headers", "code", "constants", "variables")
        ]
        assert rights == ["r--", "r-x", "r--", "rw-"]
    assert of["zeroes"].start == of["program variables"].end


def test_each_range_counts_for_its_file(task: Task) -> None:
    entered(task, "program code", "r-x")
    assert points(list(execve(task, ASKED))) == [2, 0, 0, 1]
    entered(task, "interpreter headers", "r--")
    assert points(list(execve(task, ASKED))) == [2, 2, 0, 1]


def test_a_file_from_its_start_is_a_mistake_with_a_name(task: Task) -> None:
    entered(task, "program code", "r-x", offset=0)
    program, *_, others = execve(task, ASKED)
    assert (program.points, others.points) == (0, 0)
    assert program.mistake is not None
    assert program.mistake.name == "a file from its start"


def test_rights_count(task: Task) -> None:
    entered(task, "program code", "rwx")
    assert points(list(execve(task, ASKED))) == [0, 0, 0, 0]


def test_a_range_that_is_not_asked_for_costs_a_point(task: Task) -> None:
    entered(task, "program code", "r-x")
    entered(task, "program constants", "r--")
    assert points(list(execve(task, ASKED))) == [2, 0, 0, 0]


def test_without_the_replay_nothing_is_judged() -> None:
    task = vm.boot("x86-64").task("fails")
    entered(task, "program code", "r-x")
    assert points(list(execve(task, ASKED))) == [0, 0, 0, 0]


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


def test_ranges_beyond_three_are_counted(task: Task) -> None:
    for number in range(5):
        task.mmap(vm.PAGE, at=0x1000_0000 + 2 * vm.PAGE * number, flags="private fixed")
    task.map.enter(vm.PAGE, at=0x2000_0000)
    *_, nothing_else = execve(task, ASKED)
    assert nothing_else.actual == ""
    row = by_execve("fails")["stack"]
    task.mmap(row.size, "rw", "private fixed", at=row.start)
    *_, nothing_else = execve(task, ASKED)
    assert nothing_else.actual.endswith(", and 3 more")


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
