"""The moment of a picture: now, or an operation (by its serial) and the number of its events that are done.

For a moment inside the machine's latest operation, the operation is repeated and watched; for a moment of an earlier
operation, the machine is rebuilt (``m.at(n)``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import traitlets

from vmwidgets.engine.base.called import whole_name
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.journal import Journal, Operation
from vmwidgets.engine.kernel.map.map_schema import EntryValue, KernelMapValue, MapCreated, MapValue
from vmwidgets.engine.kernel.map.window import while_booting
from vmwidgets.engine.kernel.tasks.objects_schema import ObjectsValue
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.machine.handles.kmem import MachineKmem
from vmwidgets.engine.machine.handles.map_part import MapPart
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tables import MachineTables
from vmwidgets.engine.memory.pages_schema import FramesValue
from vmwidgets.engine.memory.slabs_schema import CachesValue
from vmwidgets.engine.selfpaging.domain import is_made_by, while_made
from vmwidgets.engine.selfpaging.domain_schema import DomainFocus, DomainValue
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import joined


class When(NamedTuple):
    """A moment in a machine's history: after `done` events (None for all) of the operation with this serial."""

    operation: int
    done: int | None = None


NOW: None = None
"""The moment that is always the machine's present."""


class WhenTrait(traitlets.TraitType["When | None", Any]):
    """A moment: None for now, or (serial of an operation, events done); None or -1 events means all of them."""

    default_value = NOW
    info_text = "None for now, or a pair (operation, step), such as (3, None) for after operation 3"

    def validate(self, obj: Any, value: Any) -> When | None:
        """Return the moment; raises TraitError for anything else."""
        if value is None or isinstance(value, When):
            return value
        if isinstance(value, (tuple, list)) and len(value) == 2 and _is_number(value[0]):
            operation, done = value
            if done is None or _is_number(done, -1):
                return When(operation, None if done in (None, -1) else done)
        self.error(obj, value)
        raise AssertionError("error() raises")


