"""Live pictures of a self-paging domain: all of it, or one lane."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.events import EVENTS, Event, domains
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.values.domains import DomainFocus, DomainValue
from vmwidgets.engine.base.values.past import Past
from vmwidgets.engine.machine.domain import MachineDomain
from vmwidgets.engine.mmu.tables import rights_in_words
from vmwidgets.views.addresses import AddressStyle
from vmwidgets.views.domain import draw_capabilities, draw_domain, draw_slab_levels, draw_vnodes, draw_vspace
from vmwidgets.views.domain_focus import focus_of
from vmwidgets.views.domain_picture import (
    Decoded,
    DomainPicture,
    all_vnodes,
    extents_of,
    marks_of,
    things_of,
    vnode_thing,
)
from vmwidgets.views.domain_steps import domain_moment
from vmwidgets.views.scene import Scene

from .latest import AMONG
from .view import View
from .vm_map import parse_address

NOT_THE_PROGRAMS = "--- user"
"""The rights of a program to a page that it may do nothing with; what the supervisor could do is not its business."""

Draw = Callable[..., Scene]

_TAGS = frozenset(tag for tag, kind in EVENTS.items() if kind.__module__ == domains.__name__)


class DomainView(View):
    """What all pictures of a domain share: which operation they tell of, stepping, folds."""

    _draws: Draw

    def __init__(self, target: MachineDomain, **options: Any) -> None:
        if not isinstance(target, MachineDomain):
            raise Refused(f"{type(self).__name__} shows a self-paging domain, machine.domain(…), not {shown(target)}")
        self._folds_opened: list[str] = []
        super().__init__(target, machine=target.machine, **options)

    def draw(self) -> Scene:
        """The domain now, or at `step` of its last operation."""
        target: MachineDomain = self.target
        operation, events = latest_of(target)
        picture = domain_picture(target, operation, events, self.step, self.selection, self._folds_opened)
        return type(self)._draws(picture, machine=target.machine.name)

    def opened(self, node_id: str) -> None:
        """Go to a call of the strip, or open a fold; folds opened earlier stay open."""
        step = step_of(node_id)
        if step is not None:
            self.step = step
        else:
            self._folds_opened = [*self._folds_opened, fold_of(node_id)][-8:]

    def sought(self, text: str) -> None:
        """Select the leaf that maps the address `text`, or the lowest table that is for it."""
        self.selection = found_at(self.target, text)


class Domain(DomainView):
    """A self-paging domain: the calls of its last operation, its shadow tree beside the hardware's tables, its
    capabilities, regions, and the slab of its vnodes.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"))
    >>> vm.Domain(d).scene().caption.text
    'Mapped 8 KiB of slots[0] at 4040 0000, rw-.'
    """  # noqa: D205  one sentence

    _draws = draw_domain


class Capabilities(DomainView):
    """The cnodes of a domain, slot by slot."""

    _draws = draw_capabilities


class Vnodes(DomainView):
    """A domain's shadow tree, and beside each vnode the descriptor that the hardware reads."""

    _draws = draw_vnodes


class Vspace(DomainView):
    """The regions of a domain's address space, and what is mapped."""

    _draws = draw_vspace


class SlabLevels(DomainView):
    """The slab that a domain's vnodes come from, and the refills inside refills of its last operation."""

    _draws = draw_slab_levels


def found_at(target: MachineDomain, text: str) -> str:
    """What a selection calls the lowest vnode that is for the address `text`."""
    layout = target.domain.layout
    return vnode_thing(target.vnode_at(parse_address(text, layout.vspace_begin, layout.user_end)))


def step_of(node_id: str) -> int | None:
    """The step that a node of the strip stands for."""
    lane, _, number = node_id.partition("/")
    return int(number) if lane == "calls" and number.isdecimal() else None


def fold_of(node_id: str) -> str:
    """What opens with a fold: the children of a vnode from an entry on, the slots of a cnode.

    >>> fold_of("tree/fold/7/256"), fold_of("slots/slots/fold/9")
    ('tree/7/256', 'slots/slots')
    """
    lane, _, rest = node_id.partition("/")
    return f"{lane}/{rest.removeprefix('fold/') if lane == 'tree' else rest.split('/')[0]}"


def latest_of(target: MachineDomain) -> tuple[Operation | None, Sequence[Event]]:
    """The latest operation that did something to a domain, or failed to, and its events."""
    operation: Operation
    destroyed = target.pmap.destroyed
    for operation in reversed(target.machine.journal[-AMONG:]):
        if destroyed and operation.name != "destroy_domain":
            continue  # a domain that came after it may have its name
        named = operation.target == target.path
        failed = named and operation.outcome != "done"
        if failed or any(raw[0] in _TAGS and raw[1] == target.name for raw in operation.raw):
            return operation, operation.events
    return None, ()


def domain_picture(
    target: MachineDomain,
    operation: Operation | None,
    events: Sequence[Event],
    step: int,
    selection: str = "",
    opened: Collection[str] = (),
) -> DomainPicture:
    """What the lanes are drawn from at `step` of an operation."""
    value = window_of(target, focus_of(events, target.name, selection, opened))
    style = style_of(value)
    moment = domain_moment(operation, events, step, style)
    past = value.at(Past(events[moment.done :]))
    new, changed = marks_of(events[: moment.done], past)
    return DomainPicture(
        past, style, moment.caption, moment.steps, moment.plan, events, moment.done, decoder(target),
        selection, opened, things=things_of(past), new=new, changed=changed,
    )  # fmt: skip


Windows = dict[DomainFocus, DomainValue]
_known: weakref.WeakKeyDictionary[MachineDomain, tuple[int, Windows]] = weakref.WeakKeyDictionary()


def window_of(target: MachineDomain, focus: DomainFocus) -> DomainValue:
    """A domain as it is; taken once after an operation, for all pictures with that focus and all steps.

    The serial names the operation: after an undo another one has its number.
    """
    latest = target.machine.journal.last.serial
    known = _known.get(target)
    if known is None or known[0] != latest or len(known[1]) > MOST_WINDOWS:
        known = _known[target] = (latest, {})
    if focus not in known[1]:
        known[1][focus] = target.window(focus)
    return known[1][focus]


MOST_WINDOWS = 16
"""So many windows on one moment are remembered."""


def style_of(value: DomainValue) -> AddressStyle:
    """How a domain's addresses are written: all that it uses share the prefix that is left out."""
    extents = extents_of(all_vnodes(value.root))
    low = min([value.meta_start, *(one.start for one in extents), *(region.base for region in value.regions),
               *(fold.start for fold in value.region_folds)])  # fmt: skip
    high = max([value.meta_end, *(one.end for one in extents),
                *(region.base + region.size for region in value.regions),
                *(fold.end for fold in value.region_folds)])  # fmt: skip
    return AddressStyle.of(low, high)


def decoder(target: MachineDomain) -> Callable[[int, int], Decoded]:
    """Reads descriptors of a domain's tables as the hardware does."""
    fmt, controls = target.pmap.fmt, target.machine.controls

    def decode(level: int, word: int) -> Decoded:
        descriptor = fmt.rules.read_as(fmt.level(level), word, controls)
        if descriptor.kind not in ("leaf", "table"):
            return Decoded("invalid", 0, "")
        rights = fmt.rules.rights_of(descriptor, word)
        words = "" if descriptor.kind == "table" else rights_in_words(rights) if rights.user else NOT_THE_PROGRAMS
        return Decoded(descriptor.kind, descriptor.address_of(word), words)

    return decode
