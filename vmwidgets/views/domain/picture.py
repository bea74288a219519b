"""What all pictures of a domain begin with: the domain at one moment, its steps, and the selection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.mmu.tables_schema import rights_in_words, words_written
from vmwidgets.engine.selfpaging.domain_schema import (
    CapRef,
    DomainFocus,
    DomainValue,
    VnodeFold,
    VnodeValue,
    all_vnodes,
)
from vmwidgets.views.scene.addresses import AddressStyle, typed_between
from vmwidgets.views.scene.model import Caption, Lane, Steps
from vmwidgets.views.story.look import Difference, Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, seen, where
from vmwidgets.views.story.words.pictures import say_moment
from vmwidgets.views.story.words.registry import saying_of

if TYPE_CHECKING:
    from vmwidgets.engine.machine.handles.domain import MachineDomain
    from vmwidgets.pictures.at import At

DOMAIN, SHOWN = "vmwidgets.engine.machine.handles.domain.MachineDomain", "a self-paging domain, machine.domain(…)"
"""What the pictures of a domain show: its class, and its name in an error."""

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


NOT_THE_PROGRAMS = "--- user"
"""A program's rights to a page that it can't access; the supervisor's rights do not matter to the program."""

AMONG = 200
"""The number of latest operations that are searched for a domain's destruction."""


class Below(NamedTuple):
    """The number of tables, of leaves, and of bytes that the leaves map."""

    tables: int
    leaves: int
    bytes: int


@frozen(slots=False)
class DomainAt:
    """A domain at one moment: `value` is its state at `moment`; `opened` are the opened folds.

    `new` and `changed` are the things that the operation has made or changed so far.
    """

    value: DomainValue
    style: AddressStyle
    moment: Moment
    decode: Decode
    selection: str
    opened: Collection[str]
    new: frozenset[str]
    changed: frozenset[str]
    is_gone: bool = False
    """Whether the domain was destroyed."""

    @cached_property
    def plan(self) -> Sequence[DomainStep]:
        """All steps of the operation."""
        return plan_of(self.moment, self.value.name)

    @cached_property
    def things(self) -> dict[CapRef, str]:
        """The ID that selects each capability: its vnode's ID, if it is a table's or a mapping's capability."""
        return things_of(self.value)

    def caption(self, steps: Steps, answer: str = "", *, tells: bool = True) -> Caption:
        """Return the caption of a picture: its own `answer`, and what the operation did."""
        if self.moment.operation is None:
            return Caption(say_moment("destroyed", many=f"{AMONG:,}"), tone="good")
        if self.is_gone:  # what it had is no answer any more
            return self.moment.caption
        return self.moment.caption_of(steps, answer, tells=tells)

    @cached_property
    def vnodes(self) -> Sequence[VnodeValue]:
        """The known vnodes, each before its children."""
        return list(all_vnodes(self.value.root))

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


def domain_at(at: At, facts: Callable[[DomainAt], object] = lambda seen: None) -> tuple[DomainAt, Steps]:
    """Return the domain that a picture shows, at its moment, and the steps of a picture that draws these `facts` of it.

    After the domain's end, it is as the operation left it.
    """
    target: MachineDomain = at.target
    opened = [fold_of(node_id) for node_id in at.opened if "/fold/" in node_id]
    look = (
        _after_the_end(target)
        if target.pmap.destroyed
        else at.look(target, focus_of(at.moment.events, target.name, at.selection, opened))
    )
    style, decode = style_of(look.after), decoder(target)

    def seen_at(value: DomainValue, moment: Moment) -> DomainAt:
        new, changed = marks_of(moment.so_far, value)
        told = value, style, moment, decode, at.selection, opened, new, changed
        return DomainAt(*told, is_gone=target.pmap.destroyed)

    moment = look.moment
    mine = seen(lambda done: facts(seen_at(look.at(done), moment.at(done))), is_far=look.is_far)
    return seen_at(look.now, moment), moment.steps(mine)


def _after_the_end(target: MachineDomain) -> Look[DomainValue]:
    """Return a destroyed domain, which does not change any more."""
    moment = destruction_of(target)
    value = target.window(focus_of(moment.events, target.name))
    return Look(moment, lambda _: value, value)


def destruction_of(target: MachineDomain) -> Moment:
    """Return the moment after the operation that destroyed a domain; the moment has no operation if that was long ago.

    A later domain may have had the same name, and may have been destroyed too.
    """
    later = target.later_destroyed
    latest = reversed(target.machine.journal[-AMONG - 1 :])
    ended = [one for one in latest if one.name == "destroy_domain" and dict(one.arguments)["domain"] == target.path]
    return Moment(ended[later] if len(ended) > later else None)


def fold_of(node_id: str) -> str:
    """Return the contents of a fold: the children of a vnode from an entry on, or the slots of a cnode.

    >>> fold_of("tree/fold/7/256"), fold_of("slots/slots/fold/mapping")
    ('tree/7/256', 'slots/slots')
    """
    lane, _, rest = node_id.partition("/")
    return f"{lane}/{rest.removeprefix('fold/') if lane == 'tree' else rest.split('/')[0]}"


