"""What an operation's events count as new and gone is what the machine has more or less of after it."""

from __future__ import annotations

from inspect import getmembers, isgeneratorfunction

import pytest

import vmwidgets as vm
from vmwidgets.views.story.moment import Moment

from . import forty_lives
from .claims_failures import difference, kept, made_by

LIVES = {name: life for name, life in getmembers(forty_lives, isgeneratorfunction) if name.startswith("of_")}


@pytest.mark.parametrize("name", LIVES)
def test_receipts_add_up(name: str) -> None:
    before: dict[str, int] = {}
    operations = 0
    for machine in LIVES[name]():
        operation, now = machine.journal.last, kept(machine)
        if before and operation.outcome == "done":
            assert made_by(operation) == difference(before, now), operation
            operations += 1
        before = now
    assert operations or name == "of_a_task_that_ends"


def test_an_operation_without_a_sentence_has_a_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmwidgets.views.story.words.headlines.HEADLINES", {})
    machine = vm.boot("x86-64")
    task = machine.task("init")
    where = task.mmap("16 KiB")
    task.write(where, b"x")
    assert Moment(machine.journal.last).story.headline.text == (
        "write on init completed: 4 frames new; 4 descriptors changed."
    )
