"""The notes of operations' changes (:mod:`.changes`): created when a question needs them, newest first, and kept.

A question is answered backwards, until the answer is found.  A stretch of operations that cannot have changed the thing
in question is left out (:mod:`..touched`).  Other stretches that were never noted are replayed on another machine: one
stretch, then two at once, then three.  Serials are never reused, so undone operations need no work here: a stretch's
notes count only if their operations are in the journal.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from ...base.journal import Operation
from ...base.packed import squeezed, unsqueezed
from ...base.records import Raw
from .. import touched
from ..system import System
from .changes import Changes, MayChange, Notes, Seen

LOADED = 8
"""The number of stretches whose notes stay unpacked after use."""

ASKED = 64
"""The number of stretches whose possible changes stay unpacked."""

Progress = Callable[[int, int], object]
"""A function called with the number of finished operations and the total."""

Place = tuple[Any, int]
"""A key of the notes, and a place in the thing that it names."""

Places = Iterable[Place]

Sights = Mapping[Place, Seen]
"""For each place that is a byte of a task, what the task sees there; unknown places are missing."""

Look = Callable[[int, System], None]
"""A function called with the number of a replay's first operation, and with the machine before that operation."""


class Piece(NamedTuple):
    """The notes of one replay, packed; `hashes` has the hashes of their keys, in order."""

    hashes: array[int]
    data: bytes

    def may_have(self, key: Hashable) -> bool:
        """Return whether the piece may have notes for a key."""
        wanted = hash(key)
        at = bisect_left(self.hashes, wanted)
        return at < len(self.hashes) and self.hashes[at] == wanted


