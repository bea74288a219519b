"""Two pictures of one kind in equal halves, with common controls: one thing at two moments, or two machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from vmwidgets.engine.base.called import whole_name
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene.beside import Differences, Side, by_address, by_name, draw_beside, half_of
from vmwidgets.views.scene.kit import MARGIN, paragraph
from vmwidgets.views.scene.model import AFTER, Caption, Scene
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.words.pictures import differing

from .absent import absent_scene, blank
from .at import At
from .moments import NotThere, When, machine_at
from .operations import name_of
from .picture import Picture
from .quantities import Quantity
from .registry import picture_named, picture_of


class Pair(NamedTuple):
    """Two pictures of one kind, to be shown side by side."""

    left: Picture
    right: Picture


@picture_of(first_for=Pair)
class Beside(Picture):
    """Two pictures of the same kind side by side, in step, with the differences marked and counted.

    ``a.beside(b)`` makes it (:meth:`.picture.Picture.beside`); `target` is the pair.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> before = vm.picture(m.kernel_map, moment=(m.journal.last.serial, None))
    >>> a = m.kernel_map.enter("4 KiB", prot="r")
    >>> before.beside(vm.picture(m.kernel_map)).scene().caption.text
    '1 entry...'
    """

    def __init__(self, target: tuple[Picture, Picture], **options: Any) -> None:
        left, right = _checked(target)
        machine = right.machine
        self._lag = _Lag.between(left, right)
        moment = {"moment": right.moment} if "moment" not in options and right.moment is not None else {}
        super().__init__(Pair(left, right), machine=machine, **moment, **options)

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Both machines, if they still exist; one, if both pictures show the same machine."""
        pair: Pair = self.target
        found = [one.machine for one in pair]
        return tuple(dict.fromkeys(machine for machine in found if machine is not None))

    def draw(self, at: At) -> Scene:
        """Return both pictures, at a moment of the right one."""
        pair: Pair = at.target
        wide = replace(at, width=half_of(at.width))
        right = self._half(pair.right, (at.number, at.done), wide)
        then = self._lag.left_at(pair.left, self, at, right)
        left = self._half(pair.left, then, wide)
        is_one = pair.left.machine is pair.right.machine
        places = by_name if is_one and _shows(pair.left)[0] == _shows(pair.right)[0] else by_address
        sides = _side(pair.left, left, then), _side(pair.right, right, (at.number, at.done))
        return draw_beside(*sides, places, _caption, one_machine=is_one, width=at.width)

    def quantities(self, at: At) -> Sequence[Quantity]:
        """Return nothing; refuses halves with quantities: a worksheet of one of them would be read off the other."""
        pair: Pair = self.target
        if any(one.quantities(one.at()) for one in pair):
            raise Refused("blank: two pictures beside each other tell each other's numbers: take a worksheet of one")
        return ()

    def _half(self, one: Picture, then: Place, at: At) -> Scene:
        """Return one half at its moment; if the target does not exist at that moment, the half is empty and says so."""
        number, done = then
        try:
            there = one.at(When(_machine(one).journal.serial(number), done))
            return one.drawing(replace(there, width=at.width, height=at.height, compared=True))
        except NotThere as missing:
            name = one._named()
            empty = blank(type(one).__name__.lower(), visible(whole_name(name[0])) if name else "", at.width)
            return _said(absent_scene(missing.number, missing, replace(empty, height=60)))

    def opened(self, node_id: str) -> None:
        """Open a node of one half in that half's picture."""
        which, _, rest = node_id.partition("/")
        pair: Pair = self.target
        (pair.left if which == "left" else pair.right).opened(rest)
        self.changed()


Place = tuple[int, "int | None"]
"""An operation, and how many of its events are done (None for all)."""


def _machine(one: Picture) -> Machine:
    if one.machine is None:
        raise Refused("the machine of one of the two pictures is gone: keep both machines in variables")
    return one.machine


def _said(absent: Scene) -> Scene:
    """Return an empty scene with its sentence inside, because there is no room for two sentences above two halves."""
    words = f"{absent.caption.text} {absent.caption.reason}"
    said = paragraph("absent", words, MARGIN, 4, absent.width - 2 * MARGIN)
    return replace(absent, nodes=(said,), height=said.h + 12)


