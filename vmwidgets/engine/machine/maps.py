"""A map as learners hold it: the door to the kernel functions of one map."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..base import protection as flag
from ..base.errors import Refused, printable, shown
from ..base.map_values import EntryValue
from ..base.operations import operation
from ..base.units import Address, binary_size
from ..kernel.vm_info import vm_map_info
from . import checks
from .map_ranges import RangeOperations
from .objects import MemoryObject


class MachineMap(RangeOperations):
    """One address space of a machine; `path` is its place there ("kernel_map", "task:init/map").

    Addresses and sizes are bytes, or texts such as ``"64 KiB"``; those that come back print in hexadecimal and in
    binary units.  Nonsense is refused at once; what the kernel refuses comes back as a kernel error.
    """

    # ---- operations --------------------------------------------------------------------------

    @operation
    def enter(  # noqa: PLR0913  as many as the kernel function has, all but one by name
        self,
        size: int | str,
        *,
        at: int | str | None = None,
        fixed: bool = False,
        align: int | str = 0,
        prot: int | str = "rw",
        max_prot: int | str = "rwx",
        inherit: int | str = "copy",
        advice: int | str = "normal",
        object: MemoryObject | str | None = None,  # noqa: A002  the field's own word
        offset: int | str = 0,
        nomerge: bool = False,
    ) -> Address:
        """Map `size` bytes and return where (`vm_map_enter`).

        `at` is a hint, or with `fixed` the address itself; without it the kernel looks for the lowest gap from its find
        cache on.  `prot` and `max_prot` are letters such as ``"rw"``; `inherit` "none", "share" or "copy"; `advice`
        "normal",
        "random", "sequential", "willneed" or "dontneed".  `object` (or its name) is mapped from `offset` on.

        Raises NOMEM when nothing fits, INVAL for an object in the kernel map.  O(log n) plus the entries passed over.

        >>> import vmwidgets as vm
        >>> vm.boot("x86-64").kernel_map.enter("16 KiB")
        0xffff_8080_0014_1000
        """
        self._refuse_lost_place()
        vm_map = self.vm_map
        length = checks.size_within(size, "size", vm_map.start, vm_map.end, self.path)
        start = self._start_of(at, length, checks.flag(fixed, "fixed"))
        alignment = checks.power_of_two(align, "align")
        if fixed and alignment and start % alignment:
            raise Refused(f"at={Address(start)} is not a multiple of align={alignment:#x}, and fixed=True")
        target = self._object(object)
        where = checks.aligned(offset, "offset")
        if where and target is None:
            raise Refused(f"offset={where:#x} needs an object: write object=…")
        if target is not None and where + length >= 1 << 64:
            raise Refused(f"offset={where:#x} and size={length:#x} pass the end of the object's 64 bits")
        flags = flags_word(prot, max_prot, inherit, advice, checks.flag(nomerge, "nomerge"), fixed)
        return Address(vm_map.enter(start, length, alignment, flags, target, where))

    @operation
    def remove(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Unmap [start, end), or `size` bytes from `start` on (`vm_map_remove`).

        Holes are fine; entries across the edges are cut.  In the kernel map the ranges the kernel lives on can't be
        removed.  NOMEM, and nothing changed, when an edge cuts a large page and there is no page for a table.  The stop
        button works between two entries: those below are gone, the others are as they were.
        O((entries removed + 1) log n), and O(page tables of the range + pages mapped there).
        """
        first, last = self._range("remove", start, end, size)
        self.door.may_stop()
        self.vm_map.remove(first, last)

    @operation
    def lookup(self, address: int | str) -> EntryValue | None:
        """The entry that holds `address`, or the next one above, or None (`vm_map_lookup_nearest`).  O(log n)."""
        vm_map = self.vm_map
        wanted = checks.within(checks.whole(address, "address"), "address", vm_map.start, vm_map.end, self.path)
        entry = vm_map.lookup_nearest(wanted & ~0xFFF)
        return None if entry is None else EntryValue.of(entry.fields(), self.roles.get(entry.id, ""))

    # ---- looking -----------------------------------------------------------------------------

    @property
    def placement(self) -> str:
        """By which rule free searches go: "x15", or "first", "best", "worst" or "next"."""
        return "x15" if self.vm_map.fit is None else self.vm_map.fit.name

    def parts(self) -> Iterator[MachineMap]:
        """This map, and all that were made of parts of it."""
        yield self
        for submap in self.submaps.values():
            yield from submap.parts()

    def info(self) -> str:
        """The text that the kernel prints for the map (`vm_map_info`)."""
        return vm_map_info(self.vm_map)

    def __repr__(self) -> str:
        fit = "" if self.vm_map.fit is None else f", {self.placement} fit"
        limits = f"{self.start} to {self.end}"
        return self.listed(f"{printable(self.path)}: {limits}, {len(self):,} entries, {binary_size(self.size)}{fit}")

    # ---- the door's own checks ---------------------------------------------------------------

    def _object(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            value = self.machine.objects.get(value) or checks.known(value, self.machine.objects, "object")
        if not isinstance(value, MemoryObject):
            raise Refused(f"object={shown(value)} is no memory object: make one with machine.object(name)")
        if self.machine.objects.get(value.name) is not value:
            raise Refused(f"object {shown(value.name)} belongs to another machine")
        return value.vm_object


def flags_word(prot: Any, max_prot: Any, inherit: Any, advice: Any, nomerge: bool, fixed: bool) -> int:
    """The packed flags word of a request, from what a learner writes; each combination is worked out once."""
    try:
        return _flags_word(prot, max_prot, inherit, advice, nomerge, fixed)
    except TypeError:  # something that can't be remembered: it is refused below
        return _flags_word.__wrapped__(prot, max_prot, inherit, advice, nomerge, fixed)


@lru_cache(maxsize=512, typed=True)
def _flags_word(prot: Any, max_prot: Any, inherit: Any, advice: Any, nomerge: bool, fixed: bool) -> int:
    protection, maximum = flag.parse_protection(prot), flag.parse_protection(max_prot, "max_prot")
    if protection & ~maximum:
        shown = flag.protection_text(protection)
        raise Refused(f"prot={shown!r} goes beyond max_prot={flag.protection_text(maximum)!r}")
    inheritance = flag.parse_name(inherit, flag.INHERITANCE, "inherit")
    advised = flag.parse_name(advice, flag.ADVICE, "advice")
    return flag.pack_flags(protection, maximum, inheritance, advised, nomerge, fixed)
