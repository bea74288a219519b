"""Memory objects, their pages and slots of swap space, as values, and the events that change and evict them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from operator import itemgetter
from typing import NamedTuple

from ...base.event import Event
from ...base.frozen import frozen
from ...base.protection import NEEDS_COPY, WRITE
from ...base.units import PAGE_SHIFT
from ..map.map_schema import EntryFields

ObjectFields = tuple[str, str]
"""A memory object's kind, and the object behind it ("": none)."""


@frozen
class ObjectValue:
    """A memory object: `kind` is "anonymous", "shadow", "file" or "device"; pages by their numbers in it.

    `shadow` is the object behind it ("": none), whose pages have the same numbers.
    """

    name: str
    kind: str
    shadow: str
    pages: Mapping[int, int]
    """Frames by page."""
    swapped: Mapping[int, int] = field(default_factory=dict)
    """The slots of swap space by page."""
    dirty: frozenset[int] = frozenset()
    """The pages that their file does not have yet."""

    @property
    def fields(self) -> ObjectFields:
        """Return what events carry of it."""
        return self.kind, self.shadow


class MappedBy(NamedTuple):
    """An entry that maps an object: `pages` of it from page `first` on, at `start` in `map`.

    `needs_copy`: the first write in it is to be in a shadow of the object.  `can_write`: it allows writes.
    """

    map: str
    entry: int
    start: int
    first: int
    pages: int
    needs_copy: bool
    can_write: bool


@frozen
class ObjectsValue:
    """All memory objects of tasks by name, the entries that map them, files, and swap space."""

    objects: Mapping[str, ObjectValue]
    entries: Mapping[str, Mapping[int, EntryFields]]
    """The entries with an object, by map (its path) and by ID."""
    files: Mapping[str, int]
    """Sizes in bytes, by file name; -1: the file is gone."""
    swap: int
    """Slots of swap space."""
    left_out: int = 0
    """The number of other objects, to which nothing leads."""
    counted: bool = False
    """Whether forks count frames: then a frame may be a page of several objects."""

    def all_mappers(self) -> dict[str, tuple[MappedBy, ...]]:
        """The entries that map each object, in the order of maps and addresses. O(entries log n), for all."""
        found: dict[str, list[MappedBy]] = {name: [] for name in self.objects}
        for path, entries in self.entries.items():
            for identity, start, end, target, offset, flags, *_ in sorted(entries.values(), key=itemgetter(1)):
                if target in found:
                    pages, rights = end - start >> PAGE_SHIFT, (bool(flags & NEEDS_COPY), bool(flags & WRITE))
                    found[target].append(MappedBy(path, identity, start, offset >> PAGE_SHIFT, pages, *rights))
        return {name: tuple(those) for name, those in found.items()}

    def mappers(self, name: str) -> tuple[MappedBy, ...]:
        """Return the entries that map one object. O(all entries): for several objects, use :meth:`all_mappers`."""
        return self.all_mappers().get(name, ())

    def all_references(self, mappers: Mapping[str, Sequence[MappedBy]] | None = None) -> dict[str, int]:
        """The number of references to each object: entries, shadows, and the file whose pages it has. O(entries).

        Who has :meth:`all_mappers` already passes it as `mappers`.
        """
        shadows = Counter([one.shadow for one in self.objects.values()])
        mappers = self.all_mappers() if mappers is None else mappers
        return {name: len(mappers[name]) + shadows[name] + (one.kind == "file") for name, one in self.objects.items()}

    def references(self, name: str) -> int:
        """Return the number of references to one object. O(all entries)."""
        return self.all_references()[name]

    @property
    def swap_used(self) -> int:
        """Return how many slots contain a page."""
        return len({slot for one in self.objects.values() for slot in one.swapped.values()})

    def chain(self, name: str) -> tuple[str, ...]:
        """Return an object and those behind it, from front to back."""
        found = [name]
        while self.objects[found[-1]].shadow:
            found.append(self.objects[found[-1]].shadow)
        return tuple(found)


# ---- objects and their pages -------------------------------------------------------------------


class ObjectMade(Event, changes=True):
    """A memory object was created; a shadow names the object behind it."""

    object: str
    fields: ObjectFields


