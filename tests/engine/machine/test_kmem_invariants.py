"""What holds between kernel memory and the rest of a machine: kept by all it does, found when broken."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import vmwidgets as vm
from vmwidgets.engine.base.units import MIB, PAGE
from vmwidgets.engine.kernel.frame_store import ZERO_POOL, ZEROED
from vmwidgets.engine.kernel.kmem_alloc import kmem_free
from vmwidgets.engine.kernel.kmem_malloc import kmem_malloc
from vmwidgets.engine.kernel.uma import free, malloc
from vmwidgets.engine.kernel.vm_page import NORMAL, PageRequest
from vmwidgets.engine.kernel.waits import WouldSleep, straight

NOWAIT = 1


class KernelMemory(RuleBasedStateMachine):
    """Ranges, objects of zones, file pages, cached frames, and X15's map and tasks beside them."""

    @initialize()
    def boot(self) -> None:
        self.machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
        self.system = self.machine.kernel.kmem
        self.ranges: list[tuple[int, int]] = []
        self.objects: list[int] = []

    @rule(pages=st.integers(1, 12))
    def take_a_range(self, pages: int) -> None:
        where = self.system.map("kmem_map")
        address = straight(kmem_malloc(self.system.kmem, where, pages * PAGE, NOWAIT))
        if address:
            self.ranges.append((address, pages * PAGE))

    @rule(which=st.integers(0, 100))
    def give_a_range(self, which: int) -> None:
        if self.ranges:
            address, size = self.ranges.pop(which % len(self.ranges))
            straight(kmem_free(self.system.kmem, self.system.map("kmem_map"), address, size))

    @rule(size=st.sampled_from([1, 100, 2000, 4096, 9000]), count=st.sampled_from([1, 40]))
    def take_objects(self, size: int, count: int) -> None:
        taken = (straight(malloc(self.system.zones, size, NOWAIT)) for _ in range(count))
        self.objects += [address for address in taken if address]

    @rule(which=st.integers(0, 100), count=st.sampled_from([1, 1000]))
    def give_objects(self, which: int, count: int) -> None:
        for _ in range(min(count, len(self.objects))):
            straight(free(self.system.zones, self.objects.pop(which % len(self.objects))))

    @rule()
    def reclaim(self) -> None:
        self.system.zones.reclaim()

    @rule(first=st.sampled_from([0, 0, 400, 800]), count=st.sampled_from([3, 400]))
    def read_a_file(self, first: int, count: int) -> None:
        try:
            straight(self.system.files.read("data", first, count))
        except WouldSleep:
            assert not self.system.pages.admits(NORMAL), "it waits for pages only where they are short"

    @rule(count=st.sampled_from([1, 30, 500]))
    def cache_file_pages(self, count: int) -> None:
        for _ in range(count):
            self.system.files.cache_oldest()

    @rule(wanted=st.integers(1, 20))
    def zero_ahead(self, wanted: int) -> None:
        self.system.frames.zero_ahead(wanted)

    @rule(pages=st.integers(1, 4))
    def work_beside_it(self, pages: int) -> None:
        """X15's map and a task take frames of the same memory, cached ones when nothing else is left."""
        machine = self.machine
        try:
            machine.kernel_map.enter(pages * PAGE, nomerge=True)
            machine.object("x")
            offset = len(machine.kernel_map) * 16 * PAGE
            at = machine.task("t").map.enter(pages * PAGE, object="x", offset=offset)
            machine.task("t").touch(at, "write")
        except vm.KernelError:
            return
        except vm.KernelPanic:
            machine.check()  # the end of memory or of the kentry area, and all is whole
            self.boot()

    @invariant()
    def sound(self) -> None:
        if hasattr(self, "machine"):
            self.machine.check()
            assert self.system.frames.zeroed <= ZERO_POOL


KernelMemory.TestCase.settings = settings(max_examples=25, stateful_step_count=30)
TestKernelMemory = KernelMemory.TestCase


