"""The array of reference counts of a copy-on-write kernel: where a frame's count is, and what it means.

A kernel may count from its first frame or from address 0, and may say 1 or 0 for a page that one process has.  Both are
learned when the shell waits for its first command; where pages disagree by then, nothing is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from ...engine.base.units import PAGE
from ..gdb import Gdb
from ..program import Variable

KERNBASE = 0x8000_0000

_AGREE = 0.95
"""The part of all pages with one descriptor that must have the same count."""


class Counts:
    """The counts of a kernel, and how they are to be read."""

    def __init__(self, variable: Variable, name: str, end: int) -> None:
        self.name = name
        self._variable = variable
        self._bases = (0, KERNBASE, end + PAGE - 1 & -PAGE, end)
        self._base: int | None = None
        self._alone = 1
        self.was_asked = False
        """Whether it was tried to learn what the counts mean."""
        """The count of a page that one descriptor leads to."""

    @property
    def is_known(self) -> bool:
        """Whether it was learned what the counts mean."""
        return self._base is not None

    def learn(self, gdb: Gdb, alone: Iterable[int], free: Iterable[int]) -> None:
        """Learn from frames that one descriptor leads to, and from free ones."""
        frames, others = list(alone), list(free)
        best, self.was_asked = 0.0, True
        for base in self._bases:
            found = Counter(self._at(gdb, frame, base) for frame in frames)
            freed = Counter(self._at(gdb, frame, base) for frame in others)
            (value, number), rest = (found.most_common(1) or [(None, 0)])[0], len(frames)
            if value is None or not rest or number / rest < _AGREE or number / rest <= best:
                continue
            if freed and freed.most_common(1)[0][0] == value:
                continue  # it does not say what is free: another base, or another array
            best, self._base, self._alone = number / rest, base, value

    def wanted(self, descriptors: int) -> int:
        """The count of a frame that so many descriptors lead to."""
        return descriptors - 1 + self._alone

    def of(self, gdb: Gdb, frame: int) -> int | None:
        """The count of a frame; None where it has none, or it is not known what counts mean."""
        return None if self._base is None else self._at(gdb, frame, self._base)

    def reader(self, gdb: Gdb) -> Callable[[int], int | None]:
        """What gives the counts of many frames as they are now: the array is read once."""
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
        start = gdb.words([one.address])[0] if one.through else one.address
        if frame < base or not start or (one.count and index >= one.count):
            return None
        (data,) = gdb.read([(start + one.inner + index * one.step, one.size)])
        return None if data is None else int.from_bytes(data, "little")
