"""What kmem_free and kmem_free_wakeup take back at a machine's door, and what they refuse."""

from __future__ import annotations

import pytest

import vmwidgets as vm

PAGE = vm.PAGE


@pytest.fixture
def m():
    return vm.boot("x86-64")


def first(m):
    return m.kmem.kmem_map.start


def second(m):
    return first(m) + 4 * PAGE


class TestFree:
    @pytest.fixture
    def given(self, m):
        assert m.kmem_malloc(4 * PAGE) == first(m)
        assert m.kmem_malloc(2 * PAGE) == second(m)
        return m

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (lambda m: m.kmem_free(second(m) + 2 * PAGE, PAGE), "never allocated"),
            (lambda m: m.kmem_free(first(m) + PAGE, PAGE), "is only a part of .*16 KiB"),
            (lambda m: m.kmem_free(first(m), 5 * PAGE), "is only a part of .*8 KiB"),
            (lambda m: m.kmem_free(first(m), 7 * PAGE), "never allocated"),
            (lambda m: m.kmem_free(first(m), 4 * PAGE, map="pipe_map"), "not a range in pipe_map"),
            (lambda m: m.kmem_free(first(m), 4 * PAGE, map="kernel_map"), "is not memory of kmem.kernel_map"),
            (lambda m: m.kmem_free(m.kernel_map, first(m), 4 * PAGE), "X15's map"),
            (lambda m: m.kmem_free(0x1000, PAGE), "not a range in any map"),
            (lambda m: m.kmem_free(first(m), 0), "not a range in"),
            (lambda m: m.kmem_free(first(m), 2**64 - 1), "not a range in"),
            (lambda m: m.kmem_free(m.kmem.kernel_map.start, "1 MiB"), "never allocated"),
            (lambda m: m.kmem_free(m.kmem.exec_map.start, "1 MiB", map="kernel_map"), "never allocated"),
            (lambda m: m.kmem_free(None, PAGE), "address"),
        ],
    )
    def test_what_is_no_allocation_is_refused_and_nothing_changes(self, given, call, says):
        before, operations = given.kmem.kmem_map.entries(), len(given.journal)
        with pytest.raises(vm.Refused, match=says):
            call(given)
        assert (given.kmem.kmem_map.entries(), len(given.journal)) == (before, operations)
        given.check()

    def test_twice_says_who_freed_it_before(self, given):
        given.kmem_free(first(given), 4 * PAGE)
        with pytest.raises(vm.Refused, match="kmem_free freed it before"):
            given.kmem_free_wakeup(first(given), 4 * PAGE)

    def test_several_whole_ones_side_by_side_go_at_once(self, given):
        given.kmem_free(first(given), 6 * PAGE)
        assert given.kmem.kmem_map.size == 0

    def test_an_odd_range_is_rounded_outwards_as_the_original_does(self, given):
        given.kmem_free(first(given) + 5, 4 * PAGE - 10)
        assert given.kmem.kmem_map.size == 2 * PAGE

    def test_below_the_door_a_part_can_be_freed_and_the_rest_at_the_door(self, given):
        given.unchecked.kmem_free(given.kmem.kmem_map, first(given) + PAGE, PAGE)
        assert [entry.size for entry in given.kmem.kmem_map] == [PAGE, 4 * PAGE]
        with pytest.raises(vm.Refused, match=r"kmem_free freed it before|never allocated"):
            given.kmem_free(first(given), 4 * PAGE)
        given.kmem_free(first(given), PAGE)
        given.kmem_free(first(given) + 2 * PAGE, 2 * PAGE)
        given.check()

    def test_a_slab_of_a_zone_is_told_from_what_was_never_allocated(self, given):
        page = given.malloc(100) & -PAGE
        with pytest.raises(vm.Refused, match=r"slab of zone 128: .*m\.free"):
            given.kmem_free(second(given), 3 * PAGE)
        with pytest.raises(vm.Refused, match="slab of zone 128"):
            given.kmem_free(page, PAGE)

    def test_below_the_door_holes_are_passed_over(self, given):
        kmem_map = given.kmem.kmem_map
        given.unchecked.kmem_free(kmem_map, kmem_map.start, kmem_map.end - kmem_map.start)
        assert len(given.kmem.kmem_map) == 0
        assert len(given.kmem.allocations) == 0
        given.check()
