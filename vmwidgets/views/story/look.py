"""A view's access to a machine: a part's value at each moment of one operation, and differences."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from .moment import Moment
from .stages import Mine, once, seen

V = TypeVar("V")


class Look(Generic[V]):
    """A part of a machine at the moments of an operation; `moment` is the moment that is drawn.

    `at` returns the value after a number of events.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("16 KiB")
    >>> seen = m.history.moments(m.journal.last.number, lambda then: then.kernel_map.value())
    >>> look = Look(Moment(m.journal.last, 0), seen.__getitem__, m.kernel_map.value())
    >>> look.now == look.before, look.after.nr_entries - look.before.nr_entries
    (True, 1)
    """

    def __init__(self, moment: Moment, at: Callable[[int], V], after: V | None = None, *, is_far: bool = False) -> None:
        self.moment = moment
        self.is_far = is_far
        """Whether a value inside the operation would take long to compute while the picture shows the end.

        If so, each value is the one at the end.
        """
        self._at = at
        self._known: dict[int, V] = {} if after is None else {len(moment.events): after}

    def at(self, place: int) -> V:
        """Return the value after this many events."""
        if self.is_far:
            return self.after
        if place not in self._known:
            self._known[place] = self._at(place)
        return self._known[place]

    def mine(self, key: Hashable, facts: Callable[[V], object]) -> Mine:
        """Return the steps of a picture that draws these `facts` of the part, found once for all with this `key`."""
        return once(key, seen(lambda done: facts(self.at(done)), is_far=self.is_far))

    def to(self, place: int) -> Look[V]:
        """Return the same part, of which the moment after this many events is drawn."""
        other = Look(self.moment.at(place), self._at, is_far=self.is_far)
        other._known = self._known
        return other

    @property
    def now(self) -> V:
        """The value at the moment."""
        return self.at(self.moment.place)

    @property
    def before(self) -> V:
        """The value before the operation, or as far back as its events were kept."""
        return self.at(0)

    @property
    def after(self) -> V:
        """The value after the operation."""
        place = len(self.moment.events)
        return self._known[place] if place in self._known else self.at(place)


class Difference(NamedTuple):
    """The keys of new, changed and removed things between two mappings."""

    new: frozenset[Any]
    changed: frozenset[Any]
    leaving: frozenset[Any]


def difference(before: Mapping[Any, object], now: Mapping[Any, object]) -> Difference:
    """Return the keys of new, changed and removed things between two mappings.

    >>> difference({1: "a", 2: "b"}, {2: "c", 3: "d"})
    Difference(new=frozenset({3}), changed=frozenset({2}), leaving=frozenset({1}))
    """
    both = before.keys() & now.keys()
    changed = (key for key in both if before[key] is not now[key] and before[key] != now[key])
    return Difference(frozenset(now.keys() - before.keys()), frozenset(changed), frozenset(before.keys() - now.keys()))
