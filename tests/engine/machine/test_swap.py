"""Memory that runs short: pages that go out and come back, who is killed, and failures on purpose."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks.objects_schema import PageOut
from vmwidgets.engine.spaces.tasks_schema import OutOfMemory

PAGE = vm.PAGE


@pytest.fixture
def machine() -> Any:
    return vm.boot("riscv-sv39", layout="small", ram="8 MiB")


@pytest.fixture
def task(machine: Any) -> Any:
    return machine.task("init")


def leave(machine: Any, pages: int) -> None:
    """Take all frames but so many."""
    machine.take_pages(machine.pages.obtainable_pages - pages)


def fill(task: Any, start: int, pages: int) -> None:
    for page in range(pages):
        task.write(start + page * PAGE, bytes([page]))


def test_with_swap_space_a_task_has_more_than_fits_in_memory(machine, task):
    machine.swap_on(64 * PAGE)
    start = task.mmap(40 * PAGE)
    leave(machine, 24)
    fill(task, start, 40)
    assert [task.read(start + page * PAGE) for page in range(40)] == [bytes([page]) for page in range(40)]
    assert machine.system.task_memory.swap.used > 10
    machine.check()
    task.exit()
    assert machine.system.task_memory.swap.used == 0
    machine.check()


def test_pages_go_out_in_the_order_in_which_they_came_and_wired_ones_stay(machine, task):
    machine.swap_on(64 * PAGE)
    start = task.mmap(4 * PAGE)
    task.map.wire(start, size=PAGE)
    fill(task, start, 4)
    leave(machine, 0)
    task.mmap(PAGE, at=start + 4 * PAGE, flags="private fixed")
    task.write(start + 4 * PAGE, b"x")
    out = [event.index for event in machine.journal.last.events if isinstance(event, PageOut)]
    assert out == [1]
    machine.check()


def test_clean_pages_of_a_file_go_nowhere_and_dirty_ones_to_the_file(machine, task):
    motd = machine.file("motd", bytes(2 * PAGE))
    start = task.mmap(2 * PAGE, "rw", "shared", motd)
    task.read(start)
    task.write(start + PAGE, b"x")
    assert task.page_out(start, 2 * PAGE) == 2
    out = [(event.index, event.to) for event in machine.journal.last.events if isinstance(event, PageOut)]
    assert out == [(0, "nowhere"), (1, "file")]
    assert (motd.pages, motd.disk[PAGE : PAGE + 1], task.read(start + PAGE)) == ({}, b"x", b"x")
    machine.check()


def test_without_swap_space_nothing_of_a_tasks_own_goes_out(machine, task):
    start = task.mmap(2 * PAGE)
    task.write(start, b"x")
    assert task.page_out(start) == 0
    leave(machine, 0)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.write(start + PAGE, b"x")
    assert task.signals == ()
    machine.check()


def test_a_wiring_that_fails_keeps_what_came_from_swap_space_and_gives_back_what_was_made(machine, task):
    machine.swap_on(64 * PAGE)
    start = task.mmap(4 * PAGE)
    fill(task, start, 2)
    assert task.page_out(start, 2 * PAGE) == 2
    with machine.inject("page_alloc", after=3), pytest.raises(vm.KernelError, match="NOMEM"):
        task.map.wire(start, size=4 * PAGE)
    assert machine.memory_objects.value().objects["memory 1"].pages.keys() <= {0, 1}
    assert [task.read(start), task.read(start + PAGE)] == [b"\0", b"\1"]
    machine.check()


def test_pages_go_out_for_the_tables_of_a_new_task_too(machine, task):
    machine.swap_on(64 * PAGE)
    start = task.mmap(8 * PAGE)
    fill(task, start, 8)
    leave(machine, 0)
    child, other = task.fork(), machine.task("other")
    assert [child.read(start + page * PAGE) for page in range(8)] == [bytes([page]) for page in range(8)]
    other.write(other.mmap(PAGE), b"x")
    machine.check()


def test_memory_and_swap_full_at_once_is_nomem_and_nothing_is_lost(machine, task):
    machine.swap_on(4 * PAGE)
    start = task.mmap(40 * PAGE)
    task.read(start)  # so that there are page tables: without a page for one the kernel panics
    leave(machine, 12)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        fill(task, start, 40)
    done = len([one for one in machine.journal if one.name == "write" and one.outcome == "done"])
    assert done > 8
    machine.give_pages(100)
    assert [task.read(start + page * PAGE) for page in range(done)] == [bytes([page]) for page in range(done)]
    machine.check()


def test_a_page_in_swap_space_is_shared_by_a_fork_and_read_in_once_for_both(machine, task):
    machine.swap_on(8 * PAGE)
    start = task.mmap(PAGE)
    task.write(start, b"x")
    task.page_out(start)
    child = task.fork()
    assert (child.read(start), task.read(start)) == (b"x", b"x")
    assert child.walk(start).pa == task.walk(start).pa
    child.write(start, b"y")
    assert task.read(start) == b"x"
    machine.check()


def test_when_asked_to_the_task_with_most_pages_is_killed_and_it_is_said_why(machine, task):
    machine.kill_when_out_of_memory()
    large = machine.task("large")
    big = large.mmap(20 * PAGE)
    fill(large, big, 20)
    start = task.mmap(4 * PAGE)
    task.read(start)
    leave(machine, 1)
    fill(task, start, 4)
    assert list(machine.tasks) == ["init"]
    killed = [event for operation in machine.journal for event in operation.events if isinstance(event, OutOfMemory)]
    assert [(event.task, event.resident) for event in killed] == [("large", 20)]
    assert "it has most pages" in killed[0].why
    machine.check()


def test_a_task_that_has_most_itself_is_killed_in_its_own_fault(machine, task):
    machine.kill_when_out_of_memory()
    start = task.mmap(20 * PAGE)
    task.read(start)
    leave(machine, 6)
    with pytest.raises(vm.KernelError, match="NOMEM: task 'init' was killed"):
        fill(task, start, 20)
    assert list(machine.tasks) == []
    machine.check()


# ---- failures on purpose -------------------------------------------------------------------------


def test_one_request_in_three_fails_and_the_kernel_goes_on(machine, task):
    machine.swap_on(16 * PAGE)
    start = task.mmap(9 * PAGE)
    task.write(start, b"x")
    with machine.inject("page_alloc", every=3) as injection:
        fill(task, start, 9)
    assert [task.read(start + page * PAGE) for page in range(9)] == [bytes([page]) for page in range(9)]
    with pytest.raises(vm.Refused, match="does not exist"):
        injection.stop()
    machine.check()


def test_a_read_that_fails_is_sigbus_and_the_page_is_there_the_next_time(machine, task):
    machine.swap_on(4 * PAGE)
    start = task.mmap(PAGE)
    task.write(start, b"x")
    task.page_out(start)
    with machine.inject("pager_read"), pytest.raises(vm.KernelError, match="IO"):
        task.read(start)
    assert (task.signals[-1].name, task.read(start)) == ("SIGBUS", b"x")
    machine.check()


def test_without_a_page_for_a_table_a_tasks_access_fails(machine, task):
    start = task.mmap(PAGE)
    with machine.inject("table_page"), pytest.raises(vm.KernelError, match=r"^NOMEM: the page of 0x1_0000 can't be"):
        task.read(start)
    assert task.read(start) == b"\0"
    machine.check()


def test_failures_are_data_and_happen_again_in_a_branch(machine, task):
    start = task.mmap(5 * PAGE)
    task.write(start, b"x")
    injection = machine.inject("page_alloc", every=2, times=1)
    for page in range(1, 5):
        with pytest.raises(vm.KernelError) if page == 2 else nullcontext():
            task.write(start + page * PAGE, b"x")
    assert injection.stop() == 1
    again = machine.branch()
    assert [one.outcome for one in again.journal] == [one.outcome for one in machine.journal]
    again.check()


@pytest.mark.parametrize(("words", "why"), [({"point": "here"}, "point 'here'"), ({"every": 0}, "write 1 for each")])
def test_what_can_not_fail_is_refused(machine, words, why):
    with pytest.raises(vm.Refused, match=why):
        machine.inject(**{"point": "page_alloc", **words})
    assert machine.system.injections.rules == {}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({}, "<each request for a frame fails: 0 of 0 so far>"),
        ({"every": 3, "after": 2}, "<one in 3 requests for a frame after the first 2 fails: 0 of 0 so far>"),
        ({"times": 1}, "<each request for a frame fails, at most 1 time: 0 of 0 so far>"),
    ],
)
def test_a_rule_says_which_requests_fail(machine, words, text):
    assert repr(machine.inject("page_alloc", **words)) == text


def test_a_page_that_is_in_memory_and_in_swap_space_is_one_page_of_its_object(machine: Any, task: Any) -> None:
    machine.swap_on(8 * PAGE)
    few = machine.object("few", max_pages=2)
    at = task.mmap(3 * PAGE, "rw", "shared", few)
    task.write(at, b"a")
    assert task.page_out(at) == 1
    assert task.read(at) == b"a"
    task.write(at + PAGE, b"b")
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.write(at + 2 * PAGE, b"c")
    assert task.read(at) + task.read(at + PAGE) == b"ab"


def test_the_lowest_free_slot_is_used_next(machine: Any, task: Any) -> None:
    machine.swap_on(4 * PAGE)
    at = task.mmap(3 * PAGE)
    for page in range(3):
        task.write(at + page * PAGE, bytes([page + 1]))
        task.page_out(at + page * PAGE)

    def slots() -> list[int]:
        objects = machine.memory_objects.value().objects.values()
        return sorted(slot for one in objects for slot in one.swapped.values())

    assert slots() == [0, 1, 2]
    task.munmap(at, PAGE)
    assert slots() == [1, 2]
    other = task.mmap(PAGE)
    task.write(other, b"x")
    task.page_out(other)
    assert slots() == [0, 1, 2]
