"""Relations between the things in pictures: the place of each, and its references.

When a reader points at a thing, the page lights up everything related to it, in all pictures of a machine, without
asking Python: an entry and its node have the same name, descriptors have addresses, and frames have descriptors that
refer to them.  `js/src/pointing.ts` is the other half.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

from vmwidgets.engine.base.units import PAGE_SHIFT

FRAMES = ""
"""The space of physical memory, whose pages are frames."""

KERNEL = "kernel"
"""The space of all kernel addresses, whichever tables contain them."""


class Pages(NamedTuple):
    """Neighbouring pages of an address space; frames, in :data:`FRAMES`."""

    space: str
    first: int
    length: int

    @classmethod
    def between(cls, space: str, start: int, end: int) -> Pages:
        """Return the pages of the addresses [start, end).

        >>> Pages.between("init", 0x1_0000, 0x1_2000)
        Pages(space='init', first=16, length=2)
        """
        return cls(space, start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT)


class About(NamedTuple):
    """The facts about a thing: the pages where it is (`at`), and the pages or things to which it refers (`to`)."""

    at: tuple[Pages, ...] = ()
    to: tuple[Pages | str, ...] = ()

    def joined(self, other: About) -> About:
        """Return the same thing from two pictures, at the places of both."""
        return About(tuple(dict.fromkeys(self.at + other.at)), tuple(dict.fromkeys(self.to + other.to)))


Relations = Mapping[str, About]
"""The facts about things, by name."""


def space_of(map_name: str) -> str:
    """Return the space of a map's addresses, by the name that events give the map.

    >>> space_of("task:init/map"), space_of("kernel_map/pipe_map")
    ('init', 'kernel')
    """
    owner, found, rest = map_name.partition(":")
    return rest.partition("/")[0] if found and owner == "task" else KERNEL


class _Entry(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def object(self) -> str | None: ...


class _Drawn(Protocol):
    @property
    def thing(self) -> str: ...


def things_of(nodes: Iterable[_Drawn]) -> set[str]:
    """Return the things that have drawn nodes."""
    return {node.thing for node in nodes} - {""}


def of_entries(map_name: str, entries: Iterable[_Entry], drawn: Collection[str]) -> dict[str, About]:
    """Return the facts about a map's `drawn` entries: their pages, and their objects."""
    space = space_of(map_name)
    return {
        f"entry:{one.id}": About(
            (Pages.between(space, one.start, one.end),), (f"object:{one.object}",) if one.object else ()
        )
        for one in entries
        if f"entry:{one.id}" in drawn
    }


def together(parts: Iterable[Relations]) -> dict[str, About]:
    """Return the facts of several pictures; a thing that is in two of them has the places of both."""
    known: dict[str, About] = {}
    for part in parts:
        for thing, about in part.items():
            before = known.get(thing)
            known[thing] = about if before is None else before.joined(about)
    return known
