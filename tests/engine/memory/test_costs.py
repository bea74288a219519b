from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from vmwidgets.engine.base.errors import ascii_text
from vmwidgets.engine.memory.costs import EffectiveAccessTime

counts = st.integers(0, 10**6)


@given(*[st.integers(0, 10**7)] * 4, st.integers(1, 10**6), counts, counts, counts)
def test_the_time_is_the_whole_time_of_all_accesses_divided_by_their_number(
    tlb, memory, minor, major, accesses, walks, small, large
):
    t = EffectiveAccessTime(vm.Costs(tlb, memory, minor, major), accesses, accesses // 2, walks, small, large)
    whole = accesses * (tlb + memory) + walks * memory + small * minor + large * major
    assert t.time == pytest.approx(float(Fraction(whole, accesses)))
    assert sum(t.parts) == t.time


def test_a_textbook_question():
    """Silberschatz, Galvin and Gagne: 200 ns for memory, 8 ms for a fault, one access in 1,000 faults: 8.2 µs."""
    costs = vm.Costs(tlb=0, memory=200, minor=0, major=8_000_000)
    t = EffectiveAccessTime(costs, 1000, tlb_hits=1000, walk_references=0, minor=0, major=1)
    assert t.time == 8200
    assert "0.001 x 8 ms" in repr(t)
    assert repr(t).startswith("effective access time: 8.2 us, of 1,000 accesses")


def test_the_formula_for_pages_says_the_same_as_the_text():
    t = EffectiveAccessTime(vm.Costs(), 1000, 900, 400, 10, 2)
    math = t._repr_markdown_()
    plain = (
        re.sub(r"\\mathrm\{([^}]*)\}", r"\1", math).replace(r"\times", "×").replace(r"\mu ", "µ").replace(r"\,", " ")
    )
    for line in repr(t).splitlines()[1:4]:
        assert line.strip(" =") in ascii_text(plain)
    assert math.count("{") == math.count("}")
    assert math.count("$$") == 2


def test_without_misses_there_is_nothing_to_say_of_walks():
    assert repr(EffectiveAccessTime(vm.Costs(), 10, 10, 0, 0, 0)).endswith("TLB hits: 100 %")


def test_without_accesses_it_says_so():
    none = EffectiveAccessTime(vm.Costs(), 0, 0, 0, 0, 0)
    assert repr(none) == none._repr_markdown_() == "effective access time: no accesses so far"


def test_whatever_counts_as_a_whole_number_is_a_time():
    """As NumPy's integers do, which are no numbers of Python."""

    class Given:
        def __init__(self, number):
            self.number = number

        def __index__(self):
            return self.number

    given_times: list[Any] = [Given(2), Given(100), Given(5), Given(7)]
    costs = vm.Costs(*given_times)
    assert costs == vm.Costs(2, 100, 5, 7)
    assert EffectiveAccessTime(costs, 10, 10, 0, 0, 0).time == 102
