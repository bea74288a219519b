"""Which operations changed something, by what it is: an index that stays small.

A posting is the serial of an operation and a range, [first, end), of what the key names: bytes of a page, addresses of
a map.  Serials are never used again, so what was undone needs no work here: who asks says which serials count.

Postings come in the order of operations.  When there are many, they are put away in a file that has no name, in
segments; of each segment only the hashes of its keys stay in memory.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from tempfile import TemporaryFile
from typing import IO
from weakref import finalize

MOST_OPEN = 30_000
"""So many postings are kept at hand: then they become a segment."""

LOADED = 8
"""So many segments stay unpacked after they were asked."""

Open = dict[Hashable, "array[int]"]
"""By key: serial, first and end of each posting, one after the other."""


class Store:
    """Where segments lie: a file without a name, or memory where no file can be had."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._kept: list[bytes] = []
        self._loaded: OrderedDict[int, Open] = OrderedDict()
        self._places: list[tuple[int, int]] = []

    def put(self, postings: Open) -> int:
        """Put a segment away; its number."""
        data = zlib.compress(pickle.dumps(postings, pickle.HIGHEST_PROTOCOL), 1)
        number = len(self._places)
        try:
            if self._file is None and not self._kept:
                self._file = TemporaryFile(prefix="vmwidgets")  # noqa: SIM115  it lives as long as this object
                finalize(self, self._file.close)
        except OSError:  # a process that judges students' work may have no files
            self._file = None
        if self._file is None:
            self._kept.append(data)
            self._places.append((len(self._kept) - 1, 0))
        else:
            self._places.append((self._file.seek(0, 2), len(data)))
            self._file.write(data)
        return number

    def get(self, number: int) -> Open:
        """A segment by its number."""
        found = self._loaded.pop(number, None)
        if found is None:
            place, length = self._places[number]
            if self._file is None:
                data = self._kept[place]
            else:
                self._file.seek(place)
                data = self._file.read(length)
            found = pickle.loads(zlib.decompress(data))
        self._loaded[number] = found
        if len(self._loaded) > LOADED:
            self._loaded.popitem(last=False)
        return found


class Segment:
    """Postings that were put away, with serials up to `limit`."""

    __slots__ = ("_hashes", "limit", "number")

    def __init__(self, number: int, hashes: frozenset[int], limit: int) -> None:
        self.number = number
        self._hashes = hashes
        self.limit = limit

    def may_have(self, key: Hashable) -> bool:
        """Whether it may have postings of a key."""
        return hash(key) in self._hashes

    def cut(self, limit: int) -> Segment:
        """The same with serials up to `limit` only."""
        return Segment(self.number, self._hashes, min(limit, self.limit))


class Postings:
    """What changed when.

    >>> postings = Postings()
    >>> for serial, first in (3, 0), (5, 100), (8, 0):
    ...     postings.add("page", serial, first, first + 10)
    >>> postings.latest("page", 4, lambda serial: True), postings.latest("page", 4, lambda serial: serial != 8)
    (8, 3)
    """

    def __init__(self) -> None:
        self._open: Open = {}
        self._count = 0
        self._store = Store()
        self._segments: list[Segment] = []

    def add(self, key: Hashable, serial: int, first: int = 0, end: int = 1) -> None:
        """Note that the operation of this serial changed [first, end) of what the key names."""
        held = self._open.get(key)
        if held is None:
            held = self._open[key] = array("Q")
        held.extend((serial, first, end))
        self._count += 1
        if self._count >= MOST_OPEN:
            self._put_away()

    def latest(self, key: Hashable, at: int, counts: Callable[[int], bool]) -> int | None:
        """The serial of the latest operation that changed place `at` of a key, of those that count; or none."""
        return next(filter(counts, self.backwards(key, at)), None)

    def backwards(self, key: Hashable, at: int) -> Iterator[int]:
        """The serials of all operations that changed place `at` of a key, the latest first."""
        return (serial for serial, first, end in self._backwards(key) if first <= at < end)

    def until(self, serial: int) -> Postings:
        """The same up to the operation of this serial, to go on from there: what is put away is shared."""
        self._put_away()
        made = Postings()
        made._store = self._store
        made._segments = [segment.cut(serial) for segment in self._segments]
        return made

    @property
    def at_hand(self) -> int:
        """How many postings are kept in memory."""
        return self._count

    def _put_away(self) -> None:
        if self._open:
            number = self._store.put(self._open)
            self._segments.append(Segment(number, frozenset(map(hash, self._open)), 1 << 64))
        self._open, self._count = {}, 0

    def _backwards(self, key: Hashable) -> Iterator[tuple[int, int, int]]:
        """The postings of a key, the latest first."""
        yield from _pieces(self._open.get(key), 1 << 64)
        for segment in reversed(self._segments):
            if segment.may_have(key):
                yield from _pieces(self._store.get(segment.number).get(key), segment.limit)


def _pieces(held: array[int] | None, limit: int) -> Iterator[tuple[int, int, int]]:
    if held is not None:
        for at in range(len(held) - 3, -1, -3):
            if held[at] <= limit:
                yield held[at], held[at + 1], held[at + 2]
