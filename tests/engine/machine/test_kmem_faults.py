"""Kernel memory when pages fail: any request for a page may find none, and nothing is lost or half made."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

import vmwidgets as vm
from tests.engine.machine.test_kmem_invariants import KernelMemory
from vmwidgets.engine.kernel.threads.scheduler import Stuck

PAGE = vm.PAGE


class Failing(KernelMemory):
    """As the machine that it extends, with requests for pages that fail where the next of `plan` says so."""

    @initialize()
    def boot(self) -> None:
        super().boot()
        self.plan: list[bool] = []
        self.machine.system.kernel.kmem.pages.veto = self.fails
        self.machine.system.pages.veto = self.fails

    def fails(self, _owner: str = "") -> bool:
        return self.plan.pop(0) if self.plan else False

    @rule(plan=st.lists(st.booleans(), min_size=1, max_size=8))
    def fail(self, plan: list[bool]) -> None:
        self.plan = plan

    def teardown(self) -> None:
        """A plan is not an operation: such a machine can't be made again."""


Failing.TestCase.settings = settings(stateful_step_count=40)
TestFailing = Failing.TestCase

CALLS = {
    "kmem_alloc": lambda m: m.kmem_alloc(6 * PAGE),
    "kmem_malloc": lambda m: m.kmem_malloc(6 * PAGE, "M_NOWAIT"),
    "kmem_malloc that may wait": lambda m: m.kmem_malloc(6 * PAGE, "M_WAITOK"),
    "malloc": lambda m: m.malloc(100, "M_NOWAIT"),
    "malloc of pages": lambda m: m.malloc(6 * PAGE, "M_NOWAIT"),
    "a write to exec_map": lambda m: m.write(m.kmem_alloc_wait(2 * PAGE), b"x" * 2 * PAGE),
    "a wiring": lambda m: m.kmem.exec_map.wire(m.kmem_alloc_wait(6 * PAGE), size=6 * PAGE),
    "a file": lambda m: m.read_file("film", 6 * PAGE),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_request_in_turn_that_fails_for_good(name):
    """Counted first; then the first, the second, … and all after it fail: an error, 0, or a call that can't finish."""
    call, requests = CALLS[name], count()
    m = vm.boot(layout="tiny")
    m.system.kernel.kmem.pages.veto = lambda: next(requests) < 0  # none fails
    call(m)
    made = next(requests)
    assert made
    for first in range(made):
        m = vm.boot(layout="tiny")
        before = m.kmem.pages, m.kmem.kmem_map.size, m.kmem.kernel_map.size
        asked = count()
        m.system.kernel.kmem.pages.veto = lambda first=first, asked=asked: next(asked) >= first  # type: ignore[misc]  # bound now
        result = 0
        with suppress(Stuck):
            result = call(m)
        assert not result
        m.check()
        assert not [entry for entry in m.kmem.exec_map if entry.object is not None and name == "a wiring"]
        used = m.kmem.pages.used
        if "exec_map" not in name and name != "a file":  # what those had got is of use to the next who asks
            assert (used, m.kmem.kmem_map.size, m.kmem.kernel_map.size) == (before[0].used, *before[1:])
        m.system.kernel.kmem.pages.veto = None
        call(m)
        m.check()


def soak(operations, seed, *, views):
    """Random work on kernel memory; pages are counted after each operation.  What there was of memory at the end."""
    chance = random.Random(seed)
    m = vm.boot(layout="small", ram="16 MiB")
    shown = [vm.show(part) for part in (m, m.kmem, m.frames, m.threads, m.caches)] if views else []
    total, ours, objects = m.kmem.pages.total, [], []
    for number in range(operations):
        kind = chance.randrange(6)
        if kind < 2 and len(ours) < 60:
            function = chance.choice([m.kmem_alloc, lambda size: m.kmem_malloc(size, "M_NOWAIT")])
            size = chance.randrange(1, 9) * PAGE
            if address := function(size):
                ours.append((address, size))
        elif kind < 4 and ours:
            m.kmem_free(*ours.pop(chance.randrange(len(ours))))
        elif kind == 4 and len(objects) < 200:
            if address := m.malloc(chance.choice([24, 100, 700, 5000]), "M_NOWAIT"):
                objects.append(address)
        elif objects:
            m.free(objects.pop(chance.randrange(len(objects))))
        counts = m.kmem.pages
        assert counts.free + counts.cached + counts.used == total == m.system.pages.total_pages, number
        assert (
            counts.used == sum(owned for _, owned in m.system.pages.snapshot(0).owners) - counts.zeroed - counts.cached
        )
        if shown and number % 500 == 0:
            for view in shown:
                view.scene()
            m.check()
    for address, size in ours:
        m.kmem_free(address, size)
    for address in objects:
        m.free(address)
    m.uma_reclaim()
    m.check()
    return m


def test_a_soak_conserves_pages_and_gives_all_back():
    m = soak(1500, seed=1, views=True)
    fresh = vm.boot(layout="small", ram="16 MiB")
    assert m.kmem.pages.wired == 0
    assert m.kmem.kmem_map.size == 0
    kept = dict(m.system.pages.snapshot(0).owners)
    at_boot = dict(fresh.pages.snapshot(0).owners)
    assert {owner for owner in kept if kept[owner] != at_boot.get(owner)} <= {"kmem entries", "zeroed pages"}


@pytest.mark.sweep
def test_a_long_soak():
    m = soak(100_000, seed=2, views=True)
    print(f"{len(m.journal):,} operations, {m.journal.bytes_an_operation():.0f} bytes of journal each")
    assert m.journal.bytes_an_operation() < 600
