"""What was done to a map is found by whatever door it came: a judge reads events, and no names of calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.labs.exercises.deeds import CHANGED, ENTERED, REMOVED, UNSEEN, Deed, deeds

PAGE = vm.PAGE
FLAGS = 627
"""The word of flags of an entry "rw" that is like all others."""


class Given:
    """Two pages at page 8, and two at page 16."""

    text = ""

    def start(self) -> MachineMap:
        space = vm.boot().task("t").map
        for page in (8, 16):
            space.enter(2 * PAGE, at=page * PAGE)
        return space


GIVEN = Given()


@pytest.fixture
def task() -> Task:
    found: Task = GIVEN.start().machine.tasks["t"]
    return found


def found(task: Task) -> list[Deed]:
    return deeds(task.map, GIVEN)


def pages(deed: Deed) -> list[tuple[int, int]]:
    return [(start // PAGE, end // PAGE) for start, end in deed.ranges]


def in_a_thread(task: Task, call: Callable[[], object]) -> None:
    task.machine.spawn(call, name="other")
    task.machine.run()


def test_the_start_is_no_deed(task: Task) -> None:
    assert found(task) == []


REMOVING: dict[str, Callable[[Task], object]] = {
    "remove": lambda task: task.map.remove(8 * PAGE, size=PAGE),
    "munmap": lambda task: task.munmap(8 * PAGE, PAGE),
    "a mapping over it": lambda task: task.mmap(PAGE, "rw", "private fixed", at=8 * PAGE),
    "unchecked": lambda task: task.machine.unchecked.vm_map_remove(task.map, 8 * PAGE, 9 * PAGE),
    "a thread": lambda task: in_a_thread(task, lambda: task.map.remove(8 * PAGE, size=PAGE)),
}


@pytest.mark.parametrize("how", REMOVING)
def test_a_page_is_removed_by_any_door(task: Task, how: str) -> None:
    REMOVING[how](task)
    first, *more = found(task)
    assert (first.kind, pages(first)) == (REMOVED, [(8, 9)])
    assert [(deed.kind, pages(deed)) for deed in more] == [(ENTERED, [(8, 9)])] * (how == "a mapping over it")


def test_exec_removes_all_in_one_deed(task: Task) -> None:
    task.exec()
    (deed,) = found(task)
    assert (deed.kind, pages(deed), deed.size) == (REMOVED, [(8, 10), (16, 18)], 4 * PAGE)


def test_a_heap_that_shrinks_is_removed(task: Task) -> None:
    start = task.brk()
    task.brk(start + 3 * PAGE)
    task.brk(start + PAGE)
    assert [(deed.kind, deed.size // PAGE) for deed in found(task)] == [(ENTERED, 3), (REMOVED, 2)]


def test_what_removes_nothing_is_no_deed(task: Task) -> None:
    task.map.remove(0, size=8 * PAGE)
    task.map.lookup(8 * PAGE)
    with pytest.raises(vm.KernelError):
        task.map.enter(PAGE, at=8 * PAGE, fixed=True)
    task.machine.task("other").map.enter(PAGE)
    assert found(task) == []


def test_what_was_undone_is_no_deed(task: Task) -> None:
    task.munmap(8 * PAGE, PAGE)
    task.machine.undo()
    assert found(task) == []


SEARCHING: dict[str, Callable[[Task], object]] = {
    "enter": lambda task: task.map.enter(8 * PAGE),
    "an address that is in use": lambda task: task.map.enter(8 * PAGE, at=8 * PAGE),
    "unchecked": lambda task: task.machine.unchecked.vm_map_enter(task.map, 0, 8 * PAGE, 0, FLAGS),
    "a thread": lambda task: in_a_thread(task, lambda: task.map.enter(8 * PAGE)),
}


@pytest.mark.parametrize("how", SEARCHING)
def test_the_kernel_chooses_a_place_by_any_door(task: Task, how: str) -> None:
    """The entry above takes the range in: what was asked for is the range alone."""
    SEARCHING[how](task)
    (deed,) = found(task)
    assert (deed.kind, pages(deed), deed.searched) == (ENTERED, [(0, 8)], True)


PLACING: dict[str, Callable[[Task], object]] = {
    "enter": lambda task: task.map.enter(8 * PAGE, at=18 * PAGE),
    "fixed": lambda task: task.map.enter(8 * PAGE, at=18 * PAGE, fixed=True),
    "mmap": lambda task: task.mmap(8 * PAGE, at=18 * PAGE),
    "unchecked": lambda task: task.machine.unchecked.vm_map_enter(task.map, 18 * PAGE, 8 * PAGE, 0, FLAGS),
    "a thread": lambda task: in_a_thread(task, lambda: task.map.enter(8 * PAGE, at=18 * PAGE)),
}


@pytest.mark.parametrize("how", PLACING)
def test_a_caller_chooses_a_place_by_any_door(task: Task, how: str) -> None:
    PLACING[how](task)
    (deed,) = found(task)
    assert (deed.kind, pages(deed), deed.searched) == (ENTERED, [(18, 26)], False)


def test_a_range_between_two_that_take_it_in(task: Task) -> None:
    task.map.enter(6 * PAGE, at=10 * PAGE)
    (deed,) = found(task)
    assert len(task.map) == 1
    assert pages(deed) == [(10, 16)]


def test_mmap_without_an_address_searches(task: Task) -> None:
    task.mmap(PAGE)
    (deed,) = found(task)
    assert (deed.kind, deed.searched) == (ENTERED, True)


@pytest.mark.parametrize("call", ["protect", "mprotect"])
def test_another_protection_is_a_change(task: Task, call: str) -> None:
    if call == "protect":
        task.map.protect(8 * PAGE, size=PAGE, prot="r")
    else:
        task.mprotect(8 * PAGE, PAGE, "r")
    assert [deed.kind for deed in found(task)] == [CHANGED]


def test_two_deeds_of_one_operation_are_two(task: Task) -> None:
    def both() -> None:
        task.map.remove(8 * PAGE, size=2 * PAGE)
        task.map.enter(2 * PAGE, at=8 * PAGE, fixed=True)

    in_a_thread(task, both)
    assert [(deed.kind, pages(deed)) for deed in found(task)] == [(REMOVED, [(8, 10)]), (ENTERED, [(8, 10)])]


def test_an_operation_with_more_events_than_are_kept_is_seen(task: Task) -> None:
    def hidden() -> None:
        task.map.remove(8 * PAGE, size=PAGE)
        for _ in range(5000):
            task.map.lookup(8 * PAGE)
            task.map.lookup(16 * PAGE)

    in_a_thread(task, hidden)
    assert [deed.kind for deed in found(task)] == [UNSEEN]


def test_a_long_operation_hides_nothing_once_its_events_were_dropped(task: Task) -> None:
    """The journal keeps the events of 1,000 operations, and of one operation 4,096."""

    def body() -> None:
        task.munmap(8 * PAGE, PAGE)
        for _ in range(4_200):
            task.map.lookup(0)

    in_a_thread(task, body)
    for _ in range(1_001):
        task.map.lookup(0)
    assert [deed.kind for deed in found(task)] == [UNSEEN]


def test_events_that_were_dropped_are_made_again_as_they_were(task: Task) -> None:
    for number in range(1_300):
        if number % 10:
            task.map.lookup(0)
        else:
            task.map.enter(PAGE, at=(100 + number) * PAGE)
    seen: list[tuple[int, tuple[object, ...]]] = []
    journal = task.machine.journal
    task.machine.history.visit(3, lambda operation: seen.append((operation.number, operation.events)))
    assert [number for number, _ in seen] == list(range(3, len(journal)))
    assert not journal.keeps(seen[0][0])
    assert all(events == journal.events(number) for number, events in seen[::97])
    assert len([deed for deed in found(task) if deed.kind == ENTERED]) == 130
