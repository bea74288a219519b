"""Three ways to fork: pages copied at once, frames counted, objects in front of which shadows come."""

from __future__ import annotations

import mmap
import os
import resource
import sys
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.structures import differences
from vmwidgets.events import FaultRaised, PageCopied, PageIn, PageJoined, PageKept, SwapFreed

PAGE = vm.PAGE
WAYS = ("eager", "counted", "shadow")


def of(machine: Any, kind: type) -> list[Any]:
    """The events of a kind in the last operation."""
    return [event for event in machine.journal.last.events if isinstance(event, kind)]


def family(way: str, pages: int = 4, **words: Any) -> tuple[Any, Any, int, Any]:
    """A machine, a task with so many pages that it wrote, where they begin, and its child."""
    machine: Any = vm.boot("x86-64", fork=way, **words)
    machine.swap_on("1 MiB")
    task = machine.task("init")
    start = task.mmap(pages * PAGE)
    task.write(start, b"".join((b"%d" % number).ljust(PAGE, b".") for number in range(pages)))
    return machine, task, start, task.fork()


@pytest.mark.parametrize(
    ("way", "frames", "faults", "copies"),
    [("eager", 8, 0, (4, 0, 0)), ("counted", 5, 2, (0, 1, 0)), ("shadow", 6, 2, (0, 1, 1))],
)
def test_four_pages_of_which_child_and_parent_write_one(way, frames, faults, copies):
    m, task, a, child = family(way)
    copied = [len(of(m, PageCopied))]
    seen = 0
    for one, byte in ((child, b"c"), (task, b"p")):
        one.write(a, byte)
        seen += len(of(m, FaultRaised))
        copied.append(len(of(m, PageCopied)))
    assert (seen, tuple(copied)) == (faults, copies)
    assert len({frame for one in m.memory_objects.value().objects.values() for frame in one.pages.values()}) == frames
    assert (task.read(a, 2), child.read(a, 2), child.read(a + PAGE, 1)) == (b"p.", b"c.", b"1")
    m.check()


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_the_same_machine_in_a_branch_in_a_file_and_after_undo(way, tmp_path):
    m, task, a, child = family(way)
    child.write(a, b"c")
    task.page_out(a, 4 * PAGE)
    child.read(a + PAGE, 2 * PAGE)
    task.write(a + PAGE, b"p")
    m.journal.save(tmp_path / "life.vmj")
    assert list(differences(vm.load_journal(tmp_path / "life.vmj"), m)) == []
    assert list(differences(m.branch(), m)) == []
    m.undo(3)
    m.redo(3)
    m.check()
    assert (task.read(a, 1), child.read(a, 1), task.peek(a + PAGE, 1)) == (b"0", b"c", b"p")
    child.exit()
    task.exit()
    m.check()
    assert m.memory_objects.value().swap_used == 0


def test_the_usual_way_is_linuxs_and_each_journal_names_its_own():
    m = vm.boot()
    assert dict(m.journal[0].arguments)["fork"] == "counted"
    task = m.task("init")
    start = task.mmap(PAGE)
    task.write(start, b"x")
    child = task.fork()
    assert task.walk(start).pa == child.walk(start).pa, "a fork maps the parent's frames for the child, as in Linux"
    assert dict(vm.boot(fork="shadow").journal[0].arguments)["fork"] == "shadow"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("cows", "cow"), ("COW", "cow"), ("count", "counted"), ("counting", "counted"), ("copy-on-write", "counted"),
     ("shadows", "shadow"), ("Shadow", "shadow"), ("eagerly", "eager")],
)  # fmt: skip  # a row for each
def test_an_unknown_way_is_refused_with_the_way_that_is_meant(given, meant):
    with pytest.raises(vm.Refused, match=rf"unknown fork .{given}.; did you mean '{meant}'.*known: counted, cow"):
        vm.boot(fork=given)


def test_copy_on_write_is_the_counted_way_and_its_journal_is_the_counted_ones():
    one, other = vm.boot(fork="cow"), vm.boot(fork="counted")
    assert one.journal[0].arguments == other.journal[0].arguments
    again = vm.boot(fork="shadow").again(fork="cow")
    assert dict(again.machine.journal[0].arguments)["fork"] == "counted"


