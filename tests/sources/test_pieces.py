"""What is still used of each allocation, whatever was cut out."""

from __future__ import annotations

import sys

import pytest

import vmwidgets as vm
from vmwidgets.comparisons.placements import UsedPiece
from vmwidgets.sources.pieces import Pieces
from vmwidgets.sources.workload import allocate, free


def three() -> Pieces:
    pieces = Pieces()
    for name, start, end in (("c", 60, 90), ("a", 10, 30), ("b", 30, 50)):
        pieces.add(UsedPiece(name, start, end))
    return pieces


@pytest.mark.parametrize(
    ("start", "end", "freed", "left"),
    [
        (0, 10, 0, "a 10-30, b 30-50, c 60-90"),
        (50, 60, 0, "a 10-30, b 30-50, c 60-90"),
        (10, 30, 20, "b 30-50, c 60-90"),
        (15, 20, 5, "a 10-15, a 20-30, b 30-50, c 60-90"),
        (25, 65, 30, "a 10-25, c 65-90"),
        (30, 31, 1, "a 10-30, b 31-50, c 60-90"),
        (0, 100, 70, ""),
    ],
)
def test_what_is_cut_out_is_gone_and_the_rest_is_kept(start: int, end: int, freed: int, left: str) -> None:
    pieces = three()
    assert pieces.cut(start, end) == freed
    assert ", ".join(f"{piece.name} {piece.start}-{piece.end}" for piece in pieces) == left


def calls_of(count: int) -> int:
    """How many functions are called to compare so many allocations that are all freed, in another order."""
    given = [allocate(f"n{number}", "4 KiB") for number in range(count)]
    workload = [*given, *(free(f"n{number * 7 % count}") for number in range(count))]
    calls = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        vm.compare(workload, size="16 MiB", on=["freebsd"])
    finally:
        sys.setprofile(None)
    return calls


def test_twice_as_many_operations_are_about_twice_the_work() -> None:
    assert calls_of(600) < 3 * calls_of(300)
