"""The handles of X15's maps: the kernel map and tasks' maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

from ...base.errors import Refused, in_ascii, printable, shown
from ...base.operations import Argument, operation
from ...base.protection import pack_flags, protection_text
from ...base.tree_schema import TreeCompared
from ...base.units import PAGE, Address, binary_size, counted
from ...kernel.map.map_schema import EntryValue
from ...kernel.pmap.pmap import Pmap
from ...kernel.tasks.pagers import AnonymousPager
from ...kernel.tasks.vm_object import TaskObject
from ...kernel.threads.waits import MaySleep, TimedWait
from ...kernel.x15.vm_fault import vm_map_superpages, vm_map_wire, wait_for_range
from ...kernel.x15.vm_map import X15Map
from ...mmu.tables_schema import Rights
from .. import arguments
from ..arguments import MYPY, AdviceArg, AlignArg, CountArg, FlagArg, InheritArg, Number, PagesArg, ProtArg
from ..system import Part
from .map_part import MapPart, over_a_range
from .objects import MemoryObject

T = TypeVar("T")

MOST_FILLED = 100_000
"""The most entries that :meth:`MachineMap.fill` makes: some seconds of a learner's time."""


def _in_its_map(check: Callable[[Any, str, X15Map], int]) -> Argument:
    """Return the type of an argument that depends on the operation's map."""
    return Argument(lambda part, value, name: check(value, name, part.vm_map), of_part=True)


def held_object(part: Part, value: Any, name: str) -> TaskObject:
    """Return the memory object that an argument is a handle of."""
    if not isinstance(value, MemoryObject):
        raise Refused(f"{name}={shown(value)} is not a memory object; create one with machine.object(name)")
    if value.system is not part.system:
        raise Refused(f"object {shown(value.name)} belongs to another machine")
    return value.vm_object


def _object(part: Part, value: Any, name: str) -> TaskObject:
    """Return the memory object that an argument names, or is a handle of."""
    objects = part.system.objects
    return objects[arguments.known(value, objects, name)] if isinstance(value, str) else held_object(part, value, name)


SizeArg: TypeAlias = Annotated[Number, _in_its_map(arguments.size_within)]
PlaceArg: TypeAlias = Annotated[Number, _in_its_map(arguments.page_within)]
InsideArg: TypeAlias = Annotated[Number, _in_its_map(arguments.address_within)]
if MYPY:
    ObjectArg: TypeAlias = Any
else:
    ObjectArg = Annotated["MemoryObject | str", Argument(_object, of_part=True)]


