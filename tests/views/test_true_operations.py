"""Sentences of operations that meet other parts: each is held against the machine, its tables, memory and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of
from vmwidgets.engine.base.units import KIB, PAGE, binary_size
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.story.story import story_of

from .oracle.reading import number


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64", layout="small", cpus=2, fork="shadow")


def said(machine: vm.Machine) -> Caption:
    """The headline of the latest operation."""
    return story_of(machine.journal.last).headline


def free_frames(machine: vm.Machine) -> int:
    return int(machine.pages.obtainable_pages)


# ---- accesses ----------------------------------------------------------------------------------------


def misses(machine: vm.Machine) -> int:
    return sum(cpu.value().tlb.misses for cpu in machine.cpus)


def test_an_access_that_the_tlb_answers_did_not_use_the_page_tables(machine: vm.Machine) -> None:
    task = machine.task("init")
    start = task.mmap("16 KiB", "rw")
    task.write(start, bytes(3 * PAGE))
    before = misses(machine)
    task.read(start, 1)
    assert misses(machine) == before
    assert fields_of("map operations: access/hit", said(machine).reason)["count"] == "1"
    task.read(start, 3 * PAGE)
    assert misses(machine) == before
    assert fields_of("map operations: access/hit", said(machine).reason)["count"] == "3"
    machine.cpus[0].flush()
    task.read(start, 1)
    assert misses(machine) == before + 1
    assert fields_of("map operations: access/walked", said(machine).reason)["count"] == "1"
    task.read(start, 3 * PAGE)
    assert misses(machine) == before + 3
    both = fields_of("map operations: access/both", said(machine).reason)
    assert (both["hits"], both["count"]) == ("1 translation", "2")


def test_a_write_to_a_page_that_was_read_walks_to_mark_it(machine: vm.Machine) -> None:
    task = machine.task("init")
    start = task.mmap("8 KiB", "rw")
    task.read(start, 1)
    before = machine.cpus[0].lookup(start)
    assert before is not None and not before.entry.dirty
    task.write(start, b"x")
    assert fields_of("map operations: access/marked", said(machine).reason)["count"] == "1"
    after = machine.cpus[0].lookup(start)
    assert after is not None and after.entry.dirty


def test_an_access_by_a_processor_is_through_it(machine: vm.Machine) -> None:
    task = machine.task("init")
    start = task.mmap("8 KiB", "rw")
    task.write(start, b"abc")
    machine.cpus[1].run(task)
    machine.cpus[1].load(start, 3)
    assert fields_of("map operations: read/cpu", said(machine).text)["cpu"] == "cpu:1"
    assert "TLB or" not in said(machine).reason


def test_pages_that_were_copied_from_several_objects_are_not_one_objects(machine: vm.Machine) -> None:
    parent = machine.task("init")
    start = parent.mmap("4 KiB", "rw")
    parent.write(start, b"1")
    file = machine.file("f", b"2" * PAGE)
    second = parent.mmap("4 KiB", "rw", "private", file)
    assert second == start + PAGE
    child = parent.fork("child")
    child.write(start, b"x" * 2 * PAGE)
    found = fields_of("map operations: access/copied/from several", said(machine).reason)
    assert found["pages"] == "2"
    assert found["objects"] == "memory 1 and file f"


# ---- kernel memory -----------------------------------------------------------------------------------


def test_memory_that_no_zone_holds_is_taken_from_the_map_and_goes_back(machine: vm.Machine) -> None:
    before = machine.kmem.kmem_map.size
    where = machine.malloc(20_000, "M_WAITOK")
    found = fields_of("kmem operations: alloc/pages", said(machine).text)
    assert (number(found["address"]), found["count"]) == (where, "5")
    assert machine.kmem.kmem_map.size - before == 5 * PAGE
    machine.free(where)
    found = fields_of("kmem operations: free/pages", said(machine).text)
    assert (number(found["address"]), found["count"]) == (where, "5")
    assert machine.kmem.kmem_map.size == before


def test_memory_of_a_zone_is_the_buffer_that_was_returned(machine: vm.Machine) -> None:
    for _ in range(40):
        where = machine.malloc(100, "M_WAITOK")
        assert number(fields_of("kmem operations: malloc", said(machine).text)["address"]) == where
    machine.free(where)
    assert number(fields_of("kmem operations: mfree", said(machine).text)["address"]) == where


def test_a_kernel_map_that_is_cut_says_so_and_by_which_function(machine: vm.Machine) -> None:
    where = machine.malloc(20_000, "M_WAITOK")
    before = len(list(machine.kmem.kmem_map.entries()))
    machine.kmem.kmem_map.protect(where, size="4 KiB", prot="r")
    found = fields_of("map operations: range", said(machine).reason)
    assert len(list(machine.kmem.kmem_map.entries())) - before == number(found["cut"]) == 1
    assert said(machine).functions == ("vm_map_protect",)


def test_a_file_that_is_in_memory_is_used_again_and_not_read(machine: vm.Machine) -> None:
    machine.read_file("film", "64 KiB")
    first = fields_of("kmem operations: read_file", said(machine).text)
    before = free_frames(machine)
    machine.read_file("film", "64 KiB")
    again = fields_of("kmem operations: read_file", said(machine).text)
    assert (first["count"], first["read"]) == ("16", "16")
    assert (again["count"], again["read"]) == ("16", "0")
    assert free_frames(machine) == before


# ---- a process's calls -------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", ["private", "shared"])
@pytest.mark.parametrize("is_in_memory", [False, True])
def test_a_file_that_is_mapped_and_populated_is_neither_new_nor_without_pages(
    machine: vm.Machine, flags: str, is_in_memory: bool
) -> None:
    task, file = machine.task("init"), machine.file("motd", b"a" * 2 * PAGE)
    if is_in_memory:
        file.read(0, 2 * PAGE)
    start = task.mmap("8 KiB", "rw", f"{flags}|populate", file)
    found = fields_of("object operations: mmap/filled", said(machine).reason)
    assert found["object"] == "file motd"
    assert number(found["count"]) == sum(task.walk(start + page * PAGE).ok for page in range(2)) == 2


def test_memory_is_shared_after_a_fork_or_copied_as_its_entries_say(machine: vm.Machine) -> None:
    parent = machine.task("init")
    shared = parent.mmap("4 KiB", "rw", "shared")
    parent.write(shared, b"1")
    child = parent.fork("a")
    fields_of("object operations: fork/shared", said(machine).reason)
    child.write(shared, b"2")
    assert parent.read(shared, 1) == b"2"
    private = parent.mmap("4 KiB", "rw")
    parent.write(private, b"1")
    child = parent.fork("b")
    assert fields_of("object operations: fork/both", said(machine).reason)["count"] == "1"
    child.write(private, b"2")
    assert parent.read(private, 1) == b"1"
    parent.munmap(shared, "4 KiB")
    parent.fork("c")
    fields_of("object operations: fork/reason", said(machine).reason)


def test_a_page_in_swap_space_is_given_back_too(machine: vm.Machine) -> None:
    machine.swap_on("64 KiB")
    task = machine.task("init")
    start = task.mmap("8 KiB", "rw")
    task.write(start, b"1" * 2 * PAGE)
    task.page_out(start)
    used = machine.memory_objects.value().swap_used
    assert used == 1
    task.exit()
    found = fields_of("object operations: freed/swap", said(machine).reason)
    assert (found["count"], found["slots"]) == ("1", "1 slot")
    assert machine.memory_objects.value().swap_used == 0


@pytest.mark.parametrize("touched", [0, 2])
def test_a_heap_that_shrinks_frees_the_pages_that_were_there(machine: vm.Machine, touched: int) -> None:
    task = machine.task("init")
    begin = task.brk()
    task.brk(begin + 4 * PAGE)
    for page in range(touched):
        task.write(begin + page * PAGE, b"x")
    before, tables = free_frames(machine), frames_of_tables(machine)
    task.brk(begin)
    found = fields_of("object operations: brk/shrank", said(machine).reason)
    assert found["size"] == binary_size(16 * KIB)
    assert number(found["count"]) == free_frames(machine) - before - (tables - frames_of_tables(machine)) == touched


def frames_of_tables(machine: vm.Machine) -> int:
    """Frames that hold page tables."""
    return sum(owner.startswith("page tables of") for owner in owners(machine))


def owners(machine: vm.Machine) -> list[str]:
    return [str(machine.frames.owner(frame)) for frame in range(machine.ram_bytes // PAGE)]


# ---- threads -----------------------------------------------------------------------------------------


def locker(machine: Any, mine: str, wanted: str) -> Iterator[Any]:
    yield from machine.kmem.maps[mine].lock()
    yield from machine.tsleep("work", "work", 2)
    yield from machine.kmem.maps[wanted].lock()


def test_a_deadlock_is_one_in_every_story(machine: vm.Machine) -> None:
    machine.spawn(locker, machine, "exec_map", "pipe_map", name="one")
    machine.spawn(locker, machine, "pipe_map", "exec_map", name="two")
    machine.run()
    caption = said(machine)
    assert caption.tone == "error"
    assert machine.threads.cycle == ("one", "two")
    assert fields_of("threads: Deadlocked", caption.reason)["chain"] == "one → two → one"
    assert story_of(machine.journal.last).steps[-1].sentence == caption.reason


def test_a_thread_that_gave_memory_back_did_not_take_it(machine: vm.Machine) -> None:
    def work(machine: Any) -> Iterator[Any]:
        where = yield from machine.malloc(20_000, "M_WAITOK")
        yield from machine.free(where)

    before = machine.kmem.kmem_map.size
    machine.spawn(work, machine, name="worker")
    machine.run()
    assert machine.kmem.kmem_map.size == before
    found = fields_of("threads: gave", said(machine).reason)
    assert (found["size"], found["map"]) == ("20 KiB", "kmem_map")


def test_a_call_is_by_the_function_that_did_it_and_not_by_the_search_before_it(machine: vm.Machine) -> None:
    task = machine.task("init")
    start = task.mmap("8 KiB", "rw", "shared", machine.file("motd", b"a" * 2 * PAGE))
    task.write(start, b"x")
    task.msync(start, "8 KiB")
    assert said(machine).functions == ("msync",)
    screen = machine.device("screen", at="1 GiB", size="4 MiB")
    task.map.enter("4 MiB", at="64 MiB", object=screen)
    task.map.superpages(64 << 20, size="4 MiB")
    assert said(machine).functions == ("vm_map_superpages",)
    task.map.lookup(64 << 20)
    assert said(machine).functions[0] == "vm_map_lookup_nearest"
