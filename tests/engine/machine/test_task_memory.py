"""Every byte of every task, through mmap, fork, page-out and the rest: held against plain bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES
from tests.engine.machine.structures import differences
from tests.engine.machine.task_model import Model

LOOKED_UP = ("._judged", "._moved", "._found")
"""Attributes that keep what was looked up before."""


def same(one: vm.Machine, other: vm.Machine) -> None:
    """Fail with the first places where two machines differ, but for what a check had the structures look up."""
    places = (place for place in differences(one, other) if not any(name in place for name in LOOKED_UP))
    assert [place for place, _ in zip(places, range(3), strict=False)] == []


def lived(architecture: str, seed: int, steps: int) -> Model:
    """A model after so many steps, or at the panic that ended it."""
    model = Model(architecture, seed)
    for number in range(steps):
        model.step()
        if number % 25 == 0 and not model.panicked:
            model.compare_all()
        if model.panicked:
            return model
    model.compare_all()
    return model


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", [1])
def test_every_byte_is_right_at_each_step(architecture: str, seed: int) -> None:
    lived(architecture, seed, 150)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(400))
def test_every_byte_is_right_for_long(seed: int) -> None:
    lived(ARCHITECTURES[seed % len(ARCHITECTURES)], seed, 400)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_life_of_tasks_is_made_again_branched_undone_and_saved(architecture: str, tmp_path: Path) -> None:
    model = lived(architecture, 7, 90)
    machine = model.machine
    fresh = Model(architecture, 7).machine
    same(machine.at(len(fresh.journal) - 1), fresh)
    branch = machine.branch()
    same(branch, machine)
    machine.journal.save(tmp_path / "life.journal")
    same(vm.load_journal(tmp_path / "life.journal"), machine)
    model.machine = branch
    for _ in range(10):
        model.step()
    before, steps = machine.branch(), min(40, len(machine.journal) - 1)
    machine.undo(steps)
    machine.check()
    machine.redo(steps)
    same(machine, before)


@pytest.mark.parametrize("seed", range(2))
def test_each_architecture_gives_the_same_bytes(seed: int) -> None:
    found = []
    for architecture in ARCHITECTURES:
        model = Model(architecture, 2 * seed)  # with memory enough, since table pages differ
        for _ in range(60):
            model.step()
        life = [one for one in model.machine.journal if one.name in ("read", "load", "write", "sync")]
        found.append([(one.name, one.outcome, one.result) for one in life])
    assert found[1:] == found[:1] * (len(found) - 1)
