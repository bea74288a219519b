"""A self-paging domain: a program with capabilities, whose own library decides what its page tables map.

It combines parts that are separate in Barrelfish: the program's cspace, the CPU driver that acts for it, the pmap over
them, and the memory objects that its regions show.  Its invariants are those across several of these structures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..base.errors import Broken, Refused
from ..base.event import Event
from ..base.recorder import Recorder
from ..base.units import Address
from ..memory.ram import Ram
from ..mmu.editor import HandEdits
from ..mmu.format import TableFormat
from .calls_schema import CapabilityMade, RegionAdded, SlabGrown
from .capabilities import (
    CAP_RIGHTS,
    PAGE_CNODE,
    ROOT_CNODE,
    ROOT_TABLE,
    SLOT_CNODE,
    CapObject,
    Cspace,
    Mapping,
    MappingDatabase,
    SlotAllocator,
)
from .cpu_driver import CpuDriver, MemoryServer
from .domain_schema import (
    CapRef,
    CnodeValue,
    DomainFocus,
    DomainShown,
    DomainValue,
    RegionFold,
    SlabAllocatorValue,
    VnodeValue,
    Vregion,
    all_vnodes,
)
from .errors import (
    BARRELFISH_QUIRKS,
    FIRST_TABLE_DECIDES,
    MAP_NOT_UNDONE,
    TABLE_MAPPING_SLOT_LEAK,
    LibError,
    pushing,
)
from .layouts import DOMAIN_LAYOUTS
from .memobj import Memobj
from .pmap import DomainPmap
from .shadow_tree import EVERYWHERE, Vnode, WordAt, tree_of, tree_snapshot, tree_window

SLOTS = 16384
"""The number of the slot allocator's slots, unless another number is given."""

WHOLE = 300
"""The most vnodes, slots and regions (each) that a window shows completely."""
FEW = 40
"""The number of vnodes from the top of the tree, and of regions, that a window shows; slots: three times as many."""
LISTED = 8
"""The number of an object's capabilities and of its mappings (the oldest of each) that a window lists."""
OPENED_SLOTS = 320
"""The number of additional slots shown when a cnode is opened."""
HEADS, AROUND = 16, 2
"""The number of the slab's newest pieces that are shown; and of regions on either side of one in focus."""


