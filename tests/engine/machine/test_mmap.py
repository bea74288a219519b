"""The calls of a UNIX process: mmap and its kin, brk, limits, stacks, signals."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm

PAGE = vm.PAGE


@pytest.fixture
def machine() -> Any:
    return vm.boot("x86-64", layout="small", ram="8 MiB")


@pytest.fixture
def task(machine: Any) -> Any:
    return machine.task("init")


def test_nothing_is_mapped_where_null_pointers_lead_unless_it_is_asked_for(task):
    assert task.mmap(PAGE) == 0x1_0000
    assert task.mmap(PAGE, at=0, flags="fixed") == 0
    assert task.mmap(PAGE) == 0x1_1000


def test_the_lowest_gap_that_is_large_enough_is_taken(task):
    first = task.mmap(3 * PAGE)
    task.mmap(PAGE)
    task.munmap(first, 2 * PAGE)
    assert task.mmap(3 * PAGE) == first + 4 * PAGE
    assert task.mmap(2 * PAGE) == first


def test_fixed_takes_the_place_of_what_is_there(machine, task):
    start = task.mmap(3 * PAGE)
    for page in range(3):
        task.write(start + page * PAGE, b"x")
    task.mmap(PAGE, "r", "private fixed", at=start + PAGE)
    assert [task.read(start + page * PAGE) for page in range(3)] == [b"x", b"\0", b"x"]
    machine.check()


def test_a_hint_that_is_not_free_is_passed_over(task):
    start = task.mmap(2 * PAGE)
    assert task.mmap(PAGE, at=start) == start + 2 * PAGE
    assert task.mmap(2 * PAGE, at=start - PAGE) == start + 3 * PAGE
    assert task.mmap(2 * PAGE, at=0x7FFF_FFFF_F000) == start + 5 * PAGE


def test_a_hint_that_is_free_is_taken(task):
    assert (task.mmap(PAGE, at=0x1000), task.mmap(PAGE, at=0x40_0000)) == (0x1000, 0x40_0000)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"flags": "private shared"}, "private or shared: write one"),
        ({"flags": "fixed"}, "fixed needs an address"),
        ({"flags": "growsdown shared"}, "a stack is private and anonymous"),
        ({"flags": "privat"}, "flag 'privat'"),
        ({"flags": 3}, "write words"),
        ({"flags": "anonymous", "file": "motd"}, "anonymous memory has no file"),
        ({"file": "mot"}, "file 'mot'"),
        ({"file": 7}, "is not a file"),
        ({"offset": PAGE}, "needs a file"),
        ({"file": "motd", "offset": 5}, "offset"),
        ({"size": 0}, "at least a byte"),
        ({"prot": "q"}, "is not a protection"),
        ({"file": "heap"}, "write flags='shared'"),
        ({"at": 1 << 63}, "^at=0x8000_0000_0000_0000 lies outside"),
        ({"at": "here"}, "^at='here'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing(machine, task, words, why):
    machine.file("motd", b"hello")
    machine.object("heap")
    number = len(machine.journal)
    with pytest.raises(vm.Refused, match=why):
        task.mmap(**{"size": PAGE, **words})
    assert (len(machine.journal), len(task.map)) == (number, 0)


def test_populate_has_the_pages_at_once(machine, task):
    start = task.mmap(3 * PAGE, flags="private populate")
    assert task.resident == 3 * PAGE
    assert task.walk(start, "write").fault is None


# ---- protection and signals ----------------------------------------------------------------------


def test_each_access_that_fails_is_a_signal_and_the_task_lives_on(task):
    start = task.mmap(PAGE, "r")
    for address, what in ((start, "ACCES"), (start + PAGE, "FAULT")):
        with pytest.raises(vm.KernelError, match=what):
            task.write(address, b"x")
    assert [(one.name, one.address) for one in task.signals] == [("SIGSEGV", start), ("SIGSEGV", start + PAGE)]
    assert task.read(start) == b"\0"


def test_a_page_that_was_copied_stays_read_only_until_the_map_allows_more(machine, task):
    start = task.mmap(PAGE)
    task.write(start, b"x")
    child = task.fork()
    child.mprotect(start, PAGE, "r")
    with pytest.raises(vm.KernelError, match="ACCES"):
        child.write(start, b"y")
    child.mprotect(start, PAGE, "rw")
    child.write(start, b"y")
    assert task.read(start) == b"x", "the right to write comes back with a copy"
    machine.check()


# ---- stacks --------------------------------------------------------------------------------------


def test_a_stack_grows_to_where_it_is_used_and_not_beyond_its_limit(machine, task):
    task.limit("stack", "16 KiB")
    top = task.mmap(PAGE, flags="private growsdown", at=0x80_0000) + PAGE
    task.write(top - 3 * PAGE, b"deep")
    assert task.map.lookup(top - 1).size == 3 * PAGE
    task.write(top - 4 * PAGE, b"deeper")
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.write(top - 4 * PAGE - 1, b"x")
    assert task.signals[-1].name == "SIGSEGV"
    machine.check()


def test_a_page_below_a_stack_stays_free_as_its_guard(machine, task):
    top = task.mmap(PAGE, flags="private growsdown", at=0x80_0000) + PAGE
    task.mmap(PAGE, flags="private fixed", at=top - 5 * PAGE)
    task.write(top - 3 * PAGE, b"x")
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.write(top - 4 * PAGE, b"x")
    machine.check()


@pytest.mark.parametrize(
    ("limit", "neighbour", "rule"),
    [
        (("stack", "12 KiB"), 0, r"12 KiB \(Linux's RLIMIT_STACK\).* 16 KiB$"),
        (("as", "12 KiB"), 0, r"12 KiB \(RLIMIT_AS\).* 16 KiB$"),
        (None, 5, r"FreeBSD's stack_guard_page.* Linux keeps 256$"),
        (("stack", "4 KiB"), 5, "stack_guard_page"),  # the first of two rules, as a larger limit would not help
    ],
)
def test_a_refused_stack_names_the_rule_and_whose_it_is(machine, task, limit, neighbour, rule):
    """What is seen by looking: a stack overflow is no hole in a map."""
    top = task.mmap(PAGE, flags="private growsdown", at=0x80_0000) + PAGE
    if neighbour:
        task.mmap(PAGE, flags="private fixed", at=top - neighbour * PAGE)
    if limit:
        task.limit(*limit)
    before = task.map.size
    with pytest.raises(vm.KernelError, match=rule) as refused:
        task.write(top - 4 * PAGE, b"x")
    assert refused.value.reason in str(task.signals[-1])
    assert refused.value.reason.removeprefix("no entry") in str(vm.Fault(task))
    assert task.map.size == before


def test_an_access_below_memory_that_is_no_stack_names_no_rule(machine, task):
    task.mmap(PAGE, at=0x80_0000)
    with pytest.raises(vm.KernelError, match=r"holds 0x0$"):
        task.read(0)


def test_what_a_wired_stack_grows_by_is_wired_and_in_memory(machine, task):
    machine.swap_on("1 MiB")
    a = task.mmap(2 * PAGE, flags="private growsdown", at=0x80_0000)
    task.map.wire(a, size=2 * PAGE)
    task.write(a - 3 * PAGE, b"x")
    machine.check()
    assert task.resident == 5 * PAGE
    assert task.page_out(a - 3 * PAGE, 5 * PAGE) == 0
    task.map.unwire(a - 3 * PAGE, size=5 * PAGE)
    assert task.page_out(a - 3 * PAGE, 5 * PAGE) == 5
    assert task.read(a - 3 * PAGE, 1) == b"x"
    machine.check()


@pytest.mark.parametrize("left", [0, 1, 3])
def test_a_wired_stack_without_memory_for_all_pages_does_not_grow(left):
    machine: Any = vm.boot("x86-64", ram="8 MiB", layout="tiny")
    task = machine.task("init")
    a = task.mmap(2 * PAGE, flags="private growsdown", at=0x80_0000)
    task.map.wire(a, size=2 * PAGE)
    machine.take_pages(machine.system.pages.obtainable_pages - left)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.write(a - 4 * PAGE, b"x")
    machine.check()
    assert task.resident == 2 * PAGE
    assert machine.system.pages.obtainable_pages >= left - 1, "a table may stay, and no page does"


def test_a_stack_grows_after_a_fork_in_each_of_the_two(machine, task):
    top = task.mmap(PAGE, flags="private growsdown", at=0x80_0000) + PAGE
    task.write(top - 1, b"x")
    child = task.fork()
    child.write(top - 3 * PAGE, b"child")
    task.write(top - 2 * PAGE, b"task")
    assert (child.read(top - 1), child.read(top - 2 * PAGE, 4)) == (b"x", bytes(4))
    assert task.map.lookup(top - 1).size == 2 * PAGE
    machine.check()


# ---- heap and limits -----------------------------------------------------------------------------


def test_the_heap_is_one_entry_however_often_it_grows_and_what_was_given_back_is_zero_again(machine, task):
    start = task.brk()
    for pages in (1, 2, 5):
        task.brk(start + pages * PAGE)
    assert len(task.map) == 1
    task.write(start + 4 * PAGE, b"x")
    task.brk(start + 2 * PAGE)
    task.brk(start + 5 * PAGE)
    assert task.read(start + 4 * PAGE) == b"\0"
    machine.check()


def test_after_a_fork_the_heap_grows_with_zeroes_whatever_the_other_has_there(machine, task):
    start = task.brk()
    task.brk(start + 2 * PAGE)
    task.write(start + PAGE, b"x")
    child = task.fork()
    child.brk(start + PAGE)
    child.brk(start + 3 * PAGE)
    assert child.read(start + PAGE) == b"\0"
    assert task.read(start + PAGE) == b"x"
    machine.check()


def test_a_shared_heap_grows_with_memory_of_each_ones_own(machine, task):
    start = task.brk()
    task.brk(start + PAGE)
    task.map.inherit(start, size=PAGE, inherit="share")
    child = task.fork()
    for one in (child, task):
        one.brk(start + 2 * PAGE)
        assert one.read(start + PAGE) == b"\0"
        one.write(start + PAGE, b"x")
    child.write(start, b"y")
    assert task.read(start) == b"y"
    machine.check()


def test_limits_are_nomem_and_change_nothing(machine, task):
    start = task.brk()
    task.limit("data", "8 KiB")
    task.brk(start + 2 * PAGE)
    with pytest.raises(vm.KernelError, match=r"NOMEM: .* 8 KiB at most \(RLIMIT_DATA.* 1 B more$"):
        task.brk(start + 2 * PAGE + 1)
    assert task.brk() == start + 2 * PAGE
    task.limit("data", "12 KiB")
    with pytest.raises(vm.KernelError, match=r"12 KiB at most .*\b1 B\b"):
        task.brk(start + 3 * PAGE + 1)
    assert task.brk() == start + 2 * PAGE
    task.limit("as", "12 KiB")
    with pytest.raises(vm.KernelError, match=r"NOMEM: 8 KiB more .*12 KiB \(RLIMIT_AS\)$"):
        task.mmap(2 * PAGE)
    assert task.map.size == 2 * PAGE
    machine.check()


@pytest.mark.parametrize("end", [0, 1 << 50])
def test_a_heap_that_would_end_elsewhere_is_refused(task, end):
    before = task.brk()
    with pytest.raises(vm.Refused, match="the heap ends between"):
        task.brk(end)
    assert task.brk() == before


def test_something_in_the_way_of_the_heap_is_nomem(machine, task):
    start = task.brk()
    task.mmap(PAGE, flags="private fixed", at=start + PAGE)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.brk(start + 2 * PAGE)
    assert task.brk() == start
    machine.check()


# ---- madvise -------------------------------------------------------------------------------------


def test_what_is_not_needed_begins_again_with_zeroes_and_the_childs_copy_stays(machine, task):
    start = task.mmap(2 * PAGE)
    task.write(start, b"x")
    task.write(start + PAGE, b"y")
    child = task.fork()
    before = machine.pages.free_pages
    task.madvise(start, PAGE, "dontneed")
    assert (task.read(start), task.read(start + PAGE)) == (b"\0", b"y")
    assert child.read(start) == b"x"
    assert machine.pages.free_pages <= before
    machine.check()


def test_what_nothing_maps_any_longer_is_given_back_though_its_object_stays(machine, task):
    start = task.mmap(4 * PAGE, flags="private populate")
    before = machine.pages.free_pages
    task.munmap(start + PAGE, 2 * PAGE)
    assert machine.pages.free_pages >= before + 2
    machine.check()


@pytest.mark.parametrize("protection", ["r", "w", "x", "rwx"])
def test_populate_has_pages_that_the_tables_let_be_read(protection):
    """x86-64 has no descriptor that is written or executed and not read."""
    t = vm.boot("x86-64").task("t")
    start = t.mmap(2 * PAGE, protection, "private populate")
    assert [t.walk(start).ok, t.walk(start + PAGE).ok] == [True, True]


def test_populate_has_no_page_that_may_not_be_touched():
    t = vm.boot("x86-64").task("t")
    assert not t.walk(t.mmap(PAGE, "none", "private populate")).ok


def test_a_stack_that_is_wired_grows_by_wired_pages() -> None:
    m = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    t = m.task("t")
    at = t.mmap(2 * vm.PAGE, "rw", "private fixed growsdown", at=0x40_0000 - 2 * vm.PAGE)
    t.map.wire(at, size=2 * vm.PAGE)
    t.write(at - 3 * vm.PAGE, b"x")
    (entry,) = t.map
    assert (entry.start, entry.end, entry.wired) == (at - 3 * vm.PAGE, 0x40_0000, 1)
    assert all(t.walk(va).ok for va in range(at - 3 * vm.PAGE, 0x40_0000, vm.PAGE)), "what is wired is in memory"
    m.check()
    t.map.unwire(at - 3 * vm.PAGE, size=5 * vm.PAGE)
    m.check()
