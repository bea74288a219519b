"""Pagers of learners': what their function gave is kept, and what it does wrong is a SIGBUS."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm

PAGE = vm.PAGE


@pytest.fixture
def machine() -> Any:
    return vm.boot("x86-64", layout="small", ram="8 MiB")


def mapped(machine: Any, function: Any, pages: int = 4) -> tuple[Any, int]:
    """A task, and where it maps the pages of a pager."""
    task = machine.task("init")
    return task, int(task.mmap(pages * PAGE, "rw", "shared", machine.pager("mine", pages * PAGE, function)))


def test_a_page_is_asked_for_once_and_by_its_number(machine):
    asked = []

    def function(page):
        asked.append(page)
        return bytes([page + 1]) * 10

    task, start = mapped(machine, function)
    assert task.read(start + 2 * PAGE, 12) == b"\x03" * 10 + b"\0\0"
    task.write(start + 2 * PAGE, b"x")
    assert (task.read(start + 2 * PAGE, 2), asked) == (b"x\x03", [2])
    machine.check()


def test_what_it_gave_is_given_again_and_the_function_is_not_asked(machine, tmp_path):
    answers = iter((b"one", b"two", b"three"))
    task, start = mapped(machine, lambda _page: next(answers))
    assert task.read(start, 3) == b"one"
    number = len(machine.journal) - 1
    assert task.read(start + PAGE, 3) == b"two"
    assert machine.at(number).tasks["init"].walk(start).pa == task.walk(start).pa
    branch = machine.branch()
    assert (branch.tasks["init"].read(start, 3), branch.tasks["init"].read(start + PAGE, 3)) == (b"one", b"two")
    machine.undo()
    machine.redo()
    assert task.read(start + PAGE, 3) == b"two"
    machine.journal.save(tmp_path / "life.journal")
    loaded = vm.load_journal(tmp_path / "life.journal")
    assert loaded.tasks["init"].read(start, 3) == b"one"
    with pytest.raises(vm.KernelError, match="IO: the pager of 'mine' was recorded up to here"):
        loaded.tasks["init"].read(start + 3 * PAGE)


def raises(_page: int) -> bytes:
    raise ValueError("no such page")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (raises, "the pager of 'mine' failed: ValueError: no such page"),
        (lambda _page: None, "gave no value for page 0"),
        (lambda _page: bytes(PAGE + 1), "gave 4097 bytes for page 0"),
    ],
)
def test_a_function_that_gives_no_page_is_sigbus_and_the_machine_is_whole(machine, function, why):
    task, start = mapped(machine, function)
    with pytest.raises(vm.KernelError, match=why):
        task.read(start)
    assert task.signals[-1].name == "SIGBUS"
    machine.check()
    assert [one.outcome for one in machine.branch().journal] == [one.outcome for one in machine.journal]


def test_it_runs_in_the_middle_of_a_fault_and_calls_no_operation(machine):
    task, start = mapped(machine, lambda _page: machine.tasks["init"].read(0))
    with pytest.raises(vm.KernelError, match="it may not call the machine"):
        task.read(start)
    machine.check()


def test_behind_its_pages_there_is_none(machine):
    task = machine.task("init")
    start = task.mmap(2 * PAGE, "r", "shared", machine.pager("mine", PAGE, lambda _page: b"x"))
    with pytest.raises(vm.KernelError, match="IO: the pager of 'mine' has 1 page, and none at 0x1000"):
        task.read(start + PAGE)


def test_what_it_gave_goes_to_swap_space_and_comes_back(machine):
    machine.swap_on(4 * PAGE)
    task, start = mapped(machine, lambda page: bytes([page + 1]))
    task.write(start, b"x")
    assert task.page_out(start) == 1
    assert task.read(start) == b"x"
    machine.check()


def test_no_more_is_kept_than_the_bound(machine, monkeypatch):
    monkeypatch.setattr("vmwidgets.engine.machine.learners.answering.MOST_PAGES", 2)
    task, start = mapped(machine, lambda _page: b"x")
    task.read(start, 2 * PAGE)
    with pytest.raises(vm.KernelError, match="gave 2 pages: the journal keeps 8 KiB of it"):
        task.read(start + 2 * PAGE)


def test_what_is_no_function_is_refused(machine):
    with pytest.raises(vm.Refused, match="pass a function"):
        machine.pager("mine", PAGE, b"bytes")
    with pytest.raises(vm.Refused, match="repeats a recorded pager"):
        machine.make_pager("mine", PAGE)
    with pytest.raises(vm.Refused, match="size=0: a pager supplies at least one page"):
        machine.pager("mine", 0, lambda _page: b"x")
    assert list(machine.objects) == []


def test_an_object_names_the_source_of_its_pages(machine):
    mine, plain = machine.pager("mine", PAGE, lambda _page: b"x"), machine.object("plain")
    assert (type(mine.pager).__name__, type(plain.pager).__name__) == ("CodePager", "AnonymousPager")