def _is_number(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


class There(NamedTuple):
    """A machine at a moment: after its latest operation, or inside it if `done` is a number."""

    machine: Machine
    number: int
    done: int | None


class Undone(Refused):
    """Raised if the operation of a moment is no longer in its machine's history."""


def machine_at(machine: Machine, when: When | None) -> There:
    """Return `machine` at a moment.  O(operations since the nearest copy), or O(1) for the latest operation.

    Raises :class:`Undone` for an operation that is no longer in the machine's history.
    """
    latest = len(machine.journal) - 1
    if when is None:
        return There(machine, latest, None)
    number = machine.journal.number_of(when.operation)
    if number is None:
        raise Undone("the operation of this moment was undone: m.redo() may do it again, or look at now")
    return There(machine if number == latest else machine.at(number), number, when.done)


def next_mark(journal: Journal, number: int, done: int | None, way: int) -> When:
    """Return the moment of the next mark, or of the previous one for `way` -1.

    Raises :class:`Refused` if there is none.
    """
    marks = {journal.number_of(serial) for serial in journal.marks.values()} - {None}
    here = number if done is None else number - 0.5
    places = sorted(place for place in marks if place is not None and (place - here) * way > 0)
    if not places:
        raise Refused(f"jump: there is no {'later' if way > 0 else 'earlier'} mark")
    return When(journal.serial(places[0] if way > 0 else places[-1]))


class NotThere(Refused):
    """Raised if the target does not exist after operation `number`, or after `done` of its events.

    `made` is the number of the operation that creates it, later or earlier (-1 if unknown).
    """

    def __init__(self, name: str, there: There, made: int) -> None:
        if made > there.number:
            why = f"yet: operation {made:,} makes it"
        elif made >= 0:
            why = f"any longer: operation {made:,} made it"
        else:
            why = f"after operation {there.number:,}"
        super().__init__(f"{name} does not exist {why}")
        self.number, self.done, self.made = there.number, there.done, made


MOST_SEARCHED = 5_000
"""The most operations after a moment, and before it, that are searched for the creation of something."""


def made_by(machine: Machine, path: str, number: int) -> int:
    """Return the number of the operation that creates the part at `path`; -1 if none is found.

    It is the first such operation after `number`, or else the last such operation before that.
    """
    journal = machine.journal
    later = range(number + 1, min(len(journal), number + 1 + MOST_SEARCHED))
    earlier = range(number, max(-1, number - MOST_SEARCHED), -1)
    return next((one for one in (*later, *earlier) if _makes(journal[one], path)), -1)


def _makes(operation: Operation, path: str) -> bool:
    head, _, last = path.rpartition("/")
    named = operation.target == head and dict(operation.arguments).get("name") == last
    return operation.outcome == "done" and (named or str(operation.result) in {path, head or path})


def counterpart(target: Any, machine: Machine, there: There) -> Any:
    """Return `target`, a machine or a part of one, as it is at a moment; anything else is the same at all moments.

    Raises :class:`NotThere` for a part that does not exist then.
    """
    if there.machine is machine:
        return target
    if target is machine:
        return there.machine
    path = getattr(target, "path", None)
    return part_at(path, machine, there) if isinstance(path, str) else target


def part_at(path: str, machine: Machine, there: There) -> Any:
    """Return the part at `path` at a moment of `machine`.

    Raises :class:`NotThere` if it does not exist then.
    """
    try:
        return there.machine.part(path)
    except Refused:
        raise NotThere(whole_name(path), there, made_by(machine, path, there.number)) from None


def entry_at(target: MachineMap, moment: Moment, va: int) -> EntryValue | None:
    """Return a map's entry at an address and a moment, for reading only."""
    return entries_at(target, moment, [va]).get(va)


def entries_at(target: MachineMap, moment: Moment, vas: Collection[int]) -> dict[int, EntryValue]:
    """Return a map's entries at addresses and a moment, for reading only; addresses without an entry are left out."""
    value: MapValue = look_at(target, moment, (), (), sorted(vas), whole=1).now
    starts = [entry.start for entry in value.entries]
    found = ((va, value.entries[place - 1]) for va in vas if (place := bisect_right(starts, va)))
    return {va: entry for va, entry in found if va < entry.end}


def look_at(part: Any, moment: Moment, *focus: Any, of: str = "value", **more: Any) -> Look[Any]:
    """Return a part of a machine at the moments of its latest operation: a picture's only access to it.

    `focus` and `more` are arguments of the part's ``value``, or of its function `of`.  For page tables, the value is
    the tables themselves.
    """
    if isinstance(part, MachineTables):
        return Look(moment, lambda place: part.now(moment.words(place)))
    if isinstance(part, MachineDomain):
        return look_at_domain(part, moment, window_of(part, *focus), *focus)
    return _look_inside(part, moment, _now(part, moment, of, focus, more), of, focus, more)


def look_at_map(
    part: MapPart | MachineKmem, moment: Moment, focus: Sequence[int], opened: Sequence[int], *also: Any, whole: int
) -> Look[Any]:
    """Return a map, or all maps of kernel memory, at the moments of the latest operation; maps may be folded.

    Every moment contains the parts that are shown after the operation, and the removed parts in `focus`.
    """
    after = _now(part, moment, "value", (focus, opened, *also), {"whole": whole})
    maps = [one.map for one in after.all()] if isinstance(after, KernelMapValue) else [after]
    shown = tuple(dict.fromkeys([*(entry.id for one in maps for entry in one.entries), *focus]))
    return _look_inside(part, moment, after, "value", (shown,), {"whole": whole, "around": False})


def look_at_domain(part: MachineDomain, moment: Moment, after: DomainValue, focus: DomainFocus) -> Look[DomainValue]:
    """Return a domain at the moments of the latest operation: each has the focus, and the window shown `after` it."""
    if is_made_by(moment.events, after.name):
        return Look(moment, lambda place: while_made(after, moment.events[:place]), after)
    return _look_inside(part, moment, after, "only", (after.shown(focus),), {})


_Windows = dict[DomainFocus, DomainValue]
_WINDOWS: WeakKeyDictionary[MachineDomain, tuple[int, _Windows]] = WeakKeyDictionary()


def window_of(part: MachineDomain, focus: DomainFocus) -> DomainValue:
    """Return a domain's value, computed once per operation and focus for all pictures and steps.

    The serial identifies the operation, since after an undo another operation gets the same number.
    """
    latest = part.machine.journal.last.serial
    known = _WINDOWS.get(part)
    if known is None or known[0] != latest or len(known[1]) > MOST_WINDOWS:
        known = _WINDOWS[part] = (latest, {})
    if focus not in known[1]:
        known[1][focus] = part.window(focus)
    return known[1][focus]


MOST_WINDOWS = 16
"""The most windows at one moment that are cached."""


def _look_inside(
    part: Any,
    moment: Moment,
    after: Any,
    of: str,
    focus: tuple[Any, ...],
    more: dict[str, Any],
) -> Look[Any]:
    """Return the look at a part: the latest operation is repeated when a moment inside it is first needed.

    No operation is repeated if the moment before it is needed alone, and a picture drew the part then: the values after
    the latest two operations are kept, by request.
    """
    operation, history = moment.operation, part.machine.history
    if operation is not None and operation.number == 0 and isinstance(after, (MapValue, KernelMapValue)):
        return Look(moment, _booting(after, moment.events), after)
    if operation is None or operation.number == 0 or part.machine.journal.incomplete:
        return Look(moment.at_end(), lambda _: after, after)
    inside, path = history.inside(operation.number), part.path
    lasts = not any(focus) or _is_whole(after, more.get("whole", 0) - len(moment.events))
    key = path, of, () if lasts else _as_key(focus), _as_key(more)
    inside.expect(key, lambda machine: getattr(machine.part(path), of)(*focus, **more), lasts=lasts)
    values, earlier = _values(part.machine, moment)
    values[key], before = after, earlier.get(key)
    places = {0, *(stage.step.index + 1 for stage in joined(moment.stages))} - {len(moment.events)}
    is_far = moment.is_after and history.is_far(operation.number)

    def at(place: int) -> Any:
        # If a thread is inside a call, the machine can't be kept, and would be rebuilt for what is read next.
        if moment.is_after and not place and (before or part.machine.system.between_calls):
            return before or inside.at(key, 0)
        return inside.at(key, place, places)

    return Look(moment, at, after, is_far=is_far)


def _is_whole(value: Any, entries: int) -> bool:
    """Return whether a value leaves nothing out, whatever is in focus; of a map, because it has few `entries`.

    Then it is whole inside the operation too: an event adds no more than one entry.
    """
    if isinstance(value, KernelMapValue):
        return all(one.map.nr_entries <= entries for one in value.all())
    if isinstance(value, CachesValue):
        return all(len(one.slabs) == sum(count for _, count in one.counts) for one in value.caches)
    if isinstance(value, FramesValue):
        return sum(run.frames for run in value.runs) == value.counts.total
    if isinstance(value, KentryContents):
        return len(value.slabs) == value.area.allocated
    if isinstance(value, ObjectsValue):
        return not value.left_out
    return isinstance(value, MapValue) and value.nr_entries <= entries


MOST_REQUESTS = 64
"""The most values that are kept of an operation; each selection in a folded map is a request of its own."""

_LATEST: WeakKeyDictionary[Machine, dict[int, dict[Any, Any]]] = WeakKeyDictionary()
"""The values that pictures drew after the latest two operations, by the operation's serial number and by request."""


def _values(machine: Machine, moment: Moment) -> tuple[dict[Any, Any], Mapping[Any, Any]]:
    """Return the values that were kept after the latest operation, and after the one before it; none at other moments.

    What is put into the former is kept until the second operation after it.
    """
    operation = moment.operation
    if operation is None or operation.number != len(machine.journal) - 1 or machine.system.door.busy:
        return {}, {}
    now, before = (machine.journal.serial(max(0, operation.number - ago)) for ago in (0, 1))
    kept = _LATEST.setdefault(machine, {})
    for old in kept.keys() - {now, before}:
        del kept[old]
    values = kept.setdefault(now, {})
    if len(values) >= MOST_REQUESTS - 1:  # for the caller puts one into it
        del values[next(iter(values))]
    return values, {} if operation.truncated else kept.get(before, {})


def _now(part: Any, moment: Moment, of: str, focus: tuple[Any, ...], more: dict[str, Any]) -> Any:
    """Return a part's value after the latest operation: it is read once for all pictures and all steps."""
    key, (values, _) = (of, part.path, _as_key(focus), _as_key(more)), _values(part.machine, moment)
    if key not in values:
        values[key] = getattr(part, of)(*focus, **more)
    return values[key]


def _booting(value: Any, events: Sequence[Event]) -> Callable[[int], Any]:
    """Return a function that returns a map, or all maps of kernel memory, after so many of the boot's events."""
    own = [(at, event) for at, event in enumerate(events, 1) if hasattr(event, "map") or hasattr(event, "tree")]
    places, made = zip(*own, strict=True)

    @cache
    def at(count: int) -> Any:
        return at_boot(value, made[:count])

    return lambda place: at(bisect_right(places, place))


def at_boot(value: Any, events: Sequence[Event]) -> Any:
    """Return a map, or all maps of kernel memory, after some of the boot's events."""
    if isinstance(value, MapValue):
        return while_booting(value, events)
    made = {event.map for event in events if isinstance(event, MapCreated)}
    submaps = [at_boot(one, events) for one in value.submaps if one.map.name in made]
    return replace(value, map=while_booting(value.map, events), submaps=tuple(submaps))


def _as_key(given: Any) -> Any:
    """Return a hashable key for the request of a part's value."""
    if isinstance(given, dict):
        return tuple((key, _as_key(value)) for key, value in given.items())
    if isinstance(given, (list, tuple)):
        return tuple(map(_as_key, given))
    return frozenset(given) if isinstance(given, set) else given
