"""One workload on several maps: outcomes against a list of pages, and what makes no sense is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from vmwidgets.comparisons.placements import ComparisonValue, WorkloadOperation
from vmwidgets.sources.compare_maps import LABELS, bare_map
from vmwidgets.sources.workload import allocate, free, lookup

PAGE, START, PAGES = vm.PAGE, vm.MIB, 64
LABELLED = sorted(LABELS)


class Pages:
    """What each page holds, by the rule of a label: a look at all pages."""

    def __init__(self, label):
        self.kernel, self.rule = LABELS[label]
        self.pages = [None] * PAGES
        self.rover = 0

    def gaps(self, base=0):
        first = base
        while first < PAGES:
            if self.pages[first] is None:
                end = next((n for n in range(first, PAGES) if self.pages[n] is not None), PAGES)
                yield first, end - first
                first = end
            first += 1

    def allocate(self, name, size, align, hint):
        if hint is not None and self.kernel == "freebsd" and hint > 0:
            place = self.search(size, 1, hint)
        elif hint is not None and hint + size <= PAGES and not any(self.pages[hint : hint + size]):
            place = hint
        else:
            place = self.search(size, align if self.kernel == "x15" else 1)
        if place is not None:
            self.pages[place : place + size] = [name] * size
        return place

    def search(self, size, align, hint=None):
        def fitting(base):
            for first, room in self.gaps(base):
                at = -(-first // align) * align
                if first + room - at >= size:
                    yield at, first + room - at

        found = list(fitting(hint or 0))
        if self.rule == "next" and hint is None:
            found = list(fitting(self.rover)) or found
        keys = {"best": lambda one: (one[1], one[0]), "worst": lambda one: (-one[1], one[0])}
        chosen = min(found, key=keys.get(self.rule), default=None)
        if chosen is not None:
            self.rover = chosen[0] + size
        return None if chosen is None else chosen[0]

    def runs(self):
        """Sizes of the gaps."""
        return [free * PAGE for _, free in self.gaps()]


sizes = st.integers(1, 12)
workloads = st.lists(
    st.tuples(st.just("allocate"), sizes, st.sampled_from([1, 1, 1, 4, 16]), st.none() | st.integers(1, PAGES - 1))
    | st.tuples(st.just("free"), st.integers(0, 30))
    | st.tuples(st.just("free range"), st.integers(0, PAGES - 1), sizes),
    max_size=25,
)


def operations_of(plan):
    """Operations from a plan: names are the numbers of their allocations."""
    operations: list[WorkloadOperation] = []
    steps: list[tuple[Any, ...]] = []
    live: list[str] = []
    for number, (kind, *rest) in enumerate(plan):
        if kind == "allocate":
            size, align, hint = rest
            at = None if hint is None else START + hint * PAGE
            operations.append(allocate(f"n{number}", size * PAGE, align=0 if align == 1 else align * PAGE, hint=at))
            steps.append(("allocate", f"n{number}", size, align, hint))
            live.append(f"n{number}")
        elif kind == "free" and live:
            name = live.pop(rest[0] % len(live))
            operations.append(free(name))
            steps.append(("free", name))
        elif kind == "free range":
            first, length = rest[0], min(rest[1], PAGES - rest[0])
            operations.append(free(START + first * PAGE, length * PAGE))
            steps.append(("free range", first, length))
    return operations, steps


@given(plan=workloads)
def test_outcomes_pieces_and_gaps_are_those_of_a_list_of_pages(plan):
    labels = [label for label in LABELLED if label != "x15"]  # its find cache is told elsewhere: see test_placement
    operations, steps = operations_of(plan)
    result = vm.compare(operations, size=PAGES * PAGE, start=START, on=labels)
    for column, label in enumerate(labels):
        pages, given_ = Pages(label), {}
        for row, step in zip(result.rows, steps, strict=True):
            outcome = row.outcomes[column]
            if step[0] == "allocate":
                given_[step[1]] = (pages.allocate(*step[1:]), step[2])
                expected = given_[step[1]][0]
                assert outcome.start == (None if expected is None else START + expected * PAGE), (label, row)
                assert outcome.failed == (expected is None)
            else:
                first, length = step[1:] if step[0] == "free range" else given_[step[1]]
                if first is not None:
                    pages.pages[first : first + length] = [None] * length
        end = result.map(label)
        assert list(end.gaps) == pages.runs()
        assert end.used == PAGE * sum(page is not None for page in pages.pages)
        seen: list[str | None] = [None] * PAGES
        for piece in end.pieces:
            first, last = (piece.start - START) // PAGE, (piece.end - START) // PAGE
            assert not any(seen[first:last])
            seen[first:last] = [piece.name] * (last - first)
        assert seen == pages.pages
        assert end.largest_gap == max(pages.runs(), default=0)


def test_the_first_map_is_what_others_differ_from():
    workload = [
        allocate("a", "64 KiB"),
        allocate("b", "4 KiB"),
        free("a"),
        allocate("c", "4 KiB"),
    ]
    result = vm.compare(workload, on=["first", "x15", "worst"])
    assert [row.number for row in result.differences] == [4]
    assert result.differences[0].differing == (False, False, True)
    assert vm.compare(workload, on=["worst", "x15"]).differences[0].differing == (False, True)
    assert "!= 0x11_1000" in str(result)
    assert repr(result) == "<comparison of first, x15, worst: 4 operations, 1 with differences>"


def test_x15_goes_by_its_find_cache():
    """A gap below the find cache is passed over by a larger request: first fit would look there."""
    workload = [
        allocate("a", "8 KiB"), allocate("b", "4 KiB"), free("a"), allocate("c", "4 KiB"),
        allocate("d", "4 KiB"),
    ]  # fmt: skip
    result = vm.compare(workload, on=["x15", "first"])
    assert result.map("x15").steps > 0
    assert [row.outcomes[0].start for row in result.rows][3:] == [START, START + PAGE]


def test_lookups_tell_the_two_kernels_apart():
    workload = [
        allocate("a", "4 KiB", hint=START + 8 * PAGE),
        lookup(START),
        lookup("a"),
        lookup(START + 9 * PAGE),
    ]
    x15, freebsd = zip(*(row.outcomes for row in vm.compare(workload, on=["x15", "freebsd"]).rows[1:]), strict=True)
    assert [one.result for one in x15] == ["next: 0x10_8000–0x10_9000", "0x10_8000–0x10_9000", "nothing"]
    assert [one.result for one in freebsd] == ["nothing", "0x10_8000–0x10_9000", "nothing"]


def test_what_one_map_never_got_it_can_not_free():
    again = allocate("b", "64 KiB", hint=START)
    workload = [
        allocate("a", "64 KiB"),
        free(START, "4 KiB"),
        again,
        lookup("b"),
        free("b"),
    ]
    result = vm.compare(workload, size="64 KiB", on=["x15"])
    assert [row.outcomes[0].result for row in result.rows][2:] == ["no room", "never got it", "never got it"]
    assert (result.maps[0].failures, [piece.start for piece in result.maps[0].pieces]) == (1, [START + PAGE])


def test_a_range_may_be_freed_in_parts_and_over_holes():
    workload = [
        allocate("a", "16 KiB"),
        free(START + PAGE, "4 KiB"),
        free(START, "12 KiB"),
    ]
    result = vm.compare(workload, on=["freebsd", "x15"])
    assert [row.outcomes[0].result for row in result.rows] == ["0x10_0000", "4 KiB", "8 KiB"]
    assert [(piece.name, piece.start) for piece in result.maps[0].pieces] == [("a", START + 3 * PAGE)]
    assert not result.differences


def test_the_map_of_freebsds_kernel_has_no_pageable_memory():
    freebsd = bare_map("freebsd", START, START + PAGES * PAGE)
    assert freebsd.allocate(3 * PAGE, PAGE, 0) == START
    freebsd.free(START + PAGE, START + 2 * PAGE)  # in a map of another kind, a split creates an anonymous object
    assert [entry.object for entry in freebsd.value().entries] == [None, None]


def test_no_event_is_kept_and_two_runs_are_equal():
    workload = [allocate(f"n{number}", "8 KiB") for number in range(50)]
    assert vm.compare(workload) == vm.compare(iter(workload))
    with pytest.raises(AttributeError):
        vm.compare(workload).rows = ()  # type: ignore[misc]


A = allocate("a", "4 KiB")
WRONG: Any = [("allocate", "a", PAGE)]
TEXT: Any = "x15"
NUMBER: Any = 3


@pytest.mark.parametrize(("call", "why"), [
    (lambda: allocate("a", 5), "size=5 is not a multiple of the page size"),
    (lambda: allocate("a", 0), "size=0: an allocation has at least one page"),
    (lambda: allocate("", PAGE), "name has 0 characters"),
    (lambda: allocate(NUMBER, PAGE), "name 3 is an int"),
    (lambda: allocate("a", PAGE, align=3), "align=0x3 is not an alignment"),
    (lambda: allocate("a", PAGE, hint=3), "hint=3 is not a multiple of the page size"),
    (lambda: free(START), "needs the size too, or the name"),
    (lambda: free(START, 0), "there is nothing to free"),
    (lambda: lookup(-1), "address=-1 is negative"),
    (lambda: lookup(NUMBER * 0.5), "address=1.5 is a float"),
    (lambda: vm.compare(TEXT), "write a list, such as"),
    (lambda: vm.compare(NUMBER), "write a list, such as"),
    (lambda: vm.compare(WRONG), "operation 1, ('allocate', 'a', 4096): write vm.workload.allocate"),
    (lambda: vm.compare([A, A]), "operation 2: 'a' is allocated already"),
    (lambda: vm.compare([free("a")]), "operation 1: nothing is called 'a' at that point"),
    (lambda: vm.compare([A, free("a"), lookup("a")]), "operation 3: nothing is called 'a' at that point"),
    (lambda: vm.compare([lookup(0)]), "operation 1: address 0x0 lies outside the maps"),
    (lambda: vm.compare([free(START, "2 MiB")]), "operation 1: 0x10_0000 to 0x30_0000 lies outside the maps"),
    (lambda: vm.compare([allocate("a", PAGE, hint=PAGE)]), "operation 1: hint 0x1000 lies outside the maps"),
    (lambda: vm.compare([A], size=0), "a map has from one page to 1 TiB"),
    (lambda: vm.compare([A], size="2 TiB"), "a map has from one page to 1 TiB"),
    (lambda: vm.compare([A], start=(1 << 64) - PAGE), "a map has from one page to"),
    (lambda: vm.compare([A], on=TEXT), "write a list of what to compare"),
    (lambda: vm.compare([A], on=[]), "leaves nothing to compare"),
    (lambda: vm.compare([A], on=["bets"]), "did you mean 'best'"),
    (lambda: vm.compare([A], on=["x15", "x15"]), "on names 'x15' twice"),
    (lambda: vm.compare(A for _ in iter(int, 1)), "operation 2: 'a' is allocated already"),
    (lambda: vm.compare(lookup(START) for _ in iter(int, 1)), "more than 10,000 operations"),
])  # fmt: skip
def test_nonsense_is_refused_in_a_sentence(call, why):
    with pytest.raises(vm.Refused) as caught:
        call()
    assert why in str(caught.value)


def test_names_from_learners_are_kept_and_shown_harmlessly():
    name = "é\u202e\n<b>"
    result = vm.compare([allocate(name, PAGE), free(name)])
    assert isinstance(result, ComparisonValue)
    assert all(line.isprintable() for line in str(result).splitlines())
    assert len(str(result).splitlines()) == 1 + 2 + 6
