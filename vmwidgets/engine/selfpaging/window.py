"""A part of a domain as a frozen value: what matters now, what somebody opened, and counts of all else.

With a hundred thousand mappings it costs as much as with a hundred: it walks neither all capabilities, vnodes nor
regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..base.domain_focus import DomainFocus
from ..base.domain_values import CapRef, DomainValue, VnodeValue
from .capability_snapshot import cnode_value
from .mapping_database import Capability, Mapping
from .slot_window import LISTED, cnode_window
from .vnode import Vnode
from .vnode_window import vnode_window

if TYPE_CHECKING:
    from .domain import Domain

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
