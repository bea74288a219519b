"""What all lanes of a domain's picture are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.values.domains import CapRef, DomainValue, VnodeFold, VnodeValue
from vmwidgets.engine.base.values.past import Past
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.columns import WIDTH
from vmwidgets.views.scene.model import Caption, Steps
from vmwidgets.views.story.moment import Moment

from .steps import DomainStep

COLUMNS = ("column 0", "column 1")
"""The lanes of the shadow tree and of the hardware's tables beside it."""


class Decoded(NamedTuple):
    """A hardware descriptor in words: `kind` "table", "leaf" or "invalid", what it refers to, what it lets pass."""

    kind: str
    address: int
    rights: str


Decode = Callable[[int, int], Decoded]
"""Reads a descriptor, given its level and its word: the format's business, so it is handed in."""


class Below(NamedTuple):
    """Tables, leaves, and the bytes that these map."""

    tables: int
    leaves: int
    bytes: int


class Extent(NamedTuple):
    """[start, end), where a leaf of a table of `level` maps something, or somewhere in it the leaves of a fold."""

    start: int
    end: int
    level: int
    vnode: int | None
    """The leaf; none: a fold."""


@dataclass(frozen=True)
class DomainPicture:
    """A domain at one moment: `value` as it was at `moment`.

    `plan` are all steps of the operation, `at` how many are behind (the last may be all of it); `opened` are folds.
    """

    value: DomainValue
    style: AddressStyle
    caption: Caption
    steps: Steps
    plan: Sequence[DomainStep]
    moment: Moment
    decode: Decode
    selection: str = ""
    opened: Collection[str] = ()
    width: float = WIDTH
    things: dict[CapRef, str] = field(default_factory=dict)
    """What selects a capability: its vnode's thing, if it is a table's or a mapping."""
    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    """Things that the operation made, or touched, so far."""

    @cached_property
    def vnodes(self) -> Sequence[VnodeValue]:
        """The vnodes that are known, each before its children."""
        return list(all_vnodes(self.value.root))

    @cached_property
    def extents(self) -> Sequence[Extent]:
        """Where something is mapped: leaves and folds, in the order of addresses."""
        return extents_of(self.vnodes)

    @cached_property
    def below(self) -> dict[int, Below]:
        """Of each vnode, what it and all below it make up."""
        found: dict[int, Below] = {}
        for node in reversed(self.vnodes):
            parts = [*(found[child.id] for child in node.children), *(below_fold(fold) for fold in node.folds)]
            parts.append(Below(1, 0, 0) if node.is_table else Below(0, 1, node.span))
            found[node.id] = Below(*(sum(part) for part in zip(*parts, strict=True)))
        return found

    @cached_property
    def fresh(self) -> frozenset[int]:
        """The vnodes that are new, by id."""
        return frozenset(number for thing in self.new if (number := vnode_id(thing)) is not None)

    @cached_property
    def marked(self) -> frozenset[int]:
        """The vnodes that are new or changed, by id."""
        return frozenset(number for thing in (*self.new, *self.changed) if (number := vnode_id(thing)) is not None)

    def states(self, *things: str) -> tuple[str, ...]:
        """What is true of what goes by these names."""
        if any(thing in self.new for thing in things):
            return ("new",)
        return ("changed",) if any(thing in self.changed for thing in things) else ()

    def thing(self, ref: CapRef) -> str:
        """What selects the capability in a slot."""
        return self.things.get(ref) or f"cap:{ref}"


def vnode_thing(identity: int) -> str:
    """What selects a vnode, its capabilities and its descriptor.

    >>> vnode_thing(7)
    'vnode:7'
    """
    return f"vnode:{identity}"


def vnode_id(thing: str) -> int | None:
    """The vnode that a selection or a mark is about.

    >>> vnode_id("vnode:7"), vnode_id("cap:slots[7]")
    (7, None)
    """
    kind, _, number = thing.partition(":")
    return int(number) if kind == "vnode" and number.isdecimal() else None


def all_vnodes(root: VnodeValue) -> Iterator[VnodeValue]:
    """A vnode and all below it, each before its children."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def below_fold(fold: VnodeFold) -> Below:
    """What is folded."""
    return Below(fold.tables_below, fold.leaves, fold.bytes)


def extents_of(vnodes: Iterable[VnodeValue]) -> list[Extent]:
    """Leaves and folds, in the order of addresses."""
    found = []
    for node in vnodes:
        if not node.is_table:
            found.append(Extent(node.va, node.va + node.span, node.level, node.id))
        found += [Extent(fold.va, fold.end, 1, None) for fold in node.folds if fold.leaves]
    return sorted(found, key=lambda extent: extent.start)


def things_of(value: DomainValue) -> dict[CapRef, str]:
    """What selects each capability that belongs to a vnode: a frame belongs to none, it may be in many."""
    found = {ref: vnode_thing(identity) for ref, identity in value.owners}
    for node in all_vnodes(value.root):
        if node.mapping is not None:
            found[node.mapping] = vnode_thing(node.id)
        if node.is_table:
            found[node.cap] = found[node.invokable] = vnode_thing(node.id)
    return found


def marks_of(done: Sequence[ev.Event], value: DomainValue) -> tuple[frozenset[str], frozenset[str]]:
    """Things that are new after these events, and things that changed."""
    past, name = Past(done), value.name
    slots, held, vnodes = (past.marks(table, name) for table in ("slot", "capability", "vnode"))
    new = {f"cap:{ref}" for ref in slots.new | held.new} | {vnode_thing(one) for one in vnodes.new}
    new |= {f"region:{one}" for one in past.marks("region", name).new}
    new |= {f"head:{event.address:x}" for event in done if isinstance(event, ev.SlabGrown)}
    changed = {f"cap:{ref}" for ref in slots.leaving | held.leaving | held.changed}
    changed |= {vnode_thing(one) for one in past.changes("mapping", name)}
    return frozenset(new), frozenset(changed | _written(past, value))


def _written(past: Past, value: DomainValue) -> set[str]:
    """The vnodes whose descriptors were rewritten."""
    written = {pa for pa, before in past.before("word").items() if before}
    if not written:
        return set()
    nodes = all_vnodes(value.root)
    return {vnode_thing(node.id) for node in nodes if _holds(node, written, value.entry_bytes)}


def _holds(node: VnodeValue, written: set[int], width: int) -> bool:
    first = node.descriptor_pa
    if first is None or not node.descriptor:
        return False
    return any(first + number * width in written for number in range(node.count))
