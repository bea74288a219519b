"""Flags of a range of pages, where some may differ from the rest."""

from __future__ import annotations

from typing import NamedTuple

from .vnode import RightsRun, overlay


class FlagsRun(NamedTuple):
    """[start, end) has these flags."""

    start: int
    end: int
    flags: int


class PageFlags:
    """What of a range was given other flags than the rest of it; in bytes.

    >>> flags = PageFlags()
    >>> flags.change(0x2000, 0x4000, 1)
    >>> [(hex(run.start), hex(run.end), run.flags) for run in flags.over(0x1000, 0x3000, 3)]
    [('0x1000', '0x2000', 3), ('0x2000', '0x3000', 1)]
    """

    __slots__ = ("_changed",)

    def __init__(self) -> None:
        self._changed: list[RightsRun] = []

    def change(self, start: int, end: int, flags: int) -> None:
        """[start, end) has `flags` from now on."""
        self._changed = overlay(self._changed, start, end - start, flags)

    def over(self, start: int, end: int, otherwise: int) -> list[FlagsRun]:
        """The runs that make up [start, end), in order; what was never changed has the flags `otherwise`."""
        runs, at = [], start
        for run in self._changed:
            first, behind = max(run.first, start), min(run.first + run.entries, end)
            if first < behind:
                runs += [FlagsRun(at, first, otherwise)] if at < first else []
                runs.append(FlagsRun(first, behind, run.flags))
                at = behind
        return [*runs, FlagsRun(at, end, otherwise)] if at < end else runs
