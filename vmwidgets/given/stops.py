"""The stops of a real kernel, and its processes' mappings at each stop: values that pictures step through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import PAGE, counted
from .pasted import SaidDifference, SaidRange, compared

SEVERAL, WRITTEN = "*", "!"
"""The letters of a page that several processes have, and of a table that user code can write."""

PageKind = Literal["page", "table", "several", "written"]
"""A page of a process; a page with a table; a page that several processes map; a table that user code can write."""


class WrittenTable(NamedTuple):
    """A page with a table of the process `owner`, which user code of the process `writer` can write."""

    pa: int
    writer: str
    owner: str


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@frozen
class SpaceAtStop:
    """One process at a stop: its mappings, and the pages that hold its tables."""

    name: str
    letter: str
    ranges: tuple[SaidRange, ...]
    """Runs of equal rights."""
    frames: tuple[int, ...]
    """The physical pages that the process maps, without the pages at the top addresses that every process maps."""
    tables: tuple[int, ...]
    """The physical pages that hold the process's tables."""
    pid: int = 0
    """The process's number; unlike its name, it stays the same when the process executes a program."""
    writable: tuple[int, ...] = ()
    """The physical pages that the process's user code can write; pages of contiguous ranges may be left out."""

    @property
    def key(self) -> int | str:
        """The process's identity, which stays the same from stop to stop."""
        return self.pid or self.name

    def written(self) -> set[int]:
        """Return the physical pages that the process's user code can write."""
        ranges = (one for one in self.ranges if one.pa is not None and one.rights[1] == "w" and one.rights[3] == "u")
        return {*self.writable, *(pa for one in ranges for pa in range(one.pa or 0, (one.pa or 0) + one.size, PAGE))}


@frozen
class Stop:
    """One stop of the kernel: its number from 0, its place, and its processes."""

    number: int
    where: str
    spaces: tuple[SpaceAtStop, ...]

    def pages(self) -> dict[int, tuple[str, PageKind]]:
        """Return the letter and the kind of each physical page.

        The letter is the process's (lower case for a table), or `SEVERAL`.  A table is a table, also if user code can
        read it, as in JOS (UVPT); if user code can write it, its letter is `WRITTEN`.
        """
        found: dict[int, tuple[str, PageKind]] = {}
        for space in self.spaces:
            for pa in space.frames:
                one = found.get(pa, (space.letter, "page"))
                found[pa] = one if one[0] == space.letter else (SEVERAL, "several")
        tables: dict[int, str] = {}
        for space in self.spaces:
            for pa in space.tables:
                letter = space.letter.lower()
                tables[pa] = letter if tables.get(pa, letter) == letter else SEVERAL
        found |= {pa: (letter, "table") for pa, letter in tables.items()}
        return found | {one.pa: (WRITTEN, "written") for one in self.written_tables()}

    def letters(self) -> dict[int, str]:
        """Return the letter of each physical page, as in :meth:`pages`."""
        return {pa: letter for pa, (letter, _) in self.pages().items()}

    def written_tables(self) -> list[WrittenTable]:
        """Return the tables that user code can write: it can map all of memory, so nothing worse can be found."""
        owners = {pa: space.name for space in self.spaces for pa in space.tables}
        found = ((pa, space.name) for space in self.spaces for pa in space.written() & owners.keys())
        return [WrittenTable(pa, writer, owners[pa]) for pa, writer in sorted(found)]

    def changes(self, before: Stop | None) -> dict[str, tuple[SaidDifference, ...]]:
        """Return the differences from the mappings at an earlier stop, by process."""
        then = {space.key: space for space in before.spaces} if before is not None else {}
        found = {}
        for space in self.spaces:
            earlier = then.pop(space.key, None)
            found[space.name] = compared(earlier.ranges if earlier is not None else (), space.ranges)
        gone = {space.name: compared(space.ranges, ()) for space in then.values() if space.name not in found}
        return {name: one for name, one in {**found, **gone}.items() if one}

    @in_ascii
    def __repr__(self) -> str:
        return f"<stop {self.number} at {self.where}: {counted(len(self.spaces), 'process', 'processes')}>"


@frozen
class Stops:
    """All stops of a kernel, the newest last, shown as a picture that steps back through them."""

    all: tuple[Stop, ...]

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, number: int) -> Stop:
        try:
            return self.all[number]
        except (IndexError, TypeError):
            raise Refused(f"stop {shown(number)}: there are {len(self.all)}, numbered from 0") from None

    @in_ascii
    def __repr__(self) -> str:
        last = f", the last at {self.all[-1].where}" if self.all else ""
        return f"<{counted(len(self.all), 'stop')}{last}>"


def lettered(names: Iterable[str], known: dict[str, str]) -> dict[str, str]:
    """Return a letter for each process: its name's first letter if that is free; letters in `known` stay.

    >>> lettered(["init (1)", "sh (2)", "sleep (3)"], {})
    {'init (1)': 'I', 'sh (2)': 'S', 'sleep (3)': 'L'}
    """
    found = dict(known)
    for name in names:
        if name in found:
            continue
        wanted: Sequence[str] = [letter for letter in name.upper() if letter in _LETTERS] + list(_LETTERS)
        taken = set(found.values())
        found[name] = next((letter for letter in wanted if letter not in taken), "#")
    return found
