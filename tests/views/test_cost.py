"""What is not shown costs little: pictures of much call about as many Python functions as pictures of less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.work import calls_of
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures


def drawn(name: str, machine: vm.Machine, **options: Any) -> Picture:
    """A picture that keeps its machine, which a widget does not."""
    picture: Any = known_pictures()[name]
    made: Picture = picture(machine, **options)
    return made


def tasks(count: int) -> Picture:
    machine = vm.boot("x86-64", ram="256 MiB")
    for number in range(count):
        task = machine.task(f"t{number}")
        task.write(task.mmap("16 KiB"), b"x")
    return drawn("Objects", machine)


def files(count: int) -> Picture:
    machine = vm.boot("x86-64", ram="256 MiB")
    for number in range(count):
        machine.file(f"f{number}", b"x")
    return drawn("Objects", machine)


def pages(count: int) -> Picture:
    return drawn("Objects", _filled(count))


def ring(count: int) -> Picture:
    machine = _filled(count)
    machine.replacement = "clock"
    return drawn("Clock", machine)


def threads(count: int) -> Picture:
    machine = vm.boot("x86-64")
    for number in range(count):
        machine.spawn(machine.kmem_alloc_wait, "900 KiB", name=f"t{number}")
    machine.run()
    return drawn("Kmem", machine)


def before_a_fork(count: int) -> Picture:
    machine = _filled(count, fork="shadow")
    machine.tasks["init"].fork("child")
    return drawn("Objects", machine, step=1)


def _filled(count: int, fork: str = "counted") -> vm.Machine:
    machine = vm.boot("x86-64", ram="64 MiB", fork=fork)
    machine.task("init").mmap(count * vm.PAGE, flags="private|populate")
    return machine


@pytest.mark.parametrize(
    ("made", "few", "many", "most"),
    [
        (tasks, 60, 300, 30), (files, 1_000, 5_000, 0.1), (pages, 1_000, 10_000, 0.1), (ring, 1_000, 10_000, 3),
        (threads, 40, 200, 80), (before_a_fork, 1_000, 10_000, 1),
    ],
)  # fmt: skip  # a table
def test_what_is_not_shown_costs_few_calls(made: Callable[[int], Picture], few: int, many: int, most: float) -> None:
    """`most`: calls for each thing more.  A page that was looked at once too often costs some twenty."""
    small, large = made(few), made(many)
    for one in (small, large):
        one.draw(one.at())  # widths of words are kept from now on
    calls = [calls_of(lambda one=one: one.draw(one.at())) for one in (small, large)]
    assert calls[1] - calls[0] <= most * (many - few), calls
