"""The stops of a real kernel, and its processes' mappings at each stop: values that pictures step through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..base.errors import Refused, in_ascii, shown
from ..base.frozen import frozen
from ..base.units import counted
from .pasted import SaidDifference, SaidRange, compared

SEVERAL = "*"
"""The letter of a page that several processes map."""

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

    @property
    def key(self) -> int | str:
        """The process's identity, which stays the same from stop to stop."""
        return self.pid or self.name


@frozen
class Stop:
    """One stop of the kernel: its number from 0, its place, and its processes."""

    number: int
    where: str
    spaces: tuple[SpaceAtStop, ...]

    def letters(self) -> dict[int, str]:
        """The letter of each physical page: its process's letter (lower case for a table), or `SEVERAL`."""
        found: dict[int, str] = {}
        for space in self.spaces:
            for letter, pages in ((space.letter, space.frames), (space.letter.lower(), space.tables)):
                for pa in pages:
                    found[pa] = letter if found.get(pa, letter) == letter else SEVERAL
        return found

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
