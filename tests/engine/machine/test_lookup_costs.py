"""Counts of searches, in maps that a picture would fold as well."""

from __future__ import annotations

import pytest

import vmwidgets as vm


@pytest.mark.parametrize("entries", [0, 1, 7, 1000])
def test_levels_are_the_nodes_of_the_longest_lookup(entries: int) -> None:
    space = vm.boot().task("t").map
    space.fill(entries)
    longest = max((space.comparisons(entry.start) for entry in space.entries()), default=0)
    assert space.levels == longest