class TestCounted:
    def test_a_page_that_one_writes_stays_with_the_others(self):
        m, task, a, child = family("counted")
        frame = task.walk(a).pa
        child.write(a, b"c")
        (kept,) = of(m, PageKept)
        assert kept.frame == frame >> 12 == task.walk(a).pa >> 12
        assert task.walk(a, "write").pa is None
        task.write(a, b"p")
        assert task.walk(a, "write").pa == frame

    def test_what_the_last_one_has_is_written_where_it_is(self):
        m, task, a, child = family("counted")
        child.exit()
        frame = task.walk(a).pa
        task.write(a, b"p")
        assert len(of(m, FaultRaised)) == 1
        assert not of(m, PageCopied)
        assert task.walk(a).pa == frame

    def test_a_page_goes_out_for_all_and_its_slot_is_free_when_the_last_one_wrote(self):
        m, task, a, child = family("counted")
        assert task.page_out(a, PAGE) == 1
        assert child.walk(a).pa is None
        assert m.memory_objects.value().swap_used == 1
        child.write(a, b"c")
        assert not of(m, SwapFreed)
        assert task.read(a, 1) == b"0"
        task.write(a, b"p")
        assert len(of(m, SwapFreed)) == 1
        assert (child.read(a, 1), m.memory_objects.value().swap_used) == (b"c", 0)
        m.check()

    def test_a_page_that_one_had_read_in_is_read_in_for_all(self):
        m, task, a, child = family("counted")
        task.page_out(a, PAGE)
        task.read(a, 1)
        assert len(of(m, PageIn)) == 1
        child.read(a, 1)
        assert (len(of(m, PageIn)), len(of(m, PageJoined))) == (0, 1)
        assert task.walk(a).pa == child.walk(a).pa
        child.write(a, b"c")
        assert (task.read(a, 1), child.read(a, 1)) == (b"0", b"c")
        m.check()

    def test_a_full_swap_space_gives_up_a_copy_of_a_page_that_all_have_in_memory_alone(self):
        m: Any = vm.boot("x86-64", fork="counted")
        m.swap_on(PAGE)
        task = m.task("init")
        a, b = task.mmap(PAGE), task.mmap(PAGE)
        task.write(a, b"a")
        task.write(b, b"b")
        child = task.fork()
        task.page_out(a, PAGE)
        task.read(a, 1)
        assert task.page_out(b, PAGE) == 0, "the child has its page in swap space alone"
        child.read(a, 1)
        assert task.page_out(b, PAGE) == 1
        assert [one.read(at, 1) for one in (task, child) for at in (b, a)] == [b"b", b"a", b"b", b"a"]
        m.check()

    def test_a_page_that_one_has_wired_stays(self):
        m, task, a, child = family("counted")
        child.map.wire(a, size=PAGE)
        assert child.walk(a).pa != task.walk(a).pa
        assert child.page_out(a, PAGE) == 0
        grandchild = child.fork()
        assert grandchild.walk(a).pa != child.walk(a).pa, "what is wired is copied at once"
        m.check()

    def test_a_child_of_a_child_has_the_same_frames(self):
        m, task, a, child = family("counted")
        others = [child, child.fork()]
        others.append(others[-1].fork())
        task.write(a, b"p")
        assert len({one.walk(a).pa for one in others}) == 1
        others[1].write(a, b"x")
        others[1].exit()
        child.exit()
        assert (others[2].read(a, 1), task.read(a, 1)) == (b"0", b"p")
        m.check()

    def test_private_pages_of_a_file_are_counted_too(self):
        m: Any = vm.boot("x86-64", fork="counted")
        file = m.file("text", b"t" * 2 * PAGE)
        task = m.task("init")
        a = task.mmap(2 * PAGE, "rw", "private", file)
        task.write(a, b"own")
        child = task.fork()
        assert task.walk(a).pa == child.walk(a).pa
        child.write(a, b"new")
        child.write(a + PAGE, b"too")
        assert (task.read(a, 3), task.read(a + PAGE, 3), file.read(0, 3)) == (b"own", b"ttt", b"ttt")
        m.check()


