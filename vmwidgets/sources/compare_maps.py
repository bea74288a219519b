"""Bare maps to compare: each gets the same operations, over the same range, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Protocol

from ..engine.base.errors import KernelError
from ..engine.base.recorder import Raw, Recorder
from ..engine.base.records import unpacked
from ..engine.base.tree_schema import DESCENDED, LOOKED_UP, comparisons
from ..engine.kernel.freebsd.entries import KernelEntry, MapServices
from ..engine.kernel.freebsd.kmem_schema import GapCompared
from ..engine.kernel.freebsd.vm_map import FreeBSDMap
from ..engine.kernel.freebsd.vm_page import PageQueues
from ..engine.kernel.map.core import Entry, PlainEntries
from ..engine.kernel.map.fits import FITS, Fit
from ..engine.kernel.map.map_schema import GapTried, MapValue
from ..engine.kernel.map.vm_object import FreeBSDObject
from ..engine.kernel.map.window import map_value
from ..engine.kernel.threads.waits import Running, run_without_sleeping
from ..engine.kernel.x15.kernel_memory import KMEM_FLAGS
from ..engine.kernel.x15.vm_map import X15Map

COUNTED = (GapTried.tag, GapCompared.tag)
"""Events that count as steps: examining a node of a tree or a gap."""

NOMEM = "NOMEM"


class BareMap(Protocol):
    """A map for a workload."""

    steps: int
    """The nodes and gaps examined so far."""

    @property
    def rule(self) -> str:
        """The placement rule."""

    def allocate(self, size: int, align: int, hint: int) -> int | None:
        """Allocate `size` bytes, and return their address; None if there is no room."""

    def free(self, start: int, end: int) -> None:
        """Free everything in [start, end)."""

    def lookup(self, address: int) -> tuple[int, int] | None:
        """Return the result of a lookup of `address`."""

    def check(self) -> None:
        """Raise an error unless every invariant holds."""

    def value(self) -> MapValue:
        """Return the whole map as a frozen value."""


class _Counting:
    """A recorder that only counts steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.recorder = Recorder()
        self.recorder.emit = self._count

    def _count(self, raw: Raw) -> None:
        for one in unpacked((raw,)):
            self.steps += comparisons(one) if one[0] in (DESCENDED, LOOKED_UP) else one[0] in COUNTED


class BareX15(_Counting):
    """X15's map, with its own search or another rule."""

    def __init__(self, start: int, end: int, fit: Fit | None) -> None:
        super().__init__()
        self.map = X15Map("map", start, end, PlainEntries(count(1), Entry), self.recorder)
        self.map.fit = fit

    @property
    def rule(self) -> str:
        """The placement rule."""
        return "the lowest gap from the find cache on" if self.map.fit is None else self.map.fit.rule

    def allocate(self, size: int, align: int, hint: int) -> int | None:
        """Call `vm_map_enter`."""
        try:
            return self.map.enter(hint, size, align, KMEM_FLAGS)  # all alike: neighbours may merge
        except KernelError:
            return None

    def free(self, start: int, end: int) -> None:
        """Call `vm_map_remove`."""
        self.map.remove(start, end)

    def lookup(self, address: int) -> tuple[int, int] | None:
        """Call `vm_map_lookup_nearest`, which returns the entry at the address, or the next entry above."""
        entry = self.map.lookup_nearest(address)
        return None if entry is None else (entry.start, entry.end)

    def check(self) -> None:
        """Check the map's invariants."""
        self.map.check()

    def value(self) -> MapValue:
        """Return the whole map."""
        return map_value(self.map, whole=self.map.nr_entries)


class BareFreeBSD(_Counting):
    """FreeBSD's map of kernel addresses, with its own first fit or another rule."""

    def __init__(self, start: int, end: int, fit: Fit | None) -> None:
        super().__init__()
        pages = PageQueues(self.recorder, _NoFrames(), 0, 0)
        services = MapServices(
            self.recorder,
            Running(),
            _NoTables(),
            pages,
            PlainEntries(count(1), KernelEntry),
            lambda size: _anonymous(pages, size),
        )
        self.map = FreeBSDMap("map", start, end, services)
        self.map.system = True
        self.map.fit = fit

    @property
    def rule(self) -> str:
        """The placement rule."""
        return "the lowest gap, by the tree of gaps" if self.map.fit is None else self.map.fit.rule

    def allocate(self, size: int, align: int, hint: int) -> int | None:
        """Call `vm_map_findspace` from the hint on, and `vm_map_insert`; there is no alignment."""
        address = self.map.find_space(size, hint)
        if address is None:
            return None
        self.map.insert(None, 0, address, address + size)
        return address

    def free(self, start: int, end: int) -> None:
        """Call `vm_map_remove`."""
        run_without_sleeping(self.map.remove(start, end))

    def lookup(self, address: int) -> tuple[int, int] | None:
        """Call `vm_map_lookup_entry`, which returns the entry at the address, or nothing."""
        entry = self.map.lookup(address)
        return None if entry is None else (entry.start, entry.end)

    def check(self) -> None:
        """Check the map's invariants."""
        self.map.check()

    def value(self) -> MapValue:
        """Return the whole map."""
        return map_value(self.map, whole=self.map.nr_entries)


KERNELS: dict[str, Callable[[int, int, Fit | None], BareMap]] = {"x15": BareX15, "freebsd": BareFreeBSD}
"""The kernels' maps, by name."""

LABELS: dict[str, tuple[str, str]] = {
    **{kernel: (kernel, "") for kernel in KERNELS},
    **{fit: ("x15", fit) for fit in FITS},
    **{f"freebsd {fit}": ("freebsd", fit) for fit in FITS},
}
"""The maps to compare: the kernel, and the placement rule ("" for the kernel's own)."""


def bare_map(label: str, start: int, end: int) -> BareMap:
    """Return the empty map for `label`."""
    kernel, fit = LABELS[label]
    return KERNELS[kernel](start, end, FITS[fit]() if fit else None)


def _anonymous(pages: PageQueues, size: int) -> FreeBSDObject:
    return FreeBSDObject("anonymous", pages, size)


class _NoFrames:
    """A page supplier without memory: addresses are compared, not pages."""

    free_frames = cached = 0

    def allocate(self, zero: bool, owner: str) -> tuple[int, bool]:
        raise AssertionError("no pages are asked for here")

    def free(self, frame: int) -> None:
        raise AssertionError("there are no pages here")

    def clear(self, frame: int) -> None:
        raise AssertionError("there are no pages here")


class _NoTables:
    """Page tables that never map anything."""

    large = False

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        raise AssertionError("no pages are mapped here")

    def remove(self, start: int, end: int) -> None:
        pass

    def translated(self, start: int, end: int) -> list[int]:
        return []

    def prepared(self, cuts: Iterable[int]) -> AbstractContextManager[None]:
        return nullcontext()

    def protect(self, start: int, end: int, protection: int) -> None:
        pass
