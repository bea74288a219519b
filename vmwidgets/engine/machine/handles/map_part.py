"""The common part of both kernels' map handles: reading, and the operations on ranges that both kernels have.

A range is given by its start and end, or its start and size.  Entries across the range's edges are cut, and equal
neighbours are merged afterwards.  A refused operation changes nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, Protocol, TypeVar

from ...base.errors import Refused, shown
from ...base.operations import operation
from ...base.units import IN_PAGE, Address, Size
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.map.map_schema import EntryValue, MapValue
from ...kernel.map.window import WHOLE, map_value
from ...kernel.x15.vm_map import X15Map
from .. import arguments
from ..arguments import AdviceArg, InheritArg, Number
from ..system import Part

R_co = TypeVar("R_co", covariant=True)


class OverARange(Protocol[R_co]):
    """A call for a range of a map, given by its start and end, or by its start and size."""

    def __call__(self, start: Number, end: Number | None = None, *, size: Number | None = None, **more: Any) -> R_co:
        """Call for the range."""


def over_a_range(method: Callable[..., R_co]) -> OverARange[R_co]:
    """Make an operation of a method over [start, end) of its map; callers give `end`, or else `size`."""
    takes = signature(method)
    own, start, end, *more = takes.parameters.values()
    given = end.replace(default=None, annotation="int | str | None")
    size = given.replace(name="size", kind=Parameter.KEYWORD_ONLY)

    @wraps(method)
    def ranged(self: MapPart, start: Any, end: Any = None, *, size: Any = None, **named: Any) -> R_co:
        return method(self, *self._range(method.__name__, start, end, size), **named)

    shown = [own, start.replace(annotation="int | str"), given, size, *more]
    ranged.__signature__ = takes.replace(parameters=shown)  # type: ignore[attr-defined]  # what callers write
    made: Any = operation(ranged)  # mypy knows no method without its `self`
    return made  # type: ignore[no-any-return]  # as said above


class MapPart(Part):
    """A map of a machine, X15's or FreeBSD's: its properties, and the operations on its ranges."""

    @property
    @abstractmethod
    def vm_map(self) -> X15Map | FreeBSDMap:
        """The kernel's own map."""

    @abstractmethod
    def _refuse_range(self, verb: str, start: int, end: int) -> None:
        """Refuse a range of the map that may not be changed."""

    @abstractmethod
    def _change(self, verb: str, start: int, end: int, *arguments: Any) -> None:
        """Make the kernel change a range."""

    # ---- operations on ranges ----------------------------------------------------------------

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
        """Set a range's protection, `prot`, or its maximum protection, `max_prot` (vm_map_protect(9)).

        Mapped pages get the new permissions immediately.  A lower `max_prot` also lowers the protection.  Fails with
        ACCES beyond an entry's maximum protection, and with FAULT for a hole.  O((entries + 1) log n + pages mapped).

        >>> import vmwidgets as vm
        >>> space = vm.boot("x86-64").task("init").map
        >>> a = space.enter("64 KiB", at="1 MiB")
        >>> space.protect(a, size="16 KiB", prot="r")
        >>> [entry.protection for entry in space]
        ['r--', 'rw-']
        """
        protection = arguments.one_protection(prot, max_prot)
        return self._change("protect", *self._range("protect", start, end, size), protection, prot is None)

    @over_a_range
    def inherit(self, start: int, end: int, *, inherit: InheritArg) -> None:
        """Set what a task's children inherit of a range: "none", "share" or "copy" (vm_map_inherit(9)).

        Holes are skipped.  O((entries + 1) log n).
        """
        return self._change("inherit", start, end, inherit)

    @over_a_range
    def advise(self, start: int, end: int, *, advice: AdviceArg) -> None:
        """Advise the use of a range: "normal", "random", "sequential", "willneed", "dontneed" (vm_map_madvise(9)).

        With "willneed", pages that are already in objects are mapped immediately.  Holes are skipped.
        """
        return self._change("advise", start, end, advice)

    @over_a_range
    def wire(self, start: int, end: int) -> None:
        """Bring all pages of a range into memory, map them and keep them until they are unwired (vm_map_wire(9)).

        A page stays until ``unwire`` has been called as often as ``wire``.  The call waits for the pages of slow files:
        in a thread, write ``yield from space.wire(…)``.  An entry without an object gets one.  Fails with FAULT for a
        hole, with ACCES if reading is not allowed, and with NOMEM if there are not enough pages; then no page is wired.
        O((entries + 1) log n + pages).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kernel_map.enter("16 KiB")
        >>> m.kernel_map.wire(a, size="8 KiB")
        >>> m.kernel_map.lookup(a).wired, m.walk(a).pa is not None
        (1, True)
        """
        return self._change("wire", start, end)

    @over_a_range
    def unwire(self, start: int, end: int) -> None:
        """Remove one wiring from a range (vm_map_unwire(9)); fails with INVAL if it is not wired, FAULT for a hole.

        Pages whose last wiring was removed stay mapped; only `remove` unmaps them.
        """
        return self._change("unwire", start, end)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The map's name in events and pictures."""
        return self.vm_map.name

    @property
    def start(self) -> Address:
        """The first address."""
        return Address(self.vm_map.start)

    @property
    def end(self) -> Address:
        """The end of the addresses (exclusive)."""
        return Address(self.vm_map.end)

    @property
    def size(self) -> Size:
        """The number of bytes in entries."""
        return Size(self.vm_map.size)

    @property
    def levels(self) -> int:
        """The number of levels of the tree: nodes on the longest path down.  O(entries).

        >>> import vmwidgets as vm
        >>> space = vm.boot().task("t").map
        >>> space.fill(2)
        >>> space.levels
        2
        """
        value = self.value(whole=self.vm_map.nr_entries)
        row, count = [value.root] if value.root else [], 0
        while row:
            row = [child for one in row for child in (value.nodes[one].left, value.nodes[one].right) if child]
            count += 1
        return count

    @property
    def roles(self) -> Mapping[int, str]:
        """The roles of entries, by their ids; most entries have no role."""
        return self.system.roles.get(self.path, {})

    def value(
        self,
        focus: Iterable[int] = (),
        opened: Iterable[int] = (),
        addresses: Iterable[int] = (),
        *,
        whole: int = WHOLE,
        around: bool = True,
    ) -> MapValue:
        """Return the map as a frozen value: whole, or beyond `whole` entries, the part around entries in `focus`.

        Without `around`, the part is only the entries in `focus` and their ancestors in the tree.
        """
        most = arguments.count(whole, "whole")
        return map_value(self.vm_map, focus, opened, addresses, whole=most, around=around, roles=self.roles)

    def entries(self) -> list[EntryValue]:
        """Return all entries in order, as frozen values. O(n)."""
        return list(self)

    def check(self) -> None:
        """Check every invariant of the map; if one fails, raise an error that names the entry and the invariant."""
        self.vm_map.check()

    def listed(self, heading: str) -> str:
        """Return the map as text: a heading and its first entries."""
        shown = [f"  {entry!r}" for entry, _ in zip(self, range(20), strict=False)]
        more = [f"  … {len(self) - 20:,} more"] if len(self) > 20 else []
        return "\n".join([heading, *shown, *more])

    def __iter__(self) -> Iterator[EntryValue]:
        roles = self.roles
        return (EntryValue.of(entry.fields(), roles.get(entry.id, "")) for entry in self.vm_map)

    def __len__(self) -> int:
        return int(self.vm_map.nr_entries)

    # ---- inside ------------------------------------------------------------------------------

    def _range(self, verb: str, start: Any, end: Any, size: Any) -> tuple[int, int]:
        """Return a range of the map that is not empty and may be changed."""
        vm_map = self.vm_map
        try:
            first = arguments.page_within(start, "start", vm_map)
        except Refused as refused:
            begins = next((entry.start for entry in self if type(start) is int and entry.id == start), None)
            raise refused if begins is None else Refused(f"{refused}; entry {start} begins at {begins}") from None
        if end is None and size is None:
            raise Refused(f"{verb} needs the end of the range too: write end=…, or size='4 KiB'")
        if end is not None and size is not None:
            raise Refused(f"{verb} needs only one of end={shown(end)} and size={shown(size)}")
        if end is not None:
            last = arguments.whole(end, "end")
        elif type(size) is int and 0 < size <= vm_map.end and not size & IN_PAGE:
            last = first + size  # nearly always
        else:
            last = first + arguments.aligned(size, "size")
        if not first < last <= vm_map.end:
            name = f"size={last - first:#x}" if end is None else f"end={Address(last)}"
            if last <= first:
                advice = f"; to give a size, write size={shown(end)}" if end is not None else ""
                raise Refused(f"{name} makes an empty range: it must end above start={Address(first)}{advice}")
            raise Refused(f"{name} goes past the end of {vm_map.called}, {self.end}")
        if end is not None:
            arguments.aligned(last, "end")
        self._refuse_range(verb, first, last)
        return first, last
