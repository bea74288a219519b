"""What holds between kernel memory and the rest of a machine: kept by all it does, found when broken."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot
from vmwidgets.engine.base.units import MIB, PAGE
from vmwidgets.engine.kernel.freebsd.vm_page import INTERRUPT, NORMAL, SYSTEM, ZERO_POOL, KernelPage, PageRequest
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.kernel.threads.waits import run_without_sleeping
from vmwidgets.engine.memory.pages_schema import ZEROED

T = TypeVar("T")


def chosen(things: list[T], which: int, count: int) -> list[T]:
    """`count` of them at most, from number `which` on and round the end."""
    first = which % len(things) if things else 0
    return (things[first:] + things[:first])[:count]


class KernelMemory(RuleBasedStateMachine):
    """All that a learner can do with kernel memory, X15's map and tasks beside it.

    Whatever fails: every invariant holds, bytes stay what was written, and the journal makes the same machine again.
    """

    @initialize()
    def boot(self) -> None:
        self.machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
        self.bytes: dict[int, int] = {}
        """What was written to allocations that are still there, by address."""
        self.guarded: list[tuple[int, int]] = []
        """Ranges whose rights were changed."""
        self.wrong: list[str] = []
        """Pages that were given to, or kept from, a class that should not, or should, have them."""
        self.watch()

    def watch(self) -> None:
        """Compare each answer to a request for a page with what its class may have."""
        system = self.machine.system.kernel.kmem
        pages, frames, marks = system.pages, system.frames, system.daemon.marks
        least = {NORMAL: marks.free_reserved, SYSTEM: marks.interrupt_free_min, INTERRUPT: 0}
        allocate = pages.allocate

        def watched(owner: VmObject, pindex: int, request: PageRequest) -> KernelPage | None:
            available, vetoed = frames.free_frames + frames.cached, pages.veto is not None
            page = allocate(owner, pindex, request)
            allowed = available > least[request.page_class]
            if allowed != (page is not None) and not (vetoed and allowed):
                self.wrong.append(f"{request.text} with {available} pages: {page}")
            return page

        pages.allocate = watched  # type: ignore[method-assign]  # the original does the work

    def attempt(self, call: Callable[[], Any]) -> Any:
        """What came back; None for an error, and for a panic, after which there is another machine."""
        try:
            return call()
        except vm.KernelPanic:
            self.machine.check()
            self.boot()
        except (vm.KernelError, vm.Refused):
            pass
        return None

    def wrote(self, address: int | None, size: int, byte: int) -> None:
        """Write to both ends of an allocation."""
        if not address:
            return

        def write(one: int) -> None:
            self.machine.write(one, bytes([byte]))
            self.bytes[one] = byte

        for one in (address, address + size - 1):
            self.attempt(partial(write, one))

    @rule(
        function=st.sampled_from(["kmem_alloc", "kmem_malloc", "kmem_alloc_wait"]),
        pages=st.integers(1, 12),
        byte=st.integers(1, 255),
    )
    def take_a_range(self, function: str, pages: int, byte: int) -> None:
        got = self.attempt(lambda: getattr(self.machine, function)(pages * PAGE))
        self.wrote(got, pages * PAGE, byte)

    @rule(pages=st.integers(1, 64), flags=st.sampled_from(["M_NOWAIT", "M_NOWAIT|M_ZERO", "M_NOWAIT|M_USE_RESERVE"]))
    def take_a_range_without_waiting(self, pages: int, flags: str) -> None:
        got = self.attempt(lambda: self.machine.kmem_malloc(pages * PAGE, flags))
        if got and "M_ZERO" in flags:
            assert self.machine.read(got + (pages - 1) * PAGE, PAGE) == bytes(PAGE)

    @rule(pages=st.integers(1, 30))
    def take_addresses(self, pages: int) -> None:
        self.attempt(lambda: self.machine.kmem_alloc_nofault(pages * PAGE))

    @rule(which=st.integers(0, 100), count=st.sampled_from([1, 5]), wakeup=st.booleans())
    def give_ranges(self, which: int, count: int, wakeup: bool) -> None:
        mine = [one for one in self.machine.kmem.allocations if not one.owner]
        for one in chosen(mine, which, count):
            give = self.machine.kmem_free_wakeup if wakeup else self.machine.kmem_free
            give(one.start, one.size)
            self.forget(one.start, one.end)

    def forget(self, start: int, end: int) -> None:
        self.bytes = {address: byte for address, byte in self.bytes.items() if not start <= address < end}

        self.guarded = [(low, high) for low, high in self.guarded if high <= start or end <= low]

    def part(self, which: int, first: int, pages: int) -> tuple[Any, int, int] | None:
        """Some pages of an allocation: its map, where they begin, and how many bytes they are."""
        for one in chosen(list(self.machine.kmem.allocations), which, 1):
            start = one.start + first * PAGE % one.size
            where = self.machine.kmem.maps[one.map.removeprefix("kmem/")]
            return where, start, min(pages * PAGE, one.end - start)
        return None

    @rule(
        which=st.integers(0, 100),
        first=st.integers(0, 3),
        pages=st.integers(1, 4),
        prot=st.sampled_from(["", "r", "rw", "rwx"]),
    )
    def change_rights(self, which: int, first: int, pages: int, prot: str) -> None:
        if part := self.part(which, first, pages):
            where, start, size = part
            self.attempt(lambda: where.protect(start, size=size, prot=prot))
            self.guarded.append((start, start + size))

    @rule(which=st.integers(0, 100), first=st.integers(0, 3), pages=st.integers(1, 4), on=st.booleans())
    def change_wiring(self, which: int, first: int, pages: int, on: bool) -> None:
        if part := self.part(which, first, pages):
            where, start, size = part
            self.attempt(lambda: (where.wire if on else where.unwire)(start, size=size))

    @rule(which=st.integers(0, 100), first=st.integers(0, 3), pages=st.integers(1, 4), wakeup=st.booleans())
    def free_below_the_door(self, which: int, first: int, pages: int, wakeup: bool) -> None:
        """A part of an allocation, cutting its entry."""
        if part := self.part(which, first, pages):
            unchecked = self.machine.unchecked
            where, start, size = part
            (unchecked.kmem_free_wakeup if wakeup else unchecked.kmem_free)(where, start, size)
            self.forget(start, start + size)

    @rule(which=st.integers(0, 100))
    def free_a_slab_below_the_door(self, which: int) -> None:
        """A page of it: its objects are lost, and what is left of it is the learner's."""
        for slab in chosen(sorted(self.machine.system.kernel.kmem.zones.slabs), which, 1):
            self.machine.unchecked.kmem_free(self.machine.kmem.kmem_map, slab, PAGE)
            self.forget(slab, slab + PAGE)

    @rule(size=st.sampled_from([1, 100, 2000, 4096, 9000]), count=st.sampled_from([1, 40]), byte=st.integers(1, 255))
    def take_objects(self, size: int, count: int, byte: int) -> None:
        for _ in range(count):
            got = self.attempt(lambda: self.machine.malloc(size, "M_NOWAIT"))
            self.wrote(got, size, byte)

    @rule(which=st.integers(0, 100), count=st.sampled_from([1, 1000]))
    def give_objects(self, which: int, count: int) -> None:
        zones = self.machine.system.kernel.kmem.zones
        taken = {**{address: zone.size for address, zone in zones.taken.items()}, **zones.large}
        for address in chosen(sorted(taken), which, count):
            self.machine.free(address)
            self.forget(address, address + taken[address])

    @rule()
    def reclaim(self) -> None:
        self.attempt(self.machine.uma_reclaim)

    @rule(first=st.sampled_from([0, 0, 400, 800]), count=st.sampled_from([3, 400]))
    def read_a_file(self, first: int, count: int) -> None:
        self.attempt(lambda: self.machine.read_file("data", count * PAGE, offset=first * PAGE))

    @rule(count=st.sampled_from([1, 30, 1000]))
    def take_pages(self, count: int) -> None:
        self.attempt(lambda: self.machine.take_pages(count))

    @rule(count=st.sampled_from([1, 30, 1000]))
    def give_pages(self, count: int) -> None:
        self.attempt(lambda: self.machine.give_pages(count))

    @rule(pages=st.integers(1, 4))
    def work_beside_it(self, pages: int) -> None:
        """X15's map and a task take frames of the same memory, cached ones when nothing else is left."""

        def call() -> None:
            machine = self.machine
            machine.kernel_map.enter(pages * PAGE, nomerge=True)
            offset = len(machine.kernel_map) * 16 * PAGE
            at = machine.task("t").map.enter(pages * PAGE, object=machine.object("x"), offset=offset)
            machine.task("t").touch(at, "write")

        self.attempt(call)

    @rule()
    def read_all(self) -> None:
        for address, byte in list(self.bytes.items()):
            if any(low <= address < high for low, high in self.guarded):
                continue
            assert self.machine.read(address) == bytes([byte]), hex(address)

    @invariant()
    def sound(self) -> None:
        if hasattr(self, "machine"):
            self.machine.check()
            assert self.machine.system.kernel.kmem.frames.zeroed <= ZERO_POOL

    @invariant()
    def thresholds_hold(self) -> None:
        if hasattr(self, "machine"):
            assert self.wrong == []

    def teardown(self) -> None:
        if hasattr(self, "machine"):
            twin = self.machine.branch(len(self.machine.journal) - 1)
            assert snapshot(twin) == snapshot(self.machine)


