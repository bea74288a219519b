"""What labs read of machines is right or refused, never too little; bad input is one sentence."""

from __future__ import annotations

import pytest

import vmwidgets as vm


def test_faults_are_counted_since_the_boot() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    area = task.mmap("64 KiB")
    for page in (0, 3, 3, 0, 5):
        task.write(area + page * vm.PAGE, b"x")
    assert machine.fault_count == 3
    assert machine.frame_count == 3
    assert machine.journal.last.faults == ["not-present"]
    task.read(area)
    assert machine.journal.last.faults == []


def test_faults_that_are_no_longer_kept_are_not_left_out_of_the_count() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    area = task.mmap("8 KiB")
    task.write(area, b"x")
    for _ in range(1001):
        task.read(area)
    with pytest.raises(vm.Refused, match="no longer keeps each fault"):
        assert machine.fault_count
