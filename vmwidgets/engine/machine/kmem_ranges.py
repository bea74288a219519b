"""Changing a range of one of kernel memory's maps in place, after FreeBSD's manual pages.

As on any map of a machine (:mod:`.map_ranges`), but that the map's lock is taken, which may mean waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base import protection as flag
from ..base.errors import KernelError, Refused
from ..base.operations import operation
from ..base.units import Address
from ..kernel import freebsd_ranges
from ..kernel.freebsd_map import FreeBSDMap
from ..kernel.freebsd_wire import is_coming
from ..kernel.kernel_entry import KernelEntry
from ..kernel.map_ranges import (
    INVALID_ADDRESS,
    INVALID_ARGUMENT,
    PROTECTION_FAILURE,
    RESOURCE_SHORTAGE,
    entries_in,
)
from ..kernel.waits import Sleepy
from . import checks
from .map_looks import MapLooks

STATUSES = {
    INVALID_ADDRESS: ("FAULT", "a part of the range is not allocated"),
    PROTECTION_FAILURE: ("ACCES", "an entry may not be given these rights, or not be read"),
    INVALID_ARGUMENT: ("INVAL", "a part of it is a submap's place, or was not wired"),
    RESOURCE_SHORTAGE: ("NOMEM", "there is no memory for it"),
}
"""What FreeBSD's status numbers say, as errors of a machine."""


class KmemRanges(MapLooks):
    """Operations on ranges of a map of kernel memory."""

    vm_map: FreeBSDMap

    @operation
    def protect(
        self,
        start: int | str,
        end: int | str | None = None,
        *,
        size: int | str | None = None,
        prot: int | str | None = None,
        max_prot: int | str | None = None,
    ) -> None:
        """Set what a range allows, `prot`, or what it may ever allow, `max_prot` (vm_map_protect(9)).

        ACCES beyond what an entry may allow, FAULT for a hole, INVAL for a submap's place.  What is mapped gets the
        new rights at once.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_alloc("16 KiB")
        >>> m.kmem.kernel_map.protect(a, size="4 KiB", prot="r")
        >>> m.kmem.kernel_map.lookup(a).protection
        'r--'
        """
        first, last = self._range(start, end, size)
        protection = checks.one_protection(prot, max_prot)
        done: None = self._do("protect", freebsd_ranges.vm_map_protect, first, last, protection, prot is None)
        return done

    @operation
    def inherit(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, inherit: int | str
    ) -> None:
        """Set what a child would get of a range: "none", "share" or "copy" (vm_map_inherit(9))."""
        number = flag.parse_name(inherit, flag.INHERITANCE, "inherit")
        done: None = self._do("inherit", freebsd_ranges.vm_map_inherit, *self._range(start, end, size), number)
        return done

    @operation
    def advise(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, advice: int | str
    ) -> None:
        """Say how a range will be used: "normal", "random", "sequential", … (vm_map_madvise(9))."""
        number = flag.parse_name(advice, flag.ADVICE, "advice")
        done: None = self._do("advise", freebsd_ranges.vm_map_madvise, *self._range(start, end, size), number)
        return done

    @operation
    def wire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Have all pages of a range in memory, and keep them until as many ``unwire`` (vm_map_wire(9)).

        Waits for pages.  A system map's entry without object is counted as wired, and has no pages.
        """
        first, last = self._range(start, end, size)
        for entry in entries_in(self.vm_map, first, last):
            self._refuse_coming(entry, first, "wire it when it is there")
        done: None = self._do("wire", freebsd_ranges.vm_map_wire, first, last)
        return done

    @operation
    def unwire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Take one wiring off a range (vm_map_unwire(9)): INVAL for what is not wired."""
        done: None = self._do("unwire", freebsd_ranges.vm_map_unwire, *self._range(start, end, size))
        return done

    @operation
    def simplify(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Join neighbours of a range that are alike (vm_map_simplify_entry(9))."""
        done: None = self._do("simplify", freebsd_ranges.vm_map_simplify, *self._range(start, end, size))
        return done

    def _do(self, name: str, function: Callable[..., Sleepy[int]], start: int, end: int, *arguments: Any) -> Any:
        def steps() -> Sleepy[None]:
            status = yield from function(self.vm_map, start, end, *arguments)
            if status:
                word, why = STATUSES[status]
                where = f"{Address(start)} to {Address(end)} of {self.vm_map.name}"
                raise KernelError(word, status, f"{name} of {where} returned {status}: {why}")

        return self.machine.callbacks.complete(name, steps())

    def _range(self, start: Any, end: Any, size: Any) -> tuple[int, int]:
        vm_map = self.vm_map
        first = checks.within(checks.aligned(start, "start"), "start", vm_map.start, vm_map.end, self.path)
        if (end is None) == (size is None):
            raise Refused("a range is given by its start and end, or its start and size: write one of end and size")
        last = first + checks.aligned(size, "size") if end is None else checks.aligned(end, "end")
        if not first < last <= vm_map.end:
            limits = f"{Address(vm_map.start)} to {Address(vm_map.end)}"
            raise Refused(f"{Address(first)} to {Address(last)} is no range of {self.path}, {limits}")
        self._refuse_boots(first, last)
        self._refuse_cuts(first, last)
        return first, last

    def _refuse_boots(self, first: int, last: int) -> None:
        """What boot used holds the entries of these maps themselves."""
        system = self.machine.kernel.kmem
        low, high = system.boot_range
        if self.vm_map is system.kmem.kernel_map and first < high and low < last:
            raise Refused(
                f"start={Address(first)} to {Address(last)} touches what boot used, {Address(low)} to {Address(high)}, "
                "which holds the entries of these maps: change what lies beside it"
            )

    def _refuse_cuts(self, first: int, last: int) -> None:
        """A range that is being made by a function that sleeps must be an entry by itself when it goes on.

        So it is not cut, and nothing that would join it changes beside it.
        """
        for entry in entries_in(self.vm_map, first - 1, last + 1):
            whole = first <= entry.start and entry.end <= last
            alike = [one for one in (entry.prev, entry.next) if one is not None and one.object is entry.object]
            if not whole or any(not one.wired_count for one in alike):
                self._refuse_coming(entry, first, "take all of it and nothing beside it, or wait")

    def _refuse_coming(self, entry: KernelEntry, address: int, instead: str) -> None:
        if is_coming(self.vm_map, entry):
            raise Refused(
                f"the range from {Address(address)} touches {Address(entry.start)} to {Address(entry.end)}, which is "
                f"still being allocated, by a call that waits for pages: {instead}"
            )
