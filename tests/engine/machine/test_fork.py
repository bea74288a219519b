"""Fork, copies at the first write, and what becomes of shadow chains (4.4BSD's book, 5.6 and 5.11)."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied, ShadowMoved

PAGE = vm.PAGE


@pytest.fixture
def machine() -> Any:
    return vm.boot("x86-64", layout="small", ram="8 MiB", fork="shadow")


@pytest.fixture
def task(machine: Any) -> Any:
    task = machine.task("init")
    task.mmap(4 * PAGE, at=0x40_0000)
    for page in range(4):
        task.write(0x40_0000 + page * PAGE, bytes([page + 1]))
    return task


A = 0x40_0000


def frames_of(task: Any, start: int = A, pages: int = 4) -> list[int | None]:
    """Where the tables lead."""
    return [task.walk(start + page * PAGE).pa for page in range(pages)]


def chain_of(task: Any, address: int = A) -> list[str]:
    """The names of the objects behind an address, from front to back."""
    entry = task.space.vm_map.peek(address)
    names, target = [], entry.object
    while target is not None:
        names.append(target.name)
        target = target.shadow
    return names


def copies(machine: Any) -> list[tuple[str, int, str]]:
    """What the latest operation copied: object, page, and the object that it was in."""
    events = machine.journal.last.events
    return [(event.object, event.index, event.source) for event in events if isinstance(event, PageCopied)]


def test_a_fork_takes_no_page_for_what_it_copies_and_both_have_the_same_frames(machine, task):
    free, tables = machine.pages.free_pages, len(machine.system.pmap.users[0].tables)
    child = task.fork()
    assert copies(machine) == []
    assert free - machine.pages.free_pages <= tables, "the child's root table, and no page of memory"
    assert [child.read(A + page * PAGE) for page in range(4)] == [b"\x01", b"\x02", b"\x03", b"\x04"]
    assert frames_of(child) == frames_of(task)
    machine.check()


@pytest.mark.parametrize("writer", ["parent", "child"])
def test_who_writes_first_gets_a_copy_of_one_page_and_the_other_sees_nothing(machine, task, writer):
    child = task.fork()
    one, other = (task, child) if writer == "parent" else (child, task)
    before = frames_of(other) if writer == "child" else None
    one.write(A + PAGE, b"x")
    assert [(index, source) for _, index, source in copies(machine)] == [(1, chain_of(other)[0])]
    assert (one.read(A + PAGE), other.read(A + PAGE)) == (b"x", b"\x02")
    assert len(chain_of(one)) == 2 and len(chain_of(other)) == 1
    assert before is None or frames_of(other) == before
    one.write(A + PAGE, b"y")
    assert copies(machine) == [], "the second write finds its own page"
    machine.check()


def test_when_the_child_is_gone_the_parent_takes_in_what_was_behind_its_shadow(machine, task):
    child = task.fork()
    task.write(A, b"x")
    frames = frames_of(task)
    child.exit()
    moved = [event.why for event in machine.journal.last.events if isinstance(event, ShadowMoved)]
    assert moved == ["collapsed"]
    assert len(chain_of(task)) == 1
    assert [task.read(A + page * PAGE) for page in range(4)] == [b"x", b"\x02", b"\x03", b"\x04"]
    assert frames_of(task)[0] == frames[0], "its own page stays where it is"
    assert sum(dict(machine.pages.owners).get(f"object {name}", 0) for name in chain_of(task)) == 4
    machine.check()


def test_a_shadow_that_hides_all_pages_refers_past_the_object_behind(machine, task):
    child = task.fork()
    for page in range(4):
        child.write(A + page * PAGE, b"x")
    moved = [event.why for event in machine.journal.last.events if isinstance(event, ShadowMoved)]
    assert moved == ["bypassed"]
    assert len(chain_of(child)) == 1
    task.write(A, b"y")
    assert copies(machine) == [], "nothing else refers to its object: no copy is needed"
    machine.check()


def test_a_shadow_of_some_pages_refers_past_the_object_behind_when_it_hides_these(machine, task):
    """`mprotect` splits the entry, and the fork shadows a part: other pages behind are never requested from there."""
    task.mprotect(A, 2 * PAGE, "r")
    child = task.fork()
    child.write(A + 2 * PAGE, b"x")
    assert len(chain_of(child, A + 2 * PAGE)) == 2, "the last page is still found behind"
    child.write(A + 3 * PAGE, b"x")
    assert len(chain_of(child, A + 2 * PAGE)) == 1
    machine.check()


class Unread(dict[int, int]):
    """Pages that are not gone through one by one."""

    def __iter__(self):
        raise AssertionError("all pages are looked at")


def test_a_copy_does_not_look_at_all_pages_of_the_object_behind(machine, task):
    child = task.fork()
    behind = task.space.vm_map.peek(A).object
    behind.pages = Unread(behind.pages)
    for page in range(4):
        child.write(A + page * PAGE, b"x")
    behind.pages = dict(behind.pages.items())
    assert chain_of(child) == ["memory 2"], "the copies hide all that is behind"
    machine.check()


def test_pages_behind_that_come_back_from_swap_space_are_counted_once(machine, task):
    machine.swap_on(16 * PAGE)
    child = task.fork()
    child.write(A, b"x")
    assert task.page_out(A, 4 * PAGE) == 4
    task.read(A, 4 * PAGE)
    machine.check()
    for page in range(1, 4):
        child.write(A + page * PAGE, b"x")
    assert chain_of(child) == ["memory 2"]


def test_a_hundred_generations_leave_no_long_chain(machine, task):
    for number in range(100):
        child = task.fork(f"g{number}")
        child.write(A, bytes([number]))
        task.exit()
        task = child
    assert len(chain_of(task)) <= 2
    assert [task.read(A + page * PAGE) for page in range(4)] == [b"\x63", b"\x02", b"\x03", b"\x04"]
    assert machine.system.task_memory.resident <= 8
    machine.check()


def test_what_is_inherited_as_shared_is_one_memory_and_what_as_none_is_not_there(machine, task):
    task.map.inherit(A, size=PAGE, inherit="share")
    task.map.inherit(A + PAGE, size=PAGE, inherit="none")
    child = task.fork()
    child.write(A, b"x")
    assert task.read(A) == b"x"
    with pytest.raises(vm.KernelError, match="FAULT"):
        child.read(A + PAGE)
    child.write(A + 2 * PAGE, b"x")
    assert task.read(A + 2 * PAGE) == b"\x03"
    machine.check()


def test_who_shares_a_copy_sees_its_first_write(machine, task):
    """The page behind was mapped by the other: that translation has to go."""
    task.fork("twin")
    task.map.inherit(A, size=PAGE, inherit="share")
    other = task.fork()
    assert other.read(A) == b"\x01"
    task.write(A, b"x")
    assert (other.read(A), machine.tasks["twin"].read(A)) == (b"x", b"\x01")
    machine.check()


def test_a_named_object_is_copied_at_once_since_others_write_to_it(machine, task):
    heap = machine.object("heap")
    start = task.map.enter(2 * PAGE, at=0x80_0000, object=heap)
    other = machine.task("other")
    other.map.enter(2 * PAGE, at=0x80_0000, object=heap)
    task.write(start, b"one")
    child = task.fork()
    assert len(copies(machine)) == 1
    other.write(start, b"two")
    assert (task.read(start, 3), child.read(start, 3)) == (b"two", b"one")
    machine.check()


def test_wired_pages_are_copied_at_once_and_stay_where_they_are(machine, task):
    task.map.wire(A, size=2 * PAGE)
    before = frames_of(task)
    child = task.fork()
    assert sorted(index for _, index, _ in copies(machine)) == [0, 1]
    task.write(A, b"x")
    assert frames_of(task) == before
    assert child.read(A) == b"\x01"
    machine.check()


@pytest.mark.parametrize("other", ["copy", "share"])
def test_a_wired_part_that_is_shared_keeps_its_pages_and_the_rest_of_its_memory_is_as_it_was(machine, task, other):
    task.map.wire(A + PAGE, size=PAGE)  # cuts the entry: three have one object
    task.map.inherit(A, size=4 * PAGE, inherit=other)
    task.map.inherit(A + PAGE, size=PAGE, inherit="share")
    before = frames_of(task)
    child = task.fork()
    machine.check()
    assert (frames_of(task), copies(machine)) == (before, [])
    child.write(A + PAGE, b"x")
    child.write(A + 2 * PAGE, b"y")
    assert task.read(A + PAGE) == b"x"
    assert task.read(A + 2 * PAGE) == (b"y" if other == "share" else b"\x03")
    assert frames_of(task)[1] == before[1], "what is wired stays where it is"
    task.madvise(A, PAGE, "dontneed")
    assert task.read(A) == (b"\0" if other == "copy" else b"\x01")
    task.map.unwire(A + PAGE, size=PAGE)
    for one in (task, child):
        one.exit()
    machine.check()
    assert machine.system.task_memory.resident == 0


def test_a_wiring_that_fails_keeps_what_it_copied_of_an_object_that_is_no_longer_behind(machine, task):
    start = task.mmap(3 * PAGE, "rw", "private", machine.file("short", b"x" * PAGE))
    task.write(start, b"mine")
    child = task.fork()
    with pytest.raises(vm.KernelError, match="NOMEM"):
        child.map.wire(
            start, size=3 * PAGE
        )  # page 0 is copied, which hides all of what is behind; page 1 there is none
    assert [child.read(start, 4), task.read(start, 4)] == [b"mine", b"mine"]
    machine.check()


def test_a_wiring_that_fails_keeps_no_copy_of_a_file(machine, task):
    file = machine.file("short", b"x" * PAGE)
    start = task.mmap(2 * PAGE, "rw", "private", file)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.map.wire(start, size=2 * PAGE)
    file.write(0, b"new")
    assert task.read(start, 3) == b"new"
    machine.check()


def test_a_fork_without_memory_for_its_tables_leaves_no_child(machine, task):
    machine.take_pages(machine.pages.obtainable_pages)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.fork()
    assert list(machine.tasks) == ["init"]
    machine.give_pages(1000)
    assert task.fork().read(A) == b"\x01"
    machine.check()


def test_all_that_a_task_had_goes_back_when_it_exits(machine, task):
    before = machine.pages.free_pages
    child = task.fork()
    child.write(A, b"x")
    child.mmap("64 KiB", flags="private populate")
    child.exit()
    machine.reap()
    assert machine.pages.free_pages == before
    with pytest.raises(
        vm.Refused, match=r"^init\.1 has exited, so task 'init\.1' does not exist at this moment of the machine$"
    ):
        child.read(A)
    assert (
        repr(child)
        == repr(child.map)
        == ("<init.1 has exited, so the map of init.1 does not exist at this moment of the machine>")
    )
    machine.undo(2)
    assert child.name == "init.1"
    assert child.space.name == "init.1", "it is there again"
    machine.redo(2)
    with pytest.raises(vm.Refused, match="has exited, and its name stays its own"):
        machine.task("init.1")
    machine.check()


def test_exec_begins_again_and_the_child_keeps_its_copy(machine, task):
    child = task.fork()
    task.exec()
    assert (len(task.map), child.read(A)) == (0, b"\x01")
    machine.check()


def test_exec_may_say_where_the_heap_begins(machine, task):
    usual = task.brk()
    task.exec(heap=0x5555_0000)
    assert (task.brk(), task.brk(0x5555_2000)) == (0x5555_0000, 0x5555_2000)
    assert machine.branch().tasks[task.name].brk() == 0x5555_2000
    with pytest.raises(vm.Refused, match="heap"):
        task.exec(heap=0x5555_0001)
    assert task.brk() == 0x5555_2000
    task.exec()
    assert task.brk() == usual


def test_the_parents_write_right_goes_from_every_processor_at_a_fork():
    machine = vm.boot("x86-64", cpus=2, layout="small")
    task = machine.task("init")
    start = task.mmap(PAGE)
    for cpu in machine.cpus:
        cpu.run(task)
        cpu.store(start, b"a")
    child = task.fork()
    machine.cpus[1].store(start, b"b")
    assert child.read(start) == b"a"
    machine.check()


def test_a_life_of_forks_can_be_gone_through_again(machine, task):
    child = task.fork()
    child.write(A, b"x")
    number = len(machine.journal) - 1
    task.exit()
    child.write(A + PAGE, b"y")
    then = machine.at(number)
    assert then.tasks["init"].space.vm_map.nr_entries == 1
    branch = machine.branch(number)
    assert (branch.tasks["init"].read(A), branch.tasks["init.1"].read(A)) == (b"\x01", b"x")
    branch.check()
    machine.undo(2)
    assert task.read(A) == b"\x01"
    machine.check()
