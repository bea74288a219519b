"""Solutions of lab 08a."""

from __future__ import annotations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.demand_paging import FILE_PAGES, FILES, OWN, SurvivorSheet


def survivors(
    asked: SurvivorSheet, *, size: int = 0, left_out: int = -1, after: str = "", cut_first: bool = True
) -> str:
    """Own pages are written, then the file is cut; the others are read, the one with the signal last."""
    writes = [f'thing.write(a + {page} * vm.PAGE, b"mine")' for page in asked.pages(OWN) if page != left_out]
    reads = [f"thing.read(a + {page} * vm.PAGE)" for page in asked.pages(FILES) if page != left_out]
    (last,) = asked.pages("signal")
    cut = f"paper.truncate({asked.size})"
    calls = [*writes, cut, *reads] if cut_first else [*reads, *reversed(writes), cut]
    return "\n".join(
        [
            'paper = thing.machine.files["paper"]',
            f'a = thing.mmap({FILE_PAGES} * vm.PAGE, "rw", "private", paper)',
            *calls,
            f"lab.attempt(thing.read, a + {last} * vm.PAGE + 100)",
            *([after] if after else []),
            *([f"paper.truncate({size})"] if size else []),
        ]
    )


SOLVED: Table = {
    "08/survivor": Solved(
        right=[survivors, lambda asked: survivors(asked, cut_first=False)],
        spoilt=[
            lambda asked: survivors(asked, size=asked.size + 10),
            lambda asked: survivors(asked, after="lab.attempt(thing.read, 0)"),
            lambda asked: survivors(asked, left_out=asked.pages(OWN)[0]),
            lambda asked: survivors(asked, left_out=asked.pages(FILES)[0]),
        ],
        points=[5, 4, 4, 5],
        tells=frozenset({"pages"}),
    ),
}
