"""The pages that a mapping shows: each from the first object of a chain that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from heapq import nsmallest
from typing import NamedTuple

from vmwidgets.engine.kernel.tasks.objects_schema import MappedBy, ObjectsValue, ObjectValue


class Place(NamedTuple):
    """The place of a page: its frame and its slot of swap space (-1 if not there), and the object that has it."""

    frame: int
    slot: int
    holder: str


NOWHERE = Place(-1, -1, "")

NONE: Set[int] = frozenset()

OWNS = "owns"
"""The note on a mapping's card about its pages that a write changes in place: another page is copied first."""


class Seen(Mapping[int, Place]):
    """Pages by number, each from the first of some objects that has it; a page's place is found when it is needed.

    `inside` are the numbers that count.  Creating it is O(pages), at the speed of dictionaries.
    """

    def __init__(self, chain: Sequence[ObjectValue], inside: range | None = None) -> None:
        self.chain = chain
        frames: dict[int, int] = {}
        numbers: set[int] = set()
        for one in reversed(chain):
            for index in one.swapped.keys() - one.pages.keys():
                frames.pop(index, None)
            frames |= one.pages
            numbers.update(one.swapped)
        numbers.update(frames)
        if inside is not None and numbers and not (inside.start <= min(numbers) and max(numbers) < inside.stop):
            numbers = {index for index in numbers if index in inside}
            frames = {index: frame for index, frame in frames.items() if index in inside}
        self.frames = frames
        """The frames of pages in memory."""
        self.numbers = numbers
        """The numbers of all pages."""

    def __contains__(self, index: object) -> bool:
        return index in self.numbers

    def __getitem__(self, index: int) -> Place:
        if index not in self.numbers:
            raise KeyError(index)
        one = next(one for one in self.chain if index in one.pages or index in one.swapped)
        return Place(one.pages.get(index, -1), one.swapped.get(index, -1), one.name)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    def first(self, count: int, before: Collection[int], among: Collection[int] | None = None) -> list[int]:
        """Return the first `count` numbers in order, only of `among` if given; numbers in `before` come first."""
        numbers = self.numbers if among is None else self.numbers.intersection(among)
        ahead = sorted(numbers & {*before})[:count]
        rest = nsmallest(count - len(ahead), numbers.difference(ahead) if ahead else numbers)
        return sorted([*ahead, *rest])


def seen_by(value: ObjectsValue, mapper: MappedBy, target: str) -> Seen:
    """Return the pages that a mapping of object `target` shows, by number, from the first object that has each."""
    chain = [value.objects[name] for name in value.chain(target)]
    return Seen(chain, range(mapper.first, mapper.first + mapper.pages))


def copied_by_a_write(value: ObjectsValue, mapper: MappedBy, seen: Seen, references: int, shared: Set[int]) -> Set[int]:
    """Return the pages of a mapping that the next write through it would copy.

    `references` is the number of its object's references; `shared` are the frames that are pages of several objects.
    """
    front = seen.chain[0]
    if not mapper.can_write:
        return NONE
    if mapper.needs_copy and (front.kind == "file" or references > 1):
        return seen.numbers  # an empty object comes in front
    own = {*front.pages} if shared.isdisjoint(front.pages.values()) else _alone(front, shared)
    for index, slot in front.swapped.items():
        if index not in front.pages and not _is_back(value, slot):
            own.add(index)
    return seen.numbers - own


def _alone(front: ObjectValue, shared: Set[int]) -> set[int]:
    """Return the pages in frames that no other object has."""
    return {index for index, frame in front.pages.items() if frame not in shared}


def _is_back(value: ObjectsValue, slot: int) -> bool:
    """Return whether the page of a slot is also in memory: the next access then gets that frame."""
    return any(
        index in one.pages for one in value.objects.values() for index, its in one.swapped.items() if its == slot
    )


def frames_of_several(objects: Iterable[ObjectValue]) -> set[int]:
    """Return the frames that are pages of several objects, as after a fork that counts."""
    known: set[int] = set()
    several: set[int] = set()
    for one in objects:
        several.update(known.intersection(one.pages.values()))
        known.update(one.pages.values())
    return several


class Seeing(NamedTuple):
    """An entry with its object and the pages that it shows; `others` are equal mappings on the same card."""

    mapper: MappedBy
    target: str
    seen: Seen
    copied: Set[int]
    """The pages that a write through it copies."""
    others: tuple[MappedBy, ...] = ()

    @property
    def said(self) -> str:
        """The note on how many of the mapping's pages are its own; "" if a write copies none."""
        own = len(self.seen) - len(self.copied)
        return f"{OWNS} {f'{own:,}' if own else 'none'} of {len(self.seen):,}" if self.copied else ""

    @property
    def found(self) -> dict[str, int]:
        """The number of its pages that are found in each object of its chain. O(pages of the chain)."""
        left, counts = set(self.seen.numbers), {}
        for one in self.seen.chain:
            here = left.intersection({*one.pages, *one.swapped})
            counts[one.name] = len(here)
            left -= here
        return counts

    @property
    def who(self) -> str:
        """The owner of a mapping, or the number of owners."""
        return f"{1 + len(self.others):,} tasks" if self.others else task_of(self.mapper)


def mappings_of(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> list[Seeing]:
    """Return every mapping of an object."""
    references, shared = value.all_references(mappers), frames_of_several(value.objects.values())
    found: list[Seeing] = []
    for name, those in mappers.items():
        for one in those:
            seen = seen_by(value, one, name)
            found.append(Seeing(one, name, seen, copied_by_a_write(value, one, seen, references[name], shared)))
    return found


def task_of(mapper: MappedBy) -> str:
    """Return the name of a mapping's task."""
    return mapper.map.removeprefix("task:").removesuffix("/map")


def uses_of(every: Sequence[Seeing]) -> Counter[int]:
    """Return, for each frame, how many mappings see it."""
    uses: Counter[int] = Counter()
    for one in every:
        uses.update(one.seen.frames.values())
    return uses
