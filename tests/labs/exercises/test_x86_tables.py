from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tasks import Task

START, PAGE = 0x40_0000, vm.PAGE
WRITABLE, EXECUTE_DISABLE = 1 << 1, 1 << 63
CHANGED = START + 2 * PAGE


@pytest.fixture
def hand() -> Machine:
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task("keys")
    task.map.enter(4 * PAGE, at=START, object=machine.object("keys"))
    for cpu in machine.cpus:
        cpu.run(task)
        for page in range(4):
            cpu.store(START + page * PAGE, b"key")
    return machine


def points(machine: Machine) -> list[int]:
    return [criterion.points for criterion in lab.check("06/by-hand", machine).criteria]


def edit(task: Task, *, level: int = -1, clear: int = WRITABLE, put: int = EXECUTE_DISABLE) -> None:
    step = task.walk(CHANGED).steps[level]
    task.machine.set_descriptor(step.pa, step.value & ~clear | put)


def flush(machine: Machine, *cpus: int) -> None:
    for cpu in cpus:
        machine.cpus[cpu].flush(CHANGED)


def test_it_can_be_done(hand: Machine) -> None:
    edit(hand.tasks["keys"])
    flush(hand, 0, 1)
    assert lab.check("06/by-hand", hand).passed


def test_nothing_done_is_nothing_earned(hand: Machine) -> None:
    assert points(hand) == [0, 0, 0, 0]


def test_each_right_counts(hand: Machine) -> None:
    edit(hand.tasks["keys"], put=0)
    flush(hand, 0, 1)
    assert points(hand) == [1, 1, 2, 1]


def test_a_flush_that_was_forgotten_is_found_on_each_processor(hand: Machine) -> None:
    edit(hand.tasks["keys"])
    assert points(hand) == [2, 1, 0, 1]
    flush(hand, 0)
    assert points(hand) == [2, 1, 1, 1]
    assert "cpu:1 keeps" in repr(lab.check("06/by-hand", hand))


def test_too_much_flushed_costs_a_point(hand: Machine) -> None:
    edit(hand.tasks["keys"])
    for cpu in hand.cpus:
        cpu.flush()
    assert points(hand) == [2, 1, 2, 0]


def test_rights_taken_above_are_taken_from_the_others_too(hand: Machine) -> None:
    edit(hand.tasks["keys"], level=-2)
    flush(hand, 0, 1)
    assert points(hand)[:2] == [2, 0]


def test_a_page_that_is_gone_or_is_another_is_not_read_only(hand: Machine) -> None:
    edit(hand.tasks["keys"], clear=1)
    assert points(hand)[0] == 0
    hand.undo_descriptor()
    edit(hand.tasks["keys"], put=EXECUTE_DISABLE ^ 1 << 40 - 1)
    assert points(hand)[:2] == [2, 0]


def test_a_page_that_was_used_again_may_be_remembered_as_it_is_now(hand: Machine) -> None:
    edit(hand.tasks["keys"])
    flush(hand, 0, 1)
    assert [cpu.load(CHANGED, 3) for cpu in hand.cpus] == [b"key", b"key"]
    assert lab.check("06/by-hand", hand).passed
