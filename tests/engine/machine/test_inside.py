"""The inside of an operation: it is done again, and what is looked at is what was there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES
from tests.engine.machine.task_model import Model
from vmwidgets.engine.machine.history import LOOKED_AT
from vmwidgets.engine.machine.inside import Inside
from vmwidgets.engine.machine.system import STRUCTURES, System
from vmwidgets.events import PagesEntered


def counted(machine: Any, number: int) -> tuple[Inside, list[int]]:
    """The inside of an operation, and a list that grows with each replay."""
    replays: list[int] = []
    real = machine.history.inside(number)
    do, before = real._do, real._before

    def counting(begin: Any) -> None:
        replays.append(number)
        do(begin)

    operation = machine.journal[number]
    return Inside(counting, before, len(operation.events) if operation.truncated else -1), replays


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


def seen_of(then: Any) -> Any:
    """What a machine is at a moment, as far as these lives change it."""
    seen = [then.kernel_map.value(), then.frames.value()]
    for task in then.tasks.values():
        with suppress(vm.Refused):  # half of it is gone
            seen.append((task.name, task.map.value()))
    return seen


@pytest.mark.parametrize("seed", range(2))
def test_a_machine_that_goes_on_is_what_a_new_one_is(seed: int) -> None:
    """Tasks, with an undo now and then, and some operations between two looks."""
    model = Model(ARCHITECTURES[seed], 70 + seed)
    m, went_on = model.machine, 0
    for number in range(45):
        model.step()
        if model.panicked:
            break
        undone = 1 + number % 4 if number % 7 == 6 else 0
        m.undo(undone) if undone else None
        if number % 3:
            last, stood = m.journal.last.number, m.history._ahead
            seen = m.history.moments(last, seen_of)
            went_on += stood is not None and m.history._ahead is stood
            if number % 2:
                m.history._ahead = None
                assert m.history.moments(last, seen_of) == seen
        m.redo(undone) if undone else None
    assert went_on > 10


def test_a_machine_does_not_go_on_from_what_was_undone() -> None:
    m = vm.boot("x86-64")
    m.kernel_map.enter("4 KiB", nomerge=True)
    m.history.moments(1, seen_of)
    m.undo()
    for size in ("8 KiB", "16 KiB"):
        m.kernel_map.enter(size, nomerge=True)
    assert m.history.moments(2, seen_of)[-1] == seen_of(m)


def test_one_machine_serves_looks_into_one_operation_after_another() -> None:
    m = vm.boot("x86-64")
    m.kernel_map.enter("4 KiB")
    m.history.moments(1, seen_of)
    stands = m.history._ahead
    for number in range(2, 6):
        m.kernel_map.enter("4 KiB", nomerge=True)
        inside = m.history.inside(number)
        inside.expect("entries", lambda then: len(then.kernel_map))
        assert inside.at("entries", 0) == len(m.kernel_map) - 1
        assert inside.at("entries", 1, (0, 1)) >= len(m.kernel_map) - 1
        assert m.history._ahead is stands
    assert len(stands.kernel_map) == len(m.kernel_map)
    other = vm.boot("x86-64")
    other.kernel_map.enter("4 KiB")
    other.history.moments(1, seen_of)
    assert (m.history._ahead, other.history._ahead is not None) == (None, True), "one of all machines goes on"


def test_a_machine_that_was_left_in_the_middle_does_not_go_on() -> None:
    m = vm.boot("x86-64")
    for _ in range(2):
        m.kernel_map.enter("4 KiB", nomerge=True)

    def ends(then: Any) -> None:
        if len(then.kernel_map) == len(m.kernel_map):
            raise SystemExit

    with pytest.raises(SystemExit):
        m.history.moments(2, ends)
    assert m.history.moments(2, seen_of)[-1] == seen_of(m)


def test_a_machine_that_is_read_is_nobody_elses_meanwhile() -> None:
    m = vm.boot("x86-64")
    for _ in range(3):
        m.kernel_map.enter("4 KiB", nomerge=True)
    inside = m.history.inside(2)

    def reads(then: Any) -> tuple[Any, Any]:
        before = seen_of(then)
        m.history.moments(2, seen_of)  # as another thread may, in the middle
        return before, seen_of(then)

    inside.expect("both", reads)
    before, after = inside.at("both", 0)
    assert before == after


def test_a_machine_in_the_middle_of_a_call_does_not_go_on() -> None:
    m: Any = vm.boot("x86-64", layout="tiny")

    def body() -> Any:
        yield from m.tsleep("nap", ticks=2)
        yield from m.kmem_malloc(vm.PAGE)

    m.spawn(body)
    m.run(steps=1)
    m.history.moments(m.journal.last.number, seen_of)
    assert m.history._ahead is None
    m.run()
    m.history.moments(m.journal.last.number, seen_of)
    assert m.history._ahead is not None


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
