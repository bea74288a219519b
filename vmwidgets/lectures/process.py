"""Your own process: mapped memory, memory in use, and one address with two values; in a notebook and in the model."""

from __future__ import annotations

from vmwidgets.engine.base.units import MIB, PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.given.process import rounded
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.real.own.recorded import recorded_cell

from .lecture import Lecture, Ready

PAGES, QUARTER = 16, 4
"""The number of pages of the model's memory, and the number of written pages."""

WHY = {
    "counted": "Only this page is copied, when the child writes: 4 frames, and one more.",
    "shadow": "Only this page is copied, when the child writes: 4 frames, and one more.",
    "eager": "This kernel has copied all four pages at the fork already.",
}
"""The reason for the number of frames after the child's write, by way to fork."""


def lecture(fork: str = "counted") -> Lecture:
    """Return the lecture on a cell of a real notebook, the same cell in a model, and a fork.

    >>> [answer for _, _, answer, _ in lecture().ask.values()]
    ['next to nothing', '4', '5']
    """
    machine, cell = boot("x86-64", fork=fork), recorded_cell("")
    told = Lecture("Your own process: an address is not a place", machine)
    parent = machine.task("notebook")
    told.show(known_pictures()["Map"](parent), known_pictures()["Sharing"](machine))
    came = "next to nothing" if cell.resident < MIB else f"{cell.resident // MIB} MiB"
    told.mark(
        "a cell",
        "Run the cell in a notebook, with %%pages above it, when they have voted. Recorded on Linux: it mapped "
        f"{rounded(cell.mapped)}, and {rounded(cell.resident)} came into memory. Memory comes with the first touch.",
        minutes=1,
    )
    told.question(
        "a cell",
        "A cell makes 64 MiB of zeros: big = bytes(64 << 20). How much comes into memory?",
        ["next to nothing", "32 MiB", "64 MiB"],
        came,
        "The kernel notes that the addresses may be used. A page comes when it is first touched.",
        {"32 MiB": "No page comes in advance.", "64 MiB": "So many addresses came, and no page of them was touched."},
    )
    start = parent.mmap(PAGES * PAGE)
    told.mark(
        "a promise",
        f"The same in a model: a task has mapped {PAGES} pages, which its map shows, and no frame is used. A quarter "
        "of the pages is written next. Vote.",
        minutes=1,
    )
    with machine.group("A quarter is written"):
        for page in range(QUARTER):
            parent.write(start + page * PAGE, b"A")
    told.question(
        "a promise",
        f"A quarter of {PAGES} pages is written. How many frames hold them?",
        ["1", "4", "16"],
        machine.frame_count,
        "Each write faults, and brings its own page.",
        {"1": "A frame holds one page.", "16": "Twelve pages were never touched."},
    )
    told.mark(
        "a quarter", "A quarter came: compare with %%pages on big[:16 << 20] = 1. The task forks next.", minutes=1
    )
    child = parent.fork("child")
    told.mark("after the fork", "Both see the same pages. The child writes one letter to page 0. Vote.", minutes=1)
    child.write(start, b"B")
    count = str(machine.frame_count)
    told.question(
        "after the fork",
        "The child writes one letter. How many frames are in use then?",
        ["4", "5", "8"],
        count,
        WHY[fork],
        {
            option: said
            for option, said in (
                ("4", "Then the parent would read what the child wrote."),
                ("5", "Right if the first write copies, and the fork does not."),
                ("8", "Right only if each page is copied, written or not."),
            )
            if option != count
        },
    )
    told.mark(
        "two values",
        f"Both read address {start:#x}: the parent an A, the child a B. In a notebook, vm.copy_on_write() does it with "
        "two real processes. So an address is not a place. Who translates?",
        minutes=1,
    )
    parent.read(start, 1)
    child.read(start, 1)
    return told


READY = Ready(
    "process",
    5,
    "a cell of a notebook: mapped and in memory; one address, two values (OSTEP 13, 21)",
    lecture,
    of_fork=lecture,
)
