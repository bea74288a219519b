"""What stands around an operation: listeners that fail, threads that wait, settings that are operations."""

from __future__ import annotations

import threading

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.mmu.formats.x86 import X86Controls


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64", layout="tiny")


def test_a_listener_that_fails_is_told_no_more_and_harms_nobody(machine: vm.Machine) -> None:
    told: list[str] = []

    def fail(_machine: vm.Machine) -> None:
        raise ZeroDivisionError("on purpose")

    machine.on_operation(fail)
    machine.on_operation(lambda one: told.append(one.name))
    with pytest.warns(RuntimeWarning, match="not called again .ZeroDivisionError: on purpose"):
        machine.kernel_map.enter(4096)
    machine.kernel_map.enter(4096)
    assert told == [machine.name, machine.name]
    machine.check()


def test_a_thread_that_waited_while_the_machine_died_does_nothing(machine: vm.Machine) -> None:
    failures: list[Exception] = []
    before = len(machine.kernel_map)

    def enter() -> None:
        try:
            machine.kernel_map.enter(4096)
        except vm.Refused as refusal:
            failures.append(refusal)

    with machine.door.looking():
        waiting = threading.Thread(target=enter)
        waiting.start()
        machine.door.dead = KernelPanic("test", "the machine dies while somebody waits")
    waiting.join()
    assert len(failures) == 1
    assert "dead" in str(failures[0])
    assert len(machine.kernel_map) == before


def test_the_processors_settings_are_set_by_an_operation(machine: vm.Machine) -> None:
    machine.controls = X86Controls(smep=True)
    assert machine.journal.last.name == "set_controls"
    assert machine.branch(len(machine.journal) - 1).controls == machine.controls
    with pytest.raises(vm.Refused, match=r"controls=5: write this processor's settings, X86Controls"):
        machine.controls = 5
    assert machine.controls.smep