class Domain:
    """One program: its cspace, the CPU driver's side of it, its pmap.

    `fmt` is "armv7" or "x86-64". `flush` drops its cached translations on processors; `edits` are descriptors edited by
    hand. With `ram_pages_only`, it gets RAM in single pages, except for its root table, which its parent makes. Raises
    LIB_ERR_VNODE_CREATE without RAM for the root table.
    """

    def __init__(  # noqa: PLR0913  what a machine wires it to
        self,
        name: str,
        ram: Ram,
        fmt: TableFormat[Any],
        memory: MemoryServer,
        recorder: Recorder,
        *,
        slots: int = SLOTS,
        ram_pages_only: bool = False,
        quirks: frozenset[str] = frozenset(),
        hardening: frozenset[str] = frozenset(),
        flush: Callable[[], None] = lambda: None,
        edits: HandEdits | None = None,
    ) -> None:
        self.name = name
        self.ram = ram
        self.fmt = fmt
        self.quirks = quirks = quirks & set(BARRELFISH_QUIRKS)
        self.layout = DOMAIN_LAYOUTS[fmt.name]
        self.cspace = cspace = Cspace()
        self.kernel = CpuDriver(
            name, cspace, ram, fmt, memory, recorder, quirks=quirks, hardening=hardening, flush=flush, edits=edits
        )
        for number, (cnode, count) in enumerate(((ROOT_CNODE, 16), (PAGE_CNODE, 1), (SLOT_CNODE, slots))):
            cspace.add(cnode, count)
            self.kernel.install(CapRef(ROOT_CNODE, number), "CNode", 0, 0)
        self.slots = SlotAllocator(recorder, name, cspace.cnodes[SLOT_CNODE], 0, slots)
        with pushing("LIB_ERR_VNODE_CREATE"):
            self.root = self.kernel.vnode_create(ROOT_TABLE, self.layout.table(self.layout.root).name)
        self.kernel.ram_pages_only = ram_pages_only
        self.memobjs: dict[str, Memobj] = {}
        """The memory objects that regions of the vspace show, by name."""
        self.memobjs_made = 0
        """The number of memory objects ever made: no name is used twice."""
        self.pmap = DomainPmap(self.kernel, self.slots, self.layout, ROOT_TABLE, quirks=quirks)

    # ---- capabilities ------------------------------------------------------------------------

    def frame(self, size: int) -> CapRef:
        """Allocate a frame; its size is a power of two, at least `size` and a page (`frame_alloc`)."""
        with pushing("LIB_ERR_FRAME_ALLOC"):
            return self.kernel.frame_alloc(self.slots, size)[0]

    def memory(self, size: int) -> CapRef:
        """Allocate RAM to be retyped; its size is a power of two (`ram_alloc`)."""
        return self._in_a_slot(lambda ref: self.kernel.ram_alloc(ref, size))

    def device_frame(self, base: int, size: int) -> CapRef:
        """Return a frame for a device's registers at physical `base`, from the parent."""
        return self._in_a_slot(lambda ref: self.kernel.install(ref, "DevFrame", base, size))

    def retype(self, source: CapRef, kind: str, offset: int = 0, size: int | None = None) -> CapRef:
        """Return a capability of `kind` to a part of the memory of `source` (`cap_retype`)."""
        return self._in_a_slot(lambda ref: self.kernel.retype(ref, source, kind, offset, size), "LIB_ERR_CAP_RETYPE")

    def copy(self, source: CapRef) -> CapRef:
        """Return another capability to the same object (`cap_copy`)."""
        return self._in_a_slot(lambda ref: self.kernel.cap_copy(ref, source), "LIB_ERR_CAP_COPY_FAIL")

    def mint(self, source: CapRef, rights: str) -> CapRef:
        """Return another capability to the same object, with at most `rights`: letters of "rwg" (`cap_mint`)."""
        unknown = set(rights) - set(CAP_RIGHTS)
        if unknown:
            raise Refused(f"rights {rights!r}: write letters of {CAP_RIGHTS!r}, for read, write and grant")
        return self._in_a_slot(lambda ref: self.kernel.mint(ref, source, rights), "LIB_ERR_CAP_MINT")

    def delete(self, ref: CapRef) -> None:
        """Delete a capability (`cap_destroy`): its mappings are removed first, and its slot is freed.

        Capabilities that the pmap uses are refused. O(vnodes).
        """
        held = self._deletable(ref)
        self._unmap_leaves(lambda cap, source: cap == ref or (len(held.capabilities) == 1 and source is held))
        with pushing("LIB_ERR_CAP_DELETE"):
            self.kernel.cap_delete(ref)
        self.slots.free(ref)

    def revoke(self, ref: CapRef) -> None:
        """Delete all copies of a capability and everything made from it (`cap_revoke`); none of it stays mapped.

        Slots are freed in the order in which the objects of their capabilities were made. Capabilities that the pmap
        uses are refused. O(vnodes + n log n) for n deleted objects.
        """
        held = self._deletable(ref)
        going = {about.number: about for about in (held, *held.descendants())}
        refs = [one for number in sorted(going) for one in going[number].capabilities if one != ref]
        for one in refs:
            self._deletable(one)
        self._unmap_leaves(lambda _, source: source.number in going)
        with pushing("LIB_ERR_CAP_REVOKE"):
            self.kernel.revoke(ref)
        for one in refs:
            self.slots.free(one)

    # ---- the whole domain --------------------------------------------------------------------

    def snapshot(self) -> DomainValue:
        """Return all of it as a frozen value. O(capabilities + vnodes)."""
        cnodes = tuple(cnode.window(self._allocator_of(cnode.name)) for cnode in self.cspace.cnodes.values())
        regions = tuple(self.pmap.vspace)
        tree = tree_snapshot(self.pmap.tree, self.ram.read_word)
        begin, end = self.pmap.meta_range
        slab, used = self.pmap.slab.snapshot(), self.pmap.meta_used
        return DomainValue(
            self.name, self.fmt.name, self.fmt.entry_width, cnodes, tree, slab, regions, begin, end, used
        )

    def window(self, focus: DomainFocus = EVERYWHERE, *, whole: int = WHOLE, few: int = FEW) -> DomainValue:
        """Return the things in `focus`, and a `few` others, as a frozen value; the rest is counted.

        Parts with up to `whole` things are shown completely. It does not walk all capabilities, vnodes or regions: the
        cost depends on the shown things.
        """
        refs = set(self._refs_in(focus))
        owners = {ref: node for ref in refs if (node := self._vnode_of(ref)) is not None}
        wanted = focus.vnodes | {node.id for node in owners.values()}
        tree, word_at = self.pmap.tree, self.ram.read_word
        if tree.root.tables_below + tree.root.leaves_below <= whole:
            root = tree_snapshot(tree, word_at)
        else:
            root = tree_window(tree, replace(focus, vnodes=wanted), few, word_at)
        nodes = {node.id: node for node in all_vnodes(root)}
        for number in wanted & nodes.keys():
            value = nodes[number]
            refs |= {ref for ref in (value.cap, value.invokable, value.mapping) if ref is not None}
        cnodes = tuple(self._cnode_windows(focus, refs, whole, few))
        vspace = self.pmap.vspace
        named = (vspace.by_id[number].base for number in focus.region_ids if number in vspace.by_id)
        bases = sorted({self.pmap.meta_range[0], *focus.regions, *named})
        regions = vspace.window(len(vspace) if len(vspace) <= whole else few, bases, AROUND)
        return self._value(
            root, cnodes, regions, self.pmap.slab.window(max(min(HEADS, few), focus.grown), focus.blocks)
        )

    def only(self, shown: DomainShown) -> DomainValue:
        """Return the part that another window shows, of whatever moment, as far as it exists; the rest is counted."""
        slots: dict[str, set[int]] = {}
        for ref in shown.slots:
            slots.setdefault(ref.cnode, set()).add(ref.slot)
        cnodes = tuple(
            cnode.only(self._allocator_of(cnode.name), LISTED, slots.get(cnode.name, set()))
            for cnode in self.cspace.cnodes.values()
        )
        vspace = self.pmap.vspace
        bases = (vspace.by_id[number].base for number in shown.regions if number in vspace.by_id)
        root = tree_of(self.pmap.tree, shown.vnodes, self.ram.read_word)
        return self._value(root, cnodes, vspace.window(0, bases, 0), self.pmap.slab.window(0, shown.blocks))

    def check(self) -> None:
        """Raise `Broken` unless all invariants hold.

        The pmap's (:func:`check_pmap`), the mapping database's (D), the slot allocator's (A), and those that slots,
        capabilities and tables agree (C, :func:`check_slots`, :func:`check_descriptors`).
        """
        leaks = bool(self.quirks & {FIRST_TABLE_DECIDES, MAP_NOT_UNDONE, TABLE_MAPPING_SLOT_LEAK})
        self.kernel.database.check()
        check_slots(self.cspace, self.kernel.database, self.slots, leaks=leaks)
        check_descriptors(self.kernel.database, self.ram, self.fmt)
        check_pmap(self.pmap, self.ram.read_word)

    def destroy(self) -> None:
        """Delete all capabilities: this empties the tables and frees all memory."""
        for cnode in self.cspace.cnodes.values():
            for slot in sorted(cnode.capabilities):
                if slot in cnode.capabilities:  # else it was deleted with another
                    self.kernel.delete(CapRef(cnode.name, slot))

    # ---- windows -----------------------------------------------------------------------------

    def _value(
        self,
        root: VnodeValue,
        cnodes: tuple[CnodeValue, ...],
        regions: tuple[list[Vregion], list[RegionFold]],
        slab: SlabAllocatorValue,
    ) -> DomainValue:
        """Return a window made of these parts."""
        nodes = {node.id for node in all_vnodes(root)}
        shown = (one.ref for cnode in cnodes for one in cnode.capabilities)
        owners = ((ref, node.id) for ref in shown if (node := self._vnode_of(ref)) is not None and node.id not in nodes)
        return DomainValue(
            self.name,
            self.fmt.name,
            self.fmt.entry_width,
            cnodes,
            root,
            slab,
            tuple(regions[0]),
            *self.pmap.meta_range,
            self.pmap.meta_used,
            tuple(regions[1]),
            tuple(owners),
        )

    def _cnode_windows(self, focus: DomainFocus, refs: set[CapRef], whole: int, few: int) -> Iterator[CnodeValue]:
        for cnode in self.cspace.cnodes.values():
            allocator = self._allocator_of(cnode.name)
            if len(cnode.capabilities if allocator is None else allocator.used) <= whole:
                yield cnode.window(allocator, LISTED)
                continue
            first = 3 * few + OPENED_SLOTS * (cnode.name in focus.opened_cnodes)
            yield cnode.window(allocator, LISTED, first, (ref.slot for ref in refs if ref.cnode == cnode.name))

    def _allocator_of(self, cnode: str) -> SlotAllocator | None:
        return self.slots if cnode == self.slots.cnode else None

    def _refs_in(self, focus: DomainFocus) -> Iterator[CapRef]:
        """Yield the slots in focus, and a capability of each object in focus that still exists."""
        yield from focus.refs
        for number in focus.objects:
            about = self.kernel.database.objects.get(number)
            if about is not None:
                yield next(iter(about.capabilities))

    def _vnode_of(self, ref: CapRef) -> Vnode | None:
        """Return the vnode of the table or the Mapping in a slot, if it contains one; O(levels)."""
        cnode = self.cspace.cnodes.get(ref.cnode)
        held = None if cnode is None else cnode.capabilities.get(ref.slot)
        if held is None:
            return None
        about = held.object
        if isinstance(about, Mapping):
            va = about.table.va + (about.entry << self.fmt.level(about.table.kind.level).shift)
        elif about.kind.is_table:
            va = about.va
        else:
            return None
        node: Vnode | None = self.pmap.tree.root
        while node is not None and ref not in (node.cap if node.is_table else None, node.invokable, node.mapping):
            node = None if node.holds is None else node.by_entry.get(node.holds.index(va))
        return node

    # ---- beneath -----------------------------------------------------------------------------

    def _in_a_slot(self, make: Callable[[CapRef], object], name: str | None = None) -> CapRef:
        """Allocate a slot, and let `make` fill it; on an error, `name` is pushed onto it, and the slot is freed."""
        ref = self.slots.allocate()
        try:
            make(ref)
        except LibError as error:
            self.slots.free(ref)
            raise (error if name is None else error.push(name)) from None
        return ref

    def _deletable(self, ref: CapRef) -> CapObject:
        """Return the object of the capability in a slot; capabilities that the pmap uses are refused."""
        held = self.cspace.lookup(ref, invoke=True).object
        if isinstance(held, Mapping):
            raise Refused(f"{ref} holds a Mapping, which is deleted when the pmap unmaps its memory")
        if held.kind.name == "CNode" or ref in self._pmaps_own():
            raise Refused(f"{ref} holds a {held.kind.name} that the program itself needs: delete only what you made")
        return held

    def _pmaps_own(self) -> set[CapRef]:
        """Return the slots with capabilities of the tree's tables, and of the slab's frames. O(vnodes)."""
        begin, end = self.pmap.meta_range
        nodes = self.pmap.tree.by_id.values()
        return {node.cap for node in nodes if node.is_table or begin <= node.va < end}

    def _unmap_leaves(self, concerns: Callable[[CapRef, CapObject], bool]) -> None:
        """Unmap the leaves that end with a capability, given each leaf's own and what it maps; memobjs first."""
        for memobj in self.memobjs.values():
            for fill in list(memobj.fills):
                if concerns(fill.frame, self.cspace.lookup(fill.frame).object):
                    memobj.unfill(fill.offset)
        for leaf in list(self.pmap.tree.root.leaves()):
            if leaf.mapping is None or self.cspace.is_empty(leaf.mapping):
                continue  # with quirks: a leaf that maps nothing
            mapping = self.cspace.lookup(leaf.mapping).object
            if isinstance(mapping, Mapping) and concerns(leaf.cap, mapping.source):
                self.pmap.unmap(leaf.va, leaf.end - leaf.va)


