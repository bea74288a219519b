"""Random operations with silly arguments and edited descriptors: three kinds of failure, and whole machines."""

from __future__ import annotations

import pytest

from tests.engine.machine.random_door import ARCHITECTURES, Walker


def walked(architecture, seed, steps):
    walker = Walker(architecture, seed)
    walker.steps(steps)
    done = walker.outcomes["done"]
    assert done > steps // 10, "most operations were refused: nothing was tried"
    return walker


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_but_the_three_kinds_of_failure_comes_out_and_machines_stay_whole(architecture):
    outcomes = walked(architecture, seed=1, steps=2_000).outcomes
    assert outcomes["Refused"] and outcomes["KernelError"] and outcomes["TypeError"]


def test_a_walker_does_the_same_again_with_the_same_seed():
    assert walked("armv7", seed=2, steps=300).outcomes == walked("armv7", seed=2, steps=300).outcomes


@pytest.mark.sweep
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_hundred_thousand_operations(architecture):
    walked(architecture, seed=3, steps=100_000)
