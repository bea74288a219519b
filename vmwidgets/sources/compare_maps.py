"""Bare maps to compare: each gets the same operations, over the same range, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count

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


class BareMap(ABC):
    """A map for a workload, with its kernel's own search or another rule."""

    map: X15Map | FreeBSDMap
    own_rule: str
    """The placement rule of the kernel's own search."""

    def __init__(self, start: int, end: int, fit: Fit | None) -> None:
        self.steps = 0
        """The nodes and gaps examined so far."""
        recorder = Recorder()
        recorder.emit = self._count
        self.map = self._made(start, end, recorder)
        self.map.fit = fit
        self.rule = self.own_rule if fit is None else fit.rule

    def _count(self, raw: Raw) -> None:
        for one in unpacked((raw,)):
            self.steps += comparisons(one) if one[0] in (DESCENDED, LOOKED_UP) else one[0] in COUNTED

    @abstractmethod
    def _made(self, start: int, end: int, recorder: Recorder) -> X15Map | FreeBSDMap:
        """Return the empty map."""

    @abstractmethod
    def allocate(self, size: int, align: int, hint: int) -> int | None:
        """Allocate `size` bytes, and return their address; None if there is no room."""

    @abstractmethod
    def free(self, start: int, end: int) -> None:
        """Free everything in [start, end)."""

    @abstractmethod
    def _found(self, address: int) -> Entry | None:
        """Return the entry that a lookup of `address` finds."""

    def lookup(self, address: int) -> tuple[int, int] | None:
        """Return the result of a lookup of `address`."""
        entry = self._found(address)
        return None if entry is None else (entry.start, entry.end)

    def value(self) -> MapValue:
        """Return the whole map as a frozen value."""
        return map_value(self.map, whole=self.map.nr_entries)


class BareX15(BareMap):
    """X15's map."""

    map: X15Map
    own_rule = "the lowest gap from the find cache on"

    def _made(self, start: int, end: int, recorder: Recorder) -> X15Map:
        return X15Map("map", start, end, PlainEntries(count(1), Entry), recorder)

    def allocate(self, size: int, align: int, hint: int) -> int | None:
        """Call `vm_map_enter`."""
        try:
            return self.map.enter(hint, size, align, KMEM_FLAGS)  # all alike: neighbours may merge
        except KernelError:
            return None

    def free(self, start: int, end: int) -> None:
        """Call `vm_map_remove`."""
        self.map.remove(start, end)

    def _found(self, address: int) -> Entry | None:
        """Call `vm_map_lookup_nearest`, which returns the entry at the address, or the next entry above."""
        return self.map.lookup_nearest(address)


class BareFreeBSD(BareMap):
    """FreeBSD's map of kernel addresses."""

    map: FreeBSDMap
    own_rule = "the lowest gap, by the tree of gaps"

    def _made(self, start: int, end: int, recorder: Recorder) -> FreeBSDMap:
        pages = PageQueues(recorder, _NoFrames(), 0, 0)
        entries = PlainEntries(count(1), KernelEntry)
        services = MapServices(
            recorder, Running(), _NoTables(), pages, entries, lambda size: FreeBSDObject("anonymous", pages, size)
        )
        made = FreeBSDMap("map", start, end, services)
        made.system = True
        return made

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

    def _found(self, address: int) -> Entry | None:
        """Call `vm_map_lookup_entry`, which returns the entry at the address, or nothing."""
        return self.map.lookup(address)


KERNELS: dict[str, type[BareMap]] = {"x15": BareX15, "freebsd": BareFreeBSD}
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
