"""Numbers in pictures that are wrong are found: mistakes are put in one by one, in a life that shows each."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks import pageout
from vmwidgets.engine.machine.handles import replacement
from vmwidgets.views.memory import clock, gauge, object_rows, objects, sharing, threads
from vmwidgets.views.tables import tlb

from .claiming import Court
from .court import LIVES
from .pictured import PICTURES, drawn
from .reading import PAGE


class Mistake(NamedTuple):
    """In a function of the code, words that are replaced, and the picture that is wrong then."""

    function: Any
    right: str
    wrong: str
    picture: str


MISTAKES = {
    "one stale entry too many": Mistake(tlb._heading, "{len(tlb.stale)} stale", "{len(tlb.stale) + 1} stale", "tlb"),
    "the receiver is the sender": Mistake(tlb._table, "by {one.sender}", "by {cpu.cpu}", "tlb"),
    "all pages are shared": Mistake(objects._subtitle, "len(uses) - [*uses.values()].count(1)", "len(uses)", "objects"),
    "a copy is not new": Mistake(object_rows.ObjectRows._fresh, "came - moved", "came & moved", "objects"),
    "a reference too many": Mistake(
        objects._every_row, "str(references[name])", "str(references[name] + 1)", "objects"
    ),
    "what two have is their own": Mistake(sharing.shares_of, "its.count(1)", "its.count(2)", "sharing"),
    "all slots are used": Mistake(objects._subtitle, "{value.swap_used:,} of", "{value.swap:,} of", "objects"),
    "the tick is the frequency": Mistake(threads._subtitle, "tick {value.ticks:,}", "tick {value.hz:,}", "threads"),
    "no page is ever used": Mistake(clock._card, "'used' if page.referenced", "'used' if False", "clock"),
    "one other mapping too many": Mistake(replacement._page, "max(0, len(uses) - 1)", "len(uses)", "clock"),
    "the smallest ring gives a page": Mistake(pageout.Rings.candidates, "-len(ring)", "len(ring)", "clock"),
    "a share is too small": Mistake(pageout.Rings.is_full, "// sharing", "// (sharing + 1)", "clock"),
    "pages are numbered from 1": Mistake(clock._name_of, "{page.index} of", "{page.index + 1} of", "clock"),
    "the hand is not heeded": Mistake(
        replacement.MachineReplacement.value,
        "name: ring.order",
        "name: sorted(ring.order, key=lambda page: page.frame)",
        "clock",
    ),
    "swap space's own are dirty too": Mistake(
        replacement.MachineReplacement._dirtiness, "index in one.swapped", "index in ()", "clock"
    ),
    "a page that was never written is dirty": Mistake(
        replacement.MachineReplacement._dirtiness, "blank.get(frame) is True", "False", "clock"
    ),
    "a legend counts wrongly": Mistake(gauge._parts, "count - cached[name]", "count + 1", "frames"),
}
"""By what is wrong then."""


def moments() -> Iterator[tuple[str, vm.Machine]]:
    """Machines in which there is something to count, after operations; and of which pictures."""
    machine: Any = vm.boot("x86-64", layout="small", cpus=2)
    machine.swap_on(20 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(6 * PAGE))
    for page in range(4):
        task.write(start + page * PAGE, b"x")
    child = task.fork()
    yield from (("objects", machine), ("clock", machine), ("threads", machine), ("frames", machine))
    machine.cpus.set_shootdown("sent")
    machine.cpus[1].run(task)
    for page in range(3):
        machine.cpus[1].load(start + page * PAGE)
    machine.cpus[0].run(task)
    task.mprotect(start, PAGE, "r")
    task.munmap(start + PAGE, PAGE)
    yield "tlb", machine
    child.write(start + 2 * PAGE, b"own")
    task.page_out(start + 3 * PAGE, PAGE)
    machine.tick(3)
    yield from (("objects", machine), ("clock", machine), ("threads", machine))
    yield from frames_that_are_counted()
    yield from clean_pages()
    yield from rings_of_several()
    yield from a_hand_that_moves()


def frames_that_are_counted() -> Iterator[tuple[str, vm.Machine]]:
    """A task and its child that have pages in the same frames, and one in another."""
    machine: Any = vm.boot("x86-64", layout="small", fork="counted")
    task = machine.task("init")
    start = int(task.mmap(4 * PAGE))
    task.write(start, b"x" * 4 * PAGE)
    child = task.fork()
    yield from (("objects", machine), ("sharing", machine))
    child.write(start, b"y")
    yield from (("objects", machine), ("sharing", machine))


def clean_pages() -> Iterator[tuple[str, vm.Machine]]:
    """Pages of zeroes that were read: one that nobody maps any longer, one before which another object has others; and
    one that swap space has."""
    machine: Any = vm.boot("x86-64", layout="small")
    machine.swap_on(20 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(6 * PAGE))
    task.read(start, 3 * PAGE)
    task.mprotect(start, PAGE, "none")
    yield "clock", machine
    task.write(start + PAGE, b"x")
    task.page_out(start + PAGE, PAGE)
    task.read(start + PAGE)
    yield "clock", machine
    task.fork()
    task.write(start + PAGE, b"y")
    task.read(start + 4 * PAGE)
    yield "clock", machine


def rings_of_several() -> Iterator[tuple[str, vm.Machine]]:
    """Tasks whose pages are in rings of their own."""
    machine: Any = vm.boot("x86-64", layout="small", ram="4 MiB")
    machine.swap_on(64 * PAGE)
    for name, pages in (("small", 2), ("large", 8)):
        task = machine.task(name)
        start = int(task.mmap(16 * PAGE))
        for page in range(pages):
            task.write(start + page * PAGE, b"x")
    machine.replacement = vm.Replacement("fifo", local=True)
    yield "clock", machine


def a_hand_that_moves() -> Iterator[tuple[str, vm.Machine]]:
    """A task that needs more pages than it may have."""
    machine: Any = vm.boot("x86-64", layout="small")
    machine.swap_on(64 * PAGE)
    task = machine.task("init")
    machine.replacement = "clock"
    task.limit("rss", 5 * PAGE)
    start = int(task.mmap(16 * PAGE))
    for page in (0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6):
        task.write(start + page * PAGE, b"x")
        yield "clock", machine


@contextmanager
def mistaken(mistake: Mistake) -> Iterator[None]:
    """The function with other words in it."""
    function: FunctionType = inspect.unwrap(mistake.function)
    module = sys.modules[function.__module__]
    source = inspect.getsource(module)
    assert mistake.right in inspect.getsource(function), "the code says it in other words by now: put the mistake there"
    lines, first = inspect.getsourcelines(function)
    changed = "".join(lines).replace(mistake.right, mistake.wrong)
    whole = source.splitlines(keepends=True)
    text = "".join([*whole[: first - 1], changed, *whole[first - 1 + len(lines) :]])
    right, function.__code__ = function.__code__, code_of(compile(text, module.__file__ or "", "exec"), function)
    try:
        yield
    finally:
        function.__code__ = right


def code_of(compiled: CodeType, function: FunctionType) -> CodeType:
    """The code of a function in that of its module."""
    code = compiled
    for name in function.__qualname__.split("."):
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
    return code


def wrong_of(picture: str) -> list[str]:
    """What is wrong in a picture of these machines."""
    court = Court()
    for name, machine in moments():
        if name == picture:
            made = PICTURES[name](machine)
            assert made is not None
            court.see(*drawn(name, made, subject=machine))
    return court.wrong


def test_nothing_is_wrong_without_a_mistake() -> None:
    assert [wrong for name in PICTURES for wrong in wrong_of(name)] == []
    assert LIVES


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str) -> None:
    with mistaken(MISTAKES[name]), suppress(vm.KernelError):
        found = wrong_of(MISTAKES[name].picture)
    assert found != []