def is_made_by(events: Iterable[Event], domain: str) -> bool:
    """Return whether the operation with these events made the domain of this name."""
    return any(isinstance(one, CapabilityMade) and one.domain == domain and one.kind == "CNode" for one in events)


def while_made(value: DomainValue, events: Iterable[Event]) -> DomainValue:
    """Return a domain after some of the events of its own operation: no machine has an unfinished domain."""
    mine = [event for event in events if getattr(event, "domain", None) == value.name]
    made = {event.ref for event in mine if isinstance(event, CapabilityMade)}
    added = {event.id for event in mine if isinstance(event, RegionAdded)}
    has_blocks = any(isinstance(event, SlabGrown) for event in mine)
    return replace(
        value,
        cnodes=tuple(
            replace(cnode, capabilities=tuple(one for one in cnode.capabilities if one.ref in made))
            for cnode in value.cnodes
        ),
        slab=value.slab if has_blocks else replace(value.slab, total=0, free=0, heads=()),
        regions=tuple(region for region in value.regions if region.id in added),
    )


# ---- invariants of the pmap --------------------------------------------------------------------


def check_pmap(pmap: DomainPmap, word_at: WordAt | None = None) -> None:
    """Check the invariants of a pmap without quirks, by number; O(vnodes), and O(entries of the tables) for 6.

    1 a child is in the list of its table, inside it, and alone in its entries; 2 each vnode except the root has a
    Mapping, and each block a vnode; 3 no slot is used twice; 4 the slab is sound; 5 the vspace is sound; 6 an entry in
    RAM is zero exactly if the tree has nothing there (with `word_at`); 7 enough blocks are left to map a page; 8
    everything below a table is counted correctly, and each vnode is found by its ID. With quirks, only 4 and 5 are
    checked: the others would find the bugs that were switched on.
    """
    pmap.slab.check()
    pmap.vspace.check()
    if pmap.quirks & set(BARRELFISH_QUIRKS):
        return
    nodes = [pmap.tree.root, *_below(pmap.tree.root)]
    for node in nodes:
        if node.is_table:
            _check_table(pmap, node)
            if word_at is not None:
                _check_words(pmap, node, word_at)
    _check_records(pmap, nodes)
    if pmap.tree.by_id != {node.id: node for node in nodes}:
        raise Broken(f"pmap invariant 8: the index of the vnodes of {pmap.name} differs from the tree")
    if pmap.slab.free_blocks < len(pmap.layout.fmt.levels):
        free = pmap.slab.free_blocks
        raise Broken(f"pmap invariant 7: {free} blocks of {pmap.name} are free, too few to map a page")


