"""The array of reference counts of a copy-on-write kernel: the place of a frame's count, and its meaning.

A kernel may count from its first frame or from address 0, and may use 1 or 0 for a page that a single process has.
These two choices are learned when the shell waits for its first command.  If the pages disagree then, nothing is
judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ...engine.base.units import PAGE
from ..gdb import Gdb
from ..program import Variable
from .free_list import FreePages

KERNBASE = 0x8000_0000

_FREE = 128
"""The number of free frames, at the lowest and the highest addresses, that are compared with frames in use."""

_AGREE = 0.95
"""The share of pages with one descriptor that must have the same count."""


class Counts:
    """The counts of a kernel, and how to read them."""

    def __init__(self, variable: Variable, name: str, end: int) -> None:
        self.name = name
        self._variable = variable
        self._bases = (0, KERNBASE, end + PAGE - 1 & -PAGE, end)
        self._base: int | None = None
        self._alone = 1
        """The count of a page with one descriptor."""

    @property
    def is_known(self) -> bool:
        """Return whether the meaning of the counts is known."""
        return self._base is not None

    def place(self, gdb: Gdb) -> int:
        """Return the address of the first number."""
        one = self._variable
        return (gdb.words([one.address])[0] if one.through else one.address) + one.inner

    def learn(self, gdb: Gdb, alone: list[int], frames: range, free: FreePages) -> None:
        """Learn what the counts mean, from frames with one descriptor and from free frames at both ends of memory."""
        best, self._base, unused = 0.0, None, [pa for pa in frames if pa in free]
        unused = unused[:_FREE] + unused[-_FREE:]
        for base in self._bases:
            if not self._has_one_for_each(gdb, frames, free, base):
                continue
            found = Counter(self._at(gdb, frame, base) for frame in alone)
            freed = Counter(self._at(gdb, frame, base) for frame in unused)
            (value, number), rest = (found.most_common(1) or [(None, 0)])[0], len(alone)
            if value not in (0, 1) or number / rest < _AGREE or number / rest <= best:
                continue
            if freed and freed.most_common(1)[0][0] == value:
                continue  # these counts do not tell free frames from used ones: try another base or array
            best, self._base, self._alone = number / rest, base, value

    def _has_one_for_each(self, gdb: Gdb, frames: range, free: FreePages, base: int) -> bool:
        """Return whether each frame has an element, in memory that is in use."""
        one = self._variable
        start = self.place(gdb)
        places = [start + (pa - base) // PAGE * one.step for pa in (frames.start, frames.stop - PAGE)] if frames else []
        within = range(one.address, one.address + one.count * one.step) if not one.through else range(KERNBASE, 1 << 40)
        return bool(places) and all(at in within and at & -PAGE not in free for at in places)

    def wanted(self, descriptors: int) -> int:
        """Return the count that a frame with `descriptors` descriptors should have."""
        return descriptors - 1 + self._alone

    def of(self, gdb: Gdb, frame: int) -> int | None:
        """Return the count of a frame; None without a count, or if the meaning of counts is unknown."""
        return None if self._base is None else self._at(gdb, frame, self._base)

    def reader(self, gdb: Gdb) -> Callable[[int], int | None]:
        """Return a function for the current counts of many frames, which reads the array once."""
        one, base = self._variable, self._base
        (data,) = gdb.read([(one.address + one.inner, one.count * one.step)]) if one.count else (None,)
        if data is None or base is None:
            return lambda frame: self.of(gdb, frame)
        step, size, first, length = one.step, one.size, base, len(data)

        def count(frame: int) -> int | None:
            at = (frame - first) // PAGE * step
            return int.from_bytes(data[at : at + size], "little") if 0 <= at < length else None

        return count

    def _at(self, gdb: Gdb, frame: int, base: int) -> int | None:
        one = self._variable
        index = (frame - base) // PAGE
        start = self.place(gdb)
        if frame < base or start < KERNBASE or (one.count and index >= one.count):
            return None
        (data,) = gdb.read([(start + index * one.step, one.size)])
        return None if data is None else int.from_bytes(data, "little")