class MachineMap(MapPart):
    """One address space of a machine; `path` is its name in records ("kernel_map", "task:init/map").

    Addresses and sizes are bytes, or strings such as ``"64 KiB"``.  Returned values print in hexadecimal and in binary
    units.  Invalid arguments are refused immediately; a refusal by the kernel is a kernel error.
    """

    @property
    def vm_map(self) -> X15Map:
        """The kernel's own structure."""
        try:
            return self.system.maps[self.path]
        except KeyError:
            self.missing()

    def _kernel_call(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Make an operation's call for the map's task; the kernel's own map has no task."""
        return self.system.kernel_call(self._pmap, call, *args, **kwargs)

    # ---- operations --------------------------------------------------------------------------

    @operation
    def enter(  # noqa: PLR0913  as many as the kernel function has, all but one by name
        self,
        size: SizeArg,
        *,
        at: PlaceArg | None = None,
        fixed: FlagArg = False,
        align: AlignArg = 0,
        prot: ProtArg = "rw",
        max_prot: ProtArg = "rwx",
        inherit: InheritArg = "copy",
        advice: AdviceArg = "normal",
        object: ObjectArg | None = None,  # noqa: A002  the field's own word
        offset: PagesArg = 0,
        nomerge: FlagArg = False,
    ) -> Address:
        """Map `size` bytes and return the address (`vm_map_enter`).

        `at` is a hint, or with `fixed` the address itself.  Without `at`, the kernel looks for the lowest gap, starting
        at its find cache.  `prot` and `max_prot` are letters such as ``"rw"``; `inherit` is "none", "share" or "copy";
        `advice` is "normal", "random", "sequential", "willneed" or "dontneed".  `object` (or its name) is mapped from
        `offset` on.  Fails with NOMEM if there is no gap, and with INVAL for an object in the kernel map.  O(log n)
        plus the entries that are skipped.

        >>> import vmwidgets as vm
        >>> vm.boot("x86-64").kernel_map.enter("16 KiB")
        0xffff_8080_0014_1000
        """
        vm_map, start = self.vm_map, at or 0
        if at is not None:
            self._refuse_place(vm_map, at, size, fixed)
        elif fixed:
            raise Refused("fixed=True needs an address: write at=…")
        if fixed and align and start % align:
            raise Refused(f"at={Address(start)} is not a multiple of align={align:#x}, and fixed=True")
        if offset:
            if object is None:
                raise Refused(f"offset={offset:#x} needs an object: write object=…")
            arguments.refuse_past_object(offset, size)
        if prot & ~max_prot:
            raise Refused(f"prot={protection_text(prot)!r} goes beyond max_prot={protection_text(max_prot)!r}")
        flags = pack_flags(prot, max_prot, inherit, advice, nomerge, fixed)
        vm_map.check_room(size)
        return Address(vm_map.enter(start, size, align, flags, object, offset))

    @over_a_range
    def remove(self, start: int, end: int) -> None:
        """Unmap [start, end), or `size` bytes from `start` on (`vm_map_remove`).

        Holes are allowed; entries across the edges are cut.  In the kernel map, the kernel's own ranges can't be
        removed.  Fails with NOMEM, and changes nothing, if an edge cuts a large page and there is no page for a table.
        The stop button works between two entries: then the lower entries are removed, and the others unchanged.
        O((entries removed + 1) log n), and O(page tables of the range + pages mapped there).
        """
        self.door.may_stop()
        self.vm_map.remove(start, end)

    @operation
    def lookup(self, address: InsideArg) -> EntryValue | None:
        """Return the entry that contains `address`, or the next entry above, or None (`vm_map_lookup_nearest`).

        O(log n).
        """
        entry = self.vm_map.lookup_nearest(address & ~0xFFF)
        return None if entry is None else EntryValue.of(entry.fields(), self.roles.get(entry.id, ""))

    @over_a_range
    def superpages(self, start: int, end: int, *, page: int | str | None = None) -> int:
        """Map a range with large pages of `page` bytes (default: the smallest), where possible; returns their number.

        Each large page needs aligned addresses and one contiguous piece of memory: the object's own memory if that is
        contiguous, or else new frames.  Entries without an object have no memory to map.  Fails with FAULT for a hole.

        >>> import vmwidgets as vm
        >>> m = vm.boot("armv7")
        >>> space = m.task("init").map
        >>> a = space.enter("3 MiB", at="1 MiB", object=m.object("film"))
        >>> space.superpages(a, size="3 MiB", page="1 MiB")
        3
        >>> m.task("init").walk(a).page_size == vm.MIB
        True
        """
        return vm_map_superpages(self.vm_map, start, end, self._page_size(page))

    @over_a_range
    def promote(self, start: int, end: int, *, page: int | str | None = None) -> int:
        """Replace runs of equal small pages with large pages of `page` bytes; returns their number (pmap_promote).

        No contents are moved: pages with scattered frames stay small.  O(page tables of the range + pages
        mapped there).
        """
        wanted, tables = self._page_size(page), self._pmap
        mapped = [one.va // wanted * wanted for one in tables.editor.leaves(tables.root, start, end)]
        places = [va for va in dict.fromkeys(mapped) if start <= va and va + wanted <= end]
        made = [va for va in places if tables.promote(va, wanted)]
        for va in made:
            tables.update(va, va + wanted)
        return len(made)

    @operation
    def simplify(
        self, start: int | str | None = None, end: int | str | None = None, *, size: int | str | None = None
    ) -> int:
        """Merge adjacent entries with equal properties, in a range or the whole map; returns how many entries it saved.

        This calls FreeBSD's vm_map_simplify_entry(9) for each entry.  Neighbours merge if they have the same object
        with consecutive offsets, the same flags and the same wirings.  O((entries + 1) log n).
        """
        vm_map = self.vm_map
        if start is None:
            if end is not None or size is not None:
                raise Refused("simplify takes a range, or no arguments for the whole map: write start=…")
            first, last = vm_map.start, vm_map.end
        else:
            first, last = self._range("simplify", start, end, size)
        self.door.may_stop()
        return vm_map.simplify(first, last)

    def fill(self, entries: CountArg) -> None:
        """Enter single pages that never merge, until the map has `entries` entries.

        Fails like `enter`: a map of the kernel may have room for fewer entries.  More than 100,000 are
        refused.  O(n log n).

        >>> import vmwidgets as vm
        >>> space = vm.boot().task("t").map
        >>> space.fill(7)
        >>> space.fill(31)
        >>> len(space)
        31
        """
        if entries > MOST_FILLED:
            raise Refused(f"entries={shown(entries)}: write at most {MOST_FILLED:,}")
        for _ in range(entries - len(self)):
            self.enter(PAGE, nomerge=True)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def placement(self) -> str:
        """The rule of the search for a gap: "x15", or "first", "best", "worst" or "next"."""
        fit = self.vm_map.fit
        return "x15" if fit is None else fit.name

    def scanned(self, address: int | str) -> int:
        """Return the number of entries that a scan of the list reads, up to the first that ends above `address`.

        >>> import vmwidgets as vm
        >>> space = vm.boot().task("t").map
        >>> space.fill(31)
        >>> space.scanned(4 * vm.PAGE)
        5
        """
        wanted = arguments.whole(address, "address")
        return sum(entry.end <= wanted for entry in self.entries()[:-1]) + 1

    def comparisons(self, address: int | str) -> int:
        """Return the number of tree nodes that a lookup of `address` compares; 0 on a hit in the lookup cache.

        This makes a lookup, which changes the cache.

        >>> import vmwidgets as vm
        >>> space = vm.boot().task("t").map
        >>> space.fill(31)
        >>> space.comparisons(0), space.comparisons(0)
        (4, 0)
        """
        self.lookup(address)
        return sum(isinstance(event, TreeCompared) for event in self.machine.journal.last.events)

    def info(self) -> str:
        """Return the text that the kernel prints for the map (`vm_map_info`)."""
        return self.vm_map.info()

    @in_ascii
    def __repr__(self) -> str:
        fit = "" if self.vm_map.fit is None else f", {self.placement} fit"
        limits = f"{self.start} to {self.end}"
        return self.listed(
            f"{printable(self.path)}: {limits}, {counted(len(self), 'entry')}, {binary_size(self.size)}{fit}"
        )

    # ---- inside ------------------------------------------------------------------------------

    def _change(self, verb: str, start: int, end: int, *arguments: Any) -> None:
        """Make the kernel change a range; it raises the kernel's errors."""
        if verb == "wire":
            may_stop = self.system.callbacks.current is None
            self.system.complete_call("wire", self._pmap, lambda _: self._wired(start, end, may_stop))
            return
        self.door.may_stop()
        getattr(self.vm_map, verb)(start, end, *arguments)

    def _wired(self, start: int, end: int, may_stop: bool) -> MaySleep[None]:
        """Wire a range, after the time that slow pagers need for its pages."""
        ticks = wait_for_range(self.vm_map, start, end)
        if ticks:
            yield TimedWait("the pager", ticks)
        if may_stop:
            self.door.may_stop()
        vm_map_wire(self.vm_map, start, end, self._wired_memory)

    def _wired_memory(self) -> TaskObject:
        """Return an object for a wired range that had no object."""
        self.system.wirings += 1
        memory = self.system.task_memory
        return TaskObject(f"wired memory {self.system.wirings}", AnonymousPager(memory), memory)

    @property
    def _pmap(self) -> Pmap:
        """The map's page tables."""
        tables = self.vm_map.tables
        assert isinstance(tables, Pmap), "a machine's maps have page tables"
        return tables

    # ---- the door's own checks ---------------------------------------------------------------

    def _refuse_place(self, vm_map: X15Map, at: int, size: int, fixed: bool) -> None:
        """Refuse a range that goes past the end of the map, or of addresses."""
        if fixed and size > vm_map.end - at:
            raise Refused(f"at={Address(at)} and size={size:#x} go past the end of {vm_map.called}, {self.end}")
        if (at + size) & vm_map.mask <= at:
            where = f"at={Address(at)} and size={size:#x}"
            raise Refused(f"{where} don't end below 2**{vm_map.bits}, where addresses end")

    def _refuse_range(self, verb: str, start: int, end: int) -> None:
        """Refuse a range of the kernel map that overlaps the kernel itself."""
        if self.path != "kernel_map":
            return
        system = self.system
        by_id, roles = system.maps[self.path].by_id, system.roles[self.path]
        touched = None
        for identity in roles:
            entry = by_id.get(identity)
            if entry is None or entry.end <= start or end <= entry.start:
                continue
            if not (entry.static and "static-remove" in system.quirks):
                touched = entry.start, entry.end, f"the {roles[identity]}"
                break
        slabs = system.kernel.memory.overlapping(start, end)
        if slabs and touched is None:
            touched = (*slabs[0][:2], f"a slab of the {slabs[0][2]}")
        if touched is not None:
            low, high, owner = touched
            raise Refused(
                f"start={Address(start)} to {Address(end)} touches {owner}, {Address(low)} to {Address(high)}, "
                f"which the kernel lives on: {verb} what lies beside it"
            )

    def _page_size(self, page: Any) -> int:
        sizes = [one for one in self.system.pmap.fmt.page_sizes if one > PAGE]
        wanted = sizes[0] if page is None else arguments.whole(page, "page")
        if wanted not in sizes:
            known = ", ".join(binary_size(one) for one in sizes)
            raise Refused(f"page={binary_size(wanted)}: large pages of {self.system.architecture} have {known}")
        self._check_settings(wanted)
        return wanted

    def _check_settings(self, page: int) -> None:
        """Refuse page sizes that the processors, with their current settings, would read differently."""
        fmt, controls = self.system.pmap.fmt, self.system.controls
        found = fmt.leaf(page)
        assert found is not None, "one of the format's page sizes"
        level, word = found[0], fmt.leaf_word(found[0], 0, Rights(), size=page)
        read_as = fmt.rules.read_as(level, word, controls)
        if read_as.kind != "leaf" or fmt.rules.check_descriptor(level, read_as, word, controls):
            raise Refused(f"page={binary_size(page)}: the processors of this machine have no such pages ({controls})")
