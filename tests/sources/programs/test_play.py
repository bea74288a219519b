"""A program that is played: its accesses as operations of tasks, what each line cost, and what is refused."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.sources.programs.listed import steps_of


def numbers(played: object, line: int) -> tuple[int, int, int, int]:
    one = played.lines[line]  # type: ignore[attr-defined]  # the result of vm.play
    return one.accesses, one.misses, one.faults, one.copies


@pytest.mark.parametrize(("ways", "by_row", "by_column"), [(4, 8, 32), (7, 8, 32), (8, 0, 0)])
def test_a_column_misses_each_time_unless_the_tlb_has_a_way_for_each_page(
    ways: int, by_row: int, by_column: int
) -> None:
    found = vm.play("matrix", vm.boot("x86-64", tlb=(1, ways))).lines
    assert (found[11].misses, found[14].misses) == (by_row, by_column)  # 8 pages, each used four times


@pytest.mark.parametrize(("fork", "copies", "faults_of_parent"), [("counted", 1, 1), ("shadow", 1, 1), ("eager", 4, 0)])
def test_a_fork_copies_what_its_way_says(fork: str, copies: int, faults_of_parent: int) -> None:
    played = vm.play("fork", vm.boot("x86-64", fork=fork))
    assert sum(one.copies for one in played.steps) == copies
    assert played.lines[19].faults == faults_of_parent  # the parent writes when the child has exited
    assert "child" not in played.machine.tasks


def test_malloc_asks_the_kernel_twice_and_gives_back_the_large_block() -> None:
    m = vm.boot("x86-64")
    played = vm.play("malloc", m)
    calls = [operation.name for operation in m.journal if operation.target == "task:malloc"]
    assert [name for name in calls if name in ("brk", "mmap", "munmap")] == ["brk", "mmap", "munmap"]
    assert m.tasks["malloc"].map.size == vm.Size(135168)
    assert numbers(played, 9) == (1, 0, 0, 0)  # the second block lies in the page of the first


def test_each_step_is_an_operation_which_an_undo_takes_back() -> None:
    m = vm.boot("x86-64")
    before = len(m.journal)
    played = vm.play("fork", m)
    assert [one.step for one in played.steps] == list(steps_of("fork"))
    assert len({one.serial for one in played.steps}) == len(played.steps)
    m.undo()
    assert played.steps_in(m.journal) == played.steps[:-1]
    m.undo(len(m.journal) - before)
    assert played.steps_in(m.journal) == ()


def test_a_moment_has_the_steps_before_it() -> None:
    m = vm.boot("x86-64")
    played = vm.play("matrix", m)
    there = m.at(m.journal.number_of(played.steps[5].serial))
    assert played.steps_in(there.journal) == played.steps[:6]


def test_a_second_time_on_a_machine_is_refused_and_changes_nothing() -> None:
    m = vm.boot("x86-64")
    vm.play("fork", m)
    before = len(m.journal)
    with pytest.raises(vm.Refused, match="had a task 'fork': play 'fork' on another"):
        vm.play("fork", m)
    assert len(m.journal) == before


def test_a_task_of_the_childs_name_is_in_the_way() -> None:
    m = vm.boot("x86-64")
    m.task("child")
    with pytest.raises(vm.Refused, match="a task 'child'"):
        vm.play("fork", m)
    assert list(m.tasks) == ["child"]
