"""The remaining pieces of each allocation, by address."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from ..comparisons.placements import UsedPiece


class Pieces:
    """Pieces that don't overlap, in address order.

    >>> pieces = Pieces()
    >>> pieces.add(UsedPiece("a", 0x1000, 0x5000))
    >>> pieces.cut(0x2000, 0x3000), [(piece.start, piece.end) for piece in pieces]
    (4096, [(4096, 8192), (12288, 20480)])
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._by_start: dict[int, UsedPiece] = {}

    def __iter__(self) -> Iterator[UsedPiece]:
        return (self._by_start[start] for start in self._starts)

    def add(self, piece: UsedPiece) -> None:
        """Add a piece in free space.  O(log n), and moving the pieces above it in a list."""
        insort(self._starts, piece.start)
        self._by_start[piece.start] = piece

    def cut(self, start: int, end: int) -> int:
        """Remove [start, end); returns how many of its bytes were in pieces.

        O(log n + pieces in it), plus the cost of `add`.
        """
        low, high = bisect_left(self._starts, start), bisect_left(self._starts, end)
        if low and self._by_start[self._starts[low - 1]].end > start:
            low -= 1  # a piece that begins below the range and reaches into it
        met = [self._by_start.pop(at) for at in self._starts[low:high]]
        kept = [
            UsedPiece(piece.name, first, last)
            for piece in met
            for first, last in ((piece.start, min(piece.end, start)), (max(piece.start, end), piece.end))
            if first < last
        ]
        self._starts[low:high] = [piece.start for piece in kept]
        self._by_start.update((piece.start, piece) for piece in kept)
        return sum(min(end, piece.end) - max(start, piece.start) for piece in met)
