"""Exercises of notebook 03: what a change to a part does to the rest."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.base.values.maps import EntryValue
from vmwidgets.engine.machine.maps import MachineMap

from ..criterion import Criterion, criterion
from ..exercise import exercise
from .structures import done_to, in_words, pages, runs

START = 0x40_0000
HOLE = range(4, 8)
READ_ONLY = 12


@exercise("03/window", "A window with a hole", points=5, takes=MachineMap)
def window(space: MachineMap) -> Iterator[Criterion]:
    """16 pages of an object at 0x40_0000: pages 4 to 7 unmapped, page 12 read-only, all others as they were."""
    seen = [_entry_at(space, START + page * PAGE) for page in range(16)]
    hole = [page for page in range(16) if seen[page] is None]
    yield criterion(
        1,
        hole == list(HOLE),
        "pages 4 to 7 are unmapped",
        "pages 4 to 7, and no others, should be unmapped",
        expected=_listed(list(HOLE)),
        actual=_listed(hole),
    )
    others = [page for page in range(16) if page not in HOLE]
    right = [page for page in others if _shows(seen[page], page)]
    wrong = [page for page in others if page not in right]
    yield criterion(
        2,
        bool(hole) * ((len(right) >= len(others) // 2) + (not wrong)),
        "every other address shows the byte of the object that it showed before",
        "some addresses show another part of the object, or nothing: what must the offset be, so many pages in?",
        first="" if wrong else "make the hole",
        expected="pages 0 to 3 and 8 to 15 of the object, each at its own address",
        actual=f"wrong at {_listed(wrong)}" if wrong else "",
    )
    letters = {page: "" if (entry := seen[page]) is None else entry.protection for page in others}
    yield criterion(
        1,
        all(letters[page] == ("r--" if page == READ_ONLY else "rw-") for page in others),
        "page 12, and no other, can only be read",
        "page 12 should be r--, every other page rw-",
        actual=", ".join(f"page {page} {text or 'unmapped'}" for page, text in letters.items() if text != "rw-"),
    )
    beside = [run for run in runs(space) if run.end <= START or run.start >= START + 16 * PAGE]
    yield criterion(
        1,
        bool(hole) and not beside,
        "nothing else is mapped",
        "something is mapped beside the window",
        first="" if beside else "make the hole",
        actual=in_words(beside) if beside else "",
    )


@exercise("03/whole", "In one piece", points=4, takes=MachineMap)
def whole(space: MachineMap) -> Iterator[Criterion]:
    """16 pages at 0x40_0000 that are one entry again, with the usual rights, and never unmapped on the way."""
    entries = space.entries()
    usual = [
        entry
        for entry in entries
        if (entry.protection, entry.inheritance, entry.advice) == ("rw-", "copy", "normal") and entry.object is not None
    ]
    complete = sum(entry.size for entry in entries) == 16 * PAGE
    yield criterion(
        1,
        complete and len(usual) == len(entries),
        "all of it is rw, is copied to children, and has no special advice",
        "some of it differs in protection, inheritance or advice, or is not there",
        expected="rw-, copy, normal",
        actual=", ".join(f"{pages(one.size)} {one.protection} {one.inheritance} {one.advice}" for one in entries),
    )
    yield criterion(
        2,
        complete * ((len(entries) < 5) + (len(entries) == 1)),
        "it is one entry",
        "it should be one entry: what still tells the neighbours apart?",
        expected="1 entry of 16 pages",
        actual=f"{len(entries)} entries",
    )
    calls = [operation.name for operation in done_to(space, "enter", "remove")]
    changed = any(True for _ in done_to(space, "protect", "inherit", "advise", "simplify"))
    yield criterion(
        1,
        calls == ["enter"] and changed and len(entries) < 6,
        "nothing was unmapped on the way",
        "nothing may be unmapped on the way: these pages are in use",
        first="" if "remove" in calls else "join the pieces",
        actual=f"{calls.count('remove')} removals",
    )


def _entry_at(space: MachineMap, address: int) -> EntryValue | None:
    """The entry that holds `address`; looking so moves nothing, unlike a lookup."""
    return next((entry for entry in space.entries() if entry.start <= address < entry.end), None)


def _shows(entry: EntryValue | None, page: int) -> bool:
    """Whether page `page` of the window shows this page of its object."""
    if entry is None or entry.object is None:
        return False
    return entry.offset + START + page * PAGE - entry.start == page * PAGE


def _listed(numbers: list[int]) -> str:
    return "pages " + ", ".join(map(str, numbers)) if numbers else "none"