def _below(table: Vnode) -> Iterator[Vnode]:
    for node in table.children.values():
        yield node
        yield from _below(node)


def _check_table(pmap: DomainPmap, table: Vnode) -> None:
    level = table.holds
    assert level is not None
    covered: dict[int, Vnode] = {}
    for number, node in table.children.items():
        entries = range(node.entry, node.entry + node.count)
        what = f"pmap invariant 1: vnode {node.id} of {pmap.name}"
        if node.id != number or node.parent is not table or node.level is not level:
            raise Broken(f"{what} is listed by vnode {table.id}, not its parent")
        inside = entries and entries.start >= 0 and entries.stop <= level.entries
        if not inside or (node.is_table and node.count != 1):
            raise Broken(f"{what} is not inside the table of vnode {table.id}")
        clash = next((at for at in entries if at in covered), None)
        if clash is not None:
            raise Broken(f"{what} shares entry {clash} with vnode {covered[clash].id}")
        covered.update(dict.fromkeys(entries, node))
    if covered != table.by_entry:
        raise Broken(f"pmap invariant 1: the index of vnode {table.id} of {pmap.name} differs from its list")
    counts = [(0, 0, 0), *(node.counts() for node in table.children.values())]
    sums = tuple(sum(part) for part in zip(*counts, strict=True))
    if sums != (table.tables_below, table.leaves_below, table.bytes_below):
        raise Broken(f"pmap invariant 8: what is below vnode {table.id} of {pmap.name} is not what it counts")


