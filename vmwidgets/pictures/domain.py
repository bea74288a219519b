"""Live pictures of a self-paging domain: the whole, or one lane."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.mmu.tables_schema import rights_in_words
from vmwidgets.engine.selfpaging.domain_schema import DomainFocus, DomainValue, all_vnodes
from vmwidgets.views.domain.lanes import draw_capabilities, draw_domain, draw_slab_levels, draw_vnodes, draw_vspace
from vmwidgets.views.domain.picture import (
    Decoded,
    extents_of,
    focus_of,
    marks_of,
    plan_of,
    steps_of_domain,
    things_of,
    vnode_thing,
)
from vmwidgets.views.domain.picture import (
    DomainPicture as Lanes,
)
from vmwidgets.views.scene.addresses import AddressStyle, typed_between
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Caption, Scene
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.pictures import say_moment

from .at import At
from .moments import look_at_domain
from .picture import Picture
from .registry import picture_of

NOT_THE_PROGRAMS = "--- user"
"""A program's rights to a page that it can't access; the supervisor's rights do not matter to the program."""

AMONG = 200
"""The number of latest operations that are searched for a domain's destruction."""

Draw = Callable[..., Scene]


class DomainPicture(Picture):
    """The common part of all pictures of a domain: the operation shown, stepping, folds."""

    _draws: Draw

    def __init__(self, target: MachineDomain, **options: Any) -> None:
        if not isinstance(target, MachineDomain):
            raise Refused(f"{type(self).__name__} shows a self-paging domain, machine.domain(…), not {shown(target)}")
        self._folds_opened: list[str] = []
        super().__init__(target, machine=target.machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the domain at a moment."""
        moment = at.moment if not at.target.pmap.destroyed else destruction_of(at.target)
        picture = domain_picture(at.target, moment, self.selection, self._folds_opened, at.width)
        scene = type(self)._draws(picture, machine=at.whole.name)
        if moment.operation is None:
            scene = replace(scene, caption=Caption(say_moment("destroyed", many=f"{AMONG:,}"), tone="good"))
        return scene

    def opened(self, node_id: str) -> None:
        """Go to a call of the strip, or open a fold; folds opened earlier stay open."""
        step = step_of(node_id)
        if step is not None:
            self.step = step
        else:
            self._folds_opened = [*self._folds_opened, fold_of(node_id)][-8:]


class TreePicture(DomainPicture):
    """A picture with the shadow tree, which can be searched for addresses."""

    def sought(self, text: str) -> None:
        """Select the leaf that maps the address `text`, or the lowest table for that address."""
        self.selection = found_at(self.at().target, text)


@picture_of(first_for=MachineDomain)
class Domain(TreePicture):
    """A self-paging domain: the last operation's calls, the shadow tree, capabilities, regions, and the vnodes' slab.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"))
    >>> vm.Domain(d).scene().caption.text
    '8 KiB of slots[0] were mapped at 0x4040_0000, rw-.'
    """

    _draws = draw_domain


@picture_of()
class Capabilities(DomainPicture):
    """The cnodes of a domain, slot by slot.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Capabilities(d)
    Capabilities of domain:hello ...
    """

    _draws = draw_capabilities


@picture_of()
class Vnodes(TreePicture):
    """A domain's shadow tree, and next to each vnode the descriptor that the hardware reads.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Vnodes(d)
    Vnodes of domain:hello ...
    """

    _draws = draw_vnodes


@picture_of()
class Vspace(DomainPicture):
    """The regions of a domain's address space, and the mapped memory.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Vspace(d)
    Vspace of domain:hello ...
    """

    _draws = draw_vspace


@picture_of()
class SlabLevels(DomainPicture):
    """The slab that a domain's vnodes come from, and the nested refills of its last operation.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.SlabLevels(d)
    SlabLevels of domain:hello ...
    """

    _draws = draw_slab_levels


def found_at(target: MachineDomain, text: str) -> str:
    """Return the selection's name for the lowest vnode of the address `text`."""
    layout = target.domain.layout
    return vnode_thing(target.vnode_at(typed_between(text, layout.vspace_begin, layout.user_end)))


def step_of(node_id: str) -> int | None:
    """Return the step of a node in the strip."""
    lane, _, number = node_id.partition("/")
    return int(number) if lane == "calls" and number.isdecimal() else None


def fold_of(node_id: str) -> str:
    """Return the contents of a fold: the children of a vnode from an entry on, or the slots of a cnode.

    >>> fold_of("tree/fold/7/256"), fold_of("slots/slots/fold/9")
    ('tree/7/256', 'slots/slots')
    """
    lane, _, rest = node_id.partition("/")
    return f"{lane}/{rest.removeprefix('fold/') if lane == 'tree' else rest.split('/')[0]}"


def destruction_of(target: MachineDomain) -> Moment:
    """Return the moment after the operation that destroyed a domain; the moment has no operation if that was long ago.

    A later domain may have had the same name, and may have been destroyed too.
    """
    later = [one for name, one in target.system.destroyed if name == target.name and one > target.generation]
    latest = reversed(target.machine.journal[-AMONG - 1 :])
    ended = [one for one in latest if one.name == "destroy_domain" and dict(one.arguments)["domain"] == target.path]
    return Moment(ended[len(later)] if len(ended) > len(later) else None)


def domain_picture(
    target: MachineDomain,
    moment: Moment,
    selection: str = "",
    opened: Collection[str] = (),
    width: float = WIDTH,
) -> Lanes:
    """Return the basis of the lanes at a moment of an operation."""
    mine = steps_of_domain(target.name)
    focus = focus_of(moment.events, target.name, selection, opened)
    look = look_at_domain(target, moment, window_of(target, focus), focus)
    moment, value = look.moment, look.now
    new, changed = marks_of(moment.so_far, value)
    steps = moment.steps(mine)
    return Lanes(
        value, style_of(look.after), moment.caption_of(steps), steps, plan_of(moment, target.name), moment,
        decoder(target), selection, opened, width, things=things_of(value), new=new, changed=changed,
    )  # fmt: skip


Windows = dict[DomainFocus, DomainValue]
_known: weakref.WeakKeyDictionary[MachineDomain, tuple[int, Windows]] = weakref.WeakKeyDictionary()


def window_of(target: MachineDomain, focus: DomainFocus) -> DomainValue:
    """Return a domain's value, computed once per operation and focus for all pictures and steps.

    The serial identifies the operation, since after an undo another operation gets the same number.
    """
    latest = target.machine.journal.last.serial
    known = _known.get(target)
    if known is None or known[0] != latest or len(known[1]) > MOST_WINDOWS:
        known = _known[target] = (latest, {})
    if focus not in known[1]:
        known[1][focus] = target.window(focus)
    return known[1][focus]


MOST_WINDOWS = 16
"""The most windows at one moment that are cached."""


def style_of(value: DomainValue) -> AddressStyle:
    """Return the style of a domain's addresses: all addresses in use share the prefix that is left out."""
    extents = extents_of(all_vnodes(value.root))
    low = min([value.meta_start, *(one.start for one in extents), *(region.base for region in value.regions),
               *(fold.start for fold in value.region_folds)])  # fmt: skip
    high = max([value.meta_end, *(one.end for one in extents),
                *(region.base + region.size for region in value.regions),
                *(fold.end for fold in value.region_folds)])  # fmt: skip
    return AddressStyle.of(low, high)


def decoder(target: MachineDomain) -> Callable[[int, int], Decoded]:
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
