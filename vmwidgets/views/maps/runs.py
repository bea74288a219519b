"""Entries' kinds, files and rights; runs of one file below one bracket, and removed ranges.

A file is mapped in four or five adjacent entries; a bracket with its name is above them in list and ribbon.  The heap
and the stack of a real process have brackets too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.kernel.map.map_schema import KEPT, EntryValue, Fold, MapValue
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import MARGIN
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import shorten_middle, text_width, visible

_PATH = re.compile(r"(/[^/<>]+)+")
"""The name of a file; a learner's object may have any name, with slashes or markup in it."""

_ENDING = re.compile(r"\.cpython-[\w-]+\.so$|\.so(\.[\w.]+)?$")
"""The endings of libraries' names, which carry little information."""

NAMED = frozenset(("[heap]", "[stack]"))
"""The kernel's names for a process's memory without a file, which readers look for."""

FILLS = {"executes", "writes", "reads", "nothing"}
"""The classes of a range whose fill shows its rights: :func:`rights_of` returns one."""

RIGHTS_LEGEND = "filled: may execute · half: may write · outlined: may only read · dotted: nothing"


def file_of(entry: EntryValue) -> str:
    """Return the last part of the path of an entry's file; "" for other memory."""
    return _file_called(entry.object) if entry.object is not None and entry.object.startswith("/") else ""


@lru_cache(maxsize=1024)
def _file_called(path: str) -> str:
    name = path.rstrip("/")
    return name.rpartition("/")[2] if _PATH.fullmatch(name) else ""


def rights_of(entry: EntryValue) -> str:
    """Return what an entry's fill shows: "executes", "writes", "reads", or "nothing" if no access is allowed."""
    read, write, execute = (letter != "-" for letter in entry.protection)
    return "executes" if execute else "writes" if write else "reads" if read else "nothing"


def kind_of(entry: EntryValue) -> str:
    """Return what an entry's memory is, which determines its colour: "submap", "kernel", or the kind of a range."""
    if entry.role or entry.flags & NOFAULT:
        return "kernel"
    return "submap" if entry.flags & _SUB_MAP else kind_of_object(entry.object, entry.protection)


NOFAULT, _SUB_MAP = 0x100000, 0x200000
"""Flags of FreeBSD's entries: a fault there panics; the range belongs to another map."""


def what_is(entry: EntryValue) -> str:
    """Return an entry's purpose in a few words: its role, its submap, or its object and offset."""
    if entry.role:
        return entry.role
    if entry.flags & _SUB_MAP:
        return (entry.object or "").removeprefix("submap:") or "submap"
    if entry.object is None:
        return "NOFAULT" if entry.flags & NOFAULT else "anonymous"
    return f"{entry.object}+{entry.offset:#x}"


def name_of(entry: EntryValue) -> str:
    """Return the name of a mapped thing, short enough for a card: without its offset; of a path, only the last part."""
    what = what_is(entry)
    return file_of(entry) or what.rpartition("+0x")[0] or what


def given_name(target: str) -> str:
    """Return the name that a learner gave to the memory of a range, by its object's name; "" if none was given.

    >>> [given_name(one) for one in ("heap", "file libc.so", "/lib/libm.so.6", "[stack]", "memory 2", "r3", "")]
    ['heap', 'libc.so', 'libm.so.6', '[stack]', '', '', '']
    """
    return "" if _UNNAMED.fullmatch(target) else visible(_file_called(target) or target.removeprefix("file "))


_UNNAMED = re.compile(r"((wired )?memory |r)\d+|k(ernel|mem)_object|")
"""The names of objects that have no given name, and names that would look like a range's number."""


def facts_of(value: MapValue) -> list[object]:
    """Return what pictures say of the entries and folds of a map: all but flags without words."""
    return [item if isinstance(item, Fold) else _facts(item) for item in value.items]


@lru_cache(maxsize=KEPT)
def _facts(one: EntryValue) -> object:
    ways = one.protection, one.max_protection, one.inheritance, one.advice, one.nomerge, one.wired
    return one.id, one.start, one.end, what_is(one), kind_of(one), one.address, ways


