"""Changing ranges of an X15 map: against a plain dict of pages, and what a dict can't tell."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.engine.kernel.maps import FIXED, LOW, NOMERGE, PAGE, RW, Space
from tests.engine.kernel.plain_ranges import NOMEM, Page, PlainRanges
from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.base.errors import Broken, KernelError, kernel_error
from vmwidgets.engine.base.event import Called, Returned
from vmwidgets.engine.kernel.map.map_schema import EntryChanged, EntryJoined, EntryWired
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.kernel.x15.vm_fault import vm_map_fault, vm_map_wire
from vmwidgets.engine.kernel.x15.vm_map import X15Map

PAGES, FEW, FRAMES = 24, 8, 10


class Frames:
    """A pager with so many frames; they can be had again."""

    def __init__(self, frames):
        self.unused = list(range(frames))

    def get_page(self, target, offset):
        return self.unused.pop() if self.unused else None

    def release(self, frame):
        assert frame not in self.unused, "given back twice"
        self.unused.append(frame)


class Tables:
    """Page tables as a dict; `room` is how many translations fit."""

    large = False

    def __init__(self):
        self.pages = {}
        self.room = 10**6

    def extract(self, va):
        found = self.pages.get(va)
        return None if found is None else found[0]

    def enter(self, va, pa, protection):
        if va not in self.pages and len(self.pages) >= self.room:
            raise kernel_error("NOMEM", "no page for a table")
        self.pages[va] = (pa, bool(protection & flag.WRITE))

    def granted(self, protection):
        return protection

    def prepared(self, cuts, absent=()):
        return nullcontext()

    def tables_missing(self, start, end):
        return ()

    def enter_frame(self, va, frame, protection):
        self.enter(va, frame * PAGE, protection)

    def remove(self, start, end):
        self.pages = {va: page for va, page in self.pages.items() if not start <= va < end}

    def protect(self, start, end, protection):
        for va, (pa, _) in list(self.pages.items()):
            if start <= va < end:
                self.pages[va] = (pa, bool(protection & flag.WRITE))

    def update(self, start, end):
        pass


class Ranges(Space):
    """An X15 map of PAGES pages with tables and a pager; ranges are counted in pages."""

    def __init__(self, frames=10**6, **options):
        super().__init__(LOW, LOW + PAGES * PAGE, **options)
        self.frames = Frames(frames)
        self.objects = {name: VmObject(name, self.frames, self.recorder) for name in ("a", "b")}
        self.tables = self.map.tables = Tables()  # type: ignore[assignment]  # a plain dict for page tables
        self.map.unmap = self.tables.remove
        self.made = 0

    def memory(self):
        self.made += 1
        return VmObject("memory", self.frames, self.recorder)

    def put(self, first, end, behind="", protection=3, most=7, flags=0):
        target = self.objects[behind] if behind else None
        word = flag.pack_flags(protection, most, 2, 0) | FIXED | flags
        self.map.enter(LOW + first * PAGE, (end - first) * PAGE, 0, word, target, first * PAGE if behind else 0)

    def do(self, function, first, end, *args):
        """Call a kernel function on pages [first, end): the name of its error, or ""."""
        try:
            function(self.map, LOW + first * PAGE, LOW + end * PAGE, *args)
        except KernelError as error:
            return error.name
        return ""

    def wire(self, first, end):
        return self.do(vm_map_wire, first, end, self.memory)

    def touch(self, number, access):
        """A fault; whatever it says."""
        try:
            vm_map_fault(self.map, LOW + number * PAGE, access, self.tables.enter_frame)
        except KernelError as error:
            return error.name
        return ""

    def page_view(self):
        pages = {}
        for entry in self.map:
            word = entry.flags
            page = Page(
                "" if entry.object is None else entry.object.name, flag.protection_of(word),
                flag.max_protection_of(word), flag.inheritance_of(word), flag.advice_of(word), entry.wired_count,
            )  # fmt: skip
            first = (entry.start - LOW) // PAGE
            pages |= dict.fromkeys(range(first, first + (entry.end - entry.start) // PAGE), page)
        return pages

    def state(self):
        """All that may not change where a change is refused."""
        entries = [entry.fields() for entry in self.map]
        return entries, dict(self.tables.pages), sorted(self.frames.unused), {
            name: (target.references, dict(target.pages)) for name, target in self.objects.items()
        }  # fmt: skip


spans = st.tuples(st.integers(0, FEW - 1), st.integers(1, FEW)).map(lambda one: (one[0], min(FEW, sum(one))))
rights = st.integers(0, 7)


class RangesMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.real, self.model = Ranges(frames=FRAMES), PlainRanges()

    def both(self, expected, function, span, *args):
        before = self.real.state()
        answer = self.real.do(function, *span, *args)
        assert answer == expected
        if answer:
            assert self.real.state() == before

    @rule(span=spans, behind=st.sampled_from(["", "a", "b"]), protection=rights, more=rights)
    def enter(self, span, behind, protection, more):
        if not self.model.inside(span):
            self.real.put(span[0], span[1], behind=behind, protection=protection, most=protection | more)
            self.model.enter(span, page=Page(behind, protection, protection | more))

    @rule(span=spans)
    def remove(self, span):
        self.real.map.remove(LOW + span[0] * PAGE, LOW + span[1] * PAGE)
        self.model.remove(span)

    @rule(span=spans, protection=rights)
    def protect(self, span, protection):
        self.both(self.model.protect(span, protection=protection), X15Map.protect, span, protection)

    @rule(span=spans, most=rights)
    def limit(self, span, most):
        self.both(self.model.limit(span, most=most), X15Map.protect, span, most, True)

    @rule(span=spans, inheritance=st.integers(0, 2))
    def inherit(self, span, inheritance):
        self.both(self.model.inherit(span, inheritance=inheritance), X15Map.inherit, span, inheritance)

    @rule(span=spans, advice=st.integers(0, 4))
    def advise(self, span, advice):
        self.both(self.model.advise(span, advice=advice), X15Map.advise, span, advice)

    @rule(span=spans)
    def wire(self, span):
        free, before = len(self.real.frames.unused), dict(self.model.pages)
        expected = self.model.wire(span, memory="memory")
        if not expected and self.needed(span, before) > free:
            expected, self.model.pages = NOMEM, before
        self.both(expected, vm_map_wire, span, self.real.memory)

    def needed(self, span, pages):
        """Pages that are behind nothing, or not in their object."""
        absent = {
            (pages[number].behind, number)
            for number in range(*span)
            if not (pages[number].behind and self.resident(number))
        }
        return len(absent)

    def resident(self, number):
        entry = self.real.map.peek(LOW + number * PAGE)
        return (
            entry.object is not None and entry.object.page(entry.offset + LOW + number * PAGE - entry.start) is not None
        )

    @rule(span=spans)
    def unwire(self, span):
        self.both(self.model.unwire(span), X15Map.unwire, span)

    @rule(span=spans)
    def simplify(self, span):
        self.both("", X15Map.simplify, span)

    @precondition(lambda self: self.model.pages)
    @rule(number=st.integers(0, FEW - 1), access=st.sampled_from([1, 2, 4]))
    def touch(self, number, access):
        """A fault is granted as the page says; with no page left, or none behind, it is not."""
        answer = self.real.touch(number, access)
        page = self.model.pages.get(number)
        if page is None:
            assert answer == "FAULT"
        elif access & ~page.protection:
            assert answer == "ACCES"
        else:
            assert answer in ("", "NOMEM") if page.behind else answer == "FAULT"

    @invariant()
    def every_page_is_as_the_dict_says(self):
        assert self.real.page_view() == self.model.pages
        self.real.map.check()

    @invariant()
    def translations_are_those_of_the_pages(self):
        """What is mapped is the object's page with the entry's right to write; what is wired and readable is mapped."""
        mapped = self.real.tables.pages
        for va, (_, writable) in mapped.items():
            page = self.model.pages[(va - LOW) // PAGE]
            assert writable == bool(page.protection & flag.WRITE)
            assert self.resident((va - LOW) // PAGE)
        for number, page in self.model.pages.items():
            if page.wired:
                assert self.resident(number)
                assert not page.protection & flag.READ or LOW + number * PAGE in mapped

    @invariant()
    def objects_count_their_entries(self):
        for name, target in self.real.objects.items():
            assert target.references == sum(entry.object is target for entry in self.real.map), name
        held = sum(len(target.pages) for target in {entry.object for entry in self.real.map if entry.object})
        assert held + len(self.real.frames.unused) == FRAMES


TestRanges = RangesMachine.TestCase


def sizes(space):
    return [(entry.end - entry.start) // PAGE for entry in space.map]


class TestEntries:
    def test_both_edges_are_cut_and_what_is_alike_again_is_joined(self):
        space = Ranges()
        space.put(2, 10)
        assert space.do(X15Map.protect, 4, 6, 1) == ""
        assert sizes(space) == [2, 2, 4]
        assert space.do(X15Map.protect, 4, 6, 3) == ""
        assert sizes(space) == [8]
        assert len(space.entries.out) == 1

    def test_pieces_of_an_object_are_joined_and_give_their_references_back(self):
        space = Ranges()
        space.put(0, 9, "a")
        space.do(X15Map.inherit, 3, 5, 0)
        assert (sizes(space), space.objects["a"].references) == ([3, 2, 4], 3)
        space.do(X15Map.inherit, 3, 5, 2)
        assert (sizes(space), space.objects["a"].references) == ([9], 1)

    def test_parts_of_an_object_that_do_not_run_on_stay_apart(self):
        space = Ranges()
        space.put(0, 2, "a")
        space.map.enter(LOW + 2 * PAGE, 2 * PAGE, 0, RW | FIXED, space.objects["a"], 7 * PAGE)
        space.do(X15Map.simplify, 0, 4)
        assert sizes(space) == [2, 2]

    def test_entries_that_may_not_merge_are_not_joined(self):
        space = Ranges()
        space.put(0, 2, flags=NOMERGE)
        space.put(2, 4, flags=NOMERGE)
        space.do(X15Map.simplify, 0, 4)
        space.do(X15Map.protect, 0, 4, 1)
        assert sizes(space) == [2, 2]

    def test_simplify_joins_what_removal_left_apart(self):
        space = Ranges()
        space.put(0, 4, "a")
        space.do(X15Map.advise, 2, 4, 1)
        space.map.by_id[space.map.last.id].flags = space.map.first.flags  # as if nobody had joined them yet
        assert space.map.simplify(LOW, LOW + PAGE) == 1
        assert sizes(space) == [4]

    def test_a_second_wiring_of_a_part_counts_there_alone(self):
        """Counted before anything is joined: the second half is not taken for done because it looks like the first."""
        space = Ranges()
        space.put(0, 8, "a")
        space.wire(4, 8)
        space.wire(0, 8)
        assert [(entry.wired_count, entry.end - entry.start) for entry in space.map] == [(1, 4 * PAGE), (2, 4 * PAGE)]
        space.do(X15Map.unwire, 4, 8)
        assert sizes(space) == [8]


class TestErrors:
    @pytest.mark.parametrize("where", [(0, 3), (2, 5), (1, 9), (4, 6), (8, 10)])
    @pytest.mark.parametrize("function", ["protect", "wire", "unwire"])
    def test_a_hole_anywhere_is_a_fault_and_nothing_changes(self, function, where):
        space = Ranges()
        space.put(1, 3, "a")
        space.put(6, 8, "a")
        space.wire(1, 3)
        before = space.state()
        args = {"protect": (1,), "wire": (space.memory,), "unwire": ()}[function]
        call = vm_map_wire if function == "wire" else getattr(X15Map, function)
        assert space.do(call, *where, *args) == "FAULT"
        assert space.state() == before

    def test_one_entry_that_may_not_is_enough_to_change_none(self):
        space = Ranges()
        space.put(0, 2)
        space.put(2, 4, most=1, protection=1)
        assert space.do(X15Map.protect, 0, 4, 3) == "ACCES"
        assert [flag.protection_of(entry.flags) for entry in space.map] == [3, 1]

    def test_a_maximum_that_is_lowered_can_not_be_raised(self):
        space = Ranges()
        space.put(0, 4)
        assert space.do(X15Map.protect, 0, 4, 1, True) == ""
        assert [flag.protection_of(entry.flags) for entry in space.map] == [1]
        assert space.do(X15Map.protect, 0, 4, 3, True) == "ACCES"
        assert space.do(X15Map.protect, 0, 4, 3) == "ACCES"

    def test_no_page_for_a_table_leaves_no_trace_of_a_wiring(self):
        space = Ranges(frames=20)
        space.put(0, 6, "a")
        space.tables.room = 3
        before = space.state()
        assert space.wire(0, 6) == "NOMEM"
        assert space.state() == before

    def test_a_wiring_that_fails_takes_only_its_own_pages_back(self):
        space = Ranges(frames=4)
        space.put(0, 6, "a")
        space.touch(0, flag.WRITE)
        before = space.state()
        assert space.wire(0, 6) == "NOMEM"
        assert space.state() == before

    def test_numbers_that_mean_nothing_are_invalid(self):
        space = Ranges()
        space.put(0, 2)
        assert space.do(X15Map.inherit, 0, 2, 7) == "INVAL"
        assert space.do(X15Map.advise, 0, 2, 9) == "INVAL"


class TestPages:
    def test_what_is_mapped_changes_at_once_and_comes_back_by_faults(self):
        space = Ranges()
        space.put(0, 4, "a")
        for number in range(4):
            space.touch(number, flag.WRITE)
        space.do(X15Map.protect, 1, 3, 1)
        assert [writable for _, writable in space.tables.pages.values()] == [True, False, False, True]
        space.do(X15Map.protect, 1, 3, 0)
        assert sorted(space.tables.pages) == [LOW, LOW + 3 * PAGE], "these tables can't forbid reading"
        assert len(space.objects["a"].pages) == 4, "the pages stay"

    def test_wired_pages_are_mapped_again_when_they_may_be_read_again(self):
        space = Ranges()
        space.put(0, 2)
        space.wire(0, 2)
        mapped = dict(space.tables.pages)
        space.do(X15Map.protect, 0, 2, 0)
        assert not space.tables.pages
        space.do(X15Map.protect, 0, 2, 3)
        assert space.tables.pages == mapped

    def test_willneed_maps_what_is_resident_and_asks_for_nothing(self):
        space = Ranges()
        space.put(0, 4, "a")
        for number in (0, 2):
            space.objects["a"].ask_pager(number * PAGE)
        space.do(X15Map.advise, 0, 3, flag.ADVICE["willneed"])
        assert sorted(space.tables.pages) == [LOW, LOW + 2 * PAGE]
        assert len(space.objects["a"].pages) == 2

    def test_a_wired_range_that_goes_leaves_no_page(self):
        space = Ranges(frames=8)
        space.put(0, 8)
        space.wire(2, 6)
        assert len(space.frames.unused) == 4
        space.map.remove(LOW, LOW + 8 * PAGE)
        assert len(space.frames.unused) == 8
        assert not space.tables.pages


class TestEvents:
    def test_a_change_names_its_function_and_can_be_told(self):
        space = Ranges()
        space.put(0, 4)
        events = space.recorded(lambda: space.map.protect(LOW, LOW + PAGE, 1))
        (changed,) = [event for event in events if isinstance(event, EntryChanged)]
        assert (changed.function, changed.why) == ("vm_map_protect", "rw- becomes r--")
        assert (changed.before[5] & 7, changed.after[5] & 7) == (3, 1)
        assert isinstance(events[0], Called) and isinstance(events[-1], Returned)
        assert events[0].arguments == (LOW, LOW + PAGE, 1, False)

    def test_wiring_tells_counts_and_joins(self):
        space = Ranges()
        space.put(0, 4, "a")
        space.wire(0, 2)
        events = space.recorded(lambda: space.wire(2, 4))
        assert [(event.before, event.after) for event in events if isinstance(event, EntryWired)] == [(0, 1)]
        assert [event.side for event in events if isinstance(event, EntryJoined)] == ["prev"]

    def test_what_changes_nothing_reports_no_change(self):
        space = Ranges()
        space.put(0, 4)
        events = space.recorded(lambda: space.map.protect(LOW, LOW + 4 * PAGE, 3))
        assert not any(isinstance(event, EntryChanged) for event in events)


class TestCheck:
    def test_a_wired_page_that_is_gone_is_found(self):
        space = Ranges()
        space.put(0, 4, "a")
        space.wire(0, 4)
        space.tables.remove(LOW + PAGE, LOW + 2 * PAGE)
        with pytest.raises(Broken, match=r"^rule 8 of the map: .* 0x1_1000 is not mapped to its page"):
            space.map.check()
        space.objects["a"].drop(0)
        with pytest.raises(Broken, match=r"^rule 8 of the map: .* has no page for 0x1_0000"):
            space.map.check()
