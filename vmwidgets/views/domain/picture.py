"""The basis of all lanes of a domain's picture: the domain at one moment, its steps, and the selection."""

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
"""The lanes of the shadow tree and of the hardware's tables next to it."""


class Decoded(NamedTuple):
    """A hardware descriptor in words: `kind` "table", "leaf" or "invalid", its target, and its permissions."""

    kind: str
    address: int
    rights: str


Decode = Callable[[int, int], Decoded]
"""A function that decodes a descriptor, given its level and its word; it depends on the format."""


class Below(NamedTuple):
    """The number of tables, of leaves, and of bytes that the leaves map."""

    tables: int
    leaves: int
    bytes: int


class Extent(NamedTuple):
    """The addresses [start, end), mapped by a leaf in a table of `level`, or in parts by the leaves of a fold."""

    start: int
    end: int
    level: int
    vnode: int | None
    """The leaf; None for a fold."""


@frozen(slots=False)
class DomainPicture:
    """A domain at one moment: `value` is its state at `moment`.

    `plan` contains all steps of the operation, and `at` is the number of past steps; `opened` are the opened folds.
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
    """The ID that selects each capability: its vnode's ID, if it is a table's or a mapping's capability."""
    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    """The things that the operation has made or changed so far."""

    @cached_property
    def vnodes(self) -> Sequence[VnodeValue]:
        """The known vnodes, each before its children."""
        return list(all_vnodes(self.value.root))

    @cached_property
    def extents(self) -> Sequence[Extent]:
        """The mapped addresses: leaves and folds, in address order."""
        return extents_of(self.vnodes)

    @cached_property
    def below(self) -> dict[int, Below]:
        """For each vnode, the totals of itself and everything below it."""
        found: dict[int, Below] = {}
        for node in reversed(self.vnodes):
            parts = [*(found[child.id] for child in node.children), *(below_fold(fold) for fold in node.folds)]
            parts.append(Below(1, 0, 0) if node.is_table else Below(0, 1, node.span))
            found[node.id] = Below(*(sum(part) for part in zip(*parts, strict=True)))
        return found

    @cached_property
    def fresh(self) -> frozenset[int]:
        """The new vnodes, by ID."""
        return frozenset(number for thing in self.new if (number := vnode_id(thing)) is not None)

    @cached_property
    def marked(self) -> frozenset[int]:
        """The new or changed vnodes, by ID."""
        return frozenset(number for thing in (*self.new, *self.changed) if (number := vnode_id(thing)) is not None)

    def states(self, *things: str) -> tuple[str, ...]:
        """Return the states of the things with these names."""
        if any(thing in self.new for thing in things):
            return ("new",)
        return ("changed",) if any(thing in self.changed for thing in things) else ()

    def thing(self, ref: CapRef) -> str:
        """Return the ID that selects the capability in a slot."""
        return self.things.get(ref) or f"cap:{ref}"


def vnode_thing(identity: int) -> str:
    """Return the ID that selects a vnode, its capabilities and its descriptor.

    >>> vnode_thing(7)
    'vnode:7'
    """
    return f"vnode:{identity}"


def vnode_id(thing: str) -> int | None:
    """Return the vnode of a selection or a mark.

    >>> vnode_id("vnode:7"), vnode_id("cap:slots[7]")
    (7, None)
    """
    kind, _, number = thing.partition(":")
    return int(number) if kind == "vnode" and number.isdecimal() else None


def below_fold(fold: VnodeFold) -> Below:
    """Return the totals of a fold's contents."""
    return Below(fold.tables_below, fold.leaves, fold.bytes)


def extents_of(vnodes: Iterable[VnodeValue]) -> list[Extent]:
    """Return leaves and folds, in address order."""
    found = []
    for node in vnodes:
        if not node.is_table:
            found.append(Extent(node.va, node.va + node.span, node.level, node.id))
        found += [Extent(fold.va, fold.end, 1, None) for fold in node.folds if fold.leaves]
    return sorted(found, key=lambda extent: extent.start)


def things_of(value: DomainValue) -> dict[CapRef, str]:
    """Return the vnode's ID for each capability of a vnode; frames have none, since many vnodes may map a frame."""
    found = {ref: vnode_thing(identity) for ref, identity in value.owners}
    for node in all_vnodes(value.root):
        if node.mapping is not None:
            found[node.mapping] = vnode_thing(node.id)
        if node.is_table:
            found[node.cap] = found[node.invokable] = vnode_thing(node.id)
    return found


def marks_of(done: Sequence[ev.Event], value: DomainValue) -> tuple[frozenset[str], frozenset[str]]:
    """Return the things that these events made, and the things that they changed."""
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
    """Return things that are new after these events, things that were removed and are back, and things now gone."""
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

    `short` is the word in its box.  If it is a call to the outside, `call` is the name.  `level` is the number of
    refills that contain the step; `undoing` says that the step undoes something.
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
    """Yield the steps; steps between a failure and the end of the rollback are marked, since they undo something."""
    ends = [number for number, step in enumerate(steps) if isinstance(step.event, ev.MapUndone)]
    undoing = False
    for number, step in enumerate(steps):
        yield replace(step, undoing=undoing) if undoing else step
        if step.failed and any(number < end for end in ends):
            undoing = True
        elif isinstance(step.event, ev.MapUndone):
            undoing = any(number < end for end in ends)


# ---- the focus ------------------------------------------------------------------------------------


def focus_of(events: Sequence[ev.Event], domain: str, selection: str = "", opened: Collection[str] = ()) -> DomainFocus:
    """Return everything that `events` changed or named in a domain, the selection, and the folds in `opened`."""
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
    """Return the table and the entry of an opened fold.

    >>> opened_table("tree/7/256"), opened_table("slots/slots")
    ((7, 256), None)
    """
    lane, *numbers = fold.split("/")
    if lane != "tree" or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])
