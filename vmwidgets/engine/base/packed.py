"""Records of old operations as bytes, a thousand in a piece, in memory or in a temporary file."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any

from .units import Address, Size

KEPT = 1000
"""The number of operations in a packed piece, and of latest operations that keep their events.

The events of older operations are recreated by replay.
"""

IN_MEMORY = 64 << 20
"""The most bytes of packed records in memory; further records are in a temporary file."""


Row = tuple[int, str, str, "tuple[str, ...] | None", tuple[Any, ...], str, Any, str, int]
"""The stored form of an operation: without its number and events, with the arguments' names apart, if known."""


def squeezed(data: Any) -> bytes:
    """Return plain data as bytes, as fast as possible: a quarter of the bytes that pickle alone needs.

    >>> unsqueezed(squeezed([1, "two"]))
    [1, 'two']
    """
    return zlib.compress(pickle.dumps(data, pickle.HIGHEST_PROTOCOL), 1)


def unsqueezed(data: bytes) -> Any:
    """Return the data of :func:`squeezed`."""
    return pickle.loads(zlib.decompress(data))


class Packed:
    """Records of old operations, in pieces of KEPT each."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self._pieces: list[bytes | tuple[int, int]] = []
        """The packed bytes of each piece, or their place in the file and their length."""
        self._serials: list[tuple[int, int]] = []
        """The serials of each piece's first and last operation."""
        self._file: IO[bytes] | None = None
        self._open: dict[int, list[Row]] = {}
        """The two pieces that were read last, by their numbers: a replay continues from one to the next."""

    def first(self, pieces: int) -> Packed:
        """Return the first pieces, for another journal's records."""
        made = Packed()
        made._pieces, made._file = self._pieces[:pieces], self._file
        made._serials = self._serials[:pieces]
        made.count = KEPT * pieces
        made.bytes = sum(len(one) if isinstance(one, bytes) else one[1] for one in made._pieces)
        return made

    def append(self, operations: list[Row]) -> None:
        """Pack KEPT operations."""
        data = pack(operations)
        self._pieces.append(data if self.bytes + len(data) <= IN_MEMORY else self._spilled(data))
        self._serials.append((operations[0][0], operations[-1][0]))
        self.count += len(operations)
        self.bytes += len(data)

    def _spilled(self, data: bytes) -> bytes | tuple[int, int]:
        """Return the place of `data` in the file, or `data` itself if no file can be written."""
        try:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115  it lives as long as the journal
            place = self._file.seek(0, 2)
            self._file.write(data)
        except OSError:
            return data
        return place, len(data)

    def pop(self) -> list[Row]:
        """Remove the last piece, and return it."""
        number = len(self._pieces) - 1
        operations = self._piece(number)
        self.bytes -= len(self._read(number))
        self.count -= len(operations)
        self._open.clear()
        del self._pieces[number], self._serials[number]
        return operations

    def serial(self, number: int) -> int:
        """Return the serial of operation `number`; the record is read only if operations in between were undone."""
        first, last = self._serials[number // KEPT]
        return first + number % KEPT if last - first == KEPT - 1 else self[number][0]

    def _read(self, number: int) -> bytes:
        piece = self._pieces[number]
        if isinstance(piece, bytes):
            return piece
        assert self._file is not None, "a piece lies in it"
        self._file.seek(piece[0])
        return self._file.read(piece[1])

    def _piece(self, number: int) -> list[Row]:
        found = self._open.get(number)
        if found is None:
            found = _unpack(self._read(number))
            self._open = {**dict(list(self._open.items())[-1:]), number: found}
        return found

    def __getitem__(self, number: int) -> Row:
        return self._piece(number // KEPT)[number % KEPT]


def pack(rows: Sequence[Row]) -> bytes:
    """Return records as bytes, in columns, with addresses and sizes as numbers: this is several times as fast.

    The loop goes column by column, since `zip` creates an iterator for each row: enough to start a garbage collection.
    """
    serials, targets, names, words, values, outcomes, results, said, stopped = (
        list(map(itemgetter(place), rows)) for place in range(9)
    )
    lengths = list(map(len, values))
    columns = serials, targets, names, words, lengths, outcomes, said, stopped
    data = columns, _plain(chain.from_iterable(values)), _plain(results)
    return squeezed(data)


def _unpack(data: bytes) -> list[Row]:
    columns, values, results = unsqueezed(data)
    serials, targets, names, words, lengths, outcomes, said, stopped = columns
    given = iter(_as_they_were(*values))
    tuples = [tuple(islice(given, length)) for length in lengths]
    found = _as_they_were(*results)
    return list(zip(serials, targets, names, words, tuples, outcomes, found, said, stopped, strict=True))


_NUMBERS: tuple[type[int], ...] = (int, Address, Size)
_KINDS = {Address: 1, Size: 2}
"""The index of a kind in `_NUMBERS`."""


def _plain(values: Iterable[Any]) -> tuple[list[Any], bytes]:
    """Return values with plain numbers for addresses and sizes, and a byte for each value's kind."""
    column, kind_of = list(values), _KINDS.get
    kinds = bytes([kind_of(type(one), 0) for one in column])
    return [int(one) if kind else one for one, kind in zip(column, kinds, strict=True)], kinds


def _as_they_were(column: list[Any], kinds: bytes) -> list[Any]:
    return [_NUMBERS[kind](one) if kind else one for one, kind in zip(column, kinds, strict=True)]
