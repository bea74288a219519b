"""Stepping back through what a self-paging domain did: undone, everything is as it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.engine.watch import Watch
from tests.views.domains import DomainLife
from vmwidgets import events as ev
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.base.recorder import materialize
from vmwidgets.engine.selfpaging.domain_schema import DomainValue
from vmwidgets.views.domain.picture import all_vnodes

pytestmark = pytest.mark.once


def parts(value: DomainValue) -> dict[str, object]:
    """A domain by its parts, so that a difference says where it is."""
    named: dict[str, object] = {f"cap {one.ref}": one for cnode in value.cnodes for one in cnode.capabilities}
    named |= {f"reserved in {cnode.name}": cnode.reserved for cnode in value.cnodes}
    named |= {f"vnode {node.id}": node for node in all_vnodes(value.root)}
    return named | {"slab": value.slab, "regions": value.regions, "meta": value.meta_used, "root": value.root}


def differences(one: DomainValue, other: DomainValue) -> list[str]:
    left, right = parts(one), parts(other)
    return [f"{name}: {left.get(name)} / {right.get(name)}" for name in {**left, **right}
            if left.get(name) != right.get(name)]  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scarce", [False, True])
def test_an_operation_undone_leaves_what_was_before_it(seed: int, architecture: str, scarce: bool) -> None:
    life = DomainLife(seed, architecture, frames=140, slots=60) if scarce else DomainLife(seed, architecture)
    counts = {"failed": 0, "done": 0}
    for before, after, events, failed in life.go_on(150):
        counts["failed" if failed else "done"] += 1
        assert differences(after.at(Past(events)), before) == [], life.name
        assert after.at(Past(events)) == before
    assert min(counts.values()) > 10


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sampled(3)
def test_each_step_is_what_was_there_when_it_was_reported(seed: int, architecture: str) -> None:
    """A mapping counts as cleared just after the writes that clear its entries; in between no event tells of it."""
    life, draws = DomainLife(seed, architecture), random.Random(seed)
    watch = Watch(life.recorder, life.domain.snapshot, lambda: draws.random() < 0.2)
    life.recorder.emit = life.raw.append
    compared = 0
    for _, after, events, _ in life.go_on(80):
        for done, then in watch.seen:
            if isinstance(events[done - 1], (ev.PteWritten, ev.PteRunWritten)):
                continue
            assert differences(after.at(Past(events[done:])), then) == [], events[done - 1]
            compared += 1
        watch.begin()
    assert compared > 100


def test_in_the_middle_what_was_done_so_far_is_there_and_the_rest_is_not() -> None:
    life = DomainLife(1)
    frame = life.domain.frame(1 << 12)
    life.raw.clear()
    life.domain.pmap.map(0x5000_0000, frame, 0, 1 << 12, 3)
    events, after = materialize(life.raw, "map"), life.domain.snapshot()
    seen = []
    for done in range(len(events) + 1):
        past = after.at(Past(events[done:]))
        nodes = list(all_vnodes(past.root))
        seen.append((past.slab.free, sum(len(cnode.capabilities) for cnode in past.cnodes), len(nodes),
                     sum(bool(node.descriptor) for node in nodes)))  # fmt: skip
    assert seen[0] == (7, 5, 1, 0)
    assert seen[-1] == (5, 8, 3, 2)
    assert [after[0] - before[0] for before, after in pairwise(seen)].count(-1) == 2
    created = next(index for index, event in enumerate(events) if isinstance(event, ev.VnodeLinked))
    assert seen[created + 1][2:] == (2, 0), "the table is in the tree, and the kernel has not written its entry yet"


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
def test_all_that_a_machine_offers_can_be_taken_back(architecture: str) -> None:
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
        operation = machine.journal.last
        assert differences(domain.snapshot().at(Past(operation.events)), before) == [], operation


def test_a_mapping_whose_entries_were_cleared_is_mapped_nowhere_though_it_is_still_there() -> None:
    life = DomainLife(1)
    frame = life.domain.frame(1 << 12)
    life.domain.pmap.map(0x5000_0000, frame, 0, 1 << 12, 3)
    life.raw.clear()
    life.domain.pmap.unmap(0x5000_0000, 1 << 12)
    events, after = materialize(life.raw, "unmap"), life.domain.snapshot()
    cleared = next(index for index, event in enumerate(events) if isinstance(event, ev.VnodeUnmapInvoked))
    for done, places in ((0, 1), (cleared + 1, 0), (len(events), 0)):
        past = after.at(Past(events[done:]))
        held = {one.ref: one for cnode in past.cnodes for one in cnode.capabilities}
        assert len(held[frame].mapped) == places
        kinds = [one.kind for one in held.values()]
        assert kinds.count("Mapping") == (1 if done == len(events) else 2)
