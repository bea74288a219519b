"""The life of a page, against a watcher that looks where pages are after each operation, and reads no event."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.hindsight.test_why import BASE, Life
from vmwidgets import PAGE
from vmwidgets.engine.kernel.tasks.vm_object import TaskObject
from vmwidgets.engine.machine.hindsight.life import life_of


def place(task: Any, va: int) -> str:
    """Where the page at an address of a task is: a frame, a slot, or "" where nothing has it in either."""
    entry = next(iter(task.space.vm_map.entries_in(va, va + 1)), None)
    if entry is None or not isinstance(entry.object, TaskObject):
        return ""
    index = entry.offset_of(va) // PAGE
    for one in entry.object.chain(index):
        if index in one.pages:
            return f"frame {one.pages[index]:#x}"
        if index in one.swapped:
            return f"slot {one.swapped[index]}"
    return ""


@pytest.mark.parametrize("seed", range(24))
def test_a_life_ends_where_the_page_is_and_begins_in_a_file_or_as_zeroes(seed: int) -> None:
    m = Life(seed).machine
    looked = 0
    for task in m.tasks.values():
        for va in range(BASE, BASE + 9 * PAGE, PAGE):
            here, life = place(task, va), life_of(m, task.space, va)
            if here:
                looked += 1
                assert life[-1].place == here, (task.name, hex(va), life)
                assert life[0].place in ("zeroes", "file f"), life
            numbers = [one.operation.number for one in life]
            assert numbers == sorted(numbers)
    assert looked


@pytest.mark.parametrize("seed", range(24))
def test_something_has_its_page_in_each_place_when_the_operation_is_over(seed: int) -> None:
    m = Life(seed).machine
    for task in m.tasks.values():
        for va in range(BASE, BASE + 4 * PAGE, PAGE):
            ends = {one.operation.number: one.place for one in life_of(m, task.space, va)}
            for number, where in ends.items():
                kind, _, at = where.partition(" ")
                if kind in ("frame", "slot"):
                    assert int(at, 0) in held(m.at(number), kind), (task.name, hex(va), where)


def held(machine: Any, kind: str) -> set[int]:
    """The frames, or the slots, in which any object has a page."""
    objects = machine.system.task_memory.objects.values()
    return {where for one in objects for where in (one.pages if kind == "frame" else one.swapped).values()}


@pytest.mark.parametrize(
    ("fork", "hows"),
    [
        ("shadow", ["as it began", "read from the file", "copied", "copied", "paged out", "read back from swap space"]),
        ("counted", ["as it began", "read from the file", "copied", "shared by the fork", "copied", "paged out",
                     "read back from swap space"]),
        ("eager", ["as it began", "read from the file", "copied", "copied", "paged out", "read back from swap space"]),
    ],
)  # fmt: skip
def test_a_page_goes_from_a_file_through_a_copy_and_a_slot_back_into_a_frame(fork: str, hows: list[str]) -> None:
    m = vm.boot("x86-64", fork=fork)
    m.swap_on("64 KiB")
    t = m.task("t")
    a = t.mmap("4 KiB", "rw", "private", m.file("f", b"from the file"))
    t.write(a, b"F")
    child = t.fork()
    child.write(a, b"G")
    child.limit("rss", "8 KiB")
    other = child.mmap("16 KiB")
    for page in range(4):
        child.write(other + page * PAGE, b"x")
    assert child.read(a, 4) == b"Grom"
    answer = m.why(child, a)
    assert [one.how for one in answer.life] == hows
    assert [one.place.split()[0] for one in answer.life[:2]] == ["file", "frame"]
    assert m.why(child, a).life[-1].place == place(child, a)


def test_what_is_no_byte_of_a_task_has_no_life() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap("4 KiB")
    assert m.why(t.map, a).life == ()
    assert m.why(t, a).life == ()  # never touched: nothing has a page yet


@pytest.mark.parametrize("seed", range(24))
def test_what_no_object_has_any_longer_is_nowhere_or_in_its_file(seed: int) -> None:
    m = Life(seed).machine
    for task in m.tasks.values():
        for va in range(BASE, BASE + 9 * PAGE, PAGE):
            life = life_of(m, task.space, va)
            if life and not place(task, va):
                assert life[-1].place in ("nowhere", "zeroes", "file f"), (task.name, hex(va), life)


def test_a_page_that_is_forgotten_and_touched_again_keeps_its_life() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap("4 KiB")
    t.write(a, b"x")
    t.madvise(a, "4 KiB", "dontneed")
    forgotten = m.why(t, a).life
    assert [one.how for one in forgotten] == ["as it began", "filled with zeroes", "forgotten"]
    t.read(a, 1)
    assert m.why(t, a).life[:3] == forgotten
    assert m.why(t, a).life[3].how == "filled with zeroes"


def test_a_page_in_swap_that_another_task_has_in_memory_is_found_there() -> None:
    m = vm.boot("x86-64", fork="counted")
    m.swap_on("64 KiB")
    t = m.task("t")
    a = t.mmap("4 KiB")
    t.write(a, b"x")
    t.page_out(a, "4 KiB")
    child = t.fork()
    t.read(a, 1)
    child.read(a, 1)
    life = m.why(child, a).life
    assert life[-1].place == place(child, a)
    assert len({(one.operation.number, one.place) for one in life}) == len(life), life
