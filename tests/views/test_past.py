"""Back in time: an operation that is done again is seen as it was, event by event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.views.lives import WHOLE, Life, everything
from tests.views.wholes import inside
from vmwidgets.engine.kernel.map.map_schema import KernelMapValue


@pytest.mark.parametrize("seed", range(8))
def test_an_operation_undone_leaves_what_was_before_it(seed: int) -> None:
    life = Life(seed)
    before = everything(life.machine)
    for _ in life.go_on(40):
        operation, after = life.machine.journal.last, everything(life.machine)
        assert inside(life.machine, 0, everything) == before, f"{operation.number}: {operation.name}"
        before = after


def test_in_the_middle_the_lock_is_held_and_pages_are_taken_one_by_one() -> None:
    life = Life(0)
    life.machine.kmem_malloc("12 KiB")
    events = life.machine.journal.last.events
    held, used = [], []
    for then in life.machine.history.moments(life.machine.journal.last.number, everything):
        maps = {one.map.name: one for one in then.maps.all()}
        held.append(maps["kmem_map"].locked_by)
        used.append(then.frames.counts.used)
    kinds = [type(event).__name__ for event in events]
    begun, ended = kinds.index("MapLocked") + 1, kinds.index("MapUnlocked") + 1
    assert "TranslationEntered" in kinds[begun:ended]
    assert set(held[begun:ended]) == {""}, "the cell has the lock from the search to the last mapping"
    assert set(held[:begun] + held[ended:]) == {None}
    assert sorted(set(used)) == [used[0], used[0] + 1, used[0] + 2, used[0] + 3]
    assert used == sorted(used)


def test_sleepers_that_were_woken_stand_again_in_their_order() -> None:
    machine = Life(0).machine
    taken = machine.kmem_alloc_wait("64 KiB")
    for name in ("one", "two", "three"):
        machine.spawn(lambda: machine.kmem_alloc_wait("8 KiB"), name=name)
    machine.run()
    machine.kmem_free_wakeup(taken, "64 KiB")
    after, before = everything(machine), inside(machine, 0, everything)
    maps = {one.map.name: one for one in before.maps.all()}
    assert maps["exec_map"].sleepers == ("one", "two", "three")
    assert maps["exec_map"].needs_wakeup
    assert {one.map.name: one for one in after[0].all()}["exec_map"].sleepers == ()
    assert [name for name in before.threads.sleeping if name != "pagedaemon"] == ["one", "two", "three"]


def test_the_lock_is_held_until_its_holder_sleeps_and_the_flag_is_set_until_all_are_awake() -> None:
    machine: Any = Life(0).machine
    taken = machine.kmem_alloc_wait("64 KiB")
    machine.spawn(machine.kmem_alloc_wait, "8 KiB", name="sh")

    def steps(act: Callable[[], object]) -> list[tuple[str, KernelMapValue]]:
        act()
        last = machine.journal.last
        _, *maps = machine.history.moments(last.number, lambda then: then.kmem.value(whole=WHOLE))
        exec_maps = [next(one for one in value.all() if one.map.name == "exec_map") for value in maps]
        return list(zip([event.tag for event in last.events], exec_maps, strict=True))

    fell_asleep = dict(steps(machine.run))
    assert fell_asleep["MapLocked"].locked_by == "sh"
    assert (fell_asleep["ThreadSlept"].locked_by, fell_asleep["ThreadSlept"].sleepers) == (None, ("sh",))
    woken = dict(steps(lambda: machine.kmem_free_wakeup(taken, "64 KiB")))
    assert (woken["ThreadWoken"].needs_wakeup, woken["ThreadWoken"].sleepers) == (False, ())
    assert not woken["SleepersWoken"].needs_wakeup


def test_the_end_of_the_page_tables_is_where_it_was() -> None:
    machine = vm.boot("x86-64", layout="small")
    before = machine.kernel_map.value()
    machine.kernel_map.enter("4 KiB", at=int(machine.kernel_map.end) - 4096, fixed=True)
    after = machine.kernel_map.value()
    assert after.klimit != before.klimit
    assert inside(machine, 0, lambda then: then.kernel_map.value()) == before
