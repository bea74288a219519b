"""The figures of lectures and chapters: a picture at a moment of a lecture's machine, for a slide."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.kernel.tasks.forks import SAME_AS
from vmwidgets.engine.machine import Machine
from vmwidgets.on_paper.buddy import buddy
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.pictures.registry import picture as shown_as

from .lecture import Lecture
from .listed import FORKING, LECTURES
from .translation import ADDRESS


class Figure(NamedTuple):
    """A figure: a moment of a lecture, by its mark, and the picture; by default the lecture's own, of what it shows."""

    about: str
    lecture: str
    mark: str
    chapters: str
    """The chapters of textbooks about it, as in docs/chapters.md."""
    picture: str = ""
    of: Callable[[Machine], Any] | None = None
    is_staged: bool = False
    """Whether the tree is drawn before and after each rotation."""
    on_paper: Callable[[], Any] | None = None
    """What it shows instead of a lecture: a value without a machine."""


def _editor(machine: Machine) -> Any:
    return machine.tasks["editor"]


FIGURES = {
    "address-space": Figure("two neighbours in a map, and the tree in which they are found", "maps", "data",
        "OSTEP 13, OSTEP 14, CS:APP 9.7, Silberschatz 10.1, xv6 3.6"),
    "free-space": Figure("a map with a hole", "maps", "a hole", "OSTEP 17, CS:APP 9.9, Silberschatz 9.2", "Ribbon",
        lambda machine: _editor(machine).map),
    "buddy": Figure("a request is rounded up to a block, and memory is halved for it", "", "",
        "OSTEP 17, Silberschatz 10.8", "Buddy", on_paper=lambda: buddy("1 MiB", ["21 KiB"])),
    "red-black-tree": Figure("a map's tree, rotated", "maps", "rotated", "", "Tree",
        lambda machine: _editor(machine).map, is_staged=True),
    "walk": Figure("a walk through four tables", "translation", "four levels",
        "OSTEP 18, CS:APP 9.1, CS:APP 9.5, CS:APP 9.6, Silberschatz 9.3, Silberschatz 9.6, xv6 3.1", "Walk",
        lambda machine: _editor(machine).walk(ADDRESS)),
    "tables": Figure("the page tables of a task", "translation", "four levels",
        "OSTEP 20, Silberschatz 9.4, xv6 3.3", "Tables", _editor),
    "tlb": Figure("two TLBs and page tables", "translation", "rows and columns",
        "OSTEP 19, CS:APP 9.6, Silberschatz 9.3, xv6 3.1"),
    "stale-tlb": Figure("a TLB that was not flushed", "translation", "protected", "OSTEP 19, CS:APP 9.6"),
    "page-fault": Figure("what the kernel does at a first access", "faults", "one page",
        "OSTEP 21, CS:APP 9.3, CS:APP 9.8, Silberschatz 10.2, xv6 4.6", "Fault"),
    "fork": Figure("parent and child after a fork", "faults", "after fork",
        "OSTEP 23, CS:APP 9.8, Silberschatz 10.3, xv6 4.6"),
    "copy-on-write": Figure("the child has written to one page", "faults", "copied",
        "OSTEP 23, CS:APP 9.8, Silberschatz 10.3, xv6 4.6"),
    "clock": Figure("a clock whose bits are all set", "replacement", "full",
        "OSTEP 22, CS:APP 9.3, Silberschatz 10.4, Silberschatz 10.5"),
    "second-chance": Figure("the hand passes a page that was used", "replacement", "a second chance",
        "OSTEP 22, Silberschatz 10.4"),
    "locality": Figure("the pages that a loop over columns uses", "locality", "the same by columns",
        "OSTEP 22, Silberschatz 10.6"),
}  # fmt: skip  # a figure in two or three lines
"""The figures with names of their own."""