class Run(NamedTuple):
    """Consecutive entries of one file, at least two of which are drawn; or the heap, or the stack."""

    name: str
    entries: tuple[EntryValue, ...]

    @property
    def apart(self) -> list[EntryValue]:
        """The entries without overlaps: if an entry is being cut, either the entry or its parts."""
        found: list[EntryValue] = []
        for one in self.entries:
            if not found or one.start >= found[-1].end:
                found.append(one)
        return found

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(one.size for one in self.apart)

    @property
    def title(self) -> str:
        """The full description of the run."""
        rights = " ".join(one.protection for one in self.apart)
        return f"{visible(self.name)}: {counted(len(self.apart), 'entry', 'entries')}, {self.words}, {rights}"

    @property
    def words(self) -> str:
        """Its size in bytes, with a remark if its bracket spans more."""
        span = self.entries[-1].end - self.entries[0].start
        return binary_size(self.size) + " mapped" * (self.size < span)

    @property
    def is_file(self) -> bool:
        """Return whether the entries map a file."""
        return self.name not in NAMED

    @property
    def label(self) -> str:
        """Its name without the usual ending of libraries."""
        return visible(_ENDING.sub("", self.name) or self.name)


def runs_of(items: Iterable[EntryValue | Fold]) -> list[Run]:
    """Return the runs of a map's items, in order."""
    found = []
    for name, those in groupby(items, lambda item: "" if isinstance(item, Fold) else _run_of(item)):
        entries = tuple(item for item in those if isinstance(item, EntryValue))
        if name in NAMED or (name and len(entries) > 1):
            found.append(Run(name, entries))
    return found


def _run_of(entry: EntryValue) -> str:
    return entry.object if entry.object in NAMED else file_of(entry)


# ---- what was removed ----------------------------------------------------------------------------


class Range(NamedTuple):
    """Addresses [start, end)."""

    start: int
    end: int


class Change(NamedTuple):
    """A range that became mapped ("+"), is no longer mapped ("−"), or has other rights ("")."""

    sign: str
    start: int
    end: int

    @property
    def words(self) -> str:
        """Return how much it is, such as "− 36 KiB"."""
        size = binary_size(self.end - self.start)
        return f"{self.sign} {size}" if self.sign else f"{size} changed"

    @property
    def title(self) -> str:
        """Return what happened, and to how much."""
        done = {"+": "added", "": "has other rights"}.get(self.sign, "removed")
        return f"{done}: {binary_size(self.end - self.start)}"


MOST_CHANGES = 3
"""The most changes with a label each; a map with more of them has none."""


def changes_of(before: MapValue, now: MapValue) -> tuple[Change, ...]:
    """Return the ranges that became mapped or free, or got other rights, between two moments of a map.

    None are returned if there are many.
    """
    ways = ("+", gone(now.entries, before.items)), ("\N{MINUS SIGN}", gone(before.entries, now.items))
    found = tuple(Change(sign, *one) for sign, some in (*ways, ("", _other_rights(before, now))) for one in some)
    return found if len(found) <= MOST_CHANGES else ()


MOST_GHOSTS = 12
"""The most removed ranges that are drawn; if there are more, the rest uses the space."""


def removed(before: Sequence[EntryValue], now: Sequence[EntryValue | Fold]) -> tuple[Range, ...]:
    """Return ranges that were mapped before and are not mapped now; none if there are too many to draw.  O(n log n)."""
    found = gone(before, now)
    return found if len(found) <= MOST_GHOSTS else ()


def gone(before: Sequence[EntryValue], now: Sequence[EntryValue | Fold]) -> tuple[Range, ...]:
    """Return all ranges that were mapped before and are not mapped now.  O(n log n)."""
    same = set(map(id, now))
    other = [entry for entry in before if id(entry) not in same]  # an unchanged entry is the same object
    if other:
        taken = {(item.start, item.end) for item in now}
        other = [entry for entry in other if (entry.start, entry.end) not in taken]
    if not other:
        return ()  # nothing of the rest is gone
    there = sorted(Range(item.start, item.end) for item in now)
    found: list[Range] = []
    place = 0
    for entry in sorted(other, key=lambda one: one.start):
        position = entry.start
        while place < len(there) and there[place].end <= position:
            place += 1
        at = place
        while at < len(there) and there[at].start < entry.end:
            if position < there[at].start:
                found.append(Range(position, there[at].start))
            position = max(position, there[at].end)
            at += 1
        if position < entry.end:
            found.append(Range(position, entry.end))
    joined: list[Range] = []
    for one in found:
        if joined and joined[-1].end == one.start:
            joined[-1] = Range(joined[-1].start, one.end)
        else:
            joined.append(one)
    return tuple(joined)


