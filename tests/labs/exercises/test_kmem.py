"""What the recipes of `course/` leave open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import Machine, lab
from vmwidgets.labs.exercise import exercise_named
from vmwidgets.labs.exercises.kmem import Block, HandlerSheet, choices
from vmwidgets.labs.result import Result
from vmwidgets.labs.sheet import Sheet

SHEET = HandlerSheet(
    (
        Block(0, 3, "used"),
        Block(3, 2, "cache"),
        Block(5, 4, "cache"),
        Block(9, 20, "used"),
        Block(29, 2, ""),
        Block(31, 1, "cache"),
        Block(32, 2, "cache"),
        Block(34, 30, "used"),
    ),
    wanted=5,
)
CACHE = (1, 2, 5, 6)
"""The places of its blocks; the last two are the best choice."""


@pytest.fixture
def machine() -> Machine:
    return SHEET.start()


def free(machine: Machine, *places: int) -> None:
    for place in places:
        block = SHEET.blocks[place]
        machine.kmem_free(machine.kmem.kmem_map.start + block.page * vm.PAGE, block.length * vm.PAGE)


def checked(machine: Machine) -> Result:
    with suppress(vm.VMError):
        machine.run()
    return lab.check(Sheet(exercise_named("05/handler"), "practice 0", SHEET), machine)


def points(machine: Machine) -> list[int]:
    return [criterion.points for criterion in checked(machine).criteria]


def test_the_cheapest_row_has_free_pages_beside_it() -> None:
    assert choices(SHEET)[0] == (SHEET.blocks[5], SHEET.blocks[6])


def test_without_a_handler_the_machine_is_dead(machine: Machine) -> None:
    assert points(machine) == [0, 0, 0, 0]
    assert machine.dead


def test_a_row_that_costs_more_is_served_too(machine: Machine) -> None:
    machine.on_lowmem(lambda: free(machine, 1, 2))
    assert points(machine) == [2, 1, 1, 1]


def test_all_of_the_cache_has_a_name(machine: Machine) -> None:
    machine.on_lowmem(lambda: free(machine, *CACHE))
    result = checked(machine)
    assert [one.points for one in result.criteria] == [2, 1, 1, 0]
    mistake = result.criteria[3].mistake
    assert mistake is not None
    assert mistake.name == "frees all that it has"


def test_pages_that_are_apart_have_a_name(machine: Machine) -> None:
    def apart() -> None:
        if not machine.threads.ticks:
            free(machine, 2, 5)

    machine.on_lowmem(apart)
    mistake = checked(machine).criteria[0].mistake
    assert mistake is not None
    assert mistake.name == "counts pages, not rows"


def test_a_block_a_call_is_served_late(machine: Machine) -> None:
    rest = iter(CACHE[2:])
    machine.on_lowmem(lambda: free(machine, next(rest)))
    assert points(machine) == [1, 1, 1, 2]


def test_freeing_in_a_thread_is_not_the_exercise_even_with_an_idle_handler(machine: Any) -> None:
    def thread() -> Iterator[Any]:
        for place in CACHE[2:]:
            block = SHEET.blocks[place]
            yield from machine.kmem_free(machine.kmem.kmem_map.start + block.page * vm.PAGE, block.length * vm.PAGE)

    machine.on_lowmem(lambda: None)
    machine.kill("caller")
    machine.spawn(thread)
    machine.run()
    machine.spawn(machine.kmem_malloc, SHEET.wanted * vm.PAGE, name="caller")
    result = checked(machine)
    assert [one.points for one in result.criteria] == [2, 0, 1, 2]
    assert result.criteria[1].actual == "2 times from a thread"


def test_what_was_freed_and_taken_again_is_seen(machine: Machine) -> None:
    machine.on_lowmem(lambda: free(machine, *CACHE))
    machine.run()
    machine.kmem_malloc("8 KiB")
    assert "1 times from a cell" in checked(machine).criteria[1].actual


def test_a_handler_whose_call_is_refused_freed_nothing(machine: Machine) -> None:
    machine.on_lowmem(lambda: machine.kmem_free(machine.kmem.kmem_map.start + 4 * vm.PAGE, vm.PAGE))
    assert points(machine) == [0, 0, 0, 0]


def test_one_call_for_blocks_that_touch_is_a_handlers_too(machine: Machine) -> None:
    machine.on_lowmem(lambda: machine.kmem_free(machine.kmem.kmem_map.start + 31 * vm.PAGE, 3 * vm.PAGE))
    assert checked(machine).passed


def test_blocks_that_don_t_help_earn_nothing_for_what_was_spared(machine: Machine) -> None:
    machine.on_lowmem(lambda: free(machine, 1) if not machine.threads.ticks else None)
    result = checked(machine)
    assert machine.dead
    assert [one.points for one in result.criteria] == [0, 1, 0, 0]
    assert "not judged yet: first get the caller its memory" in result.criteria[3].sentence


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda machine: free(machine, 5), "handler 'fails' failed: nothing is allocated at"),
        (lambda machine: machine.tsleep("x", ticks=1), "handler 'fails' calls tsleep, and may not sleep"),
        (lambda machine: 1 // 0, "handler 'fails' failed: ZeroDivisionError"),
    ],
)
def test_a_handler_that_fails_is_the_reason_and_not_the_gap(machine: Machine, then: Any, why: str) -> None:
    """The right blocks were freed before: the gap is large enough."""

    @machine.on_lowmem
    def fails() -> None:
        free(machine, 5, 6)
        then(machine)

    result = checked(machine)
    first = result.criteria[0]
    assert first.actual.startswith(why)
    assert first.mistake is None
    assert [one.points for one in result.criteria] == [0, 1, 0, 0]


def test_what_the_cell_freed_is_not_the_handlers(machine: Machine) -> None:
    """Its own call is refused: that page is a part of a block."""
    free(machine, 5)
    machine.on_lowmem(lambda: machine.kmem_free(machine.kmem.kmem_map.start + 3 * vm.PAGE, vm.PAGE))
    assert points(machine) == [0, 0, 0, 0]


def test_a_caller_that_has_not_run_is_said_to(machine: Machine) -> None:
    free(machine, 5, 6)
    result = lab.check(Sheet(exercise_named("05/handler"), "practice 0", SHEET), machine)
    assert result.criteria[0].actual == "caller has not run"
    assert result.points == 0