def _side(one: Picture, scene: Scene, then: Place) -> Side:
    machine, (number, done) = _machine(one), then
    when = "after" if done is None else "in"
    said = f"{visible(machine.name)} · {when} operation {name_of(machine.journal[number])}"
    return Side(scene, scene.title, said)


def _caption(found: Differences) -> Caption:
    text, reason = differing(*found.counts, found.has_folds, found.noun)
    return Caption(text, (), reason)


_PLACED = frozenset(("step", "moment", "selection", "width", "scale", "follow", "layout"))
"""Options that do not change what is shown."""


def _shows(one: Picture) -> tuple[Any, ...]:
    """Return what a picture shows, independent of the moment: equal if the names and options are."""
    public = {name for name, trait in one.traits().items() if trait.metadata.get("public")} - _PLACED
    own = [str(getattr(one.target, name, "")) for name in ("task", "va")]  # page tables and walks have no path
    return [*one._named(), *own], {name: getattr(one, name) for name in sorted(public)}


def _checked(target: Any) -> Pair:
    """Return the two pictures, or raise an error with one sentence."""
    if not (isinstance(target, tuple) and len(target) == 2 and all(isinstance(one, Picture) for one in target)):
        raise Refused(f"Beside shows two pictures, a.beside(b), not {shown(target)}")
    left, right = target
    kinds = [_kind(one) for one in target]
    if kinds[0] != kinds[1]:
        raise Refused(f"beside: a {kinds[0]} and a {kinds[1]} can't be compared: both must be of the same kind")
    for one in target:
        if one.machine is None:
            raise Refused(f"beside: this {kinds[0]} has no machine, and so no moments; vm.compare compares maps")
    if kinds[0] == "Beside":
        raise Refused("beside: these are two pairs already; take one picture of each")
    if left.machine is right.machine and left.moment == right.moment and _shows(left) == _shows(right):
        raise Refused(
            "beside: both pictures show the same thing at the same moment; give one of them a moment of its own,"
            " such as moment=(3, None) with follow=False"
        )
    return Pair(left, right)


def _kind(one: Picture) -> str:
    """Return the name of the picture's kind; a live picture has the same name."""
    kinds = type(one).__mro__
    return next((kind.__name__ for kind in kinds if picture_named(kind.__name__) is kind), type(one).__name__)


class _Lag(NamedTuple):
    """The distance of the left picture behind the right one: in operations, or in steps of one operation.

    `number` and `done` are the left picture's place when the two pictures were put side by side.
    """

    operations: int
    steps: int
    number: int
    done: int | None

    @classmethod
    def between(cls, left: Picture, right: Picture) -> _Lag:
        """Return the lag between the pictures' present moments; two machines that both show the present are in step."""
        (number, done), (other, other_done) = (_place(one) for one in (left, right))
        if left.machine is not right.machine and left.moment is None and right.moment is None:
            return cls(0, 0, number, None)
        if number != other:
            return cls(other - number, 0, number, done)
        steps = [_step(one, at) for one, at in ((left, done), (right, other_done))]
        return cls(0, steps[1] - steps[0], number, done)

    def left_at(self, left: Picture, both: Picture, at: At, right: Scene) -> Place:
        """Return the left picture's place while the right one, drawn as `right`, is at `at`."""
        machine = _machine(left)
        is_one = machine is both.machine
        latest = len(machine.journal) - 1
        if not is_one and both.moment is None and not self.operations:
            return latest, None
        number = max(0, min(at.number - self.operations, latest))
        if self.operations:
            return number, self.done if number == self.number else None
        if is_one and not self.steps:
            return number, at.done
        try:
            whole = left.drawing(left.at(When(machine.journal.serial(number)))).steps
        except NotThere:
            return number, None
        index = right.steps.index - self.steps if right.steps.count else whole.count
        place = whole.places[max(0, min(index, whole.count))]
        return number, None if place == AFTER else place


def _place(one: Picture) -> Place:
    there = machine_at(_machine(one), one.moment)
    return there.number, there.done


def _step(one: Picture, done: int | None) -> int:
    """Return the index of a picture's present step."""
    steps = one.drawing(one.at()).steps
    return steps.count if done is None else sum(0 < place <= done for place in steps.places)