def figure(name: str, fork: str = "") -> Picture:
    """Return the figure `name`: one of :data:`FIGURES`, a chapter of a textbook, or a lecture's chapter.

    `fork` is the way to fork in a lecture that forks.  Raises :class:`Refused` for another name, with a near one.

    >>> figure("fork").scene().title
    'frames by page table'
    >>> figure("xv6 3.3").scene().title, figure("maps/a-hole").scene().title
    ('page tables of editor', 'the map of editor')
    """
    wanted = name.strip().lower()
    if "/" in wanted:
        return _of_lecture(wanted, fork)
    chosen = wanted if wanted in FIGURES else _of_chapter(wanted)
    if not chosen:
        near = get_close_matches(wanted, [*FIGURES, *LECTURES], 1)
        advice = f"; did you mean {near[0]}?" if near and near[0] != wanted else ""
        if wanted in LECTURES:
            advice = f", but a lecture; its figures are {', '.join(of_lecture(wanted, fork))}"
        raise Refused(f"{shown(name)} is not a figure{advice or '; vmwidgets figure lists them'}")
    found = FIGURES[chosen]
    if found.on_paper is not None:
        if fork:
            raise Refused(f"--fork {fork}: no task forks in the figure {chosen!r}, which has no lecture")
        return shown_as(found.on_paper())
    told = _lecture(found.lecture, fork)
    picture = told.pictures[0]
    if found.picture:
        target = told.machine if found.of is None else found.of(told.machine)
        picture = known_pictures()[found.picture](
            target, width=picture.width, **({"stages": True} if found.is_staged else {})
        )
    return _moved(picture, told.machine, found.mark)


def of_lecture(name: str, fork: str = "") -> dict[str, tuple[Picture, Machine, str]]:
    """Return a lecture's figures by name, each with its machine and mark: one for each chapter and picture."""
    told = _lecture(name, fork)
    return {
        "/".join((name, mark.replace(" ", "-"), *([type(one).__name__.lower()] if number else []))): (
            one,
            told.machine,
            mark,
        )
        for mark in told.notes
        for number, one in enumerate(told.pictures)
    }


def _of_lecture(wanted: str, fork: str) -> Picture:
    lecture = wanted.partition("/")[0]
    if not lecture:
        raise Refused(f"{shown(wanted)} is not a figure; vmwidgets figure lists them")
    if lecture not in LECTURES:
        raise Refused(f"{shown(lecture)} is not a lecture; the lectures are {', '.join(LECTURES)}")
    known = of_lecture(lecture, fork)
    if wanted not in known:
        near = get_close_matches(wanted, known, 1, 0.3)
        raise Refused(f"{shown(wanted)} is not a figure; did you mean {near[0] if near else next(iter(known))}?")
    return _moved(*known[wanted])


def _lecture(name: str, fork: str) -> Lecture:
    if fork and name not in FORKING:
        raise Refused(f"--fork {fork}: no task forks in the lecture {name!r}; one forks in {', '.join(FORKING)}")
    return FORKING[name](SAME_AS.get(fork, fork)) if fork else LECTURES[name]()


def _moved(picture: Picture, machine: Machine, mark: str) -> Picture:
    """Return the picture at a mark; a picture without a machine has one moment."""
    if picture.machine is not None:
        picture.moment = When(machine.journal.marks[mark])
    return picture


def _of_chapter(wanted: str) -> str:
    """Return the figure of a textbook's chapter, such as "ostep 23"; "" if it is not a chapter.

    Raises :class:`Refused` if several figures are about it.
    """
    plain = str.maketrans("", "", " :-")
    chapter = wanted.translate(plain)
    found = [
        name
        for name, one in FIGURES.items()
        if chapter and chapter in [each.lower().translate(plain) for each in one.chapters.split(", ")]
    ]
    if len(found) > 1:
        raise Refused(f"{shown(wanted)} has several figures: name one of {', '.join(found)}")
    return next(iter(found), "")
