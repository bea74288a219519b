"""Keeping the notes of what operations changed in step with a machine: while it goes on, is undone, and branches.

The first question has all operations done again on another machine, which takes as long as a replay.  From then on each
operation is noted when it is done.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from typing import Any

from ...base.journal import Operation
from ...base.records import Raw
from ..system import System
from .changes import Changes
from .postings import Postings

Progress = Callable[[int, int], object]
"""Called with how many operations are done, and how many there are."""


class Follower:
    """Knows what each operation of a machine changed."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self._raw: list[Raw] = []
        self.changes: Changes | None = None
        """None until they are asked for, or where operations were redone that were never noted."""
        machine.door.overhear(self._hear)
        machine.door.listeners.append(self._follow)

    @classmethod
    def of(cls, machine: Any, progress: Progress | None = None) -> Follower:
        """The one of a machine, which has noted all its operations."""
        history = machine.history
        if history.follower is None:
            history.follower = cls(machine)
        follower: Follower = history.follower
        if follower.changes is None:
            follower._retrace(progress)
        return follower

    def latest(self, places: Iterable[tuple[Hashable, int]], before: int | None = None) -> Operation | None:
        """The latest operation that changed one of these: a key of the notes, and a place in what it names.

        Of those `before` one, if that is given.
        """
        journal, changes = self._machine.journal, self.changes
        assert changes is not None, "it was made with them"

        def counts(serial: int) -> bool:
            number = journal.number_of(serial)
            return number is not None and (before is None or number < before)

        found = [changes.postings.latest(key, at, counts) for key, at in places]
        serials = [serial for serial in found if serial is not None]
        return journal[journal.number_of(max(serials))] if serials else None

    def recent(self, places: Iterable[tuple[Hashable, int]], most: int) -> list[int]:
        """The numbers of the latest operations that changed one of these, so many of each at most."""
        journal, changes = self._machine.journal, self.changes
        assert changes is not None, "it was made with them"
        found: set[int] = set()
        for key, at in places:
            numbers = map(journal.number_of, changes.postings.backwards(key, at))
            found.update(islice((number for number in numbers if number is not None), most))
        return sorted(found)

    def branched(self, machine: Any, number: int) -> None:
        """Let a branch have these notes up to operation `number`, and go on with its own."""
        if self.changes is None or len(self.changes.line) <= number:
            return
        line = self.changes.line[: number + 1]
        made = machine.history.follower = Follower(machine)
        made.changes = Changes(self.changes.postings.until(line[-1]), line, machine.system)

    # ---- in step -----------------------------------------------------------------------------

    def _hear(self, raw: Raw) -> None:
        if self.changes is not None:
            self._raw.append(raw)

    def _follow(self) -> None:
        """Note the operation that was done, or see that some were undone or redone."""
        changes, machine = self.changes, self._machine
        if changes is None:
            return
        with machine.door.looking():
            journal, line, raw = machine.journal, changes.line, self._raw
            self._raw = []
            is_next = len(journal) == len(line) + 1 and journal.serial(len(line) - 1) == line[-1]
            if is_next and not changes.has_noted(journal.last.serial):
                changes.note(machine.system, journal.last.serial, raw)
                return
            if not self._is_in_step(changes):
                self.changes = None
                return
            changes.look_again(machine.system)

    def _is_in_step(self, changes: Changes) -> bool:
        """Have the serials of the journal as it is now; false where one of them was never noted."""
        journal, line = self._machine.journal, changes.line
        common = bisect_left(
            range(min(len(line), len(journal))), True, key=lambda number: line[number] != journal.serial(number)
        )
        later = [journal.serial(number) for number in range(common, len(journal))]
        if not all(map(changes.has_noted, later)):
            return False
        del line[common:]
        line.extend(later)
        return True

    def _retrace(self, progress: Progress | None) -> None:
        journal = self._machine.journal
        count = len(journal)
        made: list[Changes] = []
        raw: list[Raw] = []

        def begin(system: System) -> Callable[[System], None]:
            changes = Changes(Postings(), array("Q", [journal.serial(0)]), system)
            made.append(changes)
            system.door.overhear(raw.append)
            return note

        def note(system: System) -> None:
            changes = made[0]
            changes.note(system, system.journal.last.serial, raw)
            raw.clear()
            if progress is not None:
                progress(len(changes.line), count)

        self._machine.history.retrace(begin)
        self._raw = []
        self.changes = made[0]
