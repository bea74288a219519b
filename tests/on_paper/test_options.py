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
    "a segment": {"segments": {"all": (0x80, 0x1000)}},
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


@pytest.mark.parametrize("call", ["map", "memory", "fill_tlb"])
def test_tables_beside_base_and_bounds_are_refused(call: str) -> None:
    p = vm.paper(base=0x100, bounds=0x100)
    with pytest.raises(vm.Refused):
        getattr(p, call)({1: 5})
    assert p.access(0x45).pa == 0x145
