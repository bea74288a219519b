from __future__ import annotations

from itertools import count
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.protection import NEEDS_COPY
from vmwidgets.engine.kernel.map.vm_object import PagerAsked
from vmwidgets.engine.kernel.pmap.pmap_schema import TlbUpdated
from vmwidgets.engine.machine.invariants import check_tasks
from vmwidgets.engine.mmu.tables_schema import FaultRaised

AT = 0x400000


@pytest.fixture
def machine():
    machine = vm.boot("x86-64", ram="16 MiB")
    machine.object("file", max_pages=3)
    return machine


@pytest.fixture
def task(machine):
    task = machine.task("init")
    task.map.enter("32 KiB", at=AT, object="file")
    return task


def test_memory_reads_as_zeros_until_it_is_written(machine, task):
    assert task.read(AT + 4000, 200) == bytes(200)
    task.write(AT + 4090, b"over the edge")
    assert task.read(AT + 4090, 13) == b"over the edge"
    assert machine.objects["file"].resident == 8192
    machine.check()


def test_a_page_comes_with_the_first_touch_and_not_before(machine, task):
    free = machine.system.pages.free_pages
    task.map.enter("4 MiB", at=AT + (1 << 20), object="file")
    assert machine.system.pages.free_pages >= free - 1
    task.touch(AT, "write")
    events = machine.journal.last.events
    assert [event.va for event in events if isinstance(event, FaultRaised)] == [AT]
    assert [event.outcome for event in events if isinstance(event, PagerAsked)] == ["miss"]
    assert (AT, AT + 4096) in [(event.start, event.end) for event in events if isinstance(event, TlbUpdated)]
    task.touch(AT + 5)
    assert not any(isinstance(event, FaultRaised) for event in machine.journal.last.events)


@pytest.mark.parametrize(
    ("address", "name"), [(AT - 1, "FAULT"), (AT + 0x8000, "FAULT"), (0, "FAULT"), ((1 << 47) - 1, "FAULT")]
)
def test_outside_it_is_a_fault(machine, task, address, name):
    with pytest.raises(vm.KernelError) as caught:
        task.read(address)
    assert caught.value.name == name
    assert machine.journal.last.outcome == "error"
    machine.check()


@pytest.mark.parametrize("address", [1 << 47, 0xFFFF_8080_0000_0000, 2**64 - 1])
def test_the_kernels_half_is_not_the_tasks(machine, task, address):
    with pytest.raises((vm.KernelError, vm.Refused)):
        task.read(address)
    assert not machine.dead
    machine.check()


def test_what_is_not_allowed(machine, task):
    task.map.enter(4096, at=0x800000, prot="r", object="file")
    assert task.read(0x800000) == b"\0"
    with pytest.raises(vm.KernelError, match=r"^ACCES"):
        task.write(0x800000, b"x")
    task.map.enter(4096, at=0x900000, prot="rw", object="file", offset=4096)
    with pytest.raises(vm.KernelError, match=r"^ACCES"):
        task.touch(0x900000, "execute")
    task.touch(0x900000, "read")
    with pytest.raises(vm.KernelError, match=r"^ACCES"):
        task.touch(0x900000, "execute")


def test_a_pager_at_its_limit(machine, task):
    for page in range(3):
        task.write(AT + page * 4096, b"x")
    with pytest.raises(vm.KernelError, match=r"^NOMEM"):
        task.write(AT + 3 * 4096, b"x")
    machine.check()


def test_an_error_leaves_what_was_written_before_it(machine, task):
    with pytest.raises(vm.KernelError, match=r"^FAULT"):
        task.write(AT + 0x8000 - 2, b"abcd")
    assert task.read(AT + 0x8000 - 2, 2) == b"ab"
    with pytest.raises(vm.KernelError):
        task.read(AT + 0x8000 - 2, 4)
    machine.check()


def touch_all(task, numbers):
    for number in numbers:
        task.touch(AT + number * 4096, "write")


def test_memory_runs_out_for_all():
    machine = vm.boot("x86-64", ram="4 MiB")
    machine.object("endless")
    task = machine.task("greedy")
    task.map.enter("16 MiB", at=AT, object="endless")
    touched = count()
    with pytest.raises((vm.KernelError, vm.KernelPanic)):
        touch_all(task, touched)
    assert machine.system.pages.free_pages == 0
    machine.check()
    assert next(touched) > 100


