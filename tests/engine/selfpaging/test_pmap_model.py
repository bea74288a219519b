"""Random requests against a dictionary of pages: tree, tables as the hardware walks them, slots and blocks agree."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.selfpaging.pmaps import PAGE, RW, Made, outcome
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.selfpaging.flags import LARGE, READ

FRAME_PAGES = 1024
PAGES = st.integers(0, 3 * 512)
COUNTS = st.one_of(st.integers(1, 8), st.sampled_from([255, 256, 257, 511, 512, 513]))


class Pages(RuleBasedStateMachine):
    """What must be there, by the numbers of pages.

    `pages`: physical address and flags of each; `ranges`: what each map call mapped, or what is left of it; `leaves`:
    pages of each, and whether they are large, where it begins.
    """

    architecture = "armv7"

    @initialize(current=st.booleans(), slots=st.sampled_from([20, 64, 4096]))
    def start(self, current, slots):
        self.made = Made(self.architecture, current=current, slots=slots)
        self.base = self.made.layout.vspace_begin + (1 << 28)
        self.frame = self.made.frame(FRAME_PAGES * PAGE, 1 << 21)
        self.pages = {}
        self.ranges = {}
        self.leaves = {}

    @rule(at=PAGES, count=COUNTS, offset=st.integers(0, FRAME_PAGES), big=st.booleans(), border=st.booleans())
    def map(self, at, count, offset, big, border):
        unit = self.made.layout.large.span // PAGE
        if big and border:
            at, offset = at // unit * unit, offset // unit * unit
        whole = big and at % unit == 0
        step = unit if whole else 1
        first, size = offset // step * step, -(-(count + offset % step) // step) * step
        allowed = first + size <= FRAME_PAGES and not any(at + page in self.pages for page in range(size))
        flags = RW | LARGE if big else RW
        done, stack = outcome(self.made.pmap.map, self.base + at * PAGE, self.frame, offset * PAGE, count * PAGE, flags)
        if stack:
            assert not allowed or stack[-1] == "LIB_ERR_SLOT_ALLOC_NO_SPACE"
            return
        assert allowed
        assert done == (first * PAGE, size * PAGE)
        start = self.made.base(self.frame) + first * PAGE
        self.pages.update({at + page: (start + page * PAGE, True) for page in range(size)})
        self.ranges[at] = size
        border = self._table()
        cuts = [at, at + size] if whole else [at, *range((at // border + 1) * border, at + size, border), at + size]
        self.leaves.update({one: (other - one, whole) for one, other in itertools.pairwise(cuts)})

    @precondition(lambda self: self.ranges)
    @rule(data=st.data())
    def unmap(self, data):
        at = data.draw(st.sampled_from(sorted(self.ranges)))
        size = self.ranges[at]
        assert self.made.pmap.unmap(self.base + at * PAGE, size * PAGE) == size * PAGE
        self._gone(at, size)

    @rule(at=PAGES, count=COUNTS)
    def unmap_anything(self, at, count):
        wanted = self._leaves_that_match(at, at + count)
        _, stack = outcome(self.made.pmap.unmap, self.base + at * PAGE, count * PAGE)
        if wanted is None:
            assert stack == ("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE")
            return
        assert not stack
        self._gone(at, count)

    def _leaves_that_match(self, at, end):
        """The first pages of the leaves that [at, end) is for; None unless they are one a table, and whole."""
        found, border = [], self._table()
        while at < end:
            size, large = self.leaves.get(at, (0, False))
            part = size if large else min(end, (at // border + 1) * border) - at
            if not size or size != part or at + size > end:
                return None
            found.append(at)
            at += size
        return found

    def _gone(self, at, count):
        for page in range(at, at + count):
            del self.pages[page]
            self.leaves.pop(page, None)
        for start, size in list(self.ranges.items()):
            if start < at + count and at < start + size:
                del self.ranges[start]
                if start < at:
                    self.ranges[start] = at - start
                if start + size > at + count:
                    self.ranges[at + count] = start + size - at - count

    def _table(self):
        """Pages that a table of small pages is for."""
        return 1 << self.made.layout.pages.bits

    @rule(at=PAGES, count=COUNTS, write=st.booleans())
    def modify(self, at, count, write):
        flags = RW if write else READ
        _, stack = outcome(self.made.pmap.modify_flags, self.base + at * PAGE, count * PAGE, flags)
        if stack:
            assert stack[0] == "LIB_ERR_PMAP_MODIFY_FLAGS"
            return
        there = [page for page in range(at, at + count) if page in self.pages]
        assert len(there) in (0, count)
        self.pages.update({page: (self.pages[page][0], write) for page in there})

    @rule(count=st.integers(0, 30))
    def others_take_slots(self, count):
        slots = self.made.world.slots
        slots.allocate_for_others(min(count, slots.free_slots))

    @rule()
    def others_give_slots(self):
        slots = self.made.world.slots
        slots.free_for_others(len(slots.others))

    @invariant()
    def the_hardware_agrees(self):
        made = self.made
        edges = {page + step for at, size in self.ranges.items() for page in (at, at + size) for step in (-1, 0)}
        for page in edges | {255, 256, 511, 512}:
            va = self.base + page * PAGE
            read = walk(made.world.ram, made.world.kernel.fmt, made.root, va, user=True)
            write = walk(made.world.ram, made.world.kernel.fmt, made.root, va, "write", user=True)
            assert read.pa == self.pages.get(page, (None, False))[0]
            assert (write.pa is not None) == self.pages.get(page, (None, False))[1]

    @invariant()
    def records_agree(self):
        made = self.made
        made.check()
        tree = made.pmap.tree.root
        start, end = made.layout.vspace_begin, made.layout.vspace_begin + made.layout.meta_data_bytes
        mine = [leaf for leaf in tree.leaves() if not (start <= leaf.va < end)]
        assert sum(leaf.end - leaf.va for leaf in mine) == len(self.pages) * PAGE
        nodes = list(_all(tree))
        tables = sum(node.is_table for node in nodes)
        frames = sum(head.address != 0 for head in made.pmap.slab.snapshot().heads)
        copy = 0 if made.pmap.current else 1
        used = len(made.world.slots.used) - len(made.world.slots.others)
        assert used == len(nodes) + tables + frames + copy


def _all(table):
    for node in table.children.values():
        yield node
        yield from _all(node)


class PagesOfFourLevels(Pages):
    architecture = "x86-64"


SETTINGS = settings(stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestPages = Pages.TestCase
TestPages.settings = SETTINGS
TestPagesOfFourLevels = PagesOfFourLevels.TestCase
TestPagesOfFourLevels.settings = SETTINGS
