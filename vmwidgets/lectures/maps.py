"""Maps: the parts of an address space, how entries merge and are cut, and how a lookup stays short."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture, Ready

CODE, DATA, LIBRARY, STACK = 0x40_0000, 0x40_4000, 0x1000_0000, 0x7000_0000
MORE, AGAIN = 0x40_8000, 0x40_C000
"""The growth of the heap's data."""


def lecture() -> Lecture:
    """Return the lecture on an editor's map, from an empty map to a hole in its heap.

    >>> lecture().machine.journal.last.name
    'lookup'
    """
    machine = boot("x86-64")
    space = machine.task("editor").map
    told = Lecture("Maps: what an address space is made of", machine)
    told.show(known_pictures()["Map"](space))
    told.mark(
        "an empty map",
        "A map is a promise: which addresses a task may use, and how. No memory is used yet. Next: an entry for code. "
        "The address that a caller asks for is a hint.",
        minutes=2,
        by="step",
    )

    space.enter("16 KiB", at=CODE, prot="rx")
    told.mark(
        "code",
        "One entry: start, end, protection. Above: the tree in which it is found. Below: where it lies.",
        minutes=3,
        by="operation",
    )
    space.enter("16 KiB", at=DATA, prot="rw")
    count = len(space)
    told.question(
        "code",
        "16 KiB for data is mapped directly after the code. How many entries are there then?",
        ["1", "2", "3"],
        count,
        "The two neighbours touch, but their protections differ, so they stay two entries.",
        {
            "1": "Then the data could be executed, or the code written: an entry has one protection.",
            "3": "Nothing lies between the two, and free ranges have no entry.",
        },
    )
    told.mark(
        "data",
        "Two entries touch. What would have to be equal for one entry to be enough? The heap grows next; vote.",
        minutes=3,
    )
    space.enter("16 KiB", at=MORE, prot="rw")
    told.question(
        "data",
        "The heap grows: 16 KiB more, directly after the data, with the same protection. How many entries?",
        ["1", "2", "3"],
        len(space),
        "The new range has its neighbour's properties: the kernel extends the entry.",
        {"1": "The code still has another protection.", "3": "Right without merging; the entries would soon be many."},
    )
    told.mark(
        "merged",
        "So a program that calls malloc a thousand times has one heap entry: it grows each time. Red and black keep "
        "the tree balanced: no red entry has a red child.",
        minutes=2,
    )

    space.enter("16 KiB", at=AGAIN, prot="rw")
    told.mark(
        "before the rotation",
        "Next: a stack, above all others. Step slowly: compare, link, recolour, rotate. The kernel walks down the tree "
        "twice: first to see that the range is free, then to insert the entry.",
        minutes=4,
        by="step",
    )
    space.enter("32 KiB", at=STACK, prot="rw")
    if not machine.journal.last.rotations:
        raise Refused("the last insertion did not rotate the tree")
    told.mark("rotated", "One more entry, in one step: a library.", minutes=1, by="operation")
    space.enter("32 KiB", at=LIBRARY, prot="rx")
    told.mark(
        "balanced",
        "The tree stays flat: no path to a leaf is more than twice as long as another. Next: a hole in the heap; vote.",
        minutes=2,
        by="operation",
    )

    before = len(space)
    space.remove(DATA + 2 * PAGE, size="8 KiB")
    told.question(
        "balanced",
        f"There are {before} entries. 8 KiB in the middle of the heap is unmapped. How many are there then?",
        [str(before - 1), str(before), str(before + 1)],
        len(space),
        "The entry is cut twice, and the middle part is removed. Two parts of the old entry remain.",
        {
            str(before - 1): "That is so if a whole entry is unmapped.",
            str(before): "That is so if the range begins or ends where the entry does: then one part is left.",
        },
    )
    told.mark(
        "a hole",
        "Cutting is called clipping: the range then begins and ends where entries do. Next: the same lookup twice.",
        minutes=2,
        by="step",
    )
    space.lookup(STACK + PAGE)
    space.lookup(STACK + 2 * PAGE)
    told.mark(
        "twice the same",
        "The second lookup compares nothing: the map remembers the entry that was found last. To end: what is in this "
        "map, and how much memory does the task have? None yet; each page is allocated at its first fault.",
        minutes=1,
    )
    return told


READY = Ready("maps", 20, "entries merge, rotate the tree and are cut (OSTEP 13, 14, 17)", lecture)
