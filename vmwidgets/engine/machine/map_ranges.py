"""Changing a range of a map in place: what X15's map lacks, after FreeBSD's manual pages.

A range is given as for ``remove``: its start and end, or its start and size.  Entries across its edges are cut, and
what is alike afterwards is joined.  What the kernel refuses changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..base import protection as flag
from ..base.errors import Refused, shown
from ..base.operations import operation
from ..base.units import PAGE, binary_size
from ..base.walk_values import Rights
from ..kernel import x15_ranges
from ..kernel.entry import CachedEntries, Entry
from ..kernel.pmap import Pmap
from ..kernel.vm_map import X15Map
from ..kernel.vm_object import VmObject
from ..mmu.encode import leaf_descriptor
from . import checks
from .map_door import MapDoor
from .objects import AnonymousPager

if TYPE_CHECKING:
    from .maps import MachineMap


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
        x15_ranges.vm_map_protect(self.vm_map, first, last, protection, prot is None)

    @operation
    def inherit(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, inherit: int | str
    ) -> None:
        """Set what a child of the task gets of a range: "none", "share" or "copy" (vm_map_inherit(9)).

        Holes are passed over.  O((entries + 1) log n).
        """
        first, last = self._range("inherit", start, end, size)
        self.door.may_stop()
        x15_ranges.vm_map_inherit(self.vm_map, first, last, flag.parse_name(inherit, flag.INHERITANCE, "inherit"))

    @operation
    def advise(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, advice: int | str
    ) -> None:
        """Say how a range will be used: "normal", "random", "sequential", "willneed", "dontneed" (vm_map_madvise(9)).

        With "willneed", pages that objects have already are mapped at once.  Holes are passed over.
        """
        first, last = self._range("advise", start, end, size)
        self.door.may_stop()
        x15_ranges.vm_map_madvise(self.vm_map, first, last, flag.parse_name(advice, flag.ADVICE, "advice"))

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
        x15_ranges.vm_map_wire(self.vm_map, first, last, self._memory)

    @operation
    def unwire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Take one wiring off a range (vm_map_unwire(9)): INVAL for what is not wired, FAULT for a hole.

        Pages that are wired no more stay as they are; nothing takes them away here but removing their range.
        """
        first, last = self._range("unwire", start, end, size)
        self.door.may_stop()
        x15_ranges.vm_map_unwire(self.vm_map, first, last)

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
        return x15_ranges.vm_map_superpages(self.vm_map, self._pmap, first, last, self._page_size(page))

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
        return x15_ranges.vm_map_simplify(self.vm_map, first, last)

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
        x15_ranges.vm_map_submap(self.vm_map, first, last, made)
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
