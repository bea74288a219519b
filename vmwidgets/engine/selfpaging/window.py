"""A part of a domain as a frozen value: what matters now, what somebody opened, and counts of all else.

With a hundred thousand mappings it costs as much as with a hundred: it walks neither all capabilities, vnodes nor
regions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from ..base.values.domains import (
    CapabilityValue,
    CapRef,
    CnodeValue,
    DomainFocus,
    DomainValue,
    SlotFold,
    VnodeFold,
    VnodeValue,
)
from .capabilities import Capability, Mapping
from .cspace import GIVEN, Cnode, Cspace, SlotAllocator
from .mapping import PmapCore
from .shadow_tree import Vnode

if TYPE_CHECKING:
    from .domain import Domain


# ---- capability snapshot -----------------------------------------------------------------------
#
# The capability space as frozen values.


def cnode_values(cspace: Cspace, slots: SlotAllocator) -> tuple[CnodeValue, ...]:
    """All cnodes.  O(capabilities)."""
    return tuple(cnode_value(cnode, slots) for cnode in cspace.cnodes.values())


def capability_value(held: Capability, listed: int | None = None) -> CapabilityValue:
    """One capability; with `listed` only so many of the oldest copies and places, the others counted.

    O(its copies and mappings, or `listed` and the mappings that are cleared).
    """
    about = held.object
    oldest = list(islice(about.capabilities.values(), listed))
    copies = [one for one in oldest if one is not held]
    places = list(islice((one for one in about.mappings.values() if one.installed), listed))
    return CapabilityValue(
        held.ref,
        held.id,
        about.kind.name,
        about.base,
        about.bytes,
        held.rights,
        held.source,
        tuple(one.ref for one in copies),
        about.number,
        tuple((next(iter(one.table.capabilities)), one.entry, one.count) for one in places),
        tuple(one.id for one in copies),
        tuple(one.number for one in places),
        len(about.capabilities) - len(copies) - 1,
        len(about.mappings) - about.cleared - len(places),
        isinstance(about, Mapping) and about.installed,
    )


def cnode_value(cnode: Cnode, slots: SlotAllocator, listed: int | None = None) -> CnodeValue:
    """A cnode with all that is in it; `listed` as of :func:`capability_value`."""
    values = tuple(capability_value(cnode.capabilities[at], listed) for at in sorted(cnode.capabilities))
    reserved = tuple(at for at in slots if at not in cnode.capabilities) if cnode.name == slots.cnode else ()
    return CnodeValue(cnode.name, cnode.slots, values, reserved)


# ---- slot window -------------------------------------------------------------------------------
#
# A part of a cnode as a frozen value: the first slots, those in focus, and counts of what the others hold.


LISTED = 8
"""Of the capabilities of an object, and of the places where it is mapped, so many of the oldest are listed."""


def cnode_window(cnode: Cnode, slots: SlotAllocator, few: int, focus: Iterable[int]) -> CnodeValue:
    """The first `few` slots in use and those in `focus`; no fold stands for one slot.  O(what is shown × log slots)."""
    given = slots.counts if cnode.name == slots.cnode else None
    counts = cnode.counts if given is None else given
    wanted = {*islice(counts.in_order(), few), *(slot for slot in focus if 0 <= slot < cnode.slots)}
    folds = list(_folds(cnode, slots, sorted(wanted)))
    shown = sorted({*wanted, *(fold.first for fold in folds if fold.first == fold.last)})
    held = tuple(capability_value(cnode.capabilities[at], LISTED) for at in shown if at in cnode.capabilities)
    reserved = tuple(at for at in shown if given is not None and at in slots.used and at not in cnode.capabilities)
    return CnodeValue(cnode.name, cnode.slots, held, reserved, tuple(fold for fold in folds if fold.first < fold.last))


def _folds(cnode: Cnode, slots: SlotAllocator, shown: list[int]) -> Iterator[SlotFold]:
    given = slots.counts if cnode.name == slots.cnode else None
    counts = cnode.counts if given is None else given
    for before, after in pairwise([-1, *shown, cnode.slots]):
        first = counts.next(before + 1) if before + 1 < after else None
        if first is None or first >= after:
            continue
        last = counts.last(after)
        assert last is not None
        kinds = cnode.counts.between(first, last + 1)
        empty = 0 if given is None else given.between(first, last + 1)[GIVEN] - sum(kinds.values())
        yield SlotFold(first, last, tuple(sorted(kinds.items())), empty)


# ---- snapshot ----------------------------------------------------------------------------------
#
# The shadow tree as frozen values, with the descriptors that the tables in RAM really hold.


WordAt = Callable[[int, int], int]
"""The word of so many bytes (the second number) at a physical address."""


LEAF = "leaf"


def snapshot(core: PmapCore, word_at: WordAt | None) -> VnodeValue:
    """The tree below the root; O(vnodes)."""
    return _snapshot_value(core, core.root, core.root.va, word_at)


def descriptor_pa(core: PmapCore, node: Vnode) -> int:
    """Where the first descriptor of a vnode lies."""
    assert node.parent is not None
    return node.parent.base + node.entry * core.layout.entry_bytes


def _snapshot_value(core: PmapCore, node: Vnode, va: int, word_at: WordAt | None, older: int = 0) -> VnodeValue:
    shift = 0 if node.holds is None else node.holds.shift
    last = len(node.children) - 1
    children = tuple(
        _snapshot_value(core, child, va + (child.entry << shift), word_at, last - place)
        for place, child in enumerate(node.newest_first())
    )
    return vnode_value(core, node, va, word_at, children, older)


def vnode_value(
    core: PmapCore, node: Vnode, va: int, word_at: WordAt | None, children: tuple[VnodeValue, ...], older: int,
    folds: tuple[VnodeFold, ...] = (),
) -> VnodeValue:  # fmt: skip
    """One vnode, with what is shown of its children; `va` is its own."""
    place = None if node.parent is None else descriptor_pa(core, node)
    if node.holds is not None:
        span = node.holds.span
    else:
        assert node.level is not None
        span = node.count << node.level.shift
    return VnodeValue(
        node.id,
        LEAF if node.holds is None else node.holds.kind,
        core.layout.root.number + 1 if node.level is None else node.level.number,
        node.entry,
        node.count,
        va,
        span,
        node.cap,
        node.invokable,
        node.mapping,
        node.base,
        node.offset,
        node.flags,
        None if place is None or word_at is None else word_at(place, core.layout.entry_bytes),
        place,
        children,
        older,
        folds,
    )


# ---- vnode window ------------------------------------------------------------------------------
#
# A part of the shadow tree as frozen values: what a picture shows, and of the rest how much there is.
#
# A table that is opened is read once. What is below a fold is never looked at: tables keep counts of it.


OPENED = 64
"""How many children are shown from where somebody opened a table."""


def vnode_window(core: PmapCore, focus: DomainFocus, few: int, word_at: WordAt | None) -> VnodeValue:
    """The vnodes in focus with what is beside them, those that were opened, and the `few` at the top of the tree.

    O(what is shown + the entries of the tables in which that stands).
    """
    return _Window(core, focus, few).value(core.root, core.root.va, 0, word_at)


class _Window:
    def __init__(self, core: PmapCore, focus: DomainFocus, few: int) -> None:
        self._core = core
        self._shown: set[int] = {core.root.id}
        self._open: set[int] = set()
        self._ordered: dict[int, list[Vnode]] = {}
        self._show(core.by_id.get(number) for number in sorted(focus.vnodes))
        for number, entry in sorted(focus.entries):
            self._show_beside(core.by_id.get(number), entry)
        for number, entry in focus.opened:
            table = core.by_id.get(number)
            if table is not None and table.is_table:
                self._show((table,))
                self._show(islice((one for one in self._children(table) if one.entry >= entry), OPENED))
        self._show(islice(self._from_the_top(), few))

    def _show(self, nodes: Iterable[Vnode | None]) -> None:
        for wanted in nodes:
            node = wanted
            while node is not None and node.id not in self._shown:
                self._shown.add(node.id)
                node = node.parent
                if node is not None:
                    self._open.add(node.id)

    def _show_beside(self, table: Vnode | None, entry: int) -> None:
        """What stands at an entry, before and behind it is shown: so no fold passes it."""
        if table is None or not table.is_table:
            return
        self._show((table,))
        children = self._children(table)
        at = next((place for place, child in enumerate(children) if child.entry >= entry), len(children))
        self._show(children[max(0, at - 1) : at + 2])

    def _from_the_top(self) -> Iterator[Vnode]:
        waiting = [self._core.root]
        for table in waiting:
            children = self._children(table) if table.children else ()
            yield from children
            waiting += (child for child in children if child.is_table)

    def _children(self, table: Vnode) -> Sequence[Vnode]:
        """In the order of entries."""
        found = self._ordered.get(table.id)
        if found is None:
            found = self._ordered[table.id] = sorted(table.newest_first(), key=lambda child: child.entry)
        return found

    def value(self, node: Vnode, va: int, older: int, word_at: WordAt | None) -> VnodeValue:
        """A vnode that is shown, with what is shown below it."""
        children: tuple[VnodeValue, ...] = ()
        folds: tuple[VnodeFold, ...] = ()
        if node.holds is not None and node.children:
            if node.id in self._open:
                last, shift = len(node.children) - 1, node.holds.shift
                children = tuple(
                    self.value(child, va + (child.entry << shift), last - place, word_at)
                    for place, child in enumerate(node.newest_first())
                    if child.id in self._shown
                )
                folds = tuple(self._folds(node, va))
            else:
                folds = (_closed(node, va),)
        return vnode_value(self._core, node, va, word_at, children, older, folds)

    def _folds(self, table: Vnode, va: int) -> Iterator[VnodeFold]:
        run: list[Vnode] = []
        for child in self._children(table):
            if child.id not in self._shown:
                run.append(child)
            elif run:
                yield _fold(table, va, run)
                run = []
        if run:
            yield _fold(table, va, run)


def _fold(table: Vnode, va: int, run: Sequence[Vnode]) -> VnodeFold:
    counts = [child.counts() for child in run]
    tables, leaves, size = (sum(part) for part in zip(*counts, strict=True))
    end = max(child.entry + child.count for child in run)
    direct = sum(child.is_table for child in run)
    return _value(table, va, run[0].entry, end, len(run), direct, (tables, leaves, size))


def _closed(table: Vnode, va: int) -> VnodeFold:
    """All children of a table."""
    assert table.holds is not None
    children = table.children.values()
    direct = sum(child.is_table for child in children) if table.tables_below else 0
    counts = table.tables_below, table.leaves_below, table.bytes_below
    return _value(table, va, min(table.by_entry), max(table.by_entry) + 1, len(children), direct, counts)


def _value(
    table: Vnode, va: int, first: int, end: int, children: int, direct: int, counts: tuple[int, int, int]
) -> VnodeFold:
    assert table.holds is not None
    shift = table.holds.shift
    return VnodeFold(first, end - 1, va + (first << shift), va + (end << shift), children, direct, *counts)


# ---- window ------------------------------------------------------------------------------------


EVERYWHERE = DomainFocus()
"""Nothing in particular."""


WHOLE = 300
"""Vnodes, slots, regions: up to so many of each are shown whole."""


FEW = 40
"""How many vnodes are shown from the top of the tree, how many regions; of slots three times as many."""


OPENED_SLOTS = 320
"""So many slots more are shown of a cnode that was opened."""


HEADS, AROUND = 16, 2
"""Pieces of the slab that are shown, the newest; regions to either side of one in focus."""


def domain_window(domain: Domain, focus: DomainFocus, whole: int, few: int) -> DomainValue:
    """See :meth:`.domain.Domain.window`."""
    core, layout = domain.pmap.core, domain.layout
    refs = set(_refs(domain, focus))
    owners = {ref: node for ref in refs if (node := vnode_of(domain, ref)) is not None}
    wanted = focus.vnodes | {node.id for node in owners.values()}
    word_at = domain.ram.read_word
    if core.root.tables_below + core.root.leaves_below <= whole:
        root = domain.pmap.tree(word_at)
    else:
        root = vnode_window(core, replace(focus, vnodes=wanted), few, word_at)
    nodes = {node.id: node for node in _all(root)}
    refs |= {ref for number in wanted & nodes.keys() for ref in _refs_of(nodes[number])}
    cnodes = []
    for cnode in domain.cspace.cnodes.values():
        used = len(domain.slots.used) if cnode.name == domain.slots.cnode else len(cnode.capabilities)
        if used <= whole:
            cnodes.append(cnode_value(cnode, domain.slots, LISTED))
            continue
        first = 3 * few + OPENED_SLOTS * (cnode.name in focus.opened_cnodes)
        cnodes.append(cnode_window(cnode, domain.slots, first, (ref.slot for ref in refs if ref.cnode == cnode.name)))
    vspace = domain.pmap.vspace
    named = (vspace.by_id[number].base for number in focus.region_ids if number in vspace.by_id)
    bases = {layout.vspace_begin, *focus.regions, *named}
    regions, region_folds = vspace.window(len(vspace) if len(vspace) <= whole else few, sorted(bases), AROUND)
    slab = core.slab.window(max(min(HEADS, few), focus.grown), focus.blocks)
    begin, end = layout.vspace_begin, layout.vspace_begin + layout.meta_data_bytes
    shown = (one.ref for cnode in cnodes for one in cnode.capabilities)
    found = ((ref, node.id) for ref in shown if (node := vnode_of(domain, ref)) is not None and node.id not in nodes)
    return DomainValue(
        domain.name, domain.fmt.name, tuple(cnodes), root, slab, tuple(regions), begin, end, domain.pmap.meta_used,
        tuple(region_folds), tuple(found), LISTED,
    )  # fmt: skip


def vnode_of(domain: Domain, ref: CapRef) -> Vnode | None:
    """The vnode that a capability is a table's own of, or the Mapping of; O(levels)."""
    held = _held(domain, ref)
    if held is None:
        return None
    about = held.object
    if isinstance(about, Mapping):
        va = about.table.va + (about.entry << domain.fmt.level(about.table.kind.level).shift)
    elif about.kind.is_table:
        va = about.va
    else:
        return None
    node: Vnode | None = domain.pmap.core.root
    while node is not None and ref not in (node.cap if node.is_table else None, node.invokable, node.mapping):
        node = None if node.holds is None else node.by_entry.get(node.holds.index(va))
    return node


def _refs(domain: Domain, focus: DomainFocus) -> Iterator[CapRef]:
    """Slots in focus, and a capability of each object that is still there."""
    yield from focus.refs
    for number in focus.objects:
        about = domain.kernel.database.objects.get(number)
        if about is not None:
            yield next(iter(about.capabilities))


def _refs_of(node: VnodeValue) -> Iterator[CapRef]:
    yield node.cap
    yield node.invokable
    if node.mapping is not None:
        yield node.mapping


def _held(domain: Domain, ref: CapRef) -> Capability | None:
    cnode = domain.cspace.cnodes.get(ref.cnode)
    return None if cnode is None else cnode.capabilities.get(ref.slot)


def _all(node: VnodeValue) -> Iterator[VnodeValue]:
    yield node
    for child in node.children:
        yield from _all(child)
