from __future__ import annotations

import pytest

from tests.engine.kernel.maps import HIGH, LOW, PAGE, Space, Tables
from vmwidgets.engine.kernel.x15.kentry import PageBacking
from vmwidgets.engine.kernel.x15.kernel_memory import KMEM_FLAGS, KernelMemory, KernelSlabs


class Pages:
    def __init__(self, count):
        self.free_frames = list(range(count))
        self.owners = {}

    def allocate(self, order=0, owner=""):
        if not self.free_frames:
            return None
        frame = self.free_frames.pop()
        self.owners[frame] = owner
        return frame

    def free(self, frame, order=0):
        del self.owners[frame]
        self.free_frames.append(frame)


class PageTables(Tables):
    def __init__(self):
        super().__init__(HIGH)
        self.mapped = {}
        self.flushed = []

    def kenter(self, va, pa, protection):
        assert va not in self.mapped
        self.mapped[va] = (pa, protection)

    def kremove(self, start, end):
        for va in range(start, end, PAGE):
            self.mapped.pop(va, None)

    def extract(self, va):
        return self.mapped[va][0] if va in self.mapped else None

    def update(self, start, end):
        self.flushed.append((start, end))


@pytest.fixture
def kernel():
    tables = PageTables()
    space = Space(kernel=tables)
    pages = Pages(4)
    return KernelMemory(space.map, PageBacking(pages, tables)), space, pages, tables  # type: ignore[arg-type]  # plain ones


def test_a_range_of_the_kernels_map_has_pages_of_its_owner_behind_it(kernel):
    memory, space, pages, tables = kernel
    assert memory.allocate(2 * PAGE, "cache") == LOW
    assert space.rows == [(LOW, LOW + 2 * PAGE, None, 0, KMEM_FLAGS)]
    assert KMEM_FLAGS == 0x77
    assert sorted(tables.mapped) == [LOW, LOW + PAGE]
    assert {pa >> 12 for pa, _ in tables.mapped.values()} == set(pages.owners)
    assert {protection for _, protection in tables.mapped.values()} == {3}
    assert set(pages.owners.values()) == {"cache"}
    assert memory.ranges == {LOW: (2 * PAGE, "cache")}


def test_what_is_freed_is_unmapped_flushed_and_gone(kernel):
    memory, space, pages, tables = kernel
    address = memory.allocate(2 * PAGE, "cache")
    tables.flushed.clear()
    memory.free(address)
    assert (space.ranges, tables.mapped, memory.ranges, len(pages.free_frames)) == ([], {}, {}, 4)
    assert tables.flushed == [(LOW, LOW + 2 * PAGE)], "one flush for all of it"


def test_without_enough_pages_what_was_begun_is_undone(kernel):
    memory, space, pages, tables = kernel
    assert memory.allocate(5 * PAGE, "cache") is None
    assert (space.ranges, tables.mapped, memory.ranges, len(pages.free_frames)) == ([], {}, {}, 4)
    assert memory.allocate(4 * PAGE, "cache") == LOW


def test_without_room_in_the_map_there_is_none(kernel):
    memory, space, pages, _ = kernel
    space.fixed(LOW, HIGH - LOW)
    assert memory.allocate(PAGE, "cache") is None
    assert len(pages.free_frames) == 4


def test_a_cache_takes_its_slabs_from_there(kernel):
    memory, space, _, _ = kernel
    slabs = KernelSlabs(memory, 2 * PAGE, "cache")
    address = slabs.allocate()
    assert memory.ranges == {address: (2 * PAGE, "cache")}
    slabs.free(address)
    assert space.ranges == []


def test_what_a_range_touches_is_found_by_its_address(kernel):
    memory, _, _, _ = kernel
    starts = [memory.allocate(PAGE, owner) for owner in "abcd"]
    memory.free(starts[2])
    rows = [(starts[number], starts[number] + PAGE, "abcd"[number]) for number in (0, 1, 3)]
    assert list(memory.overlapping(0, HIGH)) == rows
    assert list(memory.overlapping(starts[0] + 1, starts[1])) == rows[:1]
    assert list(memory.overlapping(starts[1], starts[3] + 1)) == rows[1:]
    assert list(memory.overlapping(starts[2], starts[3])) == list(memory.overlapping(0, LOW)) == []