def _check_records(pmap: DomainPmap, nodes: list[Vnode]) -> None:
    _, *mapped = nodes
    unmapped = [node.id for node in mapped if node.mapping is None]
    if unmapped:
        raise Broken(f"pmap invariant 2: vnodes {unmapped} of {pmap.name} have no Mapping")
    if sorted(node.block for node in mapped) != sorted(pmap.slab.allocated()):
        raise Broken(f"pmap invariant 2: the blocks in use are not those of the vnodes of {pmap.name}")
    slots: Counter[CapRef] = Counter(node.mapping for node in mapped if node.mapping is not None)
    slots.update(node.cap for node in nodes if node.is_table)
    twice = [str(ref) for ref, uses in slots.items() if uses > 1]
    if twice:
        raise Broken(f"pmap invariant 3: {', '.join(twice)} of {pmap.name} are used twice")


def _check_words(pmap: DomainPmap, table: Vnode, word_at: WordAt) -> None:
    assert table.holds is not None
    width = pmap.layout.fmt.entry_width
    user = pmap.layout.user_end >> table.holds.shift if table.parent is None else table.holds.entries
    for entry in range(min(user, table.holds.entries)):
        place = table.base + entry * width
        if bool(word_at(place, width)) != (entry in table.by_entry):
            node = table.by_entry.get(entry)
            there = "nothing" if node is None else f"vnode {node.id}"
            where = f"entry {entry} of vnode {table.id} of {pmap.name}, at {place:#x}"
            raise Broken(f"pmap invariant 6: {where}: the tree has {there}, and RAM the opposite")


