"""Changing ranges of a FreeBSD map: the same dict of pages, status numbers, and pages that are wired one by one."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine.kernel.kmems import Kernel, finish, rows
from tests.engine.kernel.plain_ranges import ACCES, FAULT, INVAL, Page, PlainRanges
from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.threads.waits import PageWait, run_without_sleeping

PAGES, FEW = 32, 8
STATUS = {"": 0, FAULT: 1, ACCES: 2, INVAL: 4}
KINDS = ["", "kmem_object", "kernel_object"]


class Ranges:
    """A map of PAGES pages; ranges are counted in pages."""

    def __init__(self, *, system=True, **options):
        self.kernel = Kernel(size=100, kmem=PAGES, **options)
        self.map = self.kernel.kmem_map
        self.map.system = system

    def put(self, first, end, behind=""):
        start, kmem = self.map.start + first * PAGE, self.kernel.kmem
        target = getattr(kmem, behind) if behind else None
        if target is not None:
            target.reference()
        assert self.map.insert(target, kmem.offset_of(start) if behind else 0, start, start + (end - first) * PAGE) == 0

    def call(self, function, first, end, *args):
        return function(self.map, self.map.start + first * PAGE, self.map.start + end * PAGE, *args)

    def do(self, function, first, end, *args):
        return run_without_sleeping(self.call(function, first, end, *args))

    def state(self):
        return [entry.fields() for entry in self.map], dict(self.kernel.pmap.frames), self.kernel.frames.free_frames

    def page_view(self):
        pages = {}
        for entry in self.map:
            word = entry.flags
            name = "" if entry.object is None or entry.object.name.startswith("anon") else entry.object.name
            page = Page(
                name, flag.protection_of(word), flag.max_protection_of(word), flag.inheritance_of(word),
                flag.advice_of(word), entry.wired_count,
            )  # fmt: skip
            first = (entry.start - self.map.start) // PAGE
            pages |= dict.fromkeys(range(first, first + entry.pages), page)
        return pages


spans = st.tuples(st.integers(0, FEW - 1), st.integers(1, FEW)).map(lambda one: (one[0], min(FEW, sum(one))))
rights = st.integers(0, 7)


class RangesMachine(RuleBasedStateMachine):
    @initialize(system=st.booleans())
    def make(self, system):
        self.real, self.model = Ranges(pages=200, system=system), PlainRanges()

    def both(self, expected, function, span, *args):
        before = self.real.state()
        assert self.real.do(function, *span, *args) == STATUS[expected]
        if expected:
            assert self.real.state() == before

    @rule(span=spans, behind=st.sampled_from(KINDS))
    def insert(self, span, behind):
        if not self.model.inside(span):
            self.real.put(span[0], span[1], behind=behind)
            self.model.enter(span, page=Page(behind, 7, 7, 0))

    @rule(span=spans)
    def delete(self, span):
        self.real.map.delete(self.real.map.start + span[0] * PAGE, self.real.map.start + span[1] * PAGE)
        self.model.remove(span)

    @rule(span=spans, protection=rights)
    def protect(self, span, protection):
        self.both(self.model.protect(span, protection=protection), FreeBSDMap.protect, span, protection)

    @rule(span=spans, most=rights)
    def limit(self, span, most):
        self.both(self.model.limit(span, most=most), FreeBSDMap.protect, span, most, True)

    @rule(span=spans, inheritance=st.integers(0, 2))
    def inherit(self, span, inheritance):
        self.both(self.model.inherit(span, inheritance=inheritance), FreeBSDMap.inherit, span, inheritance)

    @rule(span=spans, advice=st.integers(0, 4))
    def advise(self, span, advice):
        self.both(self.model.advise(span, advice=advice), FreeBSDMap.advise, span, advice)

    @rule(span=spans)
    def wire(self, span):
        self.both(self.model.wire(span, memory=""), FreeBSDMap.wire, span)

    @rule(span=spans)
    def unwire(self, span):
        self.both(self.model.unwire(span), FreeBSDMap.unwire, span)

    @rule(span=spans)
    def simplify(self, span):
        self.both("", FreeBSDMap.simplify, span)

    @invariant()
    def every_page_is_as_the_dict_says(self):
        if not hasattr(self, "real"):
            return
        self.real.kernel.check()
        assert not self.real.map.lock.held
        view = self.real.page_view()
        assert view == self.model.pages

    @invariant()
    def wired_pages_are_there_and_wired_once_an_entry(self):
        if not hasattr(self, "real"):
            return
        pages = self.real.kernel.kmem.pages
        for entry in self.real.map:
            if entry.object is None:
                continue
            for number in range(entry.first_page, entry.first_page + entry.pages):
                page = pages.find(entry.object, number)
                va = entry.start + (number - entry.first_page) * PAGE
                if entry.wired_count:
                    assert page is not None and page.wired == 1
                    assert self.real.kernel.pmap.frames[va] == page.frame
                elif page is not None:
                    assert page.wired == 0

    @invariant()
    def rights_in_the_tables_are_those_of_the_entries(self):
        if not hasattr(self, "real"):
            return
        pmap = self.real.kernel.pmap
        for va in pmap.frames:
            entry = self.real.map.lookup(va)
            if entry is not None:
                assert pmap.rights.get(va, 7) & flag.WRITE <= flag.protection_of(entry.flags) & flag.WRITE


TestRanges = RangesMachine.TestCase


def test_no_page_is_lost_when_a_wired_range_without_rights_goes():
    """Deleting finds wired pages by their translations, so protecting must leave those."""
    target = Ranges()
    free = target.kernel.frames.free_frames
    target.put(0, 4, "kmem_object")
    target.do(FreeBSDMap.wire, 0, 4)
    target.do(FreeBSDMap.protect, 0, 4, 0)
    target.map.delete(target.map.start, target.map.end)
    assert target.kernel.frames.free_frames == free
    assert target.kernel.kmem.pages.wired == 0


def test_wiring_waits_for_pages_with_the_lock_free_and_then_does_it_all():
    target = Ranges(pages=20, reserved=8)
    target.put(0, 4, "kmem_object")
    target.put(8, 20, "kernel_object")
    assert target.do(FreeBSDMap.wire, 8, 20) == 0
    call = target.call(FreeBSDMap.wire, 0, 4)
    assert isinstance(next(call), PageWait)
    assert not target.map.lock.held
    assert [row[-1] for row in rows(target.map)] == [0, 1], "nothing is counted while it waits"
    target.map.delete(target.map.start + 8 * PAGE, target.map.start + 20 * PAGE)
    assert finish(call) == 0
    assert [row[-1] for row in rows(target.map)] == [1]
    target.kernel.check()


@pytest.mark.parametrize("given_up", [False, True])
def test_a_range_that_goes_while_wiring_waits_ends_it(given_up):
    target = Ranges(pages=20, reserved=8)
    target.put(0, 4, "kmem_object")
    target.put(8, 20, "kernel_object")
    target.do(FreeBSDMap.wire, 8, 20)
    call = target.call(FreeBSDMap.wire, 0, 4)
    next(call)
    target.map.delete(target.map.start, target.map.start + PAGE)
    if given_up:
        call.close()
    else:
        assert finish(call) == STATUS[FAULT]
    assert not target.map.lock.held
    target.kernel.check()


def waiting_for_pages():
    """Sixteen anonymous pages whose wiring got twelve, as many as there are to be had, and waits for the others."""
    target = Ranges(pages=20, reserved=8, system=False)
    target.put(0, 16)
    before = target.state()
    call = target.call(FreeBSDMap.wire, 0, 16)
    assert isinstance(next(call), PageWait)
    assert target.kernel.frames.free_frames == 8
    return target, before, call


def test_a_wiring_that_is_given_up_leaves_no_page_and_no_object():
    target, before, call = waiting_for_pages()
    call.close()
    assert target.state() == before
    target.kernel.check()
    assert target.do(FreeBSDMap.wire, 0, 4) == 0


def test_a_wiring_whose_range_changes_meanwhile_leaves_no_page():
    target, _, call = waiting_for_pages()
    target.do(FreeBSDMap.protect, 14, 16, 0)
    assert finish(call) == STATUS[ACCES]
    assert (target.kernel.frames.free_frames, target.kernel.pmap.frames) == (20, {})
    target.kernel.check()


def test_pages_that_another_touched_or_wired_meanwhile_stay():
    target, _, call = waiting_for_pages()
    target.kernel.pmap.only_wired = False
    target.kernel.do(Kmem.vm_fault, target.map, target.map.start + 5 * PAGE, flag.WRITE)
    target.kernel.write(target.map.start + 5 * PAGE, "kept")
    assert target.do(FreeBSDMap.wire, 0, 2) == 0
    assert target.do(FreeBSDMap.unwire, 0, 2) == 0
    target.do(FreeBSDMap.protect, 5, 6, 0)  # what is not wired and can't be read is not mapped
    call.close()
    pages = target.map.first.object.pages
    assert sorted(pages) == [0, 1, 5]
    assert target.kernel.frames.content[pages[5]] == "kept"
    assert target.kernel.frames.free_frames == 17
    target.kernel.check()


def test_a_submaps_place_is_invalid():
    kernel = Kernel()
    place = next(entry for entry in kernel.kernel_map if entry.submap is not None)
    for function, args in (
        (FreeBSDMap.protect, (1,)),
        (FreeBSDMap.wire, ()),
        (FreeBSDMap.inherit, (1,)),
        (FreeBSDMap.advise, (1,)),
    ):
        status = run_without_sleeping(function(kernel.kernel_map, place.start, place.end, *args))
        assert status == STATUS[INVAL], function.__name__


def test_an_ordinary_maps_anonymous_memory_is_wired_in_an_object_of_its_own():
    target = Ranges(system=False)
    target.put(0, 4)
    assert target.do(FreeBSDMap.wire, 1, 3) == 0
    assert [(row[1], row[-1]) for row in rows(target.map)] == [(1, 0), (2, 1), (1, 0)]
    assert len(target.kernel.pmap.frames) == 2
    assert {entry.object.name for entry in target.map} == {"anon0"}
