"""How long accesses take, by costs that are set and what was counted."""

from __future__ import annotations

import pytest

import vmwidgets as vm

PAGE = vm.PAGE
PRIMES = vm.Costs(tlb=3, memory=100, minor=10_007, major=1_000_003)


def booted(architecture="x86-64"):
    """A machine whose operations say their time, and a task with eight pages; the first one's address."""
    m = vm.boot(architecture)
    m.swap_on("1 MiB")
    m.costs = PRIMES
    t = m.task("init")
    return m, t, t.mmap(8 * PAGE)


def time_of(m):
    """What the latest operation says."""
    return [event.nanoseconds for event in m.journal.last.events if event.tag == "TimeTaken"]


@pytest.mark.parametrize(
    ("architecture", "levels", "absent"), [("x86-64", 4, 1), ("riscv-sv39", 3, 1), ("armv7", 2, 1), ("aarch64", 4, 1)]
)
def test_an_access_takes_what_its_walks_and_faults_take(architecture, levels, absent):
    m, t, a = booted(architecture)
    t.read(a)  # no table is there: the first walk ends in the root
    assert time_of(m) == [3 + 100 * (1 + absent + levels) + 10_007]
    t.read(a)
    assert time_of(m) == [3 + 100], "a hit"
    t.read(a + PAGE)  # its table is there: both walks are whole
    assert time_of(m) == [3 + 100 * (1 + 2 * levels) + 10_007]
    t.write(a, b"x")
    t.page_out(a, PAGE)
    t.read(a)
    assert time_of(m) == [3 + 100 * (1 + 2 * levels) + 1_000_003], "it was read in"


def test_an_access_over_two_pages_is_two():
    m, t, a = booted()
    t.read(a, 2 * PAGE)
    assert m.journal.last.events[-1].accesses == 2


def test_the_rates_of_all_accesses_are_in_the_formula():
    m, t, a = booted()
    for _ in range(8):
        t.read(a)
    t.read(a + PAGE)
    found = m.effective_access_time()
    assert (found.accesses, found.tlb_hits, found.walk_references, found.minor, found.major) == (9, 7, 5 + 8, 2, 0)
    assert found.time == pytest.approx((9 * 3 + 100 * (9 + 13) + 2 * 10_007) / 9)
    m.undo()
    assert m.effective_access_time().accesses == 8


def test_without_costs_nothing_is_said_and_all_is_counted():
    m, t, a = booted()
    m.costs = None
    t.read(a)
    assert time_of(m) == []
    assert m.effective_access_time().minor == 1
    assert m.costs is None


def test_an_access_that_fails_says_no_time():
    m, t, _a = booted()
    with pytest.raises(vm.KernelError):
        t.read(0x10)
    assert time_of(m) == []


@pytest.mark.parametrize("given", [3, "fast", {"tlb": 1}, vm.Costs])
def test_costs_are_a_value(given):
    m, _, _ = booted()
    with pytest.raises(vm.Refused, match=r"^costs=.*: write vm\.Costs"):
        m.costs = given
    assert m.costs == PRIMES
