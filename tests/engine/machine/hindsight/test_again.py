"""The same life with one thing changed: as a fresh machine has it that does the same."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.hindsight.test_why import Life
from tests.engine.machine.lives import ARCHITECTURES, ThreadsLife, operations_life
from tests.engine.machine.structures import differences
from tests.engine.machine.task_model import Model
from vmwidgets import PAGE

CHANGES: list[dict[str, Any]] = [
    {"replacement": "lru"},
    {"replacement": vm.Replacement("clock", local=True)},
    {"tlb": (1, 2)},
    {"fork": "eager"},
    {"fork": "counted"},
    {"placement": "best"},
    {"quirks": {"out-of-map"}},
]


def of_events(machine: Any) -> Counter[str]:
    """What there was, counted in the journal's events."""
    kinds = (type(one).__name__ for number in range(1, len(machine.journal)) for one in machine.journal.events(number))
    return Counter(kinds)


NAMES = {"faults": "FaultRaised", "TLB misses": "TlbMissed", "copies": "PageCopied", "page-outs": "PageOut"}


@pytest.mark.parametrize("change", CHANGES[:5], ids=str)
@pytest.mark.parametrize("seed", [1, 4])
def test_it_is_what_a_fresh_machine_comes_to(change: dict[str, Any], seed: int) -> None:
    """Lives whose operations say where they map: calling them on another machine is the same life."""
    m = Life(seed).machine
    settings = dict(m.journal[0].arguments) | {name: one for name, one in change.items() if name != "replacement"}
    fresh: Any = vm.boot(**settings)
    if "replacement" in change:
        fresh.replacement = change["replacement"]
    for then in m.journal[1:]:
        with suppress(vm.VMError):
            fresh.recorded(then.target, then.name)(**{name: fresh.resolve(value) for name, value in then.arguments})
    found = m.again(**change)
    assert (found.stopped, found.done, found.moved) == ("", len(m.journal), 0)
    assert [place for place, _ in zip(differences(fresh, found.machine), range(3), strict=False)] == []
    before, now = of_events(m), of_events(fresh)
    for name, kind in NAMES.items():
        assert found.counts[name] == (before[kind], now[kind]), name
    found.machine.check()


def lives() -> Iterator[Any]:
    """Random lives of tasks, and of all operations."""
    for seed in range(5):
        model = Model(ARCHITECTURES[seed % 4], seed)
        for _ in range(50):
            if not model.panicked:
                model.step()
        yield model.machine
        yield operations_life(ARCHITECTURES[seed % 4], seed, 60)


@pytest.mark.sweep
def test_nearly_all_lives_reach_their_end() -> None:
    ends: dict[str, list[bool]] = {str(change): [] for change in CHANGES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for m in lives():
            before = len(m.journal)
            for change in CHANGES:
                found = m.again(**change)
                ends[str(change)].append(not found.stopped)
                assert (found.done == found.count) == (not found.stopped)
                if not found.machine.dead and "quirks" not in change:
                    found.machine.check()
            assert len(m.journal) == before
    assert {name: sum(reached) >= 0.9 * len(reached) for name, reached in ends.items()} == dict.fromkeys(ends, True)


def test_addresses_move_with_the_range_that_a_call_returned() -> None:
    """The best fit is the hole of one page, and the first one has two; a child has its parent's ranges."""
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    base = t.map.enter(8 * PAGE)
    t.map.remove(base + 5 * PAGE, size=PAGE)
    t.map.remove(base + PAGE, size=2 * PAGE)
    a = t.map.enter(PAGE, object=m.object("o"))
    assert a == base + PAGE
    t.write(a + 7, b"moved")
    t.map.protect(a, a + PAGE, prot="r")
    child = t.fork()
    child.map.protect(a, a + PAGE, prot="rw")
    child.write(hex(a + 7), b"child")
    found = m.again(placement="best")
    other = found.machine
    assert (found.stopped, found.first_difference, found.moved) == ("", None, 6)
    now = base + 5 * PAGE + 7
    assert (other.tasks["t"].peek(now, 5), other.tasks["t.1"].peek(now, 5)) == (b"moved", b"child")
    assert "6 addresses moved with their ranges" in repr(found)


def test_functions_are_called_again_where_they_are_kept() -> None:
    m: Any = vm.boot("x86-64", layout="tiny")
    asked: list[int] = []

    def numbers(page: int) -> bytes:
        asked.append(page)
        return bytes([page + 7])

    t = m.task("t")
    a = t.mmap(2 * PAGE, "r", "shared", m.pager("numbers", 2 * PAGE, numbers))
    m.replacement = lambda pages: pages[0]
    m.on_lowmem(_gives_back)
    t.read(a + PAGE)
    found = m.again(tlb=(1, 1))
    assert (found.stopped, asked) == ("", [1, 1])
    assert found.machine.tasks["t"].peek(a + PAGE) == b"\x08"


def _gives_back(machine: Any) -> None:
    machine.uma_reclaim()


def test_a_life_that_can_not_go_on_says_where_and_why(tmp_path: Any) -> None:
    m = ThreadsLife("x86-64", 3).live(40)
    spawned = next(then for then in m.journal if then.name == "spawn")
    found = m.again(fork="eager")
    assert found.done == spawned.number
    assert found.stopped.startswith(f"operation {spawned.number}, machine.spawn: thread ")
    assert "it can't go on: operation" in repr(found)

    own: Any = vm.boot("x86-64", layout="tiny")
    own.pager("p", PAGE, lambda page: b"x")
    own.journal.save(tmp_path / "j.jsonl.gz")
    assert "its source is not kept" in vm.load_journal(tmp_path / "j.jsonl.gz").again(tlb=(1, 1)).stopped

    @own.on_lowmem
    def takes_nothing() -> None:
        """It can only call the machine that it was written for."""

    assert "does not take the machine" in own.again(tlb=(1, 1)).stopped


def test_time_is_counted_where_costs_are_set() -> None:
    m = vm.boot("x86-64", layout="tiny")
    m.costs = vm.Costs()
    t = m.task("t")
    a = t.mmap(8 * PAGE)
    for page in (*range(8), *range(8)):
        t.write(a + page * PAGE, b"x")
    found = m.again(tlb=(1, 1))
    before, now = found.counts["nanoseconds"]
    assert now > before > 0
    assert found.counts["TLB misses"][1] > found.counts["TLB misses"][0]


def test_what_comes_to_something_else_is_named() -> None:
    m = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    m.take_pages(m.pages.obtainable_pages - 60)
    t = m.task("t")
    a = t.mmap(60 * PAGE)
    for page in range(30):
        t.write(a + page * PAGE, b"x")
    t.fork()
    found = m.again(fork="eager")
    assert found.first_difference is not None
    assert found.first_difference.name == "fork"
    assert "the first with another result" in repr(found)
    assert found.stopped == ""


def test_one_thing_is_changed() -> None:
    m = vm.boot("x86-64", layout="tiny")
    for given, says in (
        ({}, "nothing is changed: change one of replacement, tlb, fork, placement, quirks"),
        ({"fork": "eager", "tlb": (1, 1)}, "2 things are changed"),
        ({"fork": "twice"}, "fork"),
        ({"tlb": 5}, "tlb"),
        ({"placement": "nowhere"}, "placement"),
        ({"replacement": "none"}, "policy='none'"),
        ({"quirks": {"none"}}, "quirk"),
    ):
        with pytest.raises(vm.Refused) as refused:
            m.again(**given)
        assert says in str(refused.value)
