"""Calls with wrong arguments, of functions, methods and operations alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab as typed_lab
from vmwidgets.engine.base.calls import WrongCall, says_what_it_takes

lab: Any = typed_lab
boot: Any = vm.boot
load: Any = vm.load
picture: Any = vm.picture
base_and_bounds: Any = vm.BaseAndBounds
costs: Any = vm.Costs


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
        (lambda task: lab.predict("How?", option=["a", "b"]), "'option'; say options=", "predict(question='', *, id="),
        (lambda task: lab.check(), "missing a required argument: 'name'", "check(name, thing=None)"),
        (lambda task: lab.try_on(), "missing a required argument: 'thing'", "try_on(thing)"),
        (lambda task: picture(task).save(), "missing a required argument: 'path'", "save(path, *, theme="),
        (lambda task: picture(task).beside(), "missing a required argument: 'other'", "beside(other)"),
        (lambda task: picture(task).to_svg("dark"), "too many positional arguments", "to_svg(*, theme=None)"),
        (lambda task: picture(task).snapshot().save(), "missing a required argument: 'path'", "save(path, *"),
        (lambda task: lab.predict("How many?").compare(), "missing a required argument: 'actual'", "compare(actual)"),
        (lambda task: lab.predict("How many?").say(), "missing a required argument: 'value'", "say(value, "),
        (lambda task: base_and_bounds(4, 5, 6), "too many positional arguments", "BaseAndBounds(base, bounds)"),
        (
            lambda task: base_and_bounds(4, 5).translate(),
            "missing a required argument: 'address'",
            "translate(address)",
        ),
        (lambda task: costs(disk=5), "unexpected keyword argument 'disk'", "Costs(tlb=1, memory=100, "),
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


def test_a_kind_that_says_what_it_takes_is_made_as_before() -> None:
    assert costs(major=100_000) == vm.Costs(1, 100, 1_000, 100_000)
    assert replace(costs(), tlb=2).tlb == 2


def test_brackets_after_what_is_read_by_calls_are_refused_in_a_sentence(task: Any) -> None:
    with pytest.raises(vm.Refused, match=r"^m\.ram\[\.\.\.\]: .* to be read, by read, read_word and size$"):
        task.machine.ram[0]