KernelMemory.TestCase.settings = settings(stateful_step_count=40)
TestKernelMemory = KernelMemory.TestCase


class TestBroken:
    """What holds, broken by hand, is found and named."""

    @pytest.fixture
    def machine(self) -> vm.Machine:
        machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
        self.system = machine.system.kernel.kmem
        self.address = run_without_sleeping(self.system.kmem.kmem_malloc(self.system.map("kmem_map"), 3 * PAGE, 0))
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
        lost = self.system.entries.allocate()
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
        machine.system.pages.hand_over(self.frame, "nobody")
        message = f"^M6: frame {self.frame:#x} is page 0 of kmem_object and belongs to 'nobody'$"
        self.broken(machine, message.replace("page 0", r"page \d+"))

    def test_a_frame_that_was_taken_and_is_no_page(self, machine: vm.Machine) -> None:
        machine.system.pages.allocate(owner="kmem_object")
        self.broken(machine, "^M6: kmem_object has 3 frames, 4 belong to it$")

    def test_a_zeroed_frame_that_nobody_remembers(self, machine: vm.Machine) -> None:
        machine.system.pages.allocate(owner=ZEROED)
        zeroed = self.system.frames.zeroed
        self.broken(machine, f"^M6: zeroed pages has {zeroed} frames, {zeroed + 1} belong to it$")

    def test_a_cached_frame_that_nobody_remembers(self, machine: vm.Machine) -> None:
        machine.system.pages.allocate(owner="cached: file x")
        self.broken(machine, "^M6: 0 frames are cached, 1 belong to the cache$")

    def test_a_translation_to_another_page(self, machine: vm.Machine) -> None:
        other = self.system.pages.in_use[self.others[-1]]
        assert self.system.kmem.start + other.index * PAGE != self.address
        machine.system.pmap.kenter(self.address, other.frame << 12, 3)
        name = f"page {other.index} of kmem_object"
        self.broken(machine, f"^M7: {self.address:#x} is translated to frame {other.frame:#x}, {name}$")

    def test_a_translation_that_outlived_its_page(self, machine: vm.Machine) -> None:
        page = next(page for page in self.system.pages.in_use.values() if page.frame == self.frame)
        va = self.system.kmem.start + page.index * PAGE
        self.system.pages.unwire(page)
        self.system.pages.free(page)
        self.broken(machine, f"^M7: {va:#x} is still translated to frame {self.frame:#x}, which holds no page")

    def test_a_page_of_another_object_in_a_pageable_map(self, machine: vm.Machine) -> None:
        first, second = machine.kmem_alloc_wait(PAGE), machine.kmem_alloc_wait(PAGE)
        machine.write(first, b"x")
        machine.write(second, b"y")
        machine.check()
        (one, other) = (machine.system.pmap.extract(first) or 0, machine.system.pmap.extract(second) or 0)
        machine.system.pmap.kenter(first, other, 3)
        machine.system.pmap.kenter(second, one, 3)
        self.broken(machine, f"^M7: {first:#x} is translated to frame {other >> 12:#x}, page")

    def test_what_the_structures_check_themselves_is_checked(self, machine: vm.Machine) -> None:
        page = self.system.pages.in_use[self.frame]
        self.system.pages.wired += 1
        self.broken(machine, "^K2:")
        self.system.pages.wired -= 1
        (zeroed, _) = next(self.system.frames.standing_by())
        machine.system.ram.write(zeroed << 12, b"x")
        self.broken(machine, "^F2:")
        machine.system.ram.zero_frame(zeroed)
        machine.check()
        self.system.zones.slabs[page.frame << 12] = self.system.zones.zones[0]
        self.broken(machine, "^Z2:")


