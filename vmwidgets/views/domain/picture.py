"""What all lanes of a domain's picture are drawn from: the domain at one moment, its steps, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.mmu.tables_schema import words_written
from vmwidgets.engine.selfpaging.domain_schema import (
    CapRef,
    DomainFocus,
    DomainValue,
    VnodeFold,
    VnodeValue,
    all_vnodes,
)
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Caption, Lane, Steps
from vmwidgets.views.story.look import Difference
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, where
from vmwidgets.views.story.step import Step
from vmwidgets.views.story.words.registry import saying_of

COLUMNS = (
    Lane("column 0", "tree", down=True, label="shadow tree"),
    Lane("column 1", down=True, label="the hardware's tables"),
)
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


@frozen(slots=False)
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
        """Return where something is mapped: leaves and folds, in the order of addresses."""
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
        """Return what is true of what goes by these names."""
        if any(thing in self.new for thing in things):
            return ("new",)
        return ("changed",) if any(thing in self.changed for thing in things) else ()

    def thing(self, ref: CapRef) -> str:
        """Return what selects the capability in a slot."""
        return self.things.get(ref) or f"cap:{ref}"


def vnode_thing(identity: int) -> str:
    """Return what selects a vnode, its capabilities and its descriptor.

    >>> vnode_thing(7)
    'vnode:7'
    """
    return f"vnode:{identity}"


def vnode_id(thing: str) -> int | None:
    """Return the vnode that a selection or a mark is about.

    >>> vnode_id("vnode:7"), vnode_id("cap:slots[7]")
    (7, None)
    """
    kind, _, number = thing.partition(":")
    return int(number) if kind == "vnode" and number.isdecimal() else None


def below_fold(fold: VnodeFold) -> Below:
    """Return what is folded."""
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
    """Return what selects each capability that belongs to a vnode: a frame belongs to none, it may be in many."""
    found = {ref: vnode_thing(identity) for ref, identity in value.owners}
    for node in all_vnodes(value.root):
        if node.mapping is not None:
            found[node.mapping] = vnode_thing(node.id)
        if node.is_table:
            found[node.cap] = found[node.invokable] = vnode_thing(node.id)
    return found


def marks_of(done: Sequence[ev.Event], value: DomainValue) -> tuple[frozenset[str], frozenset[str]]:
    """Things that are new after these events, and things that changed."""
    mine = [event for event in done if getattr(event, "domain", None) == value.name]
    slots, held, vnodes, regions = (
        _came_and_went(mine, *both)
        for both in (
            (ev.SlotAllocated, ev.SlotFreed, "ref"),
            (ev.CapabilityMade, ev.CapabilityDeleted, "ref"),
            (ev.VnodeLinked, ev.VnodeUnlinked, "id"),
            (ev.RegionAdded, ev.RegionRemoved, "id"),
        )
    )
    new = {f"cap:{ref}" for ref in slots.new | held.new} | {vnode_thing(one) for one in vnodes.new}
    new |= {f"region:{one}" for one in regions.new}
    new |= {f"head:{event.address:x}" for event in mine if isinstance(event, ev.SlabGrown)}
    changed = {f"cap:{ref}" for ref in slots.leaving | held.leaving | held.changed}
    changed |= {vnode_thing(event.id) for event in mine if isinstance(event, (ev.VnodeMapped, ev.VnodeUnlinked))}
    return frozenset(new), frozenset(changed | _rewritten(done, value))


def _came_and_went(events: Iterable[ev.Event], came: type[ev.Event], went: type[ev.Event], key: str) -> Difference:
    """Return what is new after these events, what was removed and is there again, and what is gone."""
    before: dict[Any, bool] = {}
    now: dict[Any, bool] = {}
    for event in events:
        if isinstance(event, (came, went)) and (one := getattr(event, key)) is not None:
            before.setdefault(one, isinstance(event, went))
            now[one] = isinstance(event, came)
    was, is_there = ({one for one, there in both.items() if there} for both in (before, now))
    return Difference(frozenset(is_there - was), frozenset(was & is_there), frozenset(was - is_there))


def _rewritten(done: Sequence[ev.Event], value: DomainValue) -> set[str]:
    """Return the vnodes whose descriptors were rewritten."""
    written = {pa for pa, (before, _) in words_written(done).items() if before}
    if not written:
        return set()
    nodes = all_vnodes(value.root)
    return {vnode_thing(node.id) for node in nodes if _holds(node, written, value.entry_bytes)}


def _holds(node: VnodeValue, written: set[int], width: int) -> bool:
    first = node.descriptor_pa
    if first is None or not node.descriptor:
        return False
    return any(first + number * width in written for number in range(node.count))


# ---- steps ---------------------------------------------------------------------------------------


@frozen
class DomainStep:
    """A step of an operation in the strip.

    `short` and `call` are its word and, if it is a call to the world, the call's name; `level` how many refills it is
    inside; `undoing`: it takes something back.
    """

    sentence: str
    event: ev.Event
    short: str
    call: str
    level: int
    failed: bool = False
    undoing: bool = False


def steps_of_domain(name: str) -> Mine:
    """Return the steps of the domain called `name`."""
    return where(lambda stage: stage.step.about == ("domain", name))


def plan_of(moment: Moment, name: str) -> tuple[DomainStep, ...]:
    """Return the steps of the domain called `name` in the operation of a moment."""
    return tuple(_marked([_in_the_strip(step) for step in moment.mine(steps_of_domain(name))]))


def _in_the_strip(step: Step) -> DomainStep:
    tick = saying_of(step.event).tick
    short, call = ("", "") if tick is None else tick.of(step.event)
    level = step.functions.count("refill_slabs")
    return DomainStep(step.sentence, step.event, short, call, level, _fails(step.event))


def _fails(event: ev.Event) -> bool:
    if isinstance(event, ev.SlotAllocated):
        return event.ref is None
    if isinstance(event, ev.BlockTaken):
        return event.block is None
    if isinstance(event, (ev.VnodeCreated, ev.FrameAllocated)):
        return event.base is None
    return getattr(event, "error", None) is not None


def _marked(steps: Sequence[DomainStep]) -> Iterator[DomainStep]:
    """Steps between a failure and the word that all was taken back do just that."""
    ends = [number for number, step in enumerate(steps) if isinstance(step.event, ev.MapUndone)]
    undoing = False
    for number, step in enumerate(steps):
        yield replace(step, undoing=undoing) if undoing else step
        if step.failed and any(number < end for end in ends):
            undoing = True
        elif isinstance(step.event, ev.MapUndone):
            undoing = any(number < end for end in ends)


# ---- what is looked at ---------------------------------------------------------------------------


def focus_of(events: Sequence[ev.Event], domain: str, selection: str = "", opened: Collection[str] = ()) -> DomainFocus:
    """Return all that `events` changed and named in a domain, with what is selected, and the folds in `opened`."""
    mine = [event for event in events if getattr(event, "domain", None) == domain]
    placed = [event for event in mine if isinstance(event, (ev.VnodeLinked, ev.VnodeUnlinked))]
    regions = [event for event in mine if isinstance(event, (ev.RegionAdded, ev.RegionRemoved))]
    named = (getattr(event, name) for event in mine for name in event.field_names)
    kind, _, name = selection.partition(":")
    cnode, _, slot = name.removesuffix("]").rpartition("[")
    number = {int(name)} if name.isdecimal() else set()
    return DomainFocus(
        vnodes=frozenset(number if kind == "vnode" else ()).union(
            (event.id for event in mine if isinstance(event, ev.VnodeMapped)),
            *((event.id, event.parent) for event in placed),
        ),
        entries=frozenset((event.parent, event.entry) for event in placed),
        refs=frozenset(one for one in named if isinstance(one, CapRef)).union(
            [CapRef(cnode, int(slot))] if kind == "cap" and slot.isdecimal() else ()
        ),
        objects=frozenset(
            event.object for event in mine if isinstance(event, (ev.CapabilityMade, ev.CapabilityDeleted))
        ),
        regions=frozenset(event.base for event in regions),
        region_ids=frozenset(number if kind == "region" else ()).union(event.id for event in regions),
        blocks=frozenset(
            event.block
            for event in mine
            if isinstance(event, (ev.BlockTaken, ev.BlockGiven)) and event.block is not None
        ),
        grown=sum(isinstance(event, ev.SlabGrown) for event in mine),
        opened=tuple(one for fold in opened if (one := opened_table(fold)) is not None),
        opened_cnodes=frozenset(fold.partition("/")[2] for fold in opened if fold.startswith("slots/")),
    )


def opened_table(fold: str) -> tuple[int, int] | None:
    """Return the table and the entry at which a fold was opened.

    >>> opened_table("tree/7/256"), opened_table("slots/slots")
    ((7, 256), None)
    """
    lane, *numbers = fold.split("/")
    if lane != "tree" or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])