# ---- invariants of slots, capabilities and tables ----------------------------------------------


def check_slots(cspace: Cspace, database: MappingDatabase, slots: SlotAllocator, *, leaks: bool) -> None:
    """Raise `Broken` unless slots and objects agree.

    C1. a capability is in the slot that it names, and known to its object.  C2. the allocated slots are those in use,
    and those of other parts of the program (not with quirks that leak). C4. slots are counted correctly.
    """
    slots.check()
    for cnode in cspace.cnodes.values():
        cnode.counts.check({at: one.object.kind.name for at, one in cnode.capabilities.items()}, cnode.name)
    held = {one.ref: one for cnode in cspace.cnodes.values() for one in cnode.capabilities.values()}
    known = {ref: one for about in database.objects.values() for ref, one in about.capabilities.items()}
    if held != known or any(cspace.lookup(ref) is not one for ref, one in held.items()):
        raise Broken(f"C1: {len(held)} capabilities are in slots, and {len(known)} in the mapping database")
    used = {ref.slot for ref in held if ref.cnode == slots.cnode} | set(slots.others)
    if not leaks and used != slots.used:
        lost = ", ".join(f"{slots.cnode}[{at}]" for at in sorted(used ^ slots.used))
        raise Broken(f"C2: {lost}: allocated and empty, or free and not empty")


def check_descriptors(database: MappingDatabase, ram: Ram, fmt: TableFormat[Any]) -> None:
    """Raise `Broken` unless each table agrees with its mappings, in the program's part of it.

    C3. an entry is in use exactly if a mapping covers it, and refers to the mapped object.
    """
    for table in database.objects.values():
        if table.kind.is_table:
            _check_descriptors_of(table, ram, fmt)


def _check_descriptors_of(table: CapObject, ram: Ram, fmt: TableFormat[Any]) -> None:
    level, width = fmt.level(table.kind.level), fmt.entry_width
    wanted = {at: address for mapping in table.inside.values() for at, address in _targets(mapping, level.span)}
    for entry in range(table.kind.user_entries):
        word = ram.read_word(table.base + entry * width, width)
        found = level.read_as(word).address_of(word) if word else None
        if found != wanted.get(entry):
            right = "nothing is mapped there" if entry not in wanted else f"{Address(wanted[entry])} is mapped there"
            raise Broken(f"C3: entry {entry} of the {table} holds {word:#x}, and {right}")


def _targets(mapping: Mapping, span: int) -> Iterable[tuple[int, int]]:
    """Return entry and physical address for everything that a mapping covers."""
    first = mapping.source.base + mapping.offset
    return ((mapping.entry + at, first + at * span) for at in range(mapping.count))
