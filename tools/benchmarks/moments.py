"""Moving the moment of a picture, beside doing an operation: a step, and one of the operations before it."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import vmwidgets as vm
from vmwidgets.widgets.host.view import View

from .table import ratio, table, verdict

OPERATIONS, ENTRIES = 400, 127
ROUNDS = 60


def used() -> vm.Machine:
    """A machine after some hundred operations."""
    machine = vm.boot("x86-64", layout="x15-64")
    space = machine.kernel_map
    kept = [space.enter(vm.PAGE, prot=("rw", "r")[index % 2]) for index in range(ENTRIES)]
    for index in range(OPERATIONS):
        space.remove(kept[index % ENTRIES], size=vm.PAGE)
        kept[index % ENTRIES] = space.enter(vm.PAGE, prot=("r", "rw")[index % 2])
    return machine


PICTURES: dict[str, Callable[[vm.Machine], View]] = {
    "map": lambda machine: vm.Map(machine.kernel_map),
    "tree": lambda machine: vm.Tree(machine.kernel_map),
    "kentry area": vm.Kentry,
    "kernel memory": vm.Kmem,
    "dashboard": vm.Dashboard,
}


def median_of(view: View, act: Callable[[int], object], rounds: int) -> float:
    """Milliseconds of one act and the picture that follows."""
    found = []
    for turn in range(rounds):
        begun = process_time()
        act(turn)
        view.refresh()
        found.append(process_time() - begun)
    return median(found) * 1e3


def figures(make: Callable[[vm.Machine], View], rounds: int) -> tuple[float, float, float]:
    """An operation; a step; an operation further back: each with its picture, in milliseconds."""
    machine = used()
    view, space = make(machine), machine.kernel_map
    view.refresh()
    operation = median_of(view, lambda turn: space.enter(vm.PAGE, prot=("r", "rw")[turn % 2]), rounds)
    places = len(machine.journal.last.events)
    serial = machine.journal.last.serial
    step = median_of(view, lambda turn: setattr(view, "moment", (serial, places - 1 - turn % places)), rounds)
    back = median_of(view, lambda turn: setattr(view, "moment", (serial - 1 - turn, None)), rounds)
    return operation, step, back


def report(_quick: bool, rounds: int = ROUNDS) -> str:
    """The table."""
    rows = []
    for name, make in PICTURES.items():
        operation, step, back = figures(make, rounds)
        rows.append(
            [name, f"{operation:.1f}", f"{step:.1f}", ratio(step / operation), f"{back:.1f}", ratio(back / operation),
             verdict(max(step, back) <= operation)]
        )  # fmt: skip
    header = [
        "milliseconds, with the picture",
        "an operation",
        "a step",
        "ratio",
        "an operation back",
        "ratio",
        "aim: 1",
    ]
    return table(f"Moving the moment, {ENTRIES} entries", header, rows)