class ObjectGone(Event, changes=True):
    """The last reference to a memory object was removed, and so was the object; `why` says how."""

    object: str
    fields: ObjectFields
    why: str


class ShadowMoved(Event, changes=True):
    """Another object is now behind an object: `why` is "collapsed" or "bypassed"."""

    object: str
    before: ObjectFields
    after: ObjectFields
    why: str


class _ObjectPages(Event):
    """Pages of an object: number and frame of each."""

    object: str
    pages: tuple[tuple[int, int], ...]


class PagesEntered(_ObjectPages, changes=True):
    """An object has these pages in memory now."""


class PagesLeft(_ObjectPages, changes=True):
    """These pages of an object are no longer in memory."""


class PageKept(Event):
    """A page was removed from an object, and its frame stays, because `object` also has the page."""

    frame: int
    object: str


class ObjectSearched(Event):
    """A page fault looked for page `index` in an object of a shadow chain.

    `found` is "" if the search continues; otherwise it is "memory", "swap" or, at the end of a chain, "file" or
    "nowhere".
    """

    object: str
    index: int
    found: str


class PageCopied(Event):
    """Page `index` of `object` was copied from `source`: it is about to be written, or is copied at a fork.

    `source` is the object behind it, or the parent's object.  If forks count frames, it is `object` itself, whose frame
    is shared.  `mapped` has the names of the tasks whose page tables mapped the old page, perhaps including the writer.
    """

    object: str
    index: int
    source: str
    source_frame: int
    frame: int
    mapped: tuple[str, ...] = ()


class NoCopyNeeded(Event):
    """A write to page `index` of `object`, which was mapped without that right, needs no copy: only `task` maps it."""

    object: str
    index: int
    frame: int
    task: str


class PageDirtied(Event, changes=True):
    """A page of a file is written for the first time since it was read or written back."""

    object: str
    index: int


class PageCleaned(Event, changes=True):
    """A page of a file was written back."""

    object: str
    index: int


class PageLost(Event, changes=True):
    """A dirty page of a file is lost, with its changes: the file was truncated before it."""

    object: str
    index: int


# ---- going out and coming back -----------------------------------------------------------------


class PageLeaving(Event):
    """The page in `frame` is about to be evicted; `task` maps it at `va` ("": no task maps it)."""

    frame: int
    task: str
    va: int


class PageOut(Event, role="leaves", changes=True):
    """Page `index` of `object` leaves its frame: `to` is "swap", "file", or "nowhere" if nothing must be written.

    In that case, `has` gives the reason: the "file" or "swap" space already has the page, or it is all "zeroes".
    """

    object: str
    index: int
    frame: int
    to: str
    slot: int = -1
    """The slot of swap space to which it was written; -1: none."""
    has: str = ""


class PageIn(Event):
    """Page `index` of `object` was read from `slot` of swap space, which keeps it until the page is written."""

    object: str
    index: int
    frame: int
    slot: int


class PageJoined(Event):
    """Page `index` of `object` is in `slot` of swap space, and in memory for another object: both now share `frame`."""

    object: str
    index: int
    frame: int
    slot: int


class _ObjectSlots(Event):
    """Pages of an object in swap space: number and slot of each."""

    object: str
    slots: tuple[tuple[int, int], ...]


class SwapShared(_ObjectSlots, changes=True):
    """Pages of `object` share slots of swap space with another object's pages: page and slot of each."""


class SwapLeft(_ObjectSlots, changes=True):
    """These slots of swap space no longer have pages of `object`, but other objects' pages: page and slot of each."""


class SwapFreed(_ObjectSlots, changes=True):
    """Slots of swap space are free again: page and slot of each, of `object`."""


class SwapMoved(Event, changes=True):
    """Pages in swap space became those of another object: number and slot of each."""

    before: str
    object: str
    slots: tuple[tuple[int, int], ...]


class SwapResized(Event, changes=True):
    """Swap space has a new number of slots."""

    before: int
    after: int


class FileResized(Event, changes=True):
    """A file has a new size (bytes); -1: it no longer exists."""

    file: str
    before: int
    after: int


class ReplacementChosen(Event, changes=True):
    """Another replacement policy is used from now on."""

    before: str
    after: str


class NothingToReclaim(Event):
    """No page of a task could be evicted; `why` is the reason."""

    why: str
