"""What labs read of machines is right or refused, never too little; bad input is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab


def test_faults_are_counted_since_the_boot() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    area = task.mmap("64 KiB")
    for page in (0, 3, 3, 0, 5):
        task.write(area + page * vm.PAGE, b"x")
    assert machine.fault_count == 3
    assert machine.frame_count == 3
    assert lab.faults(machine) == ["not-present"]
    task.read(area)
    assert lab.faults(machine) == []


def test_faults_that_are_no_longer_kept_are_not_left_out_of_the_count() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    area = task.mmap("8 KiB")
    task.write(area, b"x")
    for _ in range(1001):
        task.read(area)
    with pytest.raises(vm.Refused, match="no longer keeps each fault"):
        assert machine.fault_count


@pytest.mark.parametrize("read", [lab.faults, lab.called])
@pytest.mark.parametrize("value", [None, 5, "m", vm.boot])
def test_what_is_no_machine_and_no_domain_is_refused(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(vm.Refused, match="write what"):
        read(value)
