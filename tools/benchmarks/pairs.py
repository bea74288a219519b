"""Pairs of enter and remove, and lookups, beside other packages.

What is compared are ordered sets of ranges, all with the same four calls.  Each is filled with pages that have gaps of
a page between them, so that a pair of `enter` and `remove` can work in any gap.
"""

from __future__ import annotations

import gc
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count, cycle

from intervaltree import IntervalTree
from sortedcontainers import SortedDict

import vmwidgets as vm
from vmwidgets.engine.base.protection import INHERITANCE, READ, WRITE, pack_flags
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.map.core import Entry, PlainEntries
from vmwidgets.engine.kernel.x15.vm_map import X15Map

from .measured import Row, fastest

PAGE = vm.PAGE
BASE = 0xFFFF_8080_4000_0000
"""Where the filled pages begin: clear of what a machine's kernel map holds from its boot."""


class Subject(ABC):
    """An ordered set of ranges; range number i is the page at BASE + i pages."""

    name = ""

    @abstractmethod
    def enter(self, start: int) -> None:
        """Put the page at `start` in."""

    @abstractmethod
    def remove(self, start: int) -> None:
        """Take the page at `start` out."""

    @abstractmethod
    def lookup(self, address: int) -> object:
        """The range that holds `address`."""

    def fill(self, size: int) -> None:
        """Have `size` pages, every other one."""
        for number in range(size):
            self.enter(BASE + 2 * number * PAGE)


class BareMap(Subject):
    """The kernel's map with plain entries and nobody listening."""

    name = "bare map"
    FLAGS = pack_flags(READ | WRITE, 7, INHERITANCE["copy"], 0, nomerge=True, fixed=True)

    def __init__(self) -> None:
        self.map = X15Map("map", BASE, BASE + (1 << 40), PlainEntries(count(1), Entry), Recorder())

    def enter(self, start: int) -> None:
        self.map.enter(start, PAGE, 0, self.FLAGS)

    def remove(self, start: int) -> None:
        self.map.remove(start, start + PAGE)

    def lookup(self, address: int) -> object:
        return self.map.lookup_nearest(address)


class MachineOperations(Subject):
    """Operations on a machine's kernel map: the door, its checks, the journal with its events, the kentry area."""

    name = "machine, with journal"

    def __init__(self) -> None:
        self.machine = vm.boot("x86-64", layout="x15-64")
        self.map = self.machine.kernel_map

    def enter(self, start: int) -> None:
        self.map.enter(PAGE, at=start, fixed=True, nomerge=True)

    def remove(self, start: int) -> None:
        self.map.remove(start, size=PAGE)

    def lookup(self, address: int) -> object:
        return self.map.lookup(address)


class MachineWithView(MachineOperations):
    """The same, with a live picture that follows."""

    name = "machine, with a view"

    def __init__(self) -> None:
        super().__init__()
        self.view = vm.Map(self.map)


class Intervals(Subject):
    """A tree of the package intervaltree."""

    name = "intervaltree"

    def __init__(self) -> None:
        self.tree = IntervalTree()

    def enter(self, start: int) -> None:
        self.tree.addi(start, start + PAGE)

    def remove(self, start: int) -> None:
        self.tree.removei(start, start + PAGE)

    def lookup(self, address: int) -> object:
        return self.tree.at(address)

    def fill(self, size: int) -> None:
        self.tree = IntervalTree.from_tuples((BASE + 2 * n * PAGE, BASE + (2 * n + 1) * PAGE) for n in range(size))


class Sorted(Subject):
    """A sorted dictionary of the package sortedcontainers, from starts to ends."""

    name = "sortedcontainers"

    def __init__(self) -> None:
        self.ends = SortedDict()

    def enter(self, start: int) -> None:
        self.ends[start] = start + PAGE

    def remove(self, start: int) -> None:
        del self.ends[start]

    def lookup(self, address: int) -> object:
        place = self.ends.bisect_right(address) - 1
        start, end = self.ends.peekitem(place)
        return (start, end) if address < end else None


SUBJECTS: tuple[type[Subject], ...] = (BareMap, MachineOperations, MachineWithView, Intervals, Sorted)


def rows(short: bool) -> Iterator[Row]:
    """Microseconds of processor time by number of live entries; the bare map is to be ahead of the other trees.

    Each subject is alone in memory, so that the search for garbage doesn't walk through the others.
    """
    for size in (4, 8) if short else (1_000, 10_000, 100_000):
        found = {}
        for kind in SUBJECTS:
            gc.collect()
            found[kind] = pair, lookup = _measured(kind(), size, *((2, 1) if short else (200, 20)))
            yield Row(f"a pair among {size:,}, {kind.name}", pair)
            yield Row(f"a lookup among {size:,}, {kind.name}", lookup)
        bare, machine, tree = (found[kind] for kind in (BareMap, MachineOperations, Intervals))
        yield Row(f"a pair among {size:,}, bare map / intervaltree", bare[0] / tree[0], "", 1)
        yield Row(f"a lookup among {size:,}, bare map / intervaltree", bare[1] / tree[1], "", 1)
        yield Row(f"a pair among {size:,}, machine / bare map", machine[0] / bare[0], "", 2)


def _measured(subject: Subject, size: int, times: int, rounds: int) -> tuple[float, float]:
    """Microseconds of a pair and of a lookup, somewhere among so many entries."""
    subject.fill(size)
    chance = random.Random(size)
    places = cycle([BASE + 2 * chance.randrange(size) * PAGE for _ in range(2_000)])

    def pair() -> None:
        gap = next(places) + PAGE
        subject.enter(gap)
        subject.remove(gap)

    return fastest(pair, times, rounds), fastest(lambda: subject.lookup(next(places)), times, rounds)
