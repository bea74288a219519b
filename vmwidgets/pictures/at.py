"""A moment of a picture: the input of its drawing function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from math import inf
from typing import Any
from weakref import ref

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.kernel.map.core import MapCore
from vmwidgets.engine.machine import Machine
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Steps
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import seen
from vmwidgets.views.story.words.names import Range

from .moments import look_at
from .quantities import NOTHING, Blanks
from .spaces import range_names


@frozen(slots=False)
class At:
    """A moment of a picture: its `target`, and the target's `machine` if there is one, as they are at the moment.

    The moment is after operation `number`, the machine's latest, or after `done` of that operation's events.  The scene
    is laid out for `width` pixels, and for `height` if the picture folds parts that do not fit on a page.
    `selection` is the selected thing, and `opened` are the IDs of the nodes that the reader opened last, in a picture
    that is a function.  `blanks` are the quantities that a worksheet leaves out.  If it is `compared` with another
    picture, it shows what there is, and not what the operation did.
    """

    target: Any
    machine: Machine | None
    number: int = -1
    done: int | None = None
    width: float = WIDTH
    height: float = inf
    selection: str = ""
    opened: tuple[str, ...] = ()
    blanks: Blanks = NOTHING
    compared: bool = False

    @cached_property
    def moment(self) -> Moment:
        """The moment with the operation's story, as views need it."""
        machine = self.whole
        return _told(machine).at(self.done, ranges_of(machine))

    @property
    def whole(self) -> Machine:
        """The machine, for a picture that has one."""
        assert self.machine is not None, "only pictures without a machine are drawn without one"
        return self.machine

    def value(self, part: Any, *focus: Any, **more: Any) -> Any:
        """Return a part's value at this moment, such as ``at.value(at.whole.frames)``.

        `focus` and `more` are arguments of the part's own ``value``, if it has any.
        """
        return self.look(part, *focus, **more).now

    def look(self, part: Any, *focus: Any, **more: Any) -> Look[Any]:
        """Return the part at all moments of the operation, as views need it."""
        return look_at(part, self.moment, *focus, **more)

    def steps(self, look: Callable[[At], object]) -> Steps:
        """Return the picture's steps: the ends of sentences at which the result of `look` differs from before.

        `look` returns what the drawing shows of an operation, as a small value: a part of it, or counts.
        """
        is_far = self.done is None and self.number > 0 and self.whole.history.is_far(self.number)
        return self.moment.steps(seen(lambda done: look(replace(self, done=done)), is_far=is_far))


_TOLD: deque[Moment] = deque(maxlen=4)
"""For each machine drawn lately, the moment after its latest operation, with the story."""


def _told(machine: Machine) -> Moment:
    """Return the moment after a machine's latest operation, with one story for all of its pictures and steps."""
    operation = machine.journal.last
    known = next((one for one in tuple(_TOLD) if one.operation is not None and one.operation.is_same(operation)), None)
    if known is None:
        known = Moment(operation, ranges=ranges_of(machine)).with_story()
        _TOLD.append(known)
    return known


_Map = tuple[MapCore[Any], Mapping[int, str]]
"""A map, and the kernel's names for its ranges."""


def _maps_of(machine: Machine) -> list[_Map]:
    system = machine.system
    maps: dict[str, MapCore[Any]] = {f"kmem/{name}": one for name, one in system.kmem_maps.items()}
    maps.update(system.maps)
    return [(one, system.roles.get(path, {})) for path, one in maps.items()]


class _Ranges(Mapping[int, Range]):
    """The ranges of entries in all maps of a machine, by ID; each is looked up when it is needed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = ref(machine)  # pictures keep moments, and no picture keeps its machine
        self._maps = _maps_of(machine)

    @cached_property
    def _before(self) -> list[_Map]:
        """The maps before the latest operation, as it may have removed one; none if the machine can't be rebuilt."""
        machine = self._machine()
        if machine is None or not machine.journal.last.number:
            return []
        try:
            return _maps_of(machine.at(machine.journal.last.number - 1))
        except VMError:
            return []

    def _all(self) -> Iterator[_Map]:
        yield from self._maps
        yield from self._before

    def __getitem__(self, identity: int) -> Range:
        for one, roles in self._all():
            if identity in one.made:
                entry, name = one.by_id.get(identity), range_names(one, roles)[identity]
                return Range(name, one.called, *((0, 0) if entry is None else (entry.start, entry.end)))
        raise KeyError(identity)

    def __iter__(self) -> Iterator[int]:
        for one, _ in self._maps:
            yield from one.made

    def __len__(self) -> int:
        return sum(len(one.made) for one, _ in self._maps)


def ranges_of(machine: Machine) -> Mapping[int, Range]:
    """Return the names and present places of ranges, for the stories of a machine's operations."""
    return _Ranges(machine)
