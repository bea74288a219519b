"""Small lives whose maps are put side by side: for each sentence about what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vmwidgets as vm
from vmwidgets.pictures.registry import picture

from .claims_beside import sides, whole
from .exhibits import Exhibit, shown
from .makers import makes
from .reading import PAGE

SIDE = [f"side by side: {which}" for which in ("differ", "left", "right", "both")]
FOLDED = [f"side by side: {which}" for which in ("folded", "equal/folded", "differ/folded")]


@makes(*SIDE)
def one_map_before_and_after() -> Iterator[Exhibit]:
    machine: Any = vm.boot("x86-64", layout="small")
    space = machine.task("init").map
    serials = [machine.journal.last.serial]
    values = [whole(space)]
    for step in (
        lambda: space.enter(4 * PAGE, at=0x40_0000, fixed=True, prot="rw"),
        lambda: space.enter(2 * PAGE, at=0x80_0000, fixed=True, prot="r"),
        lambda: space.protect(0x40_0000, size=PAGE, prot="r"),
        lambda: space.protect(0x40_3000, size=PAGE, prot="r"),
        lambda: space.remove(0x40_0000, size=PAGE),
        lambda: space.remove(0x80_0000, size=2 * PAGE),
    ):
        step()
        serials.append(machine.journal.last.serial)
        values.append(whole(space))
    for first in range(len(values)):
        for second in range(len(values)):
            if first != second:
                left, right = (picture(space, moment=(serials[one], None)) for one in (first, second))
                yield shown("beside", left.beside(right), sides(values[first], values[second], True))


@makes("side by side: equal", "side by side: left")
def two_maps() -> Iterator[Exhibit]:
    machine: Any = vm.boot("x86-64", layout="small", fork="shadow")
    parent = machine.task("parent")
    start = int(parent.mmap(4 * PAGE))
    child = parent.fork("child")
    for step in (lambda: None, lambda: child.munmap(start, size=PAGE), lambda: child.mprotect(start + PAGE, PAGE, "r")):
        step()
        made = picture(parent.map).beside(picture(child.map))
        yield shown("beside", made, sides(whole(parent.map), whole(child.map), False))


@makes(*FOLDED)
def maps_of_many_entries() -> Iterator[Exhibit]:
    machine: Any = vm.boot("x86-64", layout="small")
    space = machine.task("init").map
    serials = []
    for number in range(400):
        space.enter(PAGE, at=0x40_0000 + 2 * number * PAGE, fixed=True)
        serials.append(machine.journal.last.serial)
    for back in (1, 200):
        left = picture(space, moment=(serials[-1 - back], None))
        before = whole(machine.at(len(machine.journal) - 1 - back).tasks["init"].map)
        yield shown("beside", left.beside(picture(space)), sides(before, whole(space), True))
    left = picture(space, moment=(machine.journal.last.serial, None))
    machine.tick()
    yield shown("beside", left.beside(picture(space)), sides(whole(space), whole(space), True))
