"""A FreeBSD map against a plain list of pages; and what a list of pages can't tell: which entries there are."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine.kernel.kmems import Kernel, rows
from vmwidgets.engine.base.errors import Broken
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.entries import NOFAULT
from vmwidgets.engine.kernel.freebsd.kmem_schema import GapCompared
from vmwidgets.engine.kernel.map.core import INVALID_ADDRESS, NO_SPACE, SUCCESS

PAGES = 40
pages = st.integers(0, PAGES - 1)
lengths = st.integers(0, 6) | st.integers(0, PAGES + 1)


class MapMachine(RuleBasedStateMachine):
    @initialize(system=st.booleans())
    def make(self, system):
        self.kernel = Kernel(size=100, kmem=PAGES)
        self.map = self.kernel.kmem_map
        self.map.system = system
        self.used: list[tuple[str | None, bool] | None] = [None] * PAGES

    def expected_status(self, first, length):
        if length == 0 or first + length > PAGES:
            return INVALID_ADDRESS
        return NO_SPACE if any(self.used[first : first + length]) else SUCCESS

    @rule(
        first=pages,
        length=lengths,
        behind=st.sampled_from([None, "kmem_object", "kernel_object"]),
        nofault=st.booleans(),
    )
    def insert(self, first, length, behind, nofault):
        start = self.map.start + first * PAGE
        found = None if behind is None else getattr(self.kernel.kmem, behind)
        offset = 0 if found is None else self.kernel.kmem.offset_of(start)
        if found is not None:
            found.reference()
        status = self.map.insert(found, offset, start, start + length * PAGE, NOFAULT if nofault else 0)
        assert status == self.expected_status(first, length)
        if status == SUCCESS:
            self.used[first : first + length] = [(behind, nofault)] * length

    @rule(first=pages, length=lengths)
    def delete(self, first, length):
        start = self.map.start + first * PAGE
        self.map.delete(start, start + length * PAGE)
        self.used[first : first + length] = [None] * len(self.used[first : first + length])

    @rule(length=lengths)
    def find(self, length):
        free = [first for first in range(PAGES - length + 1) if not any(self.used[first : first + length])]
        expected = self.map.start + free[0] * PAGE if free else None
        assert self.map.find_space(length * PAGE) == expected

    @rule(length=lengths, first=pages)
    def find_above(self, length, first):
        """From an address on; of no bytes only the map's start says something."""
        if not length or not first:
            return
        free = [at for at in range(first, PAGES - length + 1) if not any(self.used[at : at + length])]
        expected = self.map.start + free[0] * PAGE if free else None
        assert self.map.find_space(length * PAGE, self.map.start + first * PAGE) == expected

    @rule(first=pages, length=lengths)
    def covers(self, first, length):
        end = min(first + length, PAGES)
        expected = all(self.used[first:end])
        start = self.map.start
        assert self.map.covers(start + first * PAGE, start + end * PAGE) == expected

    @invariant()
    def pages_are_used_as_inserted(self):
        if not hasattr(self, "map"):
            return
        self.kernel.check()
        seen: list[tuple[str | None, bool] | None] = [None] * PAGES
        for entry in self.map:
            at = (entry.start - self.map.start) // PAGE
            name = None if entry.object is None or entry.object.name.startswith("anon") else entry.object.name
            seen[at : at + entry.pages] = [(name, bool(entry.flags & NOFAULT))] * entry.pages
            if name is not None:
                assert entry.offset == self.kernel.kmem.offset_of(entry.start)
        assert seen == self.used


TestMap = MapMachine.TestCase


@pytest.fixture(name="kernel")
def made():
    return Kernel()


def put(vm_map, first, length, target=None, flags=0):
    start = vm_map.start + first * PAGE
    if target is not None:
        target.reference()
    offset = 0 if target is None else first * PAGE
    return vm_map.insert(target, offset, start, start + length * PAGE, flags)


def cut(vm_map, first, length):
    start = vm_map.start + first * PAGE
    vm_map.delete(start, start + length * PAGE)


def test_a_range_without_object_stretches_the_entry_before_it_and_joins_the_one_behind(kernel):
    vm_map = kernel.kmem_map
    for first, length in ((0, 2), (3, 2), (2, 1)):
        assert put(vm_map, first, length) == SUCCESS
    assert rows(vm_map) == [(0, 5, None, 0, 0)]


def test_other_flags_keep_neighbours_apart(kernel):
    vm_map = kernel.kmem_map
    put(vm_map, 0, 2)
    put(vm_map, 2, 2, flags=NOFAULT)
    assert rows(vm_map) == [(0, 2, None, 0, 0), (2, 2, None, 0, 0)]


def test_an_insertion_with_an_object_neither_stretches_nor_joins(kernel):
    vm_map, target = kernel.kmem_map, kernel.kmem.kmem_object
    put(vm_map, 0, 2, target)
    put(vm_map, 2, 2, target)
    assert [row[:2] for row in rows(vm_map)] == [(0, 2), (2, 2)]
    assert target.references == 3


def test_a_split_in_a_system_map_gives_no_object_and_makes_odd_offsets(kernel):
    vm_map = kernel.kmem_map
    put(vm_map, 0, 6)
    cut(vm_map, 2, 2)
    assert rows(vm_map) == [(0, 2, None, 0, 0), (4, 2, None, 4, 0)]


def test_a_split_elsewhere_gives_both_rests_one_anonymous_object(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 2, 2)
    assert rows(vm_map) == [(0, 2, "anon0", 0, 0), (4, 2, "anon0", 4, 0)]
    target = vm_map.first.object
    assert (target.references, target.size) == (2, 6)