@pytest.mark.parametrize("way", ["eager", "counted"])
@pytest.mark.parametrize("left", [1, 3, 9, 11])
def test_a_fork_without_memory_kills_no_task(way, left):
    m: Any = vm.boot("x86-64", fork=way, ram="8 MiB", layout="tiny")
    m.kill_when_out_of_memory()
    task = m.task("init")
    a = task.mmap(8 * PAGE)
    task.write(a, b"x" * 8 * PAGE)
    m.take_pages(m.system.pages.obtainable_pages - left)
    with suppress(vm.KernelError):
        task.fork()
    assert "init" in m.tasks
    assert task.read(a, 8 * PAGE) == b"x" * 8 * PAGE
    m.check()


@pytest.mark.parametrize("way", ["eager", "counted"])
def test_a_task_that_may_have_one_page_forks_and_writes(way):
    m, task, a, child = family(way)
    task.limit("rss", PAGE)
    other = task.fork()
    task.write(a, b"p")
    assert [one.read(a, 1) for one in (task, child, other)] == [b"p", b"0", b"0"]
    m.check()


def test_a_frame_that_a_task_has_left_counts_for_who_has_it():
    m, task, a, child = family("counted")
    task.limit("rss", 4 * PAGE)
    task.write(a, b"p" * 4 * PAGE)
    assert (task.resident, child.resident) == (4 * PAGE, 4 * PAGE)
    m.check()


def test_what_a_killed_task_shared_counts_for_the_one_whose_fault_killed_it():
    m: Any = vm.boot("x86-64", fork="counted", ram="8 MiB", layout="tiny")
    m.kill_when_out_of_memory()
    task = m.task("init")
    a = task.mmap(4 * PAGE)
    task.write(a, b"x" * 4 * PAGE)
    child = task.fork()
    far = child.mmap(PAGE, "rw", "private fixed", at=a + (1 << 30))  # no table leads there yet
    m.take_pages(m.system.pages.obtainable_pages - 1)
    child.write(far, b"y")
    assert list(m.tasks) == [child.name]
    assert {page.task for page in m.system.task_memory.pages.values()} == {child.name}
    assert child.read(a, 4 * PAGE) == b"x" * 4 * PAGE
    m.check()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can say how often Linux faults")
def test_counted_forks_fault_as_often_as_linux():
    """For each page: reads of the child, its writes, writes of the parent once the child has copies, and after it."""
    assert measured_on_linux(256) == measured_on_a_machine(16) == (0, 1, 1)


def measured_on_a_machine(pages: int) -> tuple[int, ...]:
    m, task, a, child = family("counted", pages)
    found = []
    for act in (
        lambda: child.read(a, pages * PAGE),
        lambda: child.write(a, b"c" * pages * PAGE),
        lambda: task.write(a, b"p" * pages * PAGE),
    ):
        act()
        found.append(len(of(m, FaultRaised)) // pages)
    return tuple(found)


def measured_on_linux(pages: int) -> tuple[int, ...]:
    """A process and its child; each page once, so that what the processes do beside that is a small part."""
    space = mmap.mmap(-1, pages * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        space.madvise(mmap.MADV_NOHUGEPAGE)
    reading, writing = os.pipe()
    resume, go = os.pipe()

    def faults(act) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for at in range(0, pages * PAGE, PAGE):
            act(at)
        return round((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pages)

    write = lambda at: space.__setitem__(at, 1)  # noqa: E731  # what is done at each page
    faults(write)
    child = os.fork()
    if not child:
        try:
            os.write(writing, bytes([faults(space.__getitem__), faults(write)]))
            os.read(resume, 1)
        finally:
            os._exit(0)
    try:
        of_child = os.read(reading, 2)
        of_parent = faults(write)
    finally:
        os.write(go, b".")
        os.waitpid(child, 0)
        for one in (reading, writing, resume, go):
            os.close(one)
        space.close()
    return (*of_child, of_parent)
