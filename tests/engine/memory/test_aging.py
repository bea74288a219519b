"""Aging and "not recently used" against the textbook's figure, and plain models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.base.errors import Refused
from vmwidgets.reference_strings.references import reference_string

BITS = ["101011", "110010", "110101", "100010", "011000"]
COUNTERS = [
    ["10000000", "11000000", "11100000", "11110000", "01111000"],
    ["00000000", "10000000", "11000000", "01100000", "10110000"],
    ["10000000", "01000000", "00100000", "00010000", "10001000"],
    ["00000000", "00000000", "10000000", "01000000", "00100000"],
    ["10000000", "11000000", "01100000", "10110000", "01011000"],
    ["10000000", "01000000", "10100000", "01010000", "00101000"],
]
"""Tanenbaum, "Modern Operating Systems", figure of aging: reference bits of six pages between ticks, and counters."""


def test_the_counters_of_the_textbooks_figure():
    uses = [[page for page in range(6) if row[page] == "1"] for row in BITS]
    string = "0 1 2 3 4 5" + "|" * 9 + "|".join(" ".join(map(str, pages)) for pages in uses) + "|"
    run = reference_string(string, 6, "aging").runs[0]
    ends = [step for step in run.steps if step.ticks]
    assert [step.ticks for step in ends] == [9, 1, 1, 1, 1, 1]
    assert ends[0].counters == (0,) * 6, "nothing is left of a use nine ticks ago"
    for tick, step in enumerate(ends[1:]):
        assert [f"{counter:08b}" for counter in step.counters] == [row[tick] for row in COUNTERS]
        assert not step.referenced


strings = st.lists(st.one_of(st.tuples(st.integers(0, 6), st.booleans()), st.just("|")), min_size=1, max_size=80)


def as_text(items):
    """A string with ticks, none of which comes first."""
    text = [item if item == "|" else f"{item[0]}{'w' * item[1]}" for item in items]
    return " ".join(["0", *text])


@given(strings, st.integers(1, 5))
def test_aging_is_a_history_of_eight_bits_for_each_page(items, size):
    """For each page a list of whether it was used before each tick, the latest first: the smallest of them goes."""
    run = reference_string(as_text(items), size, "aging").runs[0]
    steps, held, used = iter(run.steps), {}, set()
    for item in [(0, False), *items]:
        if item == "|":
            held = {page: [page in used, *bits][:8] for page, bits in held.items()}
            used = set()
            continue
        step, page, victim = next(steps), item[0], None
        if page not in held and len(held) == size:
            victim = min(held, key=held.get)
            del held[victim]
            used.discard(victim)
        assert (step.page, step.victim, step.fault) == (page, victim, page not in held)
        held.setdefault(page, [False] * 8)
        used.add(page)


@given(strings, st.integers(1, 5))
def test_nru_takes_the_first_page_of_the_lowest_class(items, size):
    run = reference_string(as_text(items), size, "nru").runs[0]
    steps, held, used, dirty = iter(run.steps), [], set(), set()
    for item in [(0, False), *items]:
        if item == "|":
            used = set()
            continue
        step, (page, write), victim = next(steps), item, None
        if page not in held and len(held) == size:
            classes = [[one for one in held if 2 * (one in used) + (one in dirty) == number] for number in range(4)]
            victim = next(one[0] for one in classes if one)
            held.remove(victim)
            used.discard(victim)
            dirty.discard(victim)
        assert (step.page, step.victim, step.fault) == (page, victim, page not in held)
        if page not in held:
            held.append(page)
        used.add(page)
        if write:
            dirty.add(page)


def test_ticks_change_nothing_for_policies_without_a_clock():
    for policy in ("fifo", "lru", "second chance", "clock", "opt"):
        with_ticks, without = (
            reference_string(text, 3, policy).faults(policy) for text in ("1 2|3|4 1 2|", "1 2 3 4 1 2")
        )
        assert with_ticks == without


def test_a_tick_is_written_behind_its_reference():
    run = reference_string("1 2||3", 2, "aging").runs[0]
    assert repr(run).splitlines()[1].split() == ["1", "2||", "3"]
    assert reference_string(["1", 2, "|", "|", 3], 2, "aging").runs[0] == run
    with pytest.raises(Refused, match="the string begins with a tick"):
        reference_string("| 1 2")
