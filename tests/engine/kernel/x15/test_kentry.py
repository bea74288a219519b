from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vmwidgets.engine.base.errors import Broken, KernelPanic
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.x15.kentry import ALLOCATED, AREA_BYTES, KentryArea, PageBacking, table_bytes
from vmwidgets.engine.memory.pages import PageAllocator

PAGE = 0x1000
START = 0xFFFF_8080_0010_0000


class Backing:
    """Backs up to a number of pages; `backed` are those it backs now."""

    def __init__(self, pages=1000):
        self.pages = pages
        self.backed = set()

    def back(self, address, size, owner):
        assert (size, owner) == (PAGE, "kentry area")
        if len(self.backed) == self.pages:
            return False
        assert address not in self.backed
        self.backed.add(address)
        return True

    def unback(self, address, size):
        self.backed.remove(address)


def area_of(slabs, pages=1000, quirks=frozenset()):
    backing = Backing(pages)
    return KentryArea(START, slabs, backing, Recorder(), quirks), backing  # type: ignore[arg-type]  # a plain one


def test_the_originals_numbers():
    assert AREA_BYTES == 0x800000
    assert ALLOCATED == 0xA110C8ED
    assert (table_bytes(2048, 8), table_bytes(2048, 4), table_bytes(1, 8), table_bytes(513, 8)) == (
        0x4000, 0x2000, 0x1000, 0x2000,
    )  # fmt: skip


def test_slabs_come_in_order_and_come_back_last_first():
    area, _ = area_of(4)
    slabs = [area.allocate() for _ in range(4)]
    assert slabs == [START + i * PAGE for i in range(4)]
    area.free(slabs[2])
    area.free(slabs[0])
    area.free(slabs[3])
    assert [area.allocate() for _ in range(3)] == [slabs[3], slabs[0], slabs[2]]


def test_an_empty_area_gives_none_or_panics_by_itself_with_the_quirk():
    area, _ = area_of(1)
    area.allocate()
    assert area.allocate() is None
    area, _ = area_of(1, quirks=frozenset({"kentry-unlocked"}))
    area.allocate()
    with pytest.raises(KernelPanic, match="kentry_exhausted"):
        area.allocate()
    area.check()


def test_a_slab_without_a_page_behind_it_is_a_panic_that_takes_nothing():
    area, backing = area_of(3, pages=1)
    area.allocate()
    with pytest.raises(KernelPanic, match="kentry_no_page"):
        area.allocate()
    assert (area.allocated, area.snapshot().free) == (1, (1, 2))
    area.check()
    area.free(START)
    assert backing.backed == set()
    assert area.allocate() == START


@pytest.mark.parametrize("address", [START + PAGE, START + 8, START - PAGE, START + 4 * PAGE, 0])
def test_what_was_not_taken_can_not_be_given(address):
    area, backing = area_of(4)
    area.allocate()
    with pytest.raises(KernelPanic, match="kentry_double_free"):
        area.free(address)
    assert (area.allocated, backing.backed) == (1, {START})
    area.check()


def test_the_snapshot_is_bounded():
    area, _ = area_of(2048)
    area.allocate()
    value = area.snapshot(limit=3)
    assert (value.start, value.slabs, value.allocated, value.free) == (START, 2048, 1, (1, 2, 3))


class TestCheck:
    def broken(self, area, message):
        with pytest.raises(Broken, match=message):
            area.check()

    def test_a_slab_that_is_allocated_on_the_free_list(self):
        area, _ = area_of(3)
        area.allocate()
        area._head = 0
        self.broken(area, "^rule 1 of the kentry area: slab 0")

    def test_a_free_list_in_a_circle(self):
        area, _ = area_of(3)
        area._next[1] = 0
        self.broken(area, "^rule 1 of the kentry area: slab 0")

    def test_a_slab_that_is_lost(self):
        area, _ = area_of(3)
        area._next[0] = 2
        self.broken(area, "^rule 2 of the kentry area: 2 slabs free and 0 allocated are not 3")


class AreaMachine(RuleBasedStateMachine):
    """Against a list of free slabs, the first to be taken last."""

    @initialize(slabs=st.integers(0, 5))
    def make(self, slabs: int) -> None:
        self.area, self.backing = area_of(slabs)
        self.free = list(reversed(range(slabs)))
        self.taken: set[int] = set()

    @rule()
    def take(self) -> None:
        expected = START + self.free.pop() * PAGE if self.free else None
        assert self.area.allocate() == expected
        if expected is not None:
            self.taken.add(expected)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def give(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.taken)))
        self.taken.remove(address)
        self.area.free(address)
        self.free.append((address - START) // PAGE)

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "area"):
            self.area.check()
            assert self.area.snapshot().free == tuple(reversed(self.free))
            assert self.backing.backed == self.taken


TestArea = AreaMachine.TestCase


def test_an_area_on_its_own_needs_nothing_behind_it():
    area = KentryArea(0, 1, None, Recorder())
    area.free(area.allocate())


class Recorded:
    """The kernel's tables as a dict, and the flushes."""

    def __init__(self):
        self.pages, self.flushed = {}, []

    def kenter(self, va, pa, protection):
        self.pages[va] = pa, protection

    def kremove(self, start, end):
        self.pages = {va: page for va, page in self.pages.items() if not start <= va < end}

    def extract(self, va):
        return self.pages[va][0] if va in self.pages else None

    def update(self, start, end):
        self.flushed.append((start, end))


def test_pages_are_mapped_and_unmapped_with_one_flush_for_a_range():
    tables, pages = Recorded(), PageAllocator(Recorder(), 0, 8)
    backing = PageBacking(pages, tables)  # type: ignore[arg-type]  # plain ones
    assert backing.back(START, 3 * PAGE, "slabs")
    assert sorted(tables.pages) == [START, START + PAGE, START + 2 * PAGE]
    assert {protection for _, protection in tables.pages.values()} == {3}
    assert (tables.flushed, pages.free_pages) == ([(START, START + 3 * PAGE)], 5)
    assert not backing.back(START + 3 * PAGE, 6 * PAGE, "slabs"), "there are five pages"
    assert (sorted(tables.pages), pages.free_pages) == ([START, START + PAGE, START + 2 * PAGE], 5)
    tables.flushed.clear()
    backing.unback(START, 3 * PAGE)
    assert (tables.pages, tables.flushed, pages.free_pages) == ({}, [(START, START + 3 * PAGE)], 8)
    with pytest.raises(KernelPanic, match="no page is mapped"):
        backing.unback(START, PAGE)
