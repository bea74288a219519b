"""Memory that was given back is gone: no byte of it comes back, and no page of it stays."""

from __future__ import annotations

import inspect
import sys

import pytest

import vmwidgets as vm
from vmwidgets import PAGE
from vmwidgets.engine.kernel.tasks.vm_object import TaskObject

ZEROES = bytes(6)


def family() -> tuple[vm.Machine, vm.Task]:
    m = vm.boot("x86-64")
    return m, m.task("init")


def heap(t: vm.Task, pages: int) -> int:
    """A heap of so many pages, each with a secret."""
    start = int(t.brk())
    t.brk(start + pages * PAGE)
    for page in range(pages):
        t.write(start + page * PAGE, b"secret")
    return start


def stack(t: vm.Task, pages: int) -> int:
    top = int(t.mmap(PAGE, flags="private growsdown fixed", at=0x1200_0000)) + PAGE
    t.write(top - pages * PAGE, b"secret" * (pages * PAGE // 6))
    return top


def test_a_heap_that_shrank_while_it_was_shared_is_zeroes_when_it_grows_again() -> None:
    m, t = family()
    start = heap(t, 4)
    child = t.fork()
    t.brk(start + 2 * PAGE)
    child.exit()
    t.write(start, b"x")
    t.brk(start + 4 * PAGE)
    assert [t.read(start + page * PAGE, 6) for page in (2, 3)] == [ZEROES] * 2
    m.check()


def test_a_heap_of_the_child_that_shrank_is_zeroes_too() -> None:
    m, t = family()
    start = heap(t, 4)
    child = t.fork()
    child.brk(start + PAGE)
    child.write(start, b"x")
    t.exit()
    child.brk(start + 4 * PAGE)
    assert child.read(start + 3 * PAGE, 6) == ZEROES
    m.check()


@pytest.mark.parametrize("alive", [False, True])
@pytest.mark.parametrize("wrote", ["", "before", "after"])
def test_a_stack_that_was_cut_off_and_grows_again_is_zeroes(alive: bool, wrote: str) -> None:
    m, t = family()
    top = stack(t, 4)
    child = t.fork()
    if wrote == "before":
        t.write(top - PAGE, b"mine")
    t.munmap(top - 4 * PAGE, 2 * PAGE)
    if not alive:
        child.exit()
    if wrote == "after":
        t.write(top - PAGE, b"mine")
    assert t.read(top - 3 * PAGE, 6) == ZEROES
    assert t.read(top - 4 * PAGE, 6) == ZEROES
    t.write(top - 4 * PAGE, b"new")
    assert t.read(top - 3 * PAGE, 6) == ZEROES
    if alive:
        assert child.read(top - 4 * PAGE, 6) == b"secret"
    m.check()


def test_what_a_fork_shared_is_given_back_with_the_last_who_had_it() -> None:
    """A shell that forks, unmaps nearly all, and whose job ends: each time its pages are free again."""
    m, t = family()
    for _ in range(5):
        a = t.mmap(20 * PAGE)
        for page in range(20):
            t.write(a + page * PAGE, b"x")
        child = t.fork()
        t.munmap(a + PAGE, 19 * PAGE)
        child.exit()
    assert (m.system.task_memory.resident, int(t.resident)) == (5, 5 * PAGE)
    m.check()


def test_what_neither_of_two_maps_any_more_is_given_back_though_both_live() -> None:
    m, t = family()
    a = t.mmap(8 * PAGE)
    t.write(a, b"x" * 8 * PAGE)
    child = t.fork()
    t.munmap(a, 4 * PAGE)
    assert m.system.task_memory.resident == 8
    child.munmap(a, 2 * PAGE)
    assert m.system.task_memory.resident == 6
    assert (child.read(a + 2 * PAGE), t.read(a + 7 * PAGE)) == (b"x", b"x")
    m.check()


def test_slots_of_swap_space_are_given_back_as_frames_are() -> None:
    m, t = family()
    m.swap_on("1 MiB")
    a = t.mmap(8 * PAGE)
    t.write(a, b"x" * 8 * PAGE)
    child = t.fork()
    t.page_out(a, 8 * PAGE)
    t.munmap(a, 4 * PAGE)
    child.exit()
    assert (m.system.task_memory.swap.used, m.system.task_memory.resident) == (4, 0)
    m.check()


def test_shared_memory_is_given_back_where_nobody_maps_it() -> None:
    m, t = family()
    a = t.mmap(4 * PAGE, flags="shared")
    t.write(a, b"x" * 4 * PAGE)
    child = t.fork()
    t.munmap(a, 2 * PAGE)
    child.munmap(a, PAGE)
    assert (m.system.task_memory.resident, child.read(a + PAGE)) == (3, b"x")
    m.check()


def test_an_object_with_a_name_keeps_what_no_entry_maps() -> None:
    m, t = family()
    a = t.map.enter(2 * PAGE, object=m.object("kept"))
    t.write(a, b"x" * 2 * PAGE)
    t.map.remove(a, size=PAGE)
    b = t.map.enter(PAGE, object="kept")
    assert t.read(b) == b"x"
    m.check()


def test_a_heap_in_pieces_grows_in_its_object() -> None:
    """What the child may still reach is never given to the parent's heap."""
    m, t = family()
    start = heap(t, 3)
    t.mprotect(start, PAGE, "r")
    t.brk(start + 4 * PAGE)
    assert len(t.map) == 2
    m.check()


def test_a_page_that_nothing_leads_to_is_found_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    m, t = family()
    start = heap(t, 4)
    child = t.fork()
    monkeypatch.setattr(TaskObject, "trim", lambda self, pages: None)
    t.brk(start + 2 * PAGE)
    child.exit()
    with pytest.raises(vm.Broken, match="O8"):
        m.check()


def test_a_heap_that_may_not_grow_and_a_range_that_may_not_be_wired_leave_no_object() -> None:
    m, t = family()
    t.limit("as", PAGE)
    with pytest.raises(vm.KernelError, match=r"^NOMEM"):
        t.brk(t.brk() + 2 * PAGE)
    t.limit("as", None)
    a = t.map.enter("64 KiB")
    m.take_pages(m.pages.obtainable_pages)
    with pytest.raises(vm.KernelError, match=r"^NOMEM"):
        t.map.wire(a, size="64 KiB")
    assert m.system.task_memory.objects == {}
    m.check()


def test_a_copy_of_what_a_learners_pager_gives_has_all_its_pages() -> None:
    m, t = family()
    a = t.mmap(2 * PAGE, "r", "shared", m.pager("numbers", 2 * PAGE, lambda page: bytes([page + 7])))
    t.map.inherit(a, size=2 * PAGE, inherit="copy")
    child = t.fork()
    assert (child.read(a), child.read(a + PAGE)) == (b"\x07", b"\x08")
    m.check()


def test_a_chain_is_as_long_as_there_are_forks() -> None:
    """Each task forks the next and writes a page: so many shadows lie behind the last.  Calls of Python nest less."""
    m = vm.boot("x86-64", ram="64 MiB")
    first = last = m.task("t")
    a = first.mmap(151 * PAGE)
    first.write(a + 150 * PAGE, b"z")
    most = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        for number in range(150):
            last = last.fork(name=f"child {number}")
            last.write(a + number * PAGE, b"p")
        first.munmap(a + 150 * PAGE, PAGE)
        first.munmap(a, PAGE)
        m.check()
    finally:
        sys.setrecursionlimit(most)
    assert last.read(a + 150 * PAGE, 1) == b"z"
