"""A map as learners hold it: the door to the kernel functions of one map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ..base import protection as flag
from ..base.errors import Refused, printable, shown
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size, binary_size
from ..base.values.maps import EntryValue, MapValue
from ..base.values.tables import Rights
from ..kernel.map.core import CachedEntries, Entry
from ..kernel.map.vm_object import VmObject
from ..kernel.map.window import WHOLE, map_value
from ..kernel.pmap.pmap import Pmap
from ..kernel.x15.vm_map import X15Map
from ..mmu.editor import leaf_descriptor
from . import checks
from .objects import AnonymousPager, MemoryObject

if TYPE_CHECKING:
    from .machine import Machine


# ---- map looks ---------------------------------------------------------------------------------
#
# What there is to see of a map of a machine, whichever kernel's it is.


class MapLooks:
    """A map of `machine`; `path` is its place there, `vm_map` the kernel's own, `roles` names entries by id."""

    machine: Machine
    path: str
    vm_map: Any  # X15's or FreeBSD's; who has one of them says which
    roles: Mapping[int, str]

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def name(self) -> str:
        """The map's name in events and pictures."""
        return str(self.vm_map.name)

    @property
    def start(self) -> Address:
        """First address."""
        return Address(self.vm_map.start)

    @property
    def end(self) -> Address:
        """End of the addresses (exclusive)."""
        return Address(self.vm_map.end)

    @property
    def size(self) -> Size:
        """Bytes in entries."""
        return Size(self.vm_map.size)

    def value(
        self,
        focus: Iterable[int] = (),
        opened: Iterable[int] = (),
        addresses: Iterable[int] = (),
        *,
        whole: int = WHOLE,
    ) -> MapValue:
        """The map as a frozen value: whole up to `whole` entries, else around the entries in `focus`."""
        most = checks.count(whole, "whole")
        return map_value(self.vm_map, focus, opened, addresses, whole=most, roles=self.roles)

    def entries(self) -> list[EntryValue]:
        """All entries in order, as frozen values. O(n)."""
        return list(self)

    def check(self) -> None:
        """Raise an error that names entry and invariant unless every invariant of the map holds."""
        self.vm_map.check()

    def listed(self, heading: str) -> str:
        """The map as text: a heading and its first entries."""
        shown = [f"  {entry!r}" for entry, _ in zip(self, range(20), strict=False)]
        more = [f"  … {len(self) - 20:,} more"] if len(self) > 20 else []
        return "\n".join([heading, *shown, *more])

    def __iter__(self) -> Iterator[EntryValue]:
        roles = self.roles
        return (EntryValue.of(entry.fields(), roles.get(entry.id, "")) for entry in self.vm_map)

    def __len__(self) -> int:
        return int(self.vm_map.nr_entries)


# ---- map door ----------------------------------------------------------------------------------
#
# What the door asks of a range of a map before the kernel hears of it.


class MapDoor(MapLooks):
    """A map of a machine, and the checks that its operations share; `path` is its place there."""

    vm_map: X15Map

    def __init__(self, machine: Machine, vm_map: X15Map, path: str, roles: dict[int, str] | None = None) -> None:
        self.machine = machine
        self.vm_map = vm_map
        self.path = path
        self.roles = {} if roles is None else roles
        self.submaps: dict[str, MachineMap] = {}
        """By name: the maps that parts of this one were given to."""
        self.parent: MapDoor | None = None
        """The map that this one is a part of; it alone can lose its addresses, by ``m.unchecked``."""

    @property
    def has_place(self) -> bool:
        """Whether all its addresses are its own: entries of its parent give them to it, and the parent has its place.

        O(log n + entries there), for each map above.
        """
        if self.parent is None:
            return True
        position, entry = self.vm_map.start, self.parent.vm_map.peek(self.vm_map.start)
        while entry is not None and entry.start <= position and entry.submap is self.vm_map:
            position, entry = entry.end, entry.next
        return position >= self.vm_map.end and self.parent.has_place

    # ---- checks ------------------------------------------------------------------------------

    def _refuse_lost_place(self) -> None:
        """A map that has lost its place has no addresses to give: its parent may give them to others."""
        if not self.has_place:
            raise Refused(
                f"{self.path} has lost its place, {self.start} to {self.end}: m.unchecked removed an entry for it; "
                "make another submap"
            )

    def _start_of(self, at: Any, length: int, fixed: bool) -> int:
        """Where a request may go: a hint, or with `fixed` the address; 0 without one."""
        vm_map = self.vm_map
        if at is None:
            if fixed:
                raise Refused("fixed=True needs an address: write at=…")
            return 0
        start = checks.within(checks.aligned(at, "at"), "at", vm_map.start, vm_map.end, self.path)
        if fixed and length > vm_map.end - start:
            raise Refused(f"at={Address(start)} and size={length:#x} pass the end of {self.path}, {self.end}")
        if (start + length) & vm_map.mask <= start:
            where = f"at={Address(start)} and size={length:#x}"
            raise Refused(f"{where} don't end below 2**{vm_map.bits}, where addresses end")
        return start

    def _range(self, verb: str, start: Any, end: Any, size: Any) -> tuple[int, int]:
        """A range of the map that is not empty, and that neither the kernel lives on nor another map has."""
        vm_map = self.vm_map
        first = checks.within(checks.aligned(start, "start"), "start", vm_map.start, vm_map.end, self.path)
        last = self._end_of(verb, first, end, size)
        for low, high, owner in self.machine.reserved_ranges(self, first, last):
            raise Refused(
                f"start={Address(first)} to {Address(last)} touches {owner}, {Address(low)} to {Address(high)}, "
                f"which the kernel lives on: {verb} what lies beside it"
            )
        for lent in self.submaps.values():
            if lent.start < last and first < lent.end and lent.has_place:
                raise Refused(
                    f"start={Address(first)} to {Address(last)} touches {lent.start} to {lent.end}, which is the place "
                    f"of the map {lent.path}: what lies there is that map's"
                )
        return first, last

    def _end_of(self, verb: str, start: int, end: Any, size: Any) -> int:
        if (end is None) == (size is None):
            raise Refused(f"{verb} takes the end of the range, or its size: write one of end and size")
        last = start + checks.aligned(size, "size") if end is None else checks.aligned(end, "end")
        if start < last <= self.vm_map.end:
            return last
        name = f"size={last - start:#x}" if end is None else f"end={Address(last)}"
        if last <= start:
            raise Refused(f"{name} makes an empty range: it must end above start={Address(start)}")
        raise Refused(f"{name} passes the end of {self.path}, {self.end}")


