"""Memory objects as frozen values: their pages, what shadows what, and who maps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import NamedTuple

from ..protection import NEEDS_COPY
from ..units import PAGE_SHIFT
from .maps import EntryFields
from .past import ABSENT, Past

ObjectFields = tuple[str, str]
"""Of a memory object: its kind, and the object behind it ("": none)."""


@dataclass(frozen=True, slots=True)
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
    """Slots of swap space by page."""
    dirty: frozenset[int] = frozenset()
    """Pages of a file that it does not have yet."""

    @property
    def fields(self) -> ObjectFields:
        """What events carry of it."""
        return self.kind, self.shadow

    def at(self, past: Past) -> ObjectValue:
        """It as it was: `past` must not go back to before it was made."""
        kind, shadow = past.before("object").get(self.name, self.fields)
        dirty = past.laid_over(dict.fromkeys(self.dirty, True), "dirty", self.name)
        return replace(
            self,
            kind=kind,
            shadow=shadow,
            pages=past.laid_over(self.pages, "page", self.name),
            swapped=past.laid_over(self.swapped, "swapped", self.name),
            dirty=frozenset(dirty),
        )


class MappedBy(NamedTuple):
    """An entry that maps an object: `pages` of it from page `first` on, at `start` in `map`.

    `needs_copy`: the first write in it is to be in a shadow of the object.
    """

    map: str
    entry: int
    start: int
    first: int
    pages: int
    needs_copy: bool


@dataclass(frozen=True, slots=True)
class ObjectsValue:
    """All memory objects of tasks by name, the entries that map them, files, and swap space."""

    objects: Mapping[str, ObjectValue]
    entries: Mapping[str, Mapping[int, EntryFields]]
    """Of each map, by path, those entries that have an object, by id."""
    files: Mapping[str, int]
    """Sizes in bytes, by the names of files; -1: it is gone."""
    swap: int
    """Slots of swap space."""

    def all_mappers(self) -> dict[str, tuple[MappedBy, ...]]:
        """By object: the entries that map it, in the order of maps and addresses.  O(entries log n), for all."""
        found: dict[str, list[MappedBy]] = {name: [] for name in self.objects}
        for path, entries in self.entries.items():
            for identity, start, end, target, offset, flags, *_ in sorted(entries.values(), key=itemgetter(1)):
                if target in found:
                    pages, copies = end - start >> PAGE_SHIFT, bool(flags & NEEDS_COPY)
                    found[target].append(MappedBy(path, identity, start, offset >> PAGE_SHIFT, pages, copies))
        return {name: tuple(those) for name, those in found.items()}

    def mappers(self, name: str) -> tuple[MappedBy, ...]:
        """The entries that map one object.  O(entries of all): for several objects take :meth:`all_mappers`."""
        return self.all_mappers().get(name, ())

    def all_references(self) -> dict[str, int]:
        """By object, how many refer to it: entries, shadows, and the file that it has the pages of.  O(entries)."""
        shadows = Counter(one.shadow for one in self.objects.values())
        mappers = self.all_mappers()
        return {name: len(mappers[name]) + shadows[name] + (one.kind == "file") for name, one in self.objects.items()}

    def references(self, name: str) -> int:
        """How many refer to one object.  O(entries of all)."""
        return self.all_references()[name]

    @property
    def swap_used(self) -> int:
        """How many slots hold a page."""
        return len({slot for one in self.objects.values() for slot in one.swapped.values()})

    def chain(self, name: str) -> tuple[str, ...]:
        """An object and those behind it, from front to back."""
        found = [name]
        while self.objects[found[-1]].shadow:
            found.append(self.objects[found[-1]].shadow)
        return tuple(found)

    def at(self, past: Past) -> ObjectsValue:
        """All of it as it was."""
        named = past.laid_over({name: one.fields for name, one in self.objects.items()}, "object")
        known = self.objects
        objects = {
            name: known.get(name, ObjectValue(name, fields[0], fields[1], {})).at(past)
            for name, fields in named.items()
        }
        paths = dict.fromkeys((*self.entries, *sorted(filter(_is_x15s, past.things("entry")))))  # in one order always
        entries = {path: those for path in paths if (those := self._entries_at(past, path, objects))}
        files = past.laid_over(self.files, "file")
        return ObjectsValue(objects, entries, files, past.one("swap size", "", self.swap))

    def _entries_at(self, past: Past, path: str, objects: Mapping[str, ObjectValue]) -> dict[int, EntryFields]:
        """The entries of a map that had an object, by id."""
        now, wired, linked = self.entries.get(path, {}), past.before("wired", path), past.changes("after", path)
        found: dict[int, EntryFields] = past.laid_over(now, "entry", path)
        found |= {key: one for key, one in past.before("entry", path).items() if one is not ABSENT}
        return {
            key: (*fields[:-1], wired.get(key, fields[-1]))
            for key, fields in found.items()
            if fields[3] in objects and not (key in linked and linked[key].before is ABSENT)
        }


def _is_x15s(path: str) -> bool:
    """Whether a map is X15's: objects of FreeBSD's maps are others."""
    return path == "kernel_map" or path.startswith(("kernel_map/", "task:"))