def test_only_the_rest_at_the_objects_end_can_be_stretched(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 2, 2)
    put(vm_map, 2, 1)
    put(vm_map, 6, 3)
    assert rows(vm_map) == [(0, 2, "anon0", 0, 0), (2, 1, None, 0, 0), (4, 5, "anon0", 4, 0)]
    assert vm_map.last.object.size == 9


def test_cutting_off_the_end_shortens_the_object_so_that_the_front_can_grow_again(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 4, 2)
    put(vm_map, 4, 3)
    assert rows(vm_map) == [(0, 7, "anon0", 0, 0)]
    assert (vm_map.first.object.references, vm_map.first.object.size) == (1, 7)


def test_an_empty_range_still_splits_and_one_at_an_edge_does_nothing(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 0, 0)
    cut(vm_map, 6, 0)
    assert rows(vm_map) == [(0, 6, None, 0, 0)]
    cut(vm_map, 2, 0)
    assert rows(vm_map) == [(0, 2, "anon0", 0, 0), (2, 4, "anon0", 2, 0)]


def test_a_length_that_passes_the_end_is_never_found(kernel):
    vm_map = kernel.kmem_map
    whole = vm_map.end - vm_map.start
    assert vm_map.find_space(whole) == vm_map.start
    assert vm_map.find_space(whole + PAGE) is None
    assert vm_map.find_space(2**64 - PAGE) is None
    put(vm_map, 0, whole // PAGE)
    assert vm_map.find_space(PAGE) is None
    assert vm_map.find_space(0) == vm_map.start


def test_checks_find_what_is_wrong(kernel):
    vm_map = kernel.kmem_map
    put(vm_map, 0, 2)
    put(vm_map, 4, 2)
    vm_map.first.max_gap -= PAGE
    with pytest.raises(Broken, match="rule 6 of the tree: entry"):
        vm_map.check()
    vm_map.tree.refresh(vm_map.first)
    vm_map.check()
    vm_map.size += PAGE
    with pytest.raises(Broken, match="rule 7 of the map: kmem_map says"):
        vm_map.check()


def test_a_split_first_joins_the_entry_with_its_neighbours(kernel):
    vm_map, target = kernel.kmem_map, kernel.kmem.kmem_object
    put(vm_map, 0, 2, target)
    put(vm_map, 2, 2, target)
    cut(vm_map, 3, 1)
    assert rows(vm_map) == [(0, 3, "kmem_object", 0, 0)]
    assert target.references == 2


def test_where_several_map_an_object_its_new_end_can_be_stretched(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 2, 1)
    cut(vm_map, 5, 1)
    assert (vm_map.last.object.references, vm_map.last.object.size) == (2, 5)
    put(vm_map, 5, 1)
    assert rows(vm_map) == [(0, 2, "anon0", 0, 0), (3, 3, "anon0", 3, 0)]


def test_who_maps_an_object_alone_can_be_stretched_wherever_it_ends(kernel):
    vm_map = kernel.exec_map
    put(vm_map, 0, 6)
    cut(vm_map, 2, 2)
    cut(vm_map, 4, 2)
    assert (vm_map.last.object.references, vm_map.last.object.size) == (1, 4)
    put(vm_map, 2, 1)
    assert rows(vm_map) == [(0, 3, "anon0", 0, 0)]


@pytest.mark.parametrize("order", ["rising", "falling", "outwards", "inwards"])
def test_each_entry_knows_the_largest_gap_below_it_while_the_tree_is_turned(order):
    vm_map = Kernel(size=400, kmem=200).kmem_map
    places = list(range(0, 200, 2))
    middle_first = sorted(places, key=lambda place: abs(place - 100))
    orders = {"rising": places, "falling": places[::-1], "outwards": middle_first, "inwards": middle_first[::-1]}
    for place in orders[order]:
        put(vm_map, place, 1)
        vm_map.check()
    for place in orders[order]:
        cut(vm_map, place, 1)
        vm_map.check()
    assert vm_map.nr_entries == 0


def test_a_search_from_an_address_on_compares_few_entries():
    """Of a thousand entries with little room between them it looks at one path of the tree."""
    kernel = Kernel(size=2200, kmem=2100)
    vm_map = kernel.kmem_map
    for number in range(1000):
        put(vm_map, 2 * number, 1)
    for start in (2, 500, 1000):
        looked: list[tuple[object, ...]] = []
        kernel.recorder.emit = looked.append
        assert vm_map.find_space(3 * PAGE, vm_map.start + start * PAGE) == vm_map.start + 1999 * PAGE
        assert 0 < sum(event[0] == GapCompared.tag for event in looked) < 25


def test_a_map_knows_its_submaps_as_long_as_they_have_places(kernel):
    root, kmem_map, exec_map = kernel.kernel_map, kernel.kmem_map, kernel.exec_map
    assert root.inside() == [kmem_map, exec_map]
    root.delete(kmem_map.start, kmem_map.start + PAGE)
    root.delete(kmem_map.start + 4 * PAGE, kmem_map.start + 5 * PAGE)
    assert (root.inside(), root.submaps[kmem_map]) == ([kmem_map, exec_map], 2), "two parts of its place are left"
    kernel.check()
    root.delete(kmem_map.start, kmem_map.end)
    assert root.inside() == [exec_map]
    kernel.check()
    root.submaps[exec_map] += 1
    with pytest.raises(Broken, match=r"^rule 8 of the map: kernel_map has entries of 1 submaps, and knows of 1$"):
        root.check()
