"""The inside of an operation: it is done again, and what is looked at is what was there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.history import LOOKED_AT
from vmwidgets.engine.machine.inside import Inside
from vmwidgets.engine.machine.system import STRUCTURES, System
from vmwidgets.events import PagesEntered


def counted(machine: Any, number: int) -> tuple[Inside, list[int]]:
    """The inside of an operation, and a list that grows with each replay."""
    replays: list[int] = []
    do = machine.history.inside(number)._do

    def counting(begin: Any) -> None:
        replays.append(number)
        do(begin)

    operation = machine.journal[number]
    return Inside(counting, len(operation.events) if operation.truncated else -1), replays


def test_all_that_was_expected_is_seen_in_one_replay() -> None:
    m = vm.boot("x86-64")
    m.kernel_map.enter("16 KiB")
    last = m.journal.last
    inside, replays = counted(m, last.number)
    inside.expect("entries", lambda then: len(then.kernel_map))
    inside.expect("bytes", lambda then: then.kernel_map.value().size)
    places = range(len(last.events))
    seen = [inside.at("entries", place, places) for place in places]
    assert seen == m.history.moments(last.number, lambda then: len(then.kernel_map))[:-1]
    assert (seen[0], seen[-1]) == (3, 4)
    assert inside.at("bytes", 0) < m.kernel_map.value().size
    assert len(replays) == 1


def test_what_does_not_exist_yet_is_seen_as_it_is_made() -> None:
    m = vm.boot("x86-64")
    m.task("init")
    inside = m.history.inside(m.journal.last.number)
    inside.expect("map", lambda then: then.tasks["init"].map.start)
    assert inside.at("map", 0) == m.tasks["init"].map.start
    inside.expect("nothing", lambda then: then.tasks["other"])
    with pytest.raises(vm.Refused):
        inside.at("nothing", 0)


def test_of_more_events_than_are_kept_places_count_those_that_are() -> None:
    m = vm.boot("x86-64", ram="64 MiB")
    t = m.task("t")
    t.mmap(1500 * vm.PAGE, "rw", "private populate")
    last = m.journal.last
    assert last.truncated
    inside, replays = counted(m, last.number)
    inside.expect("resident", lambda then: then.system.task_memory.resident)
    after = m.system.task_memory.resident
    for place in (0, 17, len(last.events) - 1):
        later = [one for event in last.events[place:] if isinstance(event, PagesEntered) for one in event.pages]
        assert inside.at("resident", place, (0, 17)) == after - len(later)
    assert len(replays) == 3, "once to count, once for the first two, once for the last"


def test_an_operation_that_killed_the_machine_is_looked_into() -> None:
    m = vm.boot("x86-64", layout="tiny")
    while not m.dead:
        with suppress(vm.KernelPanic):
            m.kernel_map.enter(vm.PAGE, prot=("r", "rw")[len(m.journal) % 2])
    last = m.journal.last
    seen = m.history.moments(last.number, lambda then: len(then.kernel_map))
    assert (last.outcome, len(seen)) == ("panic", len(last.events)), "the door says last that it is dead"
    assert seen[0] == seen[-1] == len(m.kernel_map)


def test_what_is_new_after_an_undo_is_another_operation() -> None:
    m = vm.boot("x86-64")
    for size in ("16 KiB", "32 KiB"):
        m.kernel_map.enter(size)
        inside = m.history.inside(m.journal.last.number)
        inside.expect("size", lambda then: then.kernel_map.value().size)
        before = inside.at("size", 0)
        assert m.kernel_map.value().size - before == {"16 KiB": 16, "32 KiB": 32}[size] << 10
        m.undo()


def test_the_insides_that_are_kept_are_those_looked_into_last() -> None:
    m = vm.boot("x86-64")
    for _ in range(LOOKED_AT + 1):
        m.kernel_map.enter("4 KiB")
    first, second, *rest = range(1, LOOKED_AT + 2)
    known = {number: m.history.inside(number) for number in (first, second, *rest[:-1], first, rest[-1])}
    assert m.history.inside(first) is known[first]
    assert m.history.inside(second) is not known[second]


OUTLIVE = {
    "architecture", "layout", "quirks", "ram_bytes", "seed", "cpus", "fork", "machine", "door", "journal", "recorder",
    "callbacks", "breaks", "_parts",
}  # fmt: skip  # a list
"""What an undo leaves as it is: how the machine was booted, and what belongs to it and not to its structures."""


def test_an_attribute_of_a_system_is_a_structure_or_outlives_an_undo() -> None:
    """A structure that is forgotten in STRUCTURES would silently not be undone."""
    system: System = vm.boot("x86-64").system
    assert {*vars(system)} == {*STRUCTURES} | OUTLIVE


def test_a_look_inside_takes_no_number_from_the_next_machine() -> None:
    machine, numbered = vm.boot("x86-64"), []
    for _ in range(5):
        machine.kernel_map.enter("16 KiB")
    for look in (lambda: None, lambda: vm.Map(machine.kernel_map, moment=(5, 2)).scene()):
        look()
        numbered.append(int(vm.boot("x86-64").name.split()[-1]))
    assert numbered[1] == numbered[0] + 1
