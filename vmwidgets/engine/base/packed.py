"""A list whose old items are bytes, a thousand in a piece, in memory or in a temporary file; and the records in it."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import chain, islice
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from .units import Address, Size

if TYPE_CHECKING:
    from typing_extensions import Self

KEPT = 1000
"""The number of items in a packed piece, and of latest operations that keep their events.

The events of older operations are recreated by replay.
"""

IN_MEMORY = 64 << 20
"""The most bytes of a list's pieces in memory; further pieces are in a temporary file."""

T = TypeVar("T", bound=Sequence[Any])


def squeezed(data: Any) -> bytes:
    """Return plain data as bytes, as fast as possible: a quarter of the bytes that pickle alone needs.

    >>> unsqueezed(squeezed([1, "two"]))
    [1, 'two']
    """
    return zlib.compress(pickle.dumps(data, pickle.HIGHEST_PROTOCOL), 1)


def unsqueezed(data: bytes) -> Any:
    """Return the data of :func:`squeezed`."""
    return pickle.loads(zlib.decompress(data))


class _Piece(NamedTuple):
    """Packed items: their bytes, or the place of these in the file; and the first fields of the first and last item."""

    data: bytes | int
    size: int
    first: Any
    last: Any


class PackedList(Sequence[T]):
    """A list of tuples; of more than 2,000, the older ones are packed by the thousand.

    Appending is O(1), amortized; reading a packed item unpacks its piece, and the two pieces read last stay open, since
    a replay continues from one to the next.  Subclasses say how items become bytes.
    """

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._pieces: list[_Piece] = []
        """All have KEPT items, but the last may have fewer after :meth:`pack`."""
        self._before = 0
        """The number of packed items."""
        self._open = list(items)
        """The items after the packed pieces."""
        self._file: IO[bytes] | None = None
        self._read: dict[int, list[T]] = {}
        """The pieces that were read last, by their numbers."""

    @staticmethod
    def _packed(items: Sequence[T]) -> bytes:
        raise NotImplementedError

    @staticmethod
    def _unpacked(data: bytes) -> list[T]:
        raise NotImplementedError

    def append(self, item: T) -> None:
        """Append an item."""
        if self._before % KEPT:
            self._reopen()
        self._open.append(item)
        if len(self._open) >= 2 * KEPT:  # more, if a change of an old item has unpacked pieces
            self._pack()

    def pack(self) -> None:
        """Pack all items: a list that has ended then takes a quarter of the memory."""
        if self._before % KEPT:
            self._reopen()
        while self._open:
            self._pack()

    def _pack(self) -> None:
        items = self._open[:KEPT]
        data = self._packed(items)
        place = data if self.bytes + len(data) <= IN_MEMORY else self._spilled(data)
        self._pieces.append(_Piece(place, len(data), items[0][0], items[-1][0]))
        self._before += len(items)
        del self._open[:KEPT]

    def _spilled(self, data: bytes) -> bytes | int:
        """Return the place of `data` in the file, or `data` itself if no file can be written."""
        try:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115  it lives as long as the list
            place = self._file.seek(0, 2)
            self._file.write(data)
        except OSError:
            return data
        return place

    def _reopen(self) -> None:
        """Unpack the last piece."""
        items = self._piece(len(self._pieces) - 1)
        self._read = {}
        del self._pieces[-1]
        self._before -= len(items)
        self._open[:0] = items

    def cut(self, count: int) -> None:
        """Keep the first `count` items."""
        while self._before > count:
            self._reopen()
        del self._open[count - self._before :]

    def begin(self, count: int) -> Self:
        """Return the first `count` items as a list of its own; whole pieces are not copied."""
        made = copy(self)
        made._before = self._before if count >= self._before else count // KEPT * KEPT
        made._pieces = self._pieces[: -(-made._before // KEPT)]
        made._open = [self[number] for number in range(made._before, count)]
        made._read = {}
        return made

    @property
    def bytes(self) -> int:
        """The bytes of the packed pieces."""
        return sum(piece.size for piece in self._pieces)

    def _fetched(self, number: int) -> list[T]:
        piece = self._pieces[number]
        data = piece.data
        if isinstance(data, int):
            assert self._file is not None, "a piece lies in it"
            self._file.seek(data)
            data = self._file.read(piece.size)
        return self._unpacked(data)

    def _piece(self, number: int) -> list[T]:
        if number not in self._read:
            self._read = {**dict(list(self._read.items())[-1:]), number: self._fetched(number)}
        return self._read[number]

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if place < 0:
            raise IndexError(f"there are {len(self)} items, and none at {index}")
        return self._open[place - self._before] if place >= self._before else self._piece(place // KEPT)[place % KEPT]

    def __setitem__(self, index: int, item: T) -> None:
        place = index + len(self) if index < 0 else index
        while place < self._before:
            self._reopen()
        self._open[place - self._before] = item

    def __len__(self) -> int:
        return self._before + len(self._open)

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._pieces)):
            yield from self._fetched(number)
        yield from tuple(self._open)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedList) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes, as a list does


Row = tuple[int, str, str, "tuple[str, ...] | None", tuple[Any, ...], str, Any, str, int]
"""The stored form of an operation: without its number and events, with the arguments' names apart, if known."""


class Rows(PackedList[Row]):
    """The records of operations."""

    def serial(self, number: int) -> int:
        """Return the serial of operation `number`; the record is read only if operations in between were undone."""
        if number < self._before:
            piece = self._pieces[number // KEPT]
            if piece.last - piece.first == KEPT - 1:
                return int(piece.first) + number % KEPT
        return self[number][0]

    @staticmethod
    def _packed(items: Sequence[Row]) -> bytes:
        """Return records in columns, with addresses and sizes as numbers: this is several times as fast.

        The loop goes column by column, since `zip` creates an iterator for each row: enough to start a garbage
        collection.
        """
        serials, targets, names, words, values, outcomes, results, said, stopped = (
            list(map(itemgetter(place), items)) for place in range(9)
        )
        lengths = list(map(len, values))
        columns = serials, targets, names, words, lengths, outcomes, said, stopped
        return squeezed((columns, _plain(chain.from_iterable(values)), _plain(results)))

    @staticmethod
    def _unpacked(data: bytes) -> list[Row]:
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
