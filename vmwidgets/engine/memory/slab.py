"""Slabs: runs of memory cut into equal buffers, and the three lists a cache keeps them on.

Partial slabs are used first, then the first free one, then a new one.  A slab that becomes partial
goes to the list's tail when it was free and to its head when it was full, as in X15's `kern/kmem`.
Addresses are those the supplier gives; what lies there is never touched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from ..base.errors import Broken
from ..base.events import SlabCreated, SlabDestroyed
from ..base.memory_values import SlabValue
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT
from .slab_layout import SlabLayout

STATES = ("partial", "free", "full")
"""The lists, in the order in which buffers are looked for."""


class SlabSupplier(Protocol):
    """Where a cache's slabs come from: runs of its layout's `slab_size` bytes, page aligned."""

    def take(self) -> int | None:
        """The address of a run, or None when there is none."""

    def give(self, address: int) -> None:
        """Take a run back."""


class Slab:
    """One slab: its free list holds buffer numbers, the next to be taken last."""

    __slots__ = ("address", "colour", "free", "state", "taken")

    def __init__(self, address: int, colour: int, buffers: int) -> None:
        self.address = address
        self.colour = colour
        self.free = list(range(buffers))  # so a new slab gives its highest buffer first
        self.taken = bytearray(buffers)
        self.state = "free"


class Slabs:
    """All slabs of the cache called `name`, cut as `layout` says."""

    __slots__ = ("_by_page", "_colour", "_recorder", "layout", "lists", "name", "supplier")

    def __init__(self, recorder: Recorder, name: str, layout: SlabLayout, supplier: SlabSupplier) -> None:
        self._recorder = recorder
        self.name = name
        self.layout = layout
        self.supplier = supplier
        self.lists: dict[str, OrderedDict[int, Slab]] = {state: OrderedDict() for state in STATES}
        self._colour = 0
        # Stands for rounding a buffer's address (one-page slabs) and for its page's private word (others).
        self._by_page: dict[int, Slab] = {}

    def take(self) -> int | None:
        """The address of a free buffer; None when there is none and the supplier has no slab.  O(1)."""
        slab = self._first("partial") or self._first("free") or self._grow()
        if slab is None:
            return None
        index = slab.free.pop()
        slab.taken[index] = 1
        if not slab.free:
            self._move(slab, "full")
        elif slab.state == "free":
            self._move(slab, "partial")
        return self._address(slab, index)

    def give(self, address: int) -> None:
        """Take back the buffer that :meth:`take` gave.  O(1)."""
        found = self.find(address)
        if found is None:
            raise Broken(f"{address:#x} is no buffer of {self.name}")
        slab, index = found
        slab.taken[index] = 0
        slab.free.append(index)
        if len(slab.free) == self.layout.buffers:
            self._move(slab, "free")
        elif slab.state == "full":
            self._move(slab, "partial")
            self.lists["partial"].move_to_end(slab.address, last=False)

    def find(self, address: int) -> tuple[Slab, int] | None:
        """The slab and number of the buffer at exactly `address`, taken or free; None if there is none."""
        slab = self._by_page.get(address >> PAGE_SHIFT)
        if slab is None:
            return None
        index, rest = divmod(address - slab.address - slab.colour, self.layout.buffer_size)
        return (slab, index) if not rest and 0 <= index < self.layout.buffers else None

    def slab_at(self, address: int) -> int | None:
        """The address of the slab that `address` lies in, or None."""
        slab = self._by_page.get(address >> PAGE_SHIFT)
        return None if slab is None else slab.address

    def reap(self) -> int:
        """Give all free slabs back to the supplier; how many they were."""
        free = list(self.lists["free"].values())
        for slab in free:
            self.forget(slab.address)
            self.supplier.give(slab.address)
        return len(free)

    def forget(self, address: int) -> None:
        """Have the free slab at `address` no more; the supplier is not told."""
        slab = self.lists["free"].pop(address)
        for page in self._pages_of(slab):
            del self._by_page[page]
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabDestroyed.tag, self.name, slab.address, slab.colour, self._value(slab).free))

    def objects(self, address: int) -> list[int]:
        """The taken buffers of the slab at `address`, rising."""
        slab = self._by_page[address >> PAGE_SHIFT]
        return [self._address(slab, index) for index in range(self.layout.buffers) if slab.taken[index]]

    def values(self) -> Iterator[SlabValue]:
        """The slabs as frozen values: partial ones, free ones, full ones, each in list order."""
        for state in STATES:
            for slab in self.lists[state].values():
                yield self._value(slab)

    def value(self, address: int) -> SlabValue:
        """The slab at `address` as a frozen value."""
        return self._value(self._by_page[address >> PAGE_SHIFT])

    def _value(self, slab: Slab) -> SlabValue:
        free = tuple(self._address(slab, index) for index in reversed(slab.free))
        return SlabValue(slab.address, slab.colour, slab.state, self.layout.buffers, free)

    def check(self) -> int:
        """Raise :class:`Broken` unless the numbered invariants hold; how many buffers are taken.  O(buffers)."""
        pages = 0
        for state in STATES:
            for slab in self.lists[state].values():
                self._check_slab(slab, state)
                pages += len(self._pages_of(slab))
                for page in self._pages_of(slab):
                    if self._by_page.get(page) is not slab:
                        raise Broken(f"5. a page leads to its slab: {page << PAGE_SHIFT:#x} of {self.name} does not")
        if pages != len(self._by_page):
            raise Broken(f"6. only pages of slabs lead to one: {len(self._by_page)} do in {self.name}, not {pages}")
        return sum(sum(slab.taken) for state in STATES for slab in self.lists[state].values())

    def _check_slab(self, slab: Slab, state: str) -> None:
        where = f"the slab at {slab.address:#x} of {self.name}"
        buffers = self.layout.buffers
        if slab.address % PAGE or slab.colour % self.layout.align or slab.colour > self.layout.leftover:
            raise Broken(f"1. a slab is page aligned and its colour fits: {where} has colour {slab.colour}")
        if slab.state != state:
            raise Broken(f"2. a slab knows its list: {where} is on {state}, and says {slab.state}")
        if sorted(slab.free) != [index for index in range(buffers) if not slab.taken[index]]:
            raise Broken(f"3. each buffer is taken or on the free list, once: {where} has {slab.free} free")
        right = "full" if not slab.free else "free" if len(slab.free) == buffers else "partial"
        if state != right:
            raise Broken(f"4. a slab is on the list that its buffers say: {where} is {right}, and on {state}")

    def _first(self, state: str) -> Slab | None:
        return next(iter(self.lists[state].values()), None)

    def _grow(self) -> Slab | None:
        address = self.supplier.take()
        if address is None:
            return None
        slab = Slab(address, self._colour, self.layout.buffers)
        self._colour = self.layout.next_colour(self._colour)
        self.lists["free"][address] = slab
        for page in self._pages_of(slab):
            self._by_page[page] = slab
        emit = self._recorder.emit
        if emit is not None:
            emit((SlabCreated.tag, self.name, address, slab.colour))
        return slab

    def _move(self, slab: Slab, state: str) -> None:
        del self.lists[slab.state][slab.address]
        self.lists[state][slab.address] = slab
        slab.state = state

    def _pages_of(self, slab: Slab) -> range:
        return range(slab.address >> PAGE_SHIFT, (slab.address + self.layout.slab_size) >> PAGE_SHIFT)

    def _address(self, slab: Slab, index: int) -> int:
        return slab.address + slab.colour + index * self.layout.buffer_size