def test_kernel_space_grows_on_frames_that_stand_by() -> None:
    """Nothing is free, and page tables are made of zeroed and cached frames; one too many is a panic, as ever."""
    machine = vm.boot("x86-64", layout="small", ram="4 MiB")
    system = machine.system.kernel.kmem
    run_without_sleeping(system.files.read("data", 0, 4))
    while system.files.cache_oldest():
        pass
    for _ in range(machine.system.pages.free_pages):
        machine.system.pages.allocate(owner="somebody")
    assert (machine.system.pages.free_pages, machine.system.pages.obtainable_pages) == (0, ZERO_POOL + 4)
    span = 2 * MIB  # of a table of the last level
    room = machine.system.pages.obtainable_pages * span
    end = machine.system.pmap.klimit
    machine.system.pmap.kgrow(end + room - PAGE)
    assert machine.system.pmap.klimit == end + room
    assert machine.system.pages.obtainable_pages == 0
    machine.check()
    with pytest.raises(vm.KernelPanic, match="takes 1 tables, and 0 pages are free"):
        machine.system.pmap.kgrow(machine.system.pmap.klimit)


def test_frames_standing_by_are_given_up_when_the_rest_is_gone() -> None:
    """The kernel map's side takes zeroed and cached frames too, and all stay counted."""
    machine = vm.boot("x86-64", layout="tiny", ram="4 MiB")
    system = machine.system.kernel.kmem
    run_without_sleeping(system.files.read("data", 0, 8))
    while system.files.cache_oldest():
        pass
    assert (system.frames.zeroed, system.frames.cached) == (ZERO_POOL, 8)
    free, taken = machine.system.pages.free_pages, 0
    while machine.system.pages.allocate(owner="somebody") is not None:
        taken += 1
    assert taken == free + ZERO_POOL + 8
    assert (system.frames.free_frames, system.frames.zeroed, system.frames.cached) == (0, 0, 0)
    machine.check()
    assert system.pages.allocate(system.kmem.kernel_object, 5, PageRequest(NORMAL)) is None
    machine.check()
