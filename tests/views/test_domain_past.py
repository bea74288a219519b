"""The inside of what a self-paging domain did: each step is what was there, and events tell all of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.engine.watch import Watch
from tests.views.domains import DomainLife
from tests.views.test_domain_window import untrue
from vmwidgets import events as ev
from vmwidgets.engine.mmu.tables_schema import words_written
from vmwidgets.engine.selfpaging.domain_schema import CapRef, DomainValue, all_vnodes
from vmwidgets.pictures.moments import look_at_domain
from vmwidgets.views.domain.picture import focus_of
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment


def present(value: DomainValue) -> dict[str, frozenset[object]]:
    """What comes and goes in a domain: slots, capabilities by their ids, vnodes and regions."""
    held = {one.ref: one.id for cnode in value.cnodes for one in cnode.capabilities}
    reserved = {CapRef(cnode.name, slot) for cnode in value.cnodes for slot in cnode.reserved}
    return {
        "slots": frozenset({one for one in held if one.cnode == "slots"} | reserved),
        "capabilities": frozenset(held.items()),
        "vnodes": frozenset(node.id for node in all_vnodes(value.root)),
        "regions": frozenset(region.id for region in value.regions),
    }


def told(before: dict[str, frozenset[object]], events: Sequence[ev.Event]) -> dict[str, frozenset[object]]:
    """The same after some events, as these tell it."""
    now = {name: set(held) for name, held in before.items()}
    for event in events:
        if isinstance(event, ev.SlotAllocated) and event.ref is not None:
            now["slots"].add(event.ref)
        elif isinstance(event, ev.SlotFreed):
            now["slots"].remove(event.ref)
        elif isinstance(event, ev.CapabilityMade):
            now["capabilities"].add((event.ref, event.id))
        elif isinstance(event, ev.CapabilityDeleted):
            now["capabilities"].remove((event.ref, event.id))
        elif isinstance(event, ev.VnodeLinked):
            now["vnodes"].add(event.id)
        elif isinstance(event, ev.VnodeUnlinked):
            now["vnodes"].remove(event.id)
        elif isinstance(event, ev.RegionAdded):
            now["regions"].add(event.id)
        elif isinstance(event, ev.RegionRemoved):
            now["regions"].remove(event.id)
    return {name: frozenset(held) for name, held in now.items()}


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scarce", [False, True])
def test_at_each_event_there_is_what_the_events_so_far_tell(seed: int, architecture: str, scarce: bool) -> None:
    """A capability is in its slot, a vnode in the tree, a block taken just when that is reported."""
    life = DomainLife(seed, architecture, frames=140, slots=60) if scarce else DomainLife(seed, architecture)
    draws = random.Random(seed)
    watch = Watch(life.recorder, life.domain.snapshot, lambda: draws.random() < 0.2)
    life.recorder.emit = life.raw.append
    compared = 0
    for before, after, events, _ in life.go_on(80):
        was = present(before)
        for done, then in [*watch.seen, (len(events), after)]:
            assert present(then) == told(was, events[:done]), events[:done][-1:]
            compared += 1
            event = events[done - 1] if done else None
            if isinstance(event, (ev.BlockTaken, ev.BlockGiven)):
                assert then.slab.free == event.free
            elif isinstance(event, ev.MetaDataMoved):
                assert then.meta_start + then.meta_used == event.after
        words = words_written(events)
        for node in (node for node in all_vnodes(after.root) if node.descriptor_pa in words):
            assert node.descriptor_pa is not None
            assert node.descriptor == words[node.descriptor_pa][1]
        watch.begin()
    assert compared > 100


def test_in_the_middle_what_was_done_so_far_is_there_and_the_rest_is_not() -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.map(domain.frame(), at=0x5000_0000)
    values = seen(domain)
    counts = []
    for value in values:
        nodes = list(all_vnodes(value.root))
        counts.append((value.slab.free, sum(len(cnode.capabilities) for cnode in value.cnodes), len(nodes),
                       sum(bool(node.descriptor) for node in nodes)))  # fmt: skip
    assert counts[0] == (7, 5, 1, 0)
    assert counts[-1] == (5, 8, 3, 2)
    assert [after[0] - before[0] for before, after in pairwise(counts)].count(-1) == 2
    events = domain.machine.journal.last.events
    created = next(index for index, event in enumerate(events) if isinstance(event, ev.VnodeLinked))
    assert counts[created + 1][2:] == (2, 0), "the table is in the tree, and the kernel has not written its entry yet"


def looked_at(domain: vm.MachineDomain, few: int = 40, whole: int = 300) -> Look[DomainValue]:
    """What pictures see of a domain in its latest operation."""
    moment = Moment(domain.machine.journal.last)
    focus = focus_of(moment.events, domain.name)
    return look_at_domain(domain, moment, domain.window(focus, whole=whole, few=few), focus)


def seen(domain: vm.MachineDomain) -> list[DomainValue]:
    """The same before the operation and after each event of it."""
    look = looked_at(domain)
    return [look.at(place) for place in range(len(look.moment.events) + 1)]


@pytest.mark.parametrize(("architecture", "whole"), [("armv7", 0), ("x86-64", 300)])
def test_at_each_step_of_all_that_a_machine_offers_a_window_is_true(architecture: str, whole: int) -> None:
    machine = vm.boot(architecture)
    domain = machine.domain("hello", slots=60)
    frame = domain.frame("16 KiB")
    memory = domain.anonymous("32 KiB")
    acts: list[Callable[[], object]] = [
        lambda: domain.map(frame),
        lambda: domain.map(frame, at=0x5000_0000, flags="r"),
        lambda: memory.fill(frame, 0),
        lambda: domain.frame("4 KiB"),
        lambda: memory.fill("slots[9]", "16 KiB"),
        lambda: memory.protect("r"),
        lambda: memory.unfill(0),
        memory.remove,
        lambda: domain.take_slots(20),
        lambda: domain.take_slots(5),
        lambda: domain.give_slots(3),
        lambda: domain.modify_flags(0x5000_0000, "16 KiB", "rw"),
        lambda: domain.device_frame(0xF000_0000, "64 KiB"),
        lambda: domain.mint(frame, "rg"),
        lambda: domain.revoke(frame),
        lambda: domain.delete(frame),
        lambda: domain.give_slots(22),
    ]
    for act in acts:
        before = domain.snapshot()
        with suppress(vm.VMError):
            act()
        wholes = machine.history.moments(machine.journal.last.number, lambda then: then.part(domain.path).snapshot())
        assert (wholes[0], wholes[-1]) == (before, domain.snapshot())
        look = looked_at(domain, 0, whole)
        for place in (0, *(step.index + 1 for step in look.moment.story.steps)):
            assert list(untrue(look.at(place), wholes[place])) == [], machine.journal.last


def test_each_slot_that_another_part_of_the_program_takes_is_a_step() -> None:
    domain = vm.boot("armv7").domain("hello")
    domain.take_slots(3)
    assert [len(value.cnodes[2].reserved) for value in seen(domain)] == [0, 1, 2, 3]
    domain.give_slots(2)
    assert [len(value.cnodes[2].reserved) for value in seen(domain)] == [3, 2, 1]


def test_a_domain_is_made_capability_by_capability() -> None:
    domain = vm.boot("armv7").domain("hello")
    values = seen(domain)
    held = [sum(len(cnode.capabilities) for cnode in value.cnodes) for value in values]
    assert (held[0], sorted({*held}), held[-1]) == (0, [0, 1, 2, 3, 4], 4)
    assert sum(value.slab.total == 0 for value in values) == 8
    assert (values[0].regions, values[-1]) == ((), domain.window())
    domain.machine.domain("hello")
    assert {value.slab.total for value in seen(domain)} == {7}, "it was there already"


def test_a_mapping_whose_entries_were_cleared_is_mapped_nowhere_though_it_is_still_there() -> None:
    domain = vm.boot("armv7").domain("hello")
    frame = domain.frame()
    domain.map(frame, at=0x5000_0000)
    domain.unmap(0x5000_0000, vm.PAGE)
    values, events = seen(domain), domain.machine.journal.last.events
    cleared = next(index for index, event in enumerate(events) if isinstance(event, ev.VnodeUnmapInvoked))
    for done, places in ((0, 1), (cleared + 1, 0), (len(events), 0)):
        held = {one.ref: one for cnode in values[done].cnodes for one in cnode.capabilities}
        assert len(held[frame.ref].mapped) == places
        kinds = [one.kind for one in held.values()]
        assert kinds.count("Mapping") == (1 if done == len(events) else 2)