def test_two_tasks_have_their_own_addresses_and_share_an_object(machine, task):
    other = machine.task("other")
    other.map.enter("32 KiB", at=AT, object="file")
    task.write(AT, b"shared")
    assert other.read(AT, 6) == b"shared"
    assert task.walk(AT).pa == other.walk(AT).pa
    assert task.walk(AT).root != other.walk(AT).root
    task.map.remove(AT, size="32 KiB")
    assert other.read(AT, 6) == b"shared"
    other.map.remove(AT, size="32 KiB")
    assert machine.objects["file"].pages == {}


def test_bytes_of_every_kind_are_recorded_as_they_were(machine, task):
    data = bytearray(b"first")
    task.write(AT, data)
    data[:] = b"other"
    assert dict(machine.journal.last.arguments)["data"] == b"first"
    task.write(AT + 8, memoryview(b"view"))
    assert task.read(AT, 12) == b"first\0\0\0view"


def test_an_existing_name_gives_that_task_and_object(machine, task):
    assert machine.task("init") is task
    assert machine.object("file") is machine.object("file", max_pages=3)
    with pytest.raises(vm.Refused, match=r"max_pages=99: <object 'file'.*already exists"):
        machine.object("file", max_pages=99)


def test_no_page_for_a_root_table_is_an_error_and_leaves_no_task():
    machine = vm.boot("x86-64", ram="4 MiB")
    while machine.system.pages.allocate(owner="test") is not None:
        pass
    with pytest.raises(vm.KernelError, match=r"^NOMEM: no page for the root table of late"):
        machine.task("late")
    assert machine.tasks == {}
    machine.check()


def test_a_device_can_be_mapped_and_no_memory_answers():
    m: Any = vm.boot("x86-64")
    task = m.task("init")
    start = task.map.enter("4 KiB", at="4 MiB", object=m.device("screen", at=1 << 32, size="4 KiB"))
    for access in (lambda: task.read(start), lambda: task.write(start, b"x"), lambda: m.cpus[0].load(start)):
        with pytest.raises(vm.KernelError, match=r"FAULT: .* is mapped, and no memory answers: .* lie outside RAM"):
            m.cpus[0].run(task) or access()
    assert task.walk(start).pa == 1 << 32
    m.check()


class TestBrokenTranslations:
    """A translation that the map does not allow is found, in the middle of an entry too."""

    @pytest.fixture
    def pages(self):
        self.machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
        self.task = self.machine.task("t")
        self.task.map.enter(4 * vm.PAGE, at=AT, prot="rw", object=self.machine.object("film"))
        self.task.write(AT, bytes(4 * vm.PAGE))
        self.machine.check()
        return self.machine.objects["film"].vm_object.pages

    def broken(self, va, problem):
        with pytest.raises(vm.Broken, match=f"^M12: task 't' maps {vm.Address(va)} to frame 0x[0-9a-f]+: {problem}$"):
            check_tasks(self.machine.system)

    def test_another_page(self, pages):
        self.task.space.pmap.enter(AT + 2 * vm.PAGE, pages[3] * vm.PAGE, 3, vm.PAGE)
        self.broken(AT + 2 * vm.PAGE, "that is not the page of film")

    def test_another_page_in_the_middle_of_a_large_one(self, pages):
        at, size = 64 * vm.MIB, 2 * vm.MIB
        device = self.machine.device("screen", at=at, size=size)
        self.task.map.enter(size, at=at, object=device)
        assert self.task.map.superpages(at, size=size, page=size) == 1
        self.machine.check()
        device.vm_object.pages[5] += 1
        self.broken(at + 5 * vm.PAGE, "that is not the page of screen")

    def test_a_page_that_is_to_be_copied_before_it_is_written(self, pages):
        self.task.space.vm_map.entry_at(AT).flags |= NEEDS_COPY
        self.broken(AT, "may be written, and the page is not its own to write")

    def test_no_entry(self, pages):
        self.task.space.vm_map.entry_at(AT).object = None
        self.broken(AT, "no entry with an object is there")
