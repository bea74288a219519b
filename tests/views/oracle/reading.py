"""What checks read of a machine: entries of its maps, pages of its tasks, what its threads do."""

from __future__ import annotations

from typing import Any, NamedTuple

import vmwidgets as vm
from vmwidgets.engine.base.units import PAGE, Size, binary_size

WHOLE = 10**6


def owned_by(owner: str) -> str:
    """A frame's owner as people are told: the object of a file is the file, and memory is memory."""
    kind, _, name = owner.partition(" ")
    return name if kind == "object" and name.partition(" ")[0] in ("file", "memory") else owner


def number(text: str) -> int:
    """A count, an address, or a frame, as sentences write it."""
    return int(text.replace(",", "").replace("_", ""), 16 if text.startswith("0x") else 10)


def ends(text: str) -> tuple[int, int]:
    """Both ends of a range."""
    first, _, last = text.partition("–")
    return number(first), number(last)


def counted(text: str) -> int:
    """How many a phrase counts, such as "2 pages"."""
    return number(text.partition(" ")[0])


def bytes_of(text: str) -> int:
    """A size in words, as a number."""
    return int(Size(text.replace(",", "")))


def bytes_of_given(given: Any) -> int:
    """A size as a call takes it: a number, or words."""
    return given if isinstance(given, int) else bytes_of(str(given))


class Entry(NamedTuple):
    """An entry of a map."""

    start: int
    end: int
    prot: str
    max_prot: str
    inherit: str
    wired: int
    object: str | None
    offset: int


def map_of(machine: vm.Machine, name: str) -> Any:
    """The map that a sentence calls so, or that has this path."""
    if name.startswith("the map of "):
        return machine.tasks[name.removeprefix("the map of ")].map
    return machine.kmem.kernel_map if name == "kmem.kernel_map" else machine.part(name)


def path_called(name: str) -> str:
    """The path of the map that a sentence calls so."""
    if name.startswith("the map of "):
        return f"task:{name.removeprefix('the map of ')}/map"
    return name.replace("kmem.", "kmem/", 1)


def entries(machine: vm.Machine, name: str) -> list[Entry]:
    """The entries of a map, by their addresses."""
    return entries_of(map_of(machine, name))


def entries_of(space: Any) -> list[Entry]:
    """The entries of a map that is at hand."""
    found = space.entries()
    return sorted(
        Entry(int(one.start), int(one.end), one.protection, one.max_protection, one.inheritance, one.wired,
              one.object and str(one.object), int(one.offset or 0)) for one in found
    )  # fmt: skip  # one list


def size_of(machine: vm.Machine, name: str) -> int:
    """How many bytes of a map its entries take."""
    return sum(one.end - one.start for one in entries(machine, name))


def inside(found: list[Entry], start: int, end: int) -> list[Entry]:
    """Those that have something of a range."""
    return [one for one in found if one.start < end and start < one.end]


def covered(found: list[Entry], start: int, end: int) -> int:
    """How many bytes of a range they take."""
    return sum(min(one.end, end) - max(one.start, start) for one in inside(found, start, end))


def resident(machine: vm.Machine) -> dict[tuple[str, int], int]:
    """Frames of the pages of all memory objects, by object and page."""
    objects = machine.memory_objects.value().objects
    return {(name, page): frame for name, one in objects.items() for page, frame in one.pages.items()}


def swapped(machine: vm.Machine) -> set[tuple[str, int]]:
    """The pages of memory objects that are in swap space."""
    objects = machine.memory_objects.value().objects
    return {(name, page) for name, one in objects.items() for page in one.swapped}


def pages_at(machine: vm.Machine, task: str, start: int, end: int) -> dict[int, int]:
    """The frames that a task's tables lead to in a range, by the addresses of pages."""
    walks = {page: machine.tasks[task].walk(page) for page in range(start & -PAGE, end, PAGE)}
    return {page: int(walk.pa) >> 12 for page, walk in walks.items() if walk.pa is not None}


def edited(machine: vm.Machine) -> bool:
    """Whether descriptors hold what was written by hand: walks lead anywhere then."""
    return bool(machine.standing_edits)


def translations(machine: vm.Machine) -> dict[int, list[tuple[str, int]]]:
    """By frame, the tasks and addresses of pages whose tables lead to it, whoever may use it."""
    found: dict[int, list[tuple[str, int]]] = {}
    for name, task in machine.tasks.items():
        for entry in task.map.entries():
            for page in range(int(entry.start), int(entry.end), PAGE):
                steps = task.walk(page).steps
                if steps and steps[-1].kind == "leaf":
                    first = steps[-1].address | page & (1 << steps[-1].index_bits[1]) - 1
                    found.setdefault(int(first) // PAGE, []).append((name, page))
    return found


def threads(machine: vm.Machine) -> dict[str, Any]:
    """The values of all threads, by name."""
    return {one.name: one for one in machine.threads.value().threads}


__all__ = [
    "PAGE",
    "WHOLE",
    "Entry",
    "binary_size",
    "bytes_of",
    "bytes_of_given",
    "counted",
    "covered",
    "edited",
    "ends",
    "entries",
    "entries_of",
    "inside",
    "map_of",
    "number",
    "pages_at",
    "resident",
    "size_of",
    "swapped",
    "threads",
]  # fmt: skip  # a list
