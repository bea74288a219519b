"""Calls with wrong arguments, of functions, methods and operations alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab as typed_lab
from vmwidgets.engine.base.calls import WrongCall, says_what_it_takes

lab: Any = typed_lab
boot: Any = vm.boot
load: Any = vm.load


@pytest.fixture
def task() -> Any:
    return vm.boot("x86-64").task("init")


@pytest.mark.parametrize(
    ("call", "said", "takes"),
    [
        (lambda task: boot("x86-64", memory="64 MiB"), "'memory'; say ram=", "boot(architecture='x86-64', *, ram="),
        (lambda task: boot(arch="x86"), "'arch'; say architecture=", "boot("),
        (lambda task: boot(cpu=2), "'cpu'; say cpus=", "boot("),
        (lambda task: boot("x86", "64 MiB"), "too many positional arguments", "boot("),
        (lambda task: task.walk(), "missing a required argument: 'address'", "walk(address, access='read')"),
        (lambda task: task.mmap("4 KiB", protection="r"), "'protection'; say prot=", "mmap(size, prot="),
        (lambda task: task.mmap("4 KiB", colour="r"), "'colour'; it takes", "mmap(size, prot="),
        (lambda task: task.machine.undo(1, 2), "too many positional arguments", "undo(n=1)"),
        (lambda task: lab.predict("How?", option=["a", "b"]), "'option'; say options=", "predict(question, *, id="),
        (lambda task: lab.check(), "missing a required argument: 'name'", "check(name, thing=None)"),
        (lambda task: load(), "missing a required argument: 'path_or_text'", "load(path_or_text"),
    ],
)
def test_the_error_says_what_is_wrong_and_what_the_call_takes(
    task: Any, call: Callable[[Any], object], said: str, takes: str
) -> None:
    with pytest.raises(WrongCall) as caught:
        call(task)
    assert said in str(caught.value)
    assert f"; it takes {takes}" in str(caught.value)


def test_an_error_from_inside_stays_as_it_is() -> None:
    @says_what_it_takes
    def adds(one: Any, other: Any) -> Any:
        return one + other

    assert adds(1, other=2) == 3
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        adds(1, "2")
    assert type(caught.value) is TypeError
