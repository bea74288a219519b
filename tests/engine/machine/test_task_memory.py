"""Every byte of every task, through mmap, fork, page-out and the rest: held against plain bytes."""

from __future__ import annotations

import pytest

from tests.engine.machine.lives import ARCHITECTURES
from tests.engine.machine.task_model import Model


def lived(architecture: str, seed: int, steps: int) -> Model:
    """A model after so many steps, or at the panic that ended it."""
    model = Model(architecture, seed)
    for number in range(steps):
        model.step()
        if model.panicked:
            return model
        if number % 25 == 0:
            model.compare_all()
    model.compare_all()
    return model


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", range(3))
def test_every_byte_is_right_at_each_step(architecture: str, seed: int) -> None:
    lived(architecture, seed, 250)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(400))
def test_every_byte_is_right_for_long(seed: int) -> None:
    lived(ARCHITECTURES[seed % len(ARCHITECTURES)], seed, 400)
