"""A call that may fail: what it gives, or one line that says why not."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab


def test_what_a_call_gives_comes_back_as_it_is() -> None:
    space = vm.boot().task("t").map
    assert lab.attempt(space.enter, vm.PAGE, at=vm.PAGE) == vm.PAGE
    assert space.size == vm.PAGE


def test_each_kind_of_failure_is_a_line_and_nothing_is_raised() -> None:
    space = vm.boot().task("t").map
    space.enter(vm.PAGE, at=0)
    found = lab.attempt(space.enter, vm.PAGE, at=0, fixed=True), lab.attempt(space.enter, -1)
    assert [str(line).partition(": ")[0] for line in found] == ["KernelError", "Refused"]
    assert [repr(line) for line in found] == [str(line) for line in found]
    assert not any("\n" in str(line) for line in found)


def test_a_call_that_was_made_already_is_refused() -> None:
    with pytest.raises(vm.Refused, match="without its parentheses"):
        lab.attempt(3)  # type: ignore[arg-type]


def test_mistakes_in_python_are_raised() -> None:
    with pytest.raises(TypeError):
        lab.attempt(vm.boot().task("t").map.enter)  # type: ignore[call-arg]
