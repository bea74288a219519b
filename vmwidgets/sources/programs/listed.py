"""The programs in the package: their texts, and the lists of their actions.

A line of a list gives the line of the text, the process, the action, and what the action needs.

    3 main map a 32768          `a` is 32,768 bytes of memory of its own
    6 main heap heap 135168     the heap grows by 135,168 bytes, and is called `heap`
    6 main name small heap 672  `small` is 672 bytes after the start of `heap`
    7 main write small 0 1      1 byte is written at `small`
    14 main fork child          a process begins, with its parent's memory
    17 child exit               it ends
    13 main unmap large 1052672 `large` is no longer mapped
"""

from __future__ import annotations

from importlib import resources

from ...engine.machine import arguments
from ...given.played import ProgramStep

PROGRAMS = {
    "matrix": "the same stores to a matrix, row by row and column by column",
    "fork": "a fork, and writes of parent and child",
    "malloc": "what malloc and free ask of the kernel",
}
"""The names of the programs, with their subjects."""


def text_of(name: str) -> tuple[str, ...]:
    """Return the lines of a program in C."""
    return tuple(_read(f"{_known(name)}.c").splitlines())


def steps_of(name: str) -> tuple[ProgramStep, ...]:
    """Return a program's steps, in order; names of parts of memory are resolved, so that no step is a "name"."""
    places: dict[str, tuple[str, int]] = {}
    found = []
    for row in _read(f"{_known(name)}.txt").splitlines():
        line, process, what, *rest = row.split()
        if what == "name":
            places[rest[0]] = (rest[1], int(rest[2]))
            continue
        called, numbers = "".join(rest[:1]), [int(word) for word in rest[1:]]
        if what in ("read", "write"):
            called, start = places.get(called, (called, 0))
            offset, size = start + numbers[0], numbers[1]
        else:
            offset, size = 0, sum(numbers)  # a fork and an exit have none
        found.append(ProgramStep(int(line), process, what, called, offset, size))
    return tuple(found)


def _known(name: str) -> str:
    return arguments.known(name, PROGRAMS, "program")


def _read(name: str) -> str:
    return (resources.files("vmwidgets.sources") / "data" / "programs" / name).read_text(encoding="utf-8")
