"""What can happen inside the machine: one frozen class for each kind of change.

Ids are small integers given once and never reused: an entry's id names the entry, its tree node and
its card in every picture.  Frames are page frame numbers (physical address >> 12).
Each event carries what is needed to take it back, so that a view can step backwards.
`function` is the kernel function that did it, `depth` how deep in the operation that was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened during an operation."""

    function: str = field(default="", repr=False, compare=False)
    depth: int = field(default=0, repr=False, compare=False)


# ---- kernel functions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Called(Event):
    """A kernel function began, with these `arguments` (as its caller gave them)."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned(Event):
    """The innermost kernel function that had begun is done; `result` is what it gave back."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Unwound(Event):
    """The function `to` caught an error: those it had called are done."""

    to: str


# ---- the red-black tree (`tree` is its name: that of the map it belongs to) ---------------------

Write = tuple[int, str, int, int]
"""A link that was written: node id (0 the tree itself), side ("left", "right", "root"), before, after."""


@dataclass(frozen=True, slots=True)
class TreeCompared(Event):
    """On the way down, `key` was compared with `node`: go "left", "right", or it is "here"."""

    tree: str
    node: int
    key: int
    outcome: str


@dataclass(frozen=True, slots=True)
class TreeLinked(Event):
    """A red leaf was hung below `parent` (0: it became the root)."""

    tree: str
    node: int
    parent: int
    side: str


@dataclass(frozen=True, slots=True)
class TreeRecoloured(Event):
    """A node changed colour; `why` is the case of the fix-up."""

    tree: str
    node: int
    red: bool
    why: str


@dataclass(frozen=True, slots=True)
class TreeRotated(Event):
    """`node` went down to `side` and its other child `raised` came up in its place."""

    tree: str
    node: int
    side: str
    raised: int
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class TreeUnlinked(Event):
    """`node` left the tree; with two children its `successor` took its place and colour."""

    tree: str
    node: int
    successor: int
    writes: tuple[Write, ...]
    red: bool
    successor_red: bool


# ---- map entries -----------------------------------------------------------------------------

EntryFields = tuple[int, int, int, str | None, int, int, int, int]
"""id, start, end, object's name, offset, flags, address of the entry itself (0: none), wired count."""


@dataclass(frozen=True, slots=True)
class EntryLinked(Event):
    """An entry went into the list of `map` between `previous` and `next` (0: the header)."""

    map: str
    entry: EntryFields
    previous: int
    next: int


@dataclass(frozen=True, slots=True)
class EntryUnlinked(Event):
    """An entry was taken out of the list of `map` from between `previous` and `next`."""

    map: str
    entry: EntryFields
    previous: int
    next: int


@dataclass(frozen=True, slots=True)
class EntryResized(Event):
    """An entry changed its range while out of the list: clipped or merged."""

    map: str
    before: EntryFields
    after: EntryFields
    why: str


@dataclass(frozen=True, slots=True)
class EntryChanged(Event):
    """An entry kept its range and changed otherwise: what it allows, its object, whose range it is."""

    map: str
    before: EntryFields
    after: EntryFields
    why: str


@dataclass(frozen=True, slots=True)
class MergeTried(Event):
    """The request met a neighbour (`side` "previous", "next" or "both"): merged, or why not."""

    map: str
    neighbour: int
    side: str
    merged: bool
    why: str


# ---- the map ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookupCacheHit(Event):
    """The entry found last time holds the address again: no search."""

    map: str
    entry: int


@dataclass(frozen=True, slots=True)
class LookupCacheMoved(Event):
    """The map remembers another entry (0: none)."""

    map: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class FindCacheMoved(Event):
    """Where the next free search begins, and the size from which it may begin there."""

    map: str
    before: int
    after: int
    threshold_before: int
    threshold_after: int


@dataclass(frozen=True, slots=True)
class HintTried(Event):
    """A free search tried the caller's hint first."""

    map: str
    hint: int
    taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class GapTried(Event):
    """A free search looked at a gap of `space` bytes at `position`; `why` is the verdict where size is not all."""

    map: str
    position: int
    space: int
    taken: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class SearchRestarted(Event):
    """A free search that had begun at the find cache begins again at the map's start."""

    map: str
    position: int


@dataclass(frozen=True, slots=True)
class MapResized(Event):
    """The sum of the entries' lengths changed (bytes)."""

    map: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class KernelLimitMoved(Event):
    """The page tables of kernel space were grown up to `after`."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class RangeRemoved(Event):
    """A removal is done: so many `entries` went, `cuts` of them were cut off others, `size` bytes in all."""

    map: str
    entries: int
    cuts: int
    size: int


# ---- the machine -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BootStage(Event):
    """A stage of the boot was reached."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Panicked(Event):
    """The kernel gave up."""

    name: str
    reason: str
