"""A window on a domain: what it shows is so, what it leaves out is counted, also in the middle of an operation."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

import vmwidgets as vm
from tests.engine.watch import Watch
from tests.views.domains import DomainLife, lived, machine_life
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.selfpaging.domain import LISTED
from vmwidgets.engine.selfpaging.domain_schema import (
    CapabilityValue,
    CapRef,
    CnodeValue,
    DomainFocus,
    DomainValue,
    SlabAllocatorValue,
    VnodeFold,
    VnodeValue,
    all_vnodes,
)
from vmwidgets.pictures.moments import look_at_domain
from vmwidgets.views.domain.picture import focus_of, things_of
from vmwidgets.views.story.moment import Moment

# ---- what a window must be, said by the whole value ----------------------------------------------------


def untrue(window: DomainValue, whole: DomainValue) -> Iterator[str]:
    """Where a window says something else than the whole value: nothing, if it is right."""
    ids = {one.ref: one.id for cnode in whole.cnodes for one in cnode.capabilities}
    for part, all_of_it in zip(window.cnodes, whole.cnodes, strict=True):
        yield from untrue_cnode(part, all_of_it, ids)
    yield from untrue_vnode(window.root, whole.root)
    yield from untrue_slab(window.slab, whole.slab)
    yield from untrue_regions(window, whole)
    told, things = things_of(window), things_of(whole)
    for cnode in window.cnodes:
        yield from (f"thing of {one.ref}" for one in cnode.capabilities if told.get(one.ref) != things.get(one.ref))
    for name in ("name", "architecture", "meta_start", "meta_end", "meta_used"):
        if getattr(window, name) != getattr(whole, name):
            yield name


def untrue_cnode(part: CnodeValue, whole: CnodeValue, ids: dict[CapRef, int]) -> Iterator[str]:
    held = {one.ref.slot: one for one in whole.capabilities}
    shown = {one.ref.slot: one for one in part.capabilities}
    yield from (f"{one.ref}: {one}" for slot, one in shown.items() if one != shortened(held.get(slot), ids))
    if list(shown) != sorted(shown) or not set(part.reserved) <= set(whole.reserved):
        yield f"slots of {part.name}: {sorted(part.reserved)} are reserved"
    hidden: list[int] = []
    for fold in part.folds:
        inside = [slot for slot in (*held, *whole.reserved) if fold.first <= slot <= fold.last]
        kinds = Counter(held[slot].kind for slot in inside if slot in held)
        if dict(fold.kinds) != kinds or fold.reserved != len(inside) - kinds.total():
            yield f"{fold} of {part.name}: {kinds}"
        if {fold.first, fold.last} - set(inside) or set(inside) & {*shown, *part.reserved}:
            yield f"borders of {fold} of {part.name}"
        hidden += inside
    if sorted([*hidden, *shown, *part.reserved]) != sorted([*held, *whole.reserved]) or part.held != len(held):
        yield f"slots of {part.name} that are shown or counted"


def shortened(one: CapabilityValue | None, ids: dict[CapRef, int]) -> CapabilityValue | None:
    """A capability of which only the oldest copies and places are listed."""
    if one is None:
        return None
    oldest = sorted([*(ids[ref] for ref in one.copies), one.id])[:LISTED]
    copies = tuple(ref for ref in one.copies if ids[ref] in oldest)
    return replace(
        one, copies=copies, more_copies=len(one.copies) - len(copies), mapped=one.mapped[:LISTED],
        more_mapped=max(0, len(one.mapped) - LISTED),
    )  # fmt: skip


def untrue_vnode(part: VnodeValue, whole: VnodeValue) -> Iterator[str]:
    if replace(part, children=(), folds=()) != replace(whole, children=()):
        yield f"vnode {part.id}: {part}"
    below = {child.id: child for child in whole.children}
    shown = [child.id for child in part.children]
    if shown != [child.id for child in whole.children if child.id in shown]:
        yield f"children of vnode {part.id}"
        return
    for child in part.children:
        yield from untrue_vnode(child, below[child.id])
    hidden: list[int] = []
    for fold in part.folds:
        inside = [child for child in whole.children if fold.first <= child.entry <= fold.last]
        if fold != counted(inside) or any(child.id in shown for child in inside):
            yield f"{fold} of vnode {part.id}: {counted(inside)}"
        hidden += [child.id for child in inside]
    if sorted([*hidden, *shown]) != sorted(below) or part.child_count != len(below):
        yield f"children of vnode {part.id} that are shown or counted"


def counted(children: list[VnodeValue]) -> VnodeFold:
    below = [node for child in children for node in all_vnodes(child)]
    leaves = [node for node in below if not node.is_table]
    return VnodeFold(
        min(child.entry for child in children), max(child.entry + child.count for child in children) - 1,
        min(child.va for child in children), max(child.va + child.span for child in children), len(children),
        sum(child.is_table for child in children), len(below) - len(leaves), len(leaves),
        sum(leaf.span for leaf in leaves),
    )  # fmt: skip


def untrue_slab(part: SlabAllocatorValue, whole: SlabAllocatorValue) -> Iterator[str]:
    left_out = [head for head in whole.heads if head not in part.heads]
    if [head for head in whole.heads if head in part.heads] != list(part.heads):
        yield f"heads: {part.heads}"
    numbers = len(left_out), sum(head.blocks for head in left_out), sum(head.free for head in left_out)
    if (part.fold.heads, part.fold.blocks, part.fold.free) != numbers:
        yield f"heads that are counted: {part.fold}, {numbers}"
    if (part.block_bytes, part.total, part.free) != (whole.block_bytes, whole.total, whole.free):
        yield "the slab's totals"


def untrue_regions(part: DomainValue, whole: DomainValue) -> Iterator[str]:
    left_out = [region for region in whole.regions if region not in part.regions]
    if [region for region in whole.regions if region in part.regions] != list(part.regions):
        yield f"regions {part.regions}"
    for fold in part.region_folds:
        inside = [region for region in left_out if fold.start <= region.base < fold.end]
        if not inside or (inside[0].base, inside[-1].base + inside[-1].size, len(inside)) != (
            fold.start, fold.end, fold.count,
        ):  # fmt: skip
            yield f"{fold}"
        if any(fold.start <= region.base < fold.end for region in part.regions):
            yield f"{fold} hides what is shown"
    if part.region_count != len(whole.regions):
        yield "regions that are shown or counted"


# ---- windows, now and at other moments -----------------------------------------------------------------


def folds_of(window: DomainValue) -> list[object]:
    """All that a window leaves out, as it counts it."""
    folds: list[object] = [fold for cnode in window.cnodes for fold in cnode.folds]
    folds += [(node.id, fold) for node in all_vnodes(window.root) for fold in node.folds]
    return [*folds, *window.region_folds, window.slab.fold]


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scarce", [False, True])
@pytest.mark.parametrize("few", [0, 2, 7])
def test_a_window_is_true_at_each_event_and_its_folds_are_those_of_the_end(
    seed: int, architecture: str, scarce: bool, few: int
) -> None:
    """The same life is lived twice: what the first shows after an operation, the second is asked for on the way."""
    life, again = (
        DomainLife(seed, architecture, frames=140, slots=60) if scarce else DomainLife(seed, architecture)
        for _ in range(2)
    )
    draws, shown = random.Random(seed), life.domain.window().shown(DomainFocus())
    watch = Watch(
        again.recorder, lambda: (again.domain.only(shown), again.domain.snapshot()), lambda: draws.random() < 0.05
    )
    again.recorder.emit = again.raw.append
    second = again.go_on(80)
    for _, after, events, _ in life.go_on(80):
        focus = focus_of(events, "life")
        window = life.domain.window(focus, whole=0, few=few)
        assert list(untrue(window, after)) == [], life.name
        shown = window.shown(focus)
        watch.begin()
        next(second)
        assert life.domain.only(shown) == window
        for _, (value, whole) in watch.seen:
            assert list(untrue(value, whole)) == [], life.name
            assert folds_of(value) == folds_of(window), life.name


def test_before_an_operation_on_very_much_a_window_is_true_too() -> None:
    machine = vm.boot("armv7", ram="64 MiB")
    domain = machine.domain("hello")
    film = domain.device_frame(0xA000_0000, "60 MiB")
    frame = domain.frame("4 KiB")
    for number in range(400):
        domain.map(frame, at=0x5000_0000 + number * 0x3000)
    before = domain.snapshot()
    for act in (lambda: domain.unmap(0x5000_0000 + 200 * 0x3000, "4 KiB"), lambda: domain.map(film, at=0x6000_0000),
                lambda: domain.unmap(0x6000_0000, "60 MiB"), lambda: domain.revoke(frame)):  # fmt: skip
        act()
        moment = Moment(machine.journal.last)
        focus = focus_of(moment.events, "hello")
        window = domain.window(focus)
        assert list(untrue(window, domain.snapshot())) == []
        was = look_at_domain(domain, moment.at(0), window, focus).now
        assert folds_of(was) == folds_of(window)
        assert machine.journal.last.truncated or list(untrue(was, before)) == []
        before = domain.snapshot()


# ---- what is in it -------------------------------------------------------------------------------------


def test_what_an_operation_touched_is_in_the_window() -> None:
    life = lived(3, 200)
    for _, after, events, _ in life.go_on(60):
        focus = focus_of(events, "life")
        window = life.domain.window(focus, whole=0, few=0)
        there = {node.id for node in all_vnodes(after.root)}
        assert focus.vnodes & there <= {node.id for node in all_vnodes(window.root)}
        held = {one.ref for cnode in after.cnodes for one in cnode.capabilities}
        assert focus.refs & held <= {one.ref for cnode in window.cnodes for one in cnode.capabilities}


def test_a_selection_brings_its_vnode_its_capabilities_and_its_region() -> None:
    domain = machine_life(2, steps=80, slots=400).domain
    whole = domain.snapshot()
    for node in all_vnodes(whole.root):
        window = domain.window(focus_of((), "life", f"vnode:{node.id}"), whole=0, few=0)
        assert node.id in {one.id for one in all_vnodes(window.root)}
        shown = {one.ref for cnode in window.cnodes for one in cnode.capabilities}
        assert {ref for ref in (node.cap, node.invokable, node.mapping) if ref is not None} <= shown
        if node.mapping is not None:
            window = domain.window(focus_of((), "life", f"cap:{node.mapping}"), whole=0, few=0)
            assert node.id in {one.id for one in all_vnodes(window.root)}
    for region in whole.regions:
        window = domain.window(focus_of((), "life", f"region:{region.id}"), whole=0, few=0)
        assert region in window.regions
    for thing in ("vnode:99999", "region:99999", "cap:slots[399]", "cap:nowhere[1]", "cap:x", "region:x", "what"):
        assert list(untrue(domain.window(focus_of((), "life", thing), whole=0, few=0), whole)) == []


def test_a_fold_that_is_opened_shows_its_children_from_there_on() -> None:
    domain = vm.boot("armv7", ram="64 MiB").domain("hello")
    frame = domain.frame("4 KiB")
    for number in range(512):
        domain.map(frame, at=0x5000_0000 + number * 0x1000)
    table = next(node for node in domain.snapshot().root.children if node.va == 0x5010_0000)
    assert not [one for one in shown_below(domain, DomainFocus(), table.id) if one.entry >= 100]
    opened = focus_of((), "hello", "", [f"tree/{table.id}/100", "slots/slots"])
    entries = sorted(one.entry for one in shown_below(domain, opened, table.id))
    assert entries == list(range(100, 164))
    slots = domain.window(opened).cnodes[2]
    assert len(slots.capabilities) > 300
    assert len(domain.window().cnodes[2].capabilities) < 200


def shown_below(domain: vm.MachineDomain, focus: DomainFocus, table: int) -> tuple[VnodeValue, ...]:
    value = domain.window(focus)
    return next((node.children for node in all_vnodes(value.root) if node.id == table), ())


# ---- what it costs -------------------------------------------------------------------------------------


def test_what_is_read_and_shown_does_not_grow_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten times as much, as many descriptors are read, capabilities and regions shown."""
    read: list[int] = []
    read_word = Ram.read_word

    def counted_too(ram: Ram, pa: int, width: int) -> int:
        read.append(pa)
        return read_word(ram, pa, width)

    monkeypatch.setattr(Ram, "read_word", counted_too)
    costs = []
    for live in (500, 5000):
        domain = vm.boot("armv7", ram="64 MiB").domain("hello", slots=16384)
        frame = domain.frame("4 KiB")
        for number in range(live):
            domain.map(frame, at=0x1000_0000 + number * 0x2000)
        focus = focus_of(domain.machine.journal.last.events, "hello")
        read.clear()
        window = domain.window(focus)
        there = list(all_vnodes(window.root))
        assert len(read) == len(there) - 1
        assert sum(fold.leaves for node in there for fold in node.folds) > live - 60
        costs.append((len(there), sum(len(one.capabilities) for one in window.cnodes), len(window.regions)))
    assert max(large - small for small, large in zip(*costs, strict=True)) < 30, costs
    assert max(costs[1]) < 260