# ---- map ranges --------------------------------------------------------------------------------
#
# Changing a range of a map in place: what X15's map lacks, after FreeBSD's manual pages.
#
# A range is given as for ``remove``: its start and end, or its start and size. Entries across its edges are cut, and
# what is alike afterwards is joined. What the kernel refuses changes nothing.


class RangeOperations(MapDoor):
    """Operations on ranges of a map."""

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

        Pages that are mapped get the new rights at once; with a lower `max_prot` the protection is lowered too.  ACCES
        beyond what an entry may allow, FAULT for a hole.  O((entries + 1) log n + pages mapped).

        >>> import vmwidgets as vm
        >>> space = vm.boot("x86-64").task("init").map
        >>> a = space.enter("64 KiB", at="1 MiB")
        >>> space.protect(a, size="16 KiB", prot="r")
        >>> [entry.protection for entry in space]
        ['r--', 'rw-']
        """
        first, last = self._range("protect", start, end, size)
        self.door.may_stop()
        protection = checks.one_protection(prot, max_prot)
        self.vm_map.protect(first, last, protection, prot is None)

    @operation
    def inherit(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, inherit: int | str
    ) -> None:
        """Set what a child of the task gets of a range: "none", "share" or "copy" (vm_map_inherit(9)).

        Holes are passed over.  O((entries + 1) log n).
        """
        first, last = self._range("inherit", start, end, size)
        self.door.may_stop()
        self.vm_map.inherit(first, last, flag.parse_name(inherit, flag.INHERITANCE, "inherit"))

    @operation
    def advise(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, advice: int | str
    ) -> None:
        """Say how a range will be used: "normal", "random", "sequential", "willneed", "dontneed" (vm_map_madvise(9)).

        With "willneed", pages that objects have already are mapped at once.  Holes are passed over.
        """
        first, last = self._range("advise", start, end, size)
        self.door.may_stop()
        self.vm_map.advise(first, last, flag.parse_name(advice, flag.ADVICE, "advice"))

    @operation
    def wire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Have all pages of a range in memory and mapped, and keep them until as many ``unwire`` (vm_map_wire(9)).

        An entry without object gets one.  FAULT for a hole, ACCES where reading is not allowed, NOMEM without pages:
        then none has come.  O((entries + 1) log n + pages).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kernel_map.enter("16 KiB")
        >>> m.kernel_map.wire(a, size="8 KiB")
        >>> m.kernel_map.lookup(a).wired, m.walk(a).pa is not None
        (1, True)
        """
        first, last = self._range("wire", start, end, size)
        self.door.may_stop()
        self.vm_map.wire(first, last, self._memory)

    @operation
    def unwire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Take one wiring off a range (vm_map_unwire(9)): INVAL for what is not wired, FAULT for a hole.

        Pages that are wired no more stay as they are; nothing takes them away here but removing their range.
        """
        first, last = self._range("unwire", start, end, size)
        self.door.may_stop()
        self.vm_map.unwire(first, last)

    @operation
    def superpages(
        self,
        start: int | str,
        end: int | str | None = None,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
    ) -> int:
        """Map a range by large pages of `page` bytes (the smallest large ones), as far as may be; how many came to be.

        Each needs aligned addresses, and as much memory in one piece: what an object has already if it lies so, else
        fresh frames.  Entries without object have no memory to map.  FAULT for a hole.

        >>> import vmwidgets as vm
        >>> m = vm.boot("armv7")
        >>> space = m.task("init").map
        >>> a = space.enter("3 MiB", at="1 MiB", object=m.object("film"))
        >>> space.superpages(a, size="3 MiB", page="1 MiB")
        3
        >>> m.task("init").walk(a).page_size == vm.MIB
        True
        """
        first, last = self._range("superpages", start, end, size)
        return self.vm_map.superpages(first, last, self._page_size(page))

    @operation
    def promote(
        self,
        start: int | str,
        end: int | str | None = None,
        *,
        size: int | str | None = None,
        page: int | str | None = None,
    ) -> int:
        """Make large pages of `page` bytes of small ones that lie side by side and are alike; how many (pmap_promote).

        Nothing is moved: frames that lie scattered stay small pages.
        """
        first, last = self._range("promote", start, end, size)
        wanted, tables = self._page_size(page), self._pmap
        places = range(-(-first // wanted) * wanted, last - wanted + 1, wanted)
        made = [va for va in places if tables.promote(va, wanted)]
        for va in made:
            tables.update(va, va + wanted)
        return len(made)

    @property
    def _pmap(self) -> Pmap:
        """The map's page tables."""
        tables = self.vm_map.tables
        assert isinstance(tables, Pmap), "a machine's maps have page tables"
        return tables

    def _page_size(self, page: Any) -> int:
        sizes = [one for one in self.machine.pmap.fmt.page_sizes if one > PAGE]
        wanted = sizes[0] if page is None else checks.whole(page, "page")
        if wanted not in sizes:
            known = ", ".join(binary_size(one) for one in sizes)
            raise Refused(f"page={binary_size(wanted)}: large pages of {self.machine.architecture} have {known}")
        self._check_settings(wanted)
        return wanted

    def _check_settings(self, page: int) -> None:
        """Refuse pages that the processors read as something else with the settings that they have now."""
        fmt, controls = self.machine.pmap.fmt, self.machine.controls
        found = fmt.leaf(page)
        assert found is not None, "one of the format's page sizes"
        level, word = found[0], leaf_descriptor(fmt, found[0], 0, Rights(), size=page)
        read_as = fmt.rules.read_as(level, word, controls)
        if read_as.kind != "leaf" or fmt.rules.unfit(level, read_as, word, controls):
            raise Refused(f"page={binary_size(page)}: the processors of this machine have no such pages ({controls})")

    @operation
    def simplify(
        self, start: int | str | None = None, end: int | str | None = None, *, size: int | str | None = None
    ) -> int:
        """Join neighbours that are alike, in a range or all over the map; how many entries that saved.

        FreeBSD's vm_map_simplify_entry(9) for each entry: same object with offsets that run on, same flags, same
        wirings.  What may not merge stays alone.  O((entries + 1) log n).
        """
        if start is None:
            if end is not None or size is not None:
                raise Refused("simplify takes a range from start on, or nothing for the whole map: write start=…")
            first, last = self.vm_map.start, self.vm_map.end
        else:
            first, last = self._range("simplify", start, end, size)
        self.door.may_stop()
        return self.vm_map.simplify(first, last)

    @operation
    def submap(
        self, name: str, start: int | str, end: int | str | None = None, *, size: int | str | None = None
    ) -> MachineMap:
        """Give a range to a new map, which has the operations of any other (vm_map_submap(9)).

        The range was entered before and nothing is in it: INVAL where it has an object, is wired or more than one
        entry, FAULT for a hole.  From now on its addresses are the new map's, and there is no way back.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kernel_map.enter("1 MiB")
        >>> drivers = m.kernel_map.submap("drivers", a, size="256 KiB")
        >>> drivers.enter("16 KiB") == a, drivers.path
        (True, 'kernel_map/drivers')
        """
        wanted = checks.part_name(name, "map name")
        if wanted in self.submaps:
            raise Refused(f"name={shown(wanted)}: {self.path} has a submap of this name; each needs one of its own")
        first, last = self._range("submap", start, end, size)
        path = f"{self.path}/{wanted.replace('%', '%25').replace('/', '%2F')}"
        made = self._map_like_this(path, first, last)
        self.vm_map.submap(first, last, made)
        submap = self.submaps[wanted] = cast("MachineMap", type(self)(self.machine, made, path))
        submap.parent = self
        return submap

    # ---- inside ------------------------------------------------------------------------------

    def _memory(self) -> VmObject:
        """An object for a range that is wired and had none."""
        name = f"wired memory {next(self.machine.wirings)}"
        return VmObject(name, AnonymousPager(self.machine, None))

    def _map_like_this(self, path: str, start: int, end: int) -> X15Map:
        """A map of [start, end) on the same page tables, with entries from the ordinary cache."""
        ours, kernel = self.vm_map, self.machine.kernel
        entries = CachedEntries(kernel.entry_cache, kernel.identities, Entry)
        made = X15Map(
            path, start, end, entries, ours.recorder, bits=ours.bits, kernel=ours.kernel, unmap=ours.unmap,
            quirks=ours.quirks, assertions=ours.assertions,
        )  # fmt: skip  # as the constructor has them
        made.tables = ours.tables
        return made


# ---- maps --------------------------------------------------------------------------------------


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
        return self.vm_map.info()

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
