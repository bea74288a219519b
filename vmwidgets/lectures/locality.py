"""Locality: the same matrix by rows and by columns, as a trace and on a machine with four frames."""

from __future__ import annotations

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.reference_strings.trace import Trace, trace
from vmwidgets.sources.record import recorded_references

from .lecture import Lecture, Ready

PAGES, TIMES, FRAMES = 6, 3, 4
"""The small matrix on the machine: its pages, the references to each, and the frames of a task."""

FEW = 32
"""The number of frames for the recorded programs, equal to their matrix's pages."""


def small(by_rows: bool) -> Trace:
    """Return the references to a small matrix: page after page (`by_rows`), or all pages in turn.

    >>> small(by_rows=False)
    by columns: 18 references to 6 pages of 4 KiB (18 reads)
    """
    order = [page for page in range(PAGES) for _ in range(TIMES)] if by_rows else [*range(PAGES)] * TIMES
    return trace([0x10_0000 + page * PAGE for page in order], name="by rows" if by_rows else "by columns")


def lecture() -> Lecture:
    """Return the lecture on two loops over one matrix: recorded, on paper and on a machine.

    >>> [answer for _, _, answer, _ in lecture().ask.values()]
    ['4,181', '6', '18', '6', '10']
    """
    rows, columns = (recorded_references(name) for name in ("rows", "columns"))
    recorded = [one.faults("lru", (FEW, FEW + 4)) for one in (rows, columns)]
    few, many = (one.faults("lru", FEW) for one in recorded)
    sizes = small(by_rows=False).faults(("lru", "opt"), range(FRAMES, PAGES + 1))
    machine = boot("x86-64", layout="small")
    told = Lecture("Locality: two loops over one matrix", machine, of_rings=True)
    told.show(known_pictures()["Locality"](columns), known_pictures()["Clock"](machine))
    told.mark(
        "two loops",
        "Two programs in C add up a matrix of 32 pages, row after row and column after column. Valgrind recorded all "
        "of their references. The upper picture is the program by columns: time to the right, pages upwards. It "
        f"sweeps the whole matrix for each column. Each program has {FEW} frames, and the policy is LRU.",
        minutes=2,
        by="operation",
    )
    told.question(
        "two loops",
        f"By rows there are {few} page faults. How many are there by columns?",
        [f"{few}", f"{2 * few}", f"{many:,}"],
        f"{many:,}",
        "Each column needs all 32 pages, and code and stack need frames too: LRU evicts each page before its next use.",
        {
            f"{few}": "The pages are the same, and so are the references. Their order differs.",
            f"{2 * few}": "Each of 128 columns sweeps all 32 pages of the matrix.",
        },
    )
    machine.swap_on("256 KiB")
    told.mark(
        "a small matrix by rows",
        f"Now a matrix of {PAGES} pages on a machine, with {FRAMES} frames. By rows, each page is used {TIMES} times "
        "in a row. Vote, then step through the references.",
        minutes=2,
    )
    by_rows = small(by_rows=True).play(machine, "rows", FRAMES, policy="lru")
    told.question(
        "a small matrix by rows",
        f"{PAGES} pages, {FRAMES} frames, {by_rows.references} references by rows. How many page faults?",
        ["6", "12", "18"],
        by_rows.faults,
        "Each page faults once. When it is evicted, it is not used again.",
        {"12": "No page is used again after it was evicted.", "18": "After its first fault, a page is in memory."},
    )
    told.mark(
        "the same by columns",
        f"The same pages, each as often as before, in another order: all {PAGES} pages in turn. Look at the ring: "
        "which page is evicted, and which is used next?",
        minutes=2,
    )
    by_columns = small(by_rows=False).play(machine, "columns", FRAMES, policy="lru")
    told.question(
        "the same by columns",
        f"The same {by_columns.references} references by columns. How many page faults?",
        ["6", "12", "18"],
        by_columns.faults,
        "The page that has gone unused the longest is the one that is used next. LRU always evicts this page.",
        {"6": f"With {PAGES} frames it would be so.", "12": "Not even one third of the references finds its page."},
    )
    told.mark(
        "enough frames",
        f"{FRAMES} frames are too few. How many are enough, so that each page faults once? LRU has "
        f"{sizes.faults('lru', PAGES - 1)} faults with {PAGES - 1}, too, and {PAGES} with {PAGES}: "
        "a cliff, not a slope. Vote, then step through the references.",
        minutes=1,
    )
    small(by_rows=False).play(machine, "enough", PAGES, policy="lru")
    told.question(
        "enough frames",
        "By columns: with how many frames does each page fault once?",
        ["5", "6", "9"],
        next(size for size in sizes.sizes if sizes.faults("lru", size) == PAGES),
        "All pages stay in memory after their first use: with a frame for each page, the order does not matter.",
        {
            "5": "One page is always missing, and LRU evicts the one that is used next.",
            "9": f"There are only {PAGES} pages: more frames stay empty.",
        },
    )
    best = sizes.faults("opt", FRAMES)
    told.mark(
        "what a kernel can do",
        f"OPT, which knows the future, keeps most pages and has {best} faults with {FRAMES} frames. A kernel doesn't "
        "know the future; a programmer does, and can swap two loops. With 36 frames, both recorded programs have "
        f"{recorded[0].faults('lru', FEW + 4)} faults.",
        minutes=3,
    )
    told.question(
        "what a kernel can do",
        f"By columns, {FRAMES} frames, and a policy that knows the future. How many faults?",
        ["6", "10", "18"],
        best,
        "It evicts the page whose next use is farthest away: the one that was used just now.",
        {"6": f"Six pages don't fit into {FRAMES} frames.", "18": "LRU has so many. OPT keeps some pages of the loop."},
    )
    return told


READY = Ready("locality", 10, "two loops over one matrix, as traces and on a machine (OSTEP 22)", lecture)
