"""A map as views and graders see it: frozen values, as many as a picture needs."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import printable
from ..protection import (
    ADVICE,
    INHERITANCE,
    NOMERGE,
    advice_of,
    inheritance_of,
    max_protection_of,
    name_of,
    protection_of,
    protection_text,
)
from ..units import Address, Size

EntryFields = tuple[int, int, int, str | None, int, int, int, int]
"""id, start, end, object's name, offset, flags, address of the entry itself (0: none), wired count."""


@dataclass(frozen=True, slots=True)
class EntryValue:
    """One entry: [start, end) in bytes; `object` is a name or None; `offset` in bytes; `flags` the packed word.

    `address` is where the entry itself lives in the machine (0: nowhere); `role` names a range of the kernel's own;
    `wired` says how often the range was wired: its pages stay while it is not 0.
    """

    id: int
    start: int
    end: int
    object: str | None
    offset: int
    flags: int
    address: int = 0
    role: str = ""
    wired: int = 0

    @classmethod
    def of(cls, fields: EntryFields, role: str = "") -> EntryValue:
        """The value that an event carries."""
        identity, start, end, target, offset, flags, address, wired = fields
        return cls(identity, Address(start), Address(end), target, offset, flags, address, role, wired)

    @property
    def size(self) -> Size:
        """Length in bytes."""
        return Size(self.end - self.start)

    @property
    def protection(self) -> str:
        """Three letters, such as ``"rw-"``."""
        return protection_text(protection_of(self.flags))

    @property
    def max_protection(self) -> str:
        """Three letters: what the protection may become."""
        return protection_text(max_protection_of(self.flags))

    @property
    def inheritance(self) -> str:
        """What a child of the task gets: "none", "share" or "copy"."""
        return name_of(inheritance_of(self.flags), INHERITANCE)

    @property
    def advice(self) -> str:
        """How it will be used: "normal", "random", "sequential", "willneed" or "dontneed"."""
        return name_of(advice_of(self.flags), ADVICE)

    @property
    def nomerge(self) -> bool:
        """Whether it never becomes part of a neighbour."""
        return bool(self.flags & NOMERGE)

    def __repr__(self) -> str:
        name = None if self.object is None else printable(self.object)
        place = name is not None and name.startswith("submap:")  # a submap's place: offsets play no part there
        what = self.role or (name if place else f"{name}+{self.offset:#x}" if name is not None else "anonymous")
        wired = f" wired {self.wired}" if self.wired else ""
        limits = f"{Address(self.start)}–{Address(self.end)}"
        return f"<entry {self.id} {limits} {self.protection} {self.size} {what}{wired}>"


@dataclass(frozen=True, slots=True)
class NodeValue:
    """One tree node: links are ids (0: none) of nodes or of folded subtrees; `count` is the size of its subtree."""

    id: int
    left: int
    right: int
    red: bool
    count: int


@dataclass(frozen=True, slots=True)
class Fold:
    """A subtree that a picture leaves out: `id` of its root, how many entries, and the addresses they lie between."""

    id: int
    count: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MapValue:
    """A map, or as much of it as was asked for.

    `items` are entries and folds in list order; `nodes` the tree over the entries shown.
    `find_cache_threshold` is None while nothing is known; `lookup_cache` is an id (0: none); `klimit` None but
    for the kernel's map.
    """

    name: str
    start: int
    end: int
    size: int
    nr_entries: int
    find_cache: int
    find_cache_threshold: int | None
    lookup_cache: int
    klimit: int | None
    root: int
    items: tuple[EntryValue | Fold, ...]
    nodes: dict[int, NodeValue]

    @property
    def entries(self) -> tuple[EntryValue, ...]:
        """The entries that are not folded."""
        return tuple(item for item in self.items if isinstance(item, EntryValue))

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What was left out."""
        return tuple(item for item in self.items if isinstance(item, Fold))


# ---- FreeBSD's kernel maps ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KernelMapValue:
    """One of the kernel memory's maps and the submaps inside it.

    `locked_by` is the thread that has its lock ("" the learner's cell, None: it is free), `sleepers` are the threads
    that sleep for room in it, in the order they will look again.
    """

    map: MapValue
    system: bool
    needs_wakeup: bool
    locked_by: str | None
    sleepers: tuple[str, ...]
    submaps: tuple[KernelMapValue, ...]