class TestBroken:
    """What holds, broken by hand, is found and named."""

    @pytest.fixture
    def machine(self) -> vm.Machine:
        machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
        self.system = machine.kernel.kmem
        self.address = straight(kmem_malloc(self.system.kmem, self.system.map("kmem_map"), 3 * PAGE, 0))
        (self.frame, *self.others) = sorted(self.system.pages.in_use)
        machine.check()
        return machine

    def broken(self, machine: vm.Machine, message: str) -> None:
        with pytest.raises(vm.Broken, match=message):
            machine.check()

    def test_an_entry_in_no_buffer(self, machine: vm.Machine) -> None:
        entry = self.system.kmem.kernel_map.first
        assert entry is not None
        entry.address += 64 * PAGE
        self.broken(machine, f"^M1: the entry at {entry.address:#x} is in no buffer that kmem entries handed out$")

    def test_an_entry_that_no_map_links(self, machine: vm.Machine) -> None:
        lost = self.system.entries.take()
        assert lost is not None
        linked = len(self.system.entries.live) - 1
        self.broken(machine, f"^M1: {linked} entries are linked, kmem entries handed out {linked + 1}$")

    def test_a_live_entry_that_is_another_than_the_linked_one(self, machine: vm.Machine) -> None:
        entry = self.system.kmem.kernel_map.first
        assert entry is not None
        self.system.entries.live[entry.address] = type(entry)(entry.id, entry.address)
        self.broken(machine, f"^M5: entry {entry.id} at {entry.address:#x} was taken and is linked in no map$")

    def test_a_linked_entry_that_is_not_live(self, machine: vm.Machine) -> None:
        entry = self.system.kmem.kernel_map.first
        assert entry is not None
        del self.system.entries.live[entry.address]
        count = len(self.system.entries.live)
        self.broken(machine, f"^M5: {count + 1} entries are linked, {count} are taken$")

    def test_a_page_whose_frame_is_somebody_elses(self, machine: vm.Machine) -> None:
        machine.pages.hand_over(self.frame, "nobody")
        message = f"^M6: frame {self.frame:#x} is page 0 of kmem_object and belongs to 'nobody'$"
        self.broken(machine, message.replace("page 0", r"page \d+"))

    def test_a_frame_that_was_taken_and_is_no_page(self, machine: vm.Machine) -> None:
        machine.pages.allocate(owner="kmem_object")
        self.broken(machine, "^M6: kmem_object has 3 frames, 4 belong to it$")

    def test_a_zeroed_frame_that_nobody_remembers(self, machine: vm.Machine) -> None:
        machine.pages.allocate(owner=ZEROED)
        zeroed = self.system.frames.zeroed
        self.broken(machine, f"^M6: zeroed pages has {zeroed} frames, {zeroed + 1} belong to it$")

    def test_a_cached_frame_that_nobody_remembers(self, machine: vm.Machine) -> None:
        machine.pages.allocate(owner="cached: file x")
        self.broken(machine, "^M6: 0 frames are cached, 1 belong to the cache$")

    def test_a_translation_to_another_frame(self, machine: vm.Machine) -> None:
        machine.pmap.kenter(self.address, self.others[-1] << 12, 3)
        self.broken(machine, f"^M7: {self.address:#x} is translated to frame {self.others[-1]:#x}, kmem_object has")

    def test_what_the_structures_check_themselves_is_checked(self, machine: vm.Machine) -> None:
        page = self.system.pages.in_use[self.frame]
        self.system.pages.wired += 1
        self.broken(machine, "^K2:")
        self.system.pages.wired -= 1
        (zeroed, _) = next(self.system.frames.standing_by())
        machine.ram.write(zeroed << 12, b"x")
        self.broken(machine, "^F2:")
        machine.ram.zero_frame(zeroed)
        machine.check()
        self.system.zones.slabs[page.frame << 12] = self.system.zones.zones[0]
        self.broken(machine, "^Z2:")


def test_kernel_space_grows_on_frames_that_stand_by() -> None:
    """Nothing is free, and page tables are made of zeroed and cached frames; one too many is a panic, as ever."""
    machine = vm.boot("x86-64", layout="small", ram="4 MiB")
    system = machine.kernel.kmem
    straight(system.files.read("data", 0, 4))
    while system.files.cache_oldest():
        pass
    for _ in range(machine.pages.free_pages):
        machine.pages.allocate(owner="somebody")
    assert (machine.pages.free_pages, machine.pages.obtainable_pages) == (0, ZERO_POOL + 4)
    span = 2 * MIB  # of a table of the last level
    room = machine.pages.obtainable_pages * span
    end = machine.pmap.klimit
    machine.pmap.kgrow(end + room - PAGE)
    assert machine.pmap.klimit == end + room
    assert machine.pages.obtainable_pages == 0
    machine.check()
    with pytest.raises(vm.KernelPanic, match="takes 1 tables, and 0 pages are free"):
        machine.pmap.kgrow(machine.pmap.klimit)


def test_frames_standing_by_are_given_up_when_the_rest_is_gone() -> None:
    """The kernel map's side takes zeroed and cached frames too, and all stay counted."""
    machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    system = machine.kernel.kmem
    straight(system.files.read("data", 0, 8))
    while system.files.cache_oldest():
        pass
    assert (system.frames.zeroed, system.frames.cached) == (ZERO_POOL, 8)
    free, taken = machine.pages.free_pages, 0
    while machine.pages.allocate(owner="somebody") is not None:
        taken += 1
    assert taken == free + ZERO_POOL + 8
    assert (system.frames.free, system.frames.zeroed, system.frames.cached) == (0, 0, 0)
    machine.check()
    assert system.pages.allocate(system.kmem.kernel_object, 5, PageRequest(NORMAL)) is None
    machine.check()
