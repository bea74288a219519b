"""The stops of a real kernel, and its processes' mappings at each stop: values that pictures step through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import PAGE, counted
from .pasted import SaidDifference, SaidRange, compared


class WrittenTable(NamedTuple):
    """A page with a table of the process `owner`, which user code of the process `writer` can write."""

    pa: int
    writer: str
    owner: str


def most(rights: str) -> tuple[bool, str]:
    """Return a key that sorts the rights of descriptors: what user code may do, above all write, comes last.

    >>> sorted(["rw-u", "rwx-", "r--u"], key=most)
    ['rwx-', 'r--u', 'rw-u']
    """
    return rights[3] == "u", rights


@frozen
class SpaceAtStop:
    """One process at a stop: its mappings, and the pages that hold its tables."""

    name: str
    ranges: tuple[SaidRange, ...]
    """Runs of equal rights."""
    frames: tuple[int, ...]
    """The physical pages that the process maps, without the pages at the top addresses that every process maps."""
    tables: tuple[int, ...]
    """The physical pages that hold the process's tables."""
    pid: int = 0
    """The process's number; unlike its name, it stays the same when the process executes a program."""
    rights: Mapping[int, str] = field(default_factory=dict, compare=False)
    """The rights of pages by physical address, as in `ranges`; pages of contiguous ranges may be left out."""

    @property
    def key(self) -> int | str:
        """The process's identity, which stays the same from stop to stop."""
        return self.pid or self.name

    def rights_of_pages(self) -> dict[int, str]:
        """Return the known rights of user code on each physical page, without those that it lacks: "rw".

        A page that only the kernel can access has the rights "kernel".
        """
        placed = ((one, one.pa) for one in self.ranges if one.pa is not None)
        ranges = sorted(placed, key=lambda two: most(two[0].rights))
        found = {pa: one.rights for one, start in ranges for pa in range(start, start + one.size, PAGE)}
        return {
            pa: "kernel" if one[3] == "-" else one[:3].replace("-", "") or "none"
            for pa, one in (found | dict(self.rights)).items()
        }

    def written(self) -> set[int]:
        """Return the physical pages that the process's user code can write."""
        return {pa for pa, rights in self.rights_of_pages().items() if "w" in rights}


@frozen
class Stop:
    """One stop of the kernel: its number from 0, its place, and its processes."""

    number: int
    where: str
    spaces: tuple[SpaceAtStop, ...]

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