def style_of(value: DomainValue) -> AddressStyle:
    """Return the style of a domain's addresses: all addresses in use share the prefix that is left out."""
    parts = [(value.meta_start, value.meta_end), *extents_of(all_vnodes(value.root))]
    parts += [(region.base, region.end) for region in value.regions]
    parts += [(fold.start, fold.end) for fold in value.region_folds]
    return AddressStyle.of(min(start for start, _ in parts), max(end for _, end in parts))


def decoder(target: MachineDomain) -> Decode:
    """Return a function that reads descriptors of a domain's tables as the hardware does."""
    fmt, controls = target.pmap.fmt, target.machine.controls

    def decode(level: int, word: int) -> Decoded:
        descriptor = fmt.rules.read_as(fmt.level(level), word, controls)
        if descriptor.kind not in ("leaf", "table"):
            return Decoded("invalid", 0, "")
        rights = fmt.rules.rights_of(descriptor, word)
        words = "" if descriptor.kind == "table" else rights_in_words(rights) if rights.user else NOT_THE_PROGRAMS
        return Decoded(descriptor.kind, descriptor.address_of(word), words)

    return decode


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


def extents_of(vnodes: Iterable[VnodeValue]) -> list[tuple[int, int]]:
    """Return where leaves and folds map memory, in address order."""
    found = []
    for node in vnodes:
        found += [(fold.va, fold.end) for fold in node.folds if fold.leaves]
        found += [] if node.is_table else [(node.va, node.va + node.span)]
    return sorted(found)


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
    slots, held, vnodes = (
        _came_and_went(mine, *both)
        for both in (
            (ev.SlotAllocated, ev.SlotFreed, "ref"),
            (ev.CapabilityMade, ev.CapabilityDeleted, "ref"),
            (ev.VnodeLinked, ev.VnodeUnlinked, "id"),
        )
    )
    new = {f"cap:{ref}" for ref in slots.new | held.new} | {vnode_thing(one) for one in vnodes.new}
    new |= {f"head:{event.address:x}" for event in mine if isinstance(event, ev.SlabGrown)}
    roots = (event for event in mine if isinstance(event, ev.VnodeCreated) and event.ref == value.root.cap)
    new |= {vnode_thing(value.root.id) for _ in roots}  # a new domain's root is linked to nothing
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


def held_words(seen: DomainAt) -> str:
    """Return the number of capabilities."""
    return counted(sum(cnode.held for cnode in seen.value.cnodes), "capability", "capabilities")


def mapped_words(seen: DomainAt) -> str:
    """Return how much is mapped, and what all addresses in the picture begin with, if it is left out."""
    prefix = f" · {seen.style.legend}" if seen.style.legend else ""
    return f"{binary_size(seen.below[seen.value.root.id].bytes)} mapped{prefix}"


def found_at(at: At, text: str) -> str:
    """Return the selection for the address `text`: the leaf that maps it, or the lowest table for it."""
    layout = at.target.domain.layout
    return vnode_thing(at.target.vnode_at(typed_between(text, layout.vspace_begin, layout.user_end)))


# ---- steps ---------------------------------------------------------------------------------------


@frozen
class DomainStep:
    """A step of an operation.

    `short` is the word in its box.  If it is a call to the outside, `call` is the name.  `level` is the number of
    refills that contain the step; `undoing` says that the step undoes something.
    """

    sentence: str
    event: ev.Event
    short: str
    call: str
    level: int
    failed: bool
    undoing: bool


UNSEEN = ev.MetaDataMoved, ev.MapUndone
"""The steps of a domain that change nothing in a picture: addresses that a frame will get, and the end of an undo."""


def steps_of_domain(name: str) -> Mine:
    """Return the steps of the domain called `name`."""
    return where(lambda stage: stage.step.about == ("domain", name) and not isinstance(stage.step.event, UNSEEN))


def plan_of(moment: Moment, name: str) -> tuple[DomainStep, ...]:
    """Return the steps of the domain called `name` in the operation of a moment.

    Steps between a failure and the end of the rollback undo something.
    """
    ends = [place for place, event in enumerate(moment.events) if isinstance(event, ev.MapUndone)]
    found: list[DomainStep] = []
    upto = -1
    for step in moment.mine(steps_of_domain(name)):
        tick, failed = saying_of(step.event).tick, _fails(step.event)
        short, call = ("", "") if tick is None else tick.of(step.event)
        level = step.functions.count("refill_slabs")
        found.append(DomainStep(step.sentence, step.event, short, call, level, failed, step.index < upto))
        if failed:
            upto = max([upto, *ends])
    return tuple(found)


def _fails(event: ev.Event) -> bool:
    if isinstance(event, ev.SlotAllocated):
        return event.ref is None
    if isinstance(event, ev.BlockTaken):
        return event.block is None
    if isinstance(event, (ev.VnodeCreated, ev.FrameAllocated)):
        return event.base is None
    return getattr(event, "error", None) is not None


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