def _other_rights(before: MapValue, now: MapValue) -> Iterator[Range]:
    """Yield the ranges of entries that had other rights, if each was part of one entry."""
    same = set(map(id, before.items))
    old = sorted(before.entries, key=lambda one: one.start)
    starts = [one.start for one in old]
    for entry in now.entries:
        at = bisect_right(starts, entry.start) - 1
        if id(entry) not in same and at >= 0 and entry.end <= old[at].end and entry.protection != old[at].protection:
            yield Range(entry.start, entry.end)


# ---- brackets ------------------------------------------------------------------------------------

ROWS, _ROW, _HOOK = 2, 15.0, 8.0
BAND = ROWS * _ROW + _HOOK + 2
"""Height of the names and the brackets above a lane."""

_APART, _MOST = 8.0, 130.0


class _Labels:
    """Names in rows above brackets; they cover neither each other nor the lines from names to brackets."""

    def __init__(self) -> None:
        self._taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
        self._stems: list[tuple[float, int]] = []

    def place(self, middle: float, left: float, w: float) -> int | None:
        """Return the lowest row (0 is the lowest) with room from `left` on, for the name of the thing at `middle`."""
        for row, taken in enumerate(self._taken):
            is_free = not any(left < end + _APART and begin < left + w + _APART for begin, end in taken)
            is_clear = not any(left - 2 < x < left + w + 2 and above > row for x, above in self._stems)
            crosses = any(begin - 2 < middle < end + 2 for lower in self._taken[:row] for begin, end in lower)
            if is_free and is_clear and not crosses:
                taken.append((left, left + w))
                self._stems.append((middle, row))
                return row
        return None


def brackets(
    lane: str, runs: Sequence[Run], place: Callable[[Run], tuple[float, float] | None], y: float, width: float
) -> list[Node]:
    """Return a bracket for each run, with its ends from `place`, and as many names as have room, the largest first.

    Heap and stack get their names before any file.
    """
    labels = _Labels()
    nodes = []
    ordered = sorted(runs, key=lambda one: (one.is_file, -one.size))
    largest = next((run for run in ordered if run.is_file), None)
    for run in ordered:
        ends = place(run)
        if ends is None:
            continue
        x, w = ends[0], max(3.0, ends[1] - ends[0])
        size = f"  {run.words}"
        is_said = run is largest or text_width(f"{run.label}{size}", "") <= w
        name, middle = shorten_middle(run.label, max(_MOST, w), ""), x + w / 2
        row, left, words = None, 0.0, ""
        for words in (f"{name}{size}", name) if is_said else (name,):  # a name without its size before part of a name
            wide = text_width(words, "")
            left = min(max(MARGIN, middle - wide / 2), width - MARGIN - wide)
            row = labels.place(middle, left, wide) if wide <= width - 2 * MARGIN else None
            if row is not None:
                break
        foot = ROWS * _ROW + 2
        bars = [Bar(x, foot, w, 1.5, "line"), Bar(x, foot, 1.5, _HOOK - 3, "line")]
        bars.append(Bar(x + w - 1.5, foot, 1.5, _HOOK - 3, "line"))
        text: tuple[Text, ...] = ()
        if row is not None:
            base = (ROWS - 1 - row) * _ROW
            text = (Text(left, base + 12, words, ""),)
            bars.append(Bar(middle - 0.5, base + 14, 1, foot - base - 14, "line"))
        left_most = min([x, left] if text else [x])
        right_most = max([x + w, left + wide] if text else [x + w])
        nodes.append(
            Node(
                f"{lane}/file/{run.entries[0].id}",
                "bracket",
                left_most,
                y,
                right_most - left_most,
                BAND,
                shape="none",
                title=run.title,
                text=tuple(Text(one.x - left_most, one.y, one.text, one.style) for one in text),
                bars=tuple(Bar(bar.x - left_most, bar.y, bar.w, bar.h, bar.style) for bar in bars),
            ),
        )
    return nodes
