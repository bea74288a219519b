"""No option of a paper machine is without effect: each changes an answer, or is refused, beside each other option."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

import vmwidgets as vm

WIDTHS: dict[str, Any] = {"va": 14, "pa": 12}
PAGES = {**WIDTHS, "page": 64}

OPTIONS: dict[str, dict[str, Any]] = {
    "page": {"page": 32},
    "levels": {"levels": (2, 6)},
    "two levels": {"levels": 2},
    "entry": {"entry": 2},
    "layout": {"layout": "V R PFN"},
    "words": {"unit": "word", "word": 8},
    "word": {"word": 8},
    "tlb": {"tlb": (2, 2)},
    "cache": {"cache": (2, 2, 4)},
    "policy": {"policy": "fifo"},
    "asid": {"asid": 2},
    "fills": {"fills": "root", "entry": 2},
    "base and bounds": {"base": 0x100, "bounds": 0x500},
    "segments": {"segments": {"code": (0x80, 0x200, "rx"), "heap": (0x400, 0x400)}},
    "a segment": {"segments": {"all": (0x80, 0xF00)}},
}

READS = (0x45, 0xC5, 0x45, 0x145, 0x45, 0x85, 0x2005)
"""Pages 1, 3, 1, 5, 1: of two ways, LRU and FIFO evict another one."""


def asked(do: Any) -> str:
    """The answer, or the sentence that there is instead."""
    try:
        return repr(do())
    except (vm.Refused, vm.KernelError) as said:
        return f"{type(said).__name__}: {said}"


def answers(options: dict[str, Any]) -> str | tuple[str, ...]:
    """What a machine says of itself, and of accesses that hit, evict and fault; or the sentence that refuses it."""
    try:
        p = vm.paper(**options)
    except vm.Refused as said:
        return str(said)
    found = [asked(lambda: p.map({page: page + 3 for page in range(40)}))]
    found += [asked(lambda: p.map({1: 9}, asid=1))]
    found += [asked(lambda at=at: p.access(at)) for at in READS]
    found += [asked(lambda: p.access(0x45, asid=1)), asked(lambda: p.access("w 0x45"))]
    found += [asked(lambda: p.linear), asked(lambda: p.pointer_bits), asked(lambda: p.tables(["2 KiB"]))]
    return (repr(p), *found)


def pairs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for one, other in combinations(OPTIONS, 2):
        if not OPTIONS[one].keys() & OPTIONS[other].keys():
            yield one, other, PAGES
            if {"base", "segments"} & (OPTIONS[one].keys() | OPTIONS[other].keys()):
                yield one, other, WIDTHS


@pytest.mark.parametrize(("one", "other", "given"), list(pairs()))
def test_each_of_two_options_changes_an_answer_or_is_refused(one: str, other: str, given: dict[str, Any]) -> None:
    both = answers({**given, **OPTIONS[one], **OPTIONS[other]})
    if not isinstance(both, str):
        assert both != answers({**given, **OPTIONS[one]}), f"{other} has no effect beside {one}"
        assert both != answers({**given, **OPTIONS[other]}), f"{one} has no effect beside {other}"


def test_segments_with_pages_are_translated_twice() -> None:
    """By hand: 0x400 + 0x45 is 0x445, in page 0x11; frame 5 begins at 0x140."""
    ways: list[dict[str, Any]] = [{}, {"tlb": 4}, {"levels": (4, 4)}, {"tlb": (2, 2), "levels": 2, "entry": 4}]
    for more in ways:
        p = vm.paper(**PAGES, segments={"s0": (0x400, 0x200)}, **more).map({0x11: 5})
        for _ in range(2):
            a = p.access(("s0", 0x45))
            assert (a.va, a.linear, a.vpn, a.vpo, a.pfn, a.pa, a.segment) == (0x45, 0x445, 0x11, 5, 5, 0x145, "s0")
        assert a.hit is ("tlb" in more or None)
        assert p.access(("s0", 0x85)).fault.startswith("invalid at level"), "page 0x12 is not mapped"
        assert p.access(("s0", 0x200)).fault == "out of the address space", "beyond the limit no table is asked"


def test_the_top_bits_choose_a_segment_whose_pages_are_walked() -> None:
    """Bit 13 is 1: segment 1, from 0x800 on; 0x805 is in page 0x20."""
    p = vm.paper(**PAGES, segments=[(0x400, 0x200, "rx"), (0x800, 0x40)]).map({0x20: 7})
    a = p.access("w 0x2005")
    assert (a.linear, a.pa) == (0x805, 0x1C5)
    assert p.access("w 0x0005").fault == "protection"
    drawn = {run.text for node in vm.picture(a).scene().nodes for run in node.text}
    assert {"linear address", "0x805", "page number 0x20", "frame 0x7"} <= drawn


@pytest.mark.parametrize("call", ["map", "memory", "fill_tlb", "page_tables"])
def test_tables_beside_base_and_bounds_are_refused(call: str) -> None:
    p = vm.paper(base=0x100, bounds=0x100)
    with pytest.raises(vm.Refused, match="base and bounds"):
        getattr(p, call)({1: 5})
    assert p.access(0x45).pa == 0x145


def test_a_segment_may_fill_the_machine_to_its_last_address_and_no_further() -> None:
    """By hand: 0xf00 + 0x100 is 2^12, and 2^13 from 0 on are the lower half of 14 bits."""
    assert vm.paper(base=0xF00, bounds=0x100, pa=12).access(0xFF).pa == 0xFFF
    assert vm.paper(segments=[(0xF00, 0x100)], pa=12, cache=(2, 1, 4)).access((0, 0xFF)).pa == 0xFFF
    assert vm.paper(va=8, base=0, bounds=0x100).access(0xFF).pa == 0xFF
    assert vm.paper(va=14, segments={"s": (0x100, 0x100, "down")}).access(0x3F00).pa == 0
    assert vm.paper(va=14, pa=12, segments={"a": (0, 1), "s": (0x1000, 2, "down")}).access(0x3FFF).pa == 0xFFF
    p = vm.paper(**PAGES, segments={"s": (0x3F00, 0x100)}).map({0xFF: 5})
    assert p.access(("s", 0xFF)).pa == 0x17F, "of pages, the linear address has 14 bits, and the physical one 12"


PAST_THE_END: list[dict[str, Any]] = [
    {"base": 0xF00, "bounds": 0x101, "pa": 12},
    {"base": 0xF00, "bounds": 0x101, "pa": 12, "cache": (2, 1, 4)},
    {"segments": [(0xF00, 0x101)], "pa": 12},
    {"segments": {"s": (0x1001, 1, "down")}, "va": 14, "pa": 12},
    {"segments": {"s": (0x3F00, 0x101)}, **PAGES},
    {"segments": {"s": (0xFF, 0x100, "down")}, "va": 14},
    {"segments": {"s": (0, 0x40, "down")}, **PAGES},
    {"base": 0, "bounds": 0x101, "va": 8},
    {"segments": {"s": (0, 0x101)}, "va": 8, "pa": 12, "page": 16},
    {"segments": {"a": (0, 1), "s": (0x1000, 0x81, "down")}, "va": 8},
    {"segments": [(0, 1)] * 4, "va": 2},
    {"segments": {"s": (512, 20, "down")}},
    {"segments": {}, **PAGES},
    {"segments": [], **PAGES},
]


@pytest.mark.parametrize("given", PAST_THE_END)
def test_a_segment_past_the_addresses_is_refused_when_the_machine_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(vm.Refused) as refused:
        vm.paper(**given)
    assert "\n" not in str(refused.value)


def test_an_offset_past_a_segment_that_grows_down_is_a_fault() -> None:
    """Two segments leave 13 bits: from offset 0x2000 on, an address would be at the base or above."""
    p = vm.paper(va=14, segments={"a": (0, 16), "s": (0x100, 16, "down")})
    assert [p.access(("s", at)).pa for at in (0x1FFF, 0x1FF0, 0x1FEF, 0x2000, 0x2005)] == [0xFF, 0xF0, *[None] * 3]


@pytest.mark.parametrize("given", [{"base": 0, "bounds": 3}, {"segments": [(0, 3)]}])
def test_a_machine_without_tables_takes_the_time_of_memory_alone(given: dict[str, Any]) -> None:
    p = vm.paper(**given)
    assert p.time(memory=10).value == 10
    assert p.time(memory=10, cache=1, cache_hits=0.5).value == 6
    assert p.time(memory=10, faults=0.5, service=20).value == 15
    assert p.solve("memory", time=12).value == 12
    wrongs: list[dict[str, Any]] = [{"tlb": 1}, {"hits": 0.9}, {"levels": 2}, {"overlap": "walk"}]
    for wrong in wrongs:
        with pytest.raises(vm.Refused, match=next(iter(wrong))):
            p.time(memory=10, **wrong)
    with pytest.raises(vm.Refused, match="hits"):
        p.solve("hits", memory=10, time=12)
    paged = vm.paper(**PAGES, segments=[(0, 3)])
    assert paged.time(memory=10).value == 20, "a segment with pages reads its table"


def test_a_refusal_names_what_the_question_gave() -> None:
    segments = vm.paper(segments=[(219, 600), (2300, 14)])
    moved: dict[str, Any] = {"base": 0, "bounds": 3}
    for do, named in (
        (lambda: segments.access(430), r"\(segment, offset\).*va="),
        (lambda: vm.paper(base=-1, bounds=10), "base=-1"),
        (lambda: vm.paper(base=0, bounds=1.5), "bounds=1.5"),
        (lambda: vm.paper(segments={"heap": (0, -3)}), "heap.*limit=-3"),
        (lambda: vm.paper(**moved, layout="V PFN:7"), "layout="),
        (lambda: vm.paper(**moved, layout="V PFN:7", entry=1), "layout="),
        (lambda: vm.paper(**moved, entry=1), "entry="),
    ):
        with pytest.raises(vm.Refused, match=named):
            do()
