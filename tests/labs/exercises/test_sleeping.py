"""What the recipes of `course/` leave open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import Machine, lab
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.exercises.sleeping import OrderSheet, mended
from vmwidgets.labs.result import Result
from vmwidgets.labs.sheet import Sheet

A, B, C = "exec_map", "pipe_map", "log_map"
SHEET = OrderSheet((("exec", (A, B)), ("pipe", (B, C)), ("mail", (C, A))))
"""A circle of three: each of them can be the one that is changed."""


@pytest.fixture
def machine() -> Machine:
    return SHEET.start()


def checked(machine: Machine) -> Result:
    return lab.check(Sheet(exercise_named("05b/order"), "practice 0", SHEET), machine)


def points(machine: Machine) -> list[int]:
    return [criterion.points for criterion in checked(machine).criteria]


def spawn(machine: Machine, **orders: tuple[str, ...]) -> None:
    for name, locks in orders.items():
        machine.spawn(machine.kmem.copier, *locks, name=name)


@pytest.mark.parametrize("changed", ["exec", "pipe", "mail"])
def test_each_of_the_threads_of_a_circle_can_be_the_one(machine: Machine, changed: str) -> None:
    orders = {name: locks[::-1] if name == changed else locks for name, locks in SHEET.threads}
    spawn(machine, **orders)
    machine.run()
    assert checked(machine).passed


def test_a_deadlock_is_shown_with_its_circle(machine: Machine) -> None:
    spawn(machine, **SHEET.orders)
    machine.run()
    assert len(machine.threads.cycle) == 3
    result = checked(machine)
    assert [one.points for one in result.criteria] == [0, 0]
    assert "not judged yet: first change the order" in result.criteria[0].sentence
    assert result.criteria[1].actual == f"{A} before {B} before {C} before {A}"


@pytest.mark.parametrize(("turn", "earned"), [(1, [0, 0]), (-1, [2, 0])])
def test_a_lucky_run_has_a_name_and_earns_nothing_for_what_was_not_changed(
    machine: Machine, turn: int, earned: list[int]
) -> None:
    for name, locks in SHEET.threads:
        spawn(machine, **{name: locks[::turn]})
        machine.run()
    result = checked(machine)
    assert [one.points for one in result.criteria] == earned
    assert getattr(result.criteria[1].mistake, "name", "") == "a lucky run"


def test_a_thread_too_many_that_was_changed_costs_a_point(machine: Machine) -> None:
    spawn(machine, **{name: tuple(sorted(locks, key=(A, C, B).index)) for name, locks in SHEET.threads})
    machine.run()
    result = checked(machine)
    assert [one.points for one in result.criteria] == [2, 2]
    assert result.criteria[1].actual == "2 of them"
    assert getattr(result.criteria[1].mistake, "name", "") == "sorts what was in order"


def test_the_wrong_thread_changed_still_makes_a_circle(machine: Machine) -> None:
    """`print` is in no circle: its order does not matter."""
    sheet = OrderSheet((*SHEET.threads, ("print", (A, B))))
    machine = sheet.start()
    spawn(machine, **{**sheet.orders, "print": (B, A)})
    machine.run()
    result = lab.check(Sheet(exercise_named("05b/order"), "practice 0", sheet), machine)
    assert result.criteria[1].points == 0


def test_threads_that_have_the_names_of_killed_ones_are_judged_by_what_they_did_themselves(machine: Machine) -> None:
    spawn(machine, **SHEET.orders)
    machine.run()
    for name in SHEET.orders:
        machine.kill(name)
    spawn(machine, **mended(SHEET)[0])
    machine.run()
    assert checked(machine).passed


def test_a_thread_that_never_has_two_locks_at_once_copies_without_one(machine: Any) -> None:
    def careless() -> Iterator[Any]:
        for name in A, B:
            yield from machine.kmem.maps[name].lock()
            yield from machine.tsleep("copy", ticks=1)
            machine.kmem.maps[name].unlock()

    machine.spawn(careless, name="exec")
    spawn(machine, pipe=(B, C), mail=(C, A))
    machine.run()
    result = checked(machine)
    assert [one.points for one in result.criteria] == [1, 0]
    assert result.criteria[0].actual == "exec: without all its locks"


def test_a_thread_that_is_missing_is_named_and_the_orders_wait_for_it(machine: Machine) -> None:
    spawn(machine, exec=(A, B), pipe=(B, C))
    machine.run()
    result = checked(machine)
    assert [one.points for one in result.criteria] == [0, 0]
    assert "mail: there is no such thread" in result.criteria[0].actual
    assert "not judged yet" in result.criteria[1].sentence


def test_other_maps_locks_don_t_count(machine: Machine) -> None:
    spawn(machine, **{name: (*locks, "clean_map") for name, locks in mended(SHEET)[0].items()})
    machine.run()
    assert checked(machine).criteria[0].points == 2


def test_a_copier_needs_maps_that_are_there() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    machine.spawn(machine.kmem.copier, "exec_map", "nowhere", name="t")
    assert "unknown" in str(lab.attempt(machine.run))