class Noted:
    """Notes of what each operation of a machine changed."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._pieces: dict[int, list[Piece]] = {}
        """The pieces by stretch."""
        self._has = bytearray()
        """Whether an operation was noted, by serial, including undone operations."""
        self._loaded: OrderedDict[int, Notes] = OrderedDict()
        """The notes of the pieces that were read last, by the pieces' ids."""
        self._may: OrderedDict[tuple[int, int], MayChange] = OrderedDict()
        """The possible changes of the stretches that were examined last, by their first and last serials."""

    @classmethod
    def of(cls, machine: Any) -> Noted:
        """Return the notes of a machine."""
        history = machine.history
        if history.noted is None:
            history.noted = cls(machine)
        found: Noted = history.noted
        return found

    def latest(self, places: Places, before: int | None = None, progress: Progress | None = None) -> Operation | None:
        """Return the latest operation that changed one of these places, before operation `before` if given."""
        number = next(self._backwards(list(places), before, progress), None)
        return None if number is None else self._machine.journal[number]

    def recent(self, places: Places, most: int) -> list[int]:
        """Return the numbers of the latest operations that changed one of these places, at most `most` per place."""
        found: set[int] = set()
        for place in places:
            found.update(islice(self._backwards([place]), most))
        return sorted(found)

    def branched(self, machine: Any, number: int) -> None:
        """Give a branch, which continues alone, the notes of stretches that are complete before operation `number`."""
        made = machine.history.noted = Noted(machine)
        whole = touched.stretch_of(number)
        made._pieces = {stretch: list(pieces) for stretch, pieces in self._pieces.items() if stretch < whole}
        serials = map(self._machine.journal.serial, range(1, touched.first_of(whole)))
        made._mark(serial for serial in serials if self._was_noted(serial))

    # ---- backwards -----------------------------------------------------------------------------

    def _backwards(
        self, places: list[Place], before: int | None = None, progress: Progress | None = None
    ) -> Iterator[int]:
        """Yield the numbers of the operations that changed one of these places, the latest first."""
        journal = self._machine.journal
        end = len(journal) if before is None else before
        last, done, replays = touched.stretch_of(end - 1), 1, 1
        begun: dict[int, Sights] = {}
        """What tasks saw before the first operation of each replay."""

        def look(number: int, system: System) -> None:
            begun[number] = {place: Seen.by(system, *place[0][1:]) for place in places if place[0][0] == "bytes"}

        look(len(journal), self._machine.system)
        seen = begun[len(journal)]
        for stretch in range(touched.stretch_of(len(journal) - 1), -1, -1):
            if not self._may_change(stretch, places, seen):
                continue  # and nothing that is seen has changed
            if stretch <= last:
                were, done = done, self._note(stretch, replays, done, progress, look)
                replays += done > were  # each replay goes back further: making a machine costs time too
                yield from sorted(self._in_notes(stretch, places, end), reverse=True)
            seen = begun.get(touched.first_of(stretch), {})

    def _may_change(self, stretch: int, places: list[Place], seen: Sights) -> bool:
        """Return whether a stretch may have changed one of these places."""
        history = self._machine.history
        found = history.touches.of(stretch, history.system.ram)
        if found is None:
            return True
        may = self._may.pop(found.serials, None) or MayChange(found)
        self._may[found.serials] = may
        if len(self._may) > ASKED:
            self._may.popitem(last=False)
        return any(may.place(*place, seen.get(place)) for place in places)

    def _in_notes(self, stretch: int, places: list[Place], end: int) -> set[int]:
        """Return the numbers of the operations of a stretch, before `end`, that changed one of these places."""
        number_of = self._machine.journal.number_of
        found: set[int] = set()
        for key, at in places:
            for piece in self._pieces.get(stretch, ()):
                held = self._notes(piece).get(key, ()) if piece.may_have(key) else ()
                for place in range(0, len(held), 3):
                    if held[place + 1] <= at < held[place + 2]:
                        number = number_of(held[place])
                        if number is not None and number < end:
                            found.add(number)
        return found

    def _notes(self, piece: Piece) -> Notes:
        known = self._loaded.pop(id(piece), None)
        notes: Notes = unsqueezed(piece.data) if known is None else known
        self._loaded[id(piece)] = notes
        if len(self._loaded) > LOADED:
            self._loaded.popitem(last=False)
        return notes

    # ---- noting --------------------------------------------------------------------------------

    def _note(self, stretch: int, most: int, done: int, progress: Progress | None, look: Look) -> int:
        """Note the missing parts of a stretch and of earlier stretches, `most` stretches at most, in one replay.

        Return the number of finished operations, to which `done` were added before; `done` if everything was known.
        """
        journal, numbers = self._machine.journal, self._unknown(stretch)
        if not numbers:
            return done
        for before in range(stretch - 1, max(-1, stretch - most), -1):
            earlier = self._unknown(before)
            if not earlier or numbers.start != touched.first_of(before + 1):
                break
            numbers = range(earlier.start, numbers.stop)
        made: list[Changes] = []
        raw: list[Raw] = []
        first = numbers.start

        def begin(system: System) -> Callable[[System], None]:
            look(first, system)
            made.append(Changes(system))
            system.door.overhear(raw.append)
            return note

        def note(system: System) -> None:
            nonlocal done, first
            changes, following = made[0], len(system.journal)
            changes.note(system, system.journal.next_serial - 1, raw)
            raw.clear()
            done += 1
            if progress is not None:
                progress(done, len(journal))
            if following == numbers.stop or touched.stretch_of(following) > touched.stretch_of(first):
                self._keep(range(first, following), changes.notes)
                changes.notes, first = {}, following

        self._machine.history.retrace(begin, first - 1, numbers[-1])
        return done

    def _unknown(self, stretch: int) -> range:
        """Return the numbers of the stretch's operations that were never noted: these are its last operations."""
        journal = self._machine.journal
        numbers = range(touched.first_of(stretch), min(len(journal), touched.first_of(stretch + 1)))
        known = bisect_left(numbers, True, key=lambda number: not self._was_noted(journal.serial(number)))
        return numbers[known:]

    def _keep(self, numbers: range, notes: Notes) -> None:
        """Keep the notes of one stretch's operations."""
        piece = Piece(array("q", sorted(map(hash, notes))), squeezed(notes))
        self._pieces.setdefault(touched.stretch_of(numbers.start), []).append(piece)
        self._mark(map(self._machine.journal.serial, numbers))

    def _mark(self, serials: Iterable[int]) -> None:
        for serial in serials:
            self._has.extend(bytes(max(0, serial + 1 - len(self._has))))
            self._has[serial] = 1

    def _was_noted(self, serial: int) -> bool:
        return serial < len(self._has) and bool(self._has[serial])
