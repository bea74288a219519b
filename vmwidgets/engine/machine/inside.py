"""The inside of one operation: it is replayed on another machine, whose parts are read at each event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

from ..base.errors import Refused
from ..base.recorder import Raw, expanded

Do = Callable[[Callable[[Any], Callable[[Raw], None]]], None]
"""A function that replays an operation.

It calls its argument with the machine before the operation.  At each event, it calls the function that this call
returned.
"""

Sight = Callable[[Any], Any]
"""A function that returns a value of a machine, or raises Refused if the machine lacks the part."""


class Inside:
    """The values in the middle of one operation, by a key of the part and by the number of finished events.

    One replay reads all values that may be needed next: from all parts that were ever read, at all places of interest,
    and from those that were read in the operation `earlier`, if they are read in the same way in all operations.
    """

    def __init__(
        self, do: Do, before: Callable[[], AbstractContextManager[Any]], kept: int = -1, earlier: Inside | None = None
    ) -> None:
        self._do = do
        self._before = before
        """A function that provides the machine in its state before the operation."""
        self._kept = kept
        """The number of events that a journal has kept, if there were more; -1 if it has kept all events."""
        self._skipped: int | None = None
        """The number of the operation's first events that the journal has not kept."""
        self._lasting: dict[Hashable, Sight] = {}
        self._sights: dict[Hashable, Sight] = {} if earlier is None else {**earlier._lasting}
        self._seen: dict[tuple[Hashable, int], Any] = {}

    def expect(self, key: Hashable, sight: Sight, *, lasts: bool = False) -> None:
        """Read this part too in the next replay, and if it `lasts`, in that of the next operation."""
        self._sights[key] = sight
        if lasts:
            self._lasting[key] = sight

    def at(self, key: Hashable, place: int, places: Collection[int] = ()) -> Any:
        """Return the value after this number of kept events; afterwards, the value is known at all `places`.

        A part that does not exist yet is read as soon as it is created.
        """
        if (key, place) not in self._seen:
            self._look({place, *places})
        found = self._seen[key, place]
        if isinstance(found, Refused):
            raise found
        return found

    def _look(self, places: Collection[int]) -> None:
        skipped = self._events_skipped()
        if not skipped and not any(places):
            looked = _Looked(self._sights, self._seen, iter((0,)), 0)
            with self._before() as machine:
                looked.begin(machine)
            if not looked.missing:
                return
        looked = _Looked(self._sights, self._seen, iter(sorted(places)), skipped)
        self._do(looked.begin)
        looked.end()

    def _events_skipped(self) -> int:
        if self._kept < 0:
            return 0
        if self._skipped is None:
            counted = _Looked({}, {}, iter(()), 0)
            self._do(counted.begin)
            self._skipped = counted.done - self._kept
        return self._skipped


class _Looked:
    """One replay: reads the requested parts at each place, and missing parts at the next event."""

    def __init__(
        self, sights: dict[Hashable, Sight], seen: dict[tuple[Hashable, int], Any], places: Iterator[int], skipped: int
    ) -> None:
        self._sights = sights
        self._seen = seen
        self._places = places
        self._next = next(places, None)
        self.missing: list[tuple[Hashable, int]] = []
        self.done = -skipped
        self._machine: Any = None

    def begin(self, machine: Any) -> Callable[[Raw], None]:
        self._machine = machine
        self._come_to(self.done)
        return self._at_event

    def end(self) -> None:
        """Read the parts that did not exist before the operation's end."""
        while self._next is not None:
            self._come_to(self._next)
        for key, place in self.missing:
            self._seen[key, place] = self._read(key)

    def _read(self, key: Hashable) -> Any:
        """Return a part's value, or the reason why there is none: the part of an earlier operation may be gone."""
        try:
            return self._sights[key](self._machine)
        except Refused as gone:
            return gone

    def _at_event(self, raw: Raw) -> None:
        self._come_to(self.done + sum(1 for _ in expanded((raw,))))

    def _come_to(self, done: int) -> None:
        self.done = done
        wanted, self.missing = self.missing, []
        while self._next is not None and self._next <= done:
            wanted += [(key, self._next) for key in self._sights if (key, self._next) not in self._seen]
            self._next = next(self._places, None)
        if not wanted:
            return
        found: dict[Hashable, Any] = {}
        with self._machine.system.recorder.quiet():
            for key in dict.fromkeys(key for key, _ in wanted):
                with suppress(Refused):
                    found[key] = self._sights[key](self._machine)
        for key, place in wanted:
            if key in found:
                self._seen[key, place] = found[key]
            else:
                self.missing.append((key, place))
