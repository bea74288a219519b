"""No memory for one more entry: a task's calls fail with NOMEM and change nothing; only the kernel map panics."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import PAGE


def short() -> tuple[vm.Machine, vm.Task, int]:
    """A task whose entries are used up, to the last, and no page is left for more; a mapping of eight pages."""
    m = vm.boot("x86-64", ram="8 MiB", layout="small")
    t = m.task("init")
    a = int(t.mmap(8 * PAGE))
    t.write(a, b"x" * 8 * PAGE)
    m.take_pages(m.system.pages.obtainable_pages)
    cache = m.system.kernel.entry_cache
    free = sum(map(len, cache._lists.values())) * cache.layout.buffers - cache.allocated
    for page in range(free):
        t.map.enter(PAGE, at=0x100_0000 + 2 * page * PAGE, fixed=True)
    return m, t, a


CALLS = {
    "mmap": lambda t, a: t.mmap(PAGE),
    "enter": lambda t, a: t.map.enter(PAGE),
    "munmap": lambda t, a: t.munmap(a + PAGE, PAGE),
    "remove": lambda t, a: t.map.remove(a + PAGE, size=PAGE),
    "munmap the end": lambda t, a: t.munmap(a + 7 * PAGE, 2 * PAGE),
    "mprotect": lambda t, a: t.mprotect(a, PAGE, "r"),
    "willneed": lambda t, a: t.madvise(a + PAGE, PAGE, "willneed"),
    "inherit": lambda t, a: t.map.inherit(a, size=PAGE, inherit="none"),
    "wire": lambda t, a: t.map.wire(a + PAGE, size=PAGE),
    "fixed": lambda t, a: t.mmap(PAGE, "rw", "private fixed", at=a + PAGE),
    "brk": lambda t, a: t.brk(t.brk() + PAGE),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_needs_an_entry_fails_and_changes_nothing(call: str) -> None:
    m, t, a = short()
    entries, heap = t.map.entries(), t.brk()
    with pytest.raises(vm.KernelError, match=r"^NOMEM: no entry is left for the map of init"):
        CALLS[call](t, a)
    assert (t.map.entries(), t.brk()) == (entries, heap)
    assert t.read(a, 8 * PAGE) == b"x" * 8 * PAGE
    m.check()


def test_a_call_that_needs_none_succeeds() -> None:
    m, t, a = short()
    t.mmap(8 * PAGE, "rw", "private fixed", at=a)
    t.munmap(a, 8 * PAGE)
    assert t.mmap(PAGE) > 0
    m.check()


def test_a_fork_without_entries_leaves_no_child() -> None:
    m, t, a = short()
    with pytest.raises(vm.KernelError, match=r"^NOMEM"):
        t.fork("child")
    assert ("child" in m.tasks, t.read(a)) == (False, b"x")
    m.check()


# ---- the limit of addresses -----------------------------------------------------------------------


def test_a_stack_does_not_grow_past_the_limit_of_addresses() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    top = int(t.mmap(PAGE, flags="private growsdown fixed", at=0x1200_0000)) + PAGE
    t.limit("as", "8 KiB")
    t.write(top - 2 * PAGE, b"x")
    with pytest.raises(vm.KernelError, match=r"^FAULT"):
        t.write(top - 3 * PAGE, b"x")
    assert t.map.size == 2 * PAGE


def test_what_is_mapped_over_counts_once() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap("8 KiB")
    t.limit("as", "8 KiB")
    t.mmap("8 KiB", "r", "private fixed", at=a)
    with pytest.raises(vm.KernelError, match=r"^NOMEM"):
        t.mmap("8 KiB", "r", "private fixed", at=a + PAGE)
    assert [one.protection for one in t.map] == ["r--"]


@pytest.mark.parametrize("door", [lambda t: t.mmap(PAGE), lambda t: t.map.enter(PAGE), lambda t: t.brk(t.brk() + 1)])
def test_the_limit_holds_at_every_door(door) -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    t.mmap("8 KiB")
    t.limit("as", "8 KiB")
    with pytest.raises(
        vm.KernelError, match=r"^NOMEM: 4 KiB more is too much for the map of t: it has 8 KiB of at most 8 KiB"
    ):
        door(t)


def test_advice_on_a_range_with_a_hole_is_followed_and_then_fails() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap("12 KiB")
    t.write(a, b"x" * 12288)
    t.munmap(a + PAGE, PAGE)
    with pytest.raises(
        vm.KernelError, match=r"^NOMEM: nothing is mapped at 0x1_1000 in the map of t; the rest was done"
    ):
        t.madvise(a, "12 KiB", "dontneed")
    assert (t.read(a), t.read(a + 2 * PAGE)) == (b"\0", b"\0")
