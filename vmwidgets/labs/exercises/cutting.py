"""Exercises of notebook 03: the effect of changing a part on the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.maps import MachineMap

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .deeds import deeds, removals
from .structures import entry_at, in_words, outside

PAGES = 16
FILM = 40
"""The number of pages of the film, an object; each window shows a part of the film."""


@frozen(slots=False)
class Part:
    """The change of pages `first` to `end` - 1; `shows` is the page of the film, if that matters."""

    what: str
    first: int
    end: int
    shows: int = 0

    @property
    def text(self) -> str:
        """The part in words."""
        pages = numbered(self.first, self.end)
        return {
            "hole": f"{pages}: unmap.",
            "r": f"{pages}: can only be read.",
            "shows": f"{pages}: show {numbered(self.shows, self.shows + self.end - self.first)} of the film.",
        }[self.what]


def numbered(first: int, end: int) -> str:
    """Return a range of pages in words.

    >>> numbered(3, 4), numbered(3, 5), numbered(3, 6)
    ('page 3', 'pages 3 and 4', 'pages 3 to 5')
    """
    if end - first == 2:
        return f"pages {first} and {first + 1}"
    return f"page {first}" if end - first == 1 else f"pages {first} to {end - 1}"


def spread(draws: Draws, lengths: Sequence[int]) -> list[int]:
    """Return where ranges of these lengths begin in 16 pages, in this order and without overlap."""
    free = PAGES - sum(lengths)
    before = sorted(draws.between(0, free) for _ in lengths)
    return [gap + sum(lengths[:number]) for number, gap in enumerate(before)]


@frozen(slots=False)
class WindowSheet:
    """A window: 16 pages at `base` show the film from page `offset` on; `parts` are to be changed."""

    base: int
    offset: int
    parts: tuple[Part, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> WindowSheet:
        """Draw a hole, a part to make read-only, a part that shows other pages, and another hole or read-only part."""
        kinds = draws.shuffled(["hole", "r", "shows", draws.choice(["hole", "r"])])
        lengths = [draws.between(1, 3) for _ in kinds]
        offset = draws.between(1, 9)
        parts = []
        for what, length, first in zip(kinds, lengths, spread(draws, lengths), strict=True):
            shown = draws.choice([page for page in range(FILM - length) if page != offset + first])
            parts.append(Part(what, first, first + length, shown if what == "shows" else 0))
        return cls(draws.between(1, 9) * 0x10_0000, offset, tuple(parts))

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"A window: pages 0 to {PAGES - 1} at `{Address(self.base)}` show an object, the `film`, from its page "
            f"{self.offset} on. Change these pages of the window:\n"
            + "\n".join(part.text for part in self.parts)
            + "\nAll other pages stay as they are: the same contents, at the same address, with the same rights. "
            "Nothing else is mapped."
        )

    def pages(self, what: str) -> list[int]:
        """Return the pages of the window for which `what` is required."""
        return [page for part in self.parts if part.what == what for page in range(part.first, part.end)]

    def start(self) -> MachineMap:
        """Return the map with the unchanged window."""
        task = boot().task("cinema")
        task.map.enter(PAGES * PAGE, at=self.base, object=task.machine.object("film"), offset=self.offset * PAGE)
        return task.map


def film_pages(asked: WindowSheet) -> list[int]:
    """Return the film's page that each page of the window should show; meaningless in a hole."""
    shown = [asked.offset + page for page in range(PAGES)]
    for part in asked.parts:
        if part.what == "shows":
            shown[part.first : part.end] = range(part.shows, part.shows + part.end - part.first)
    return shown


@exercise(
    "03/window",
    "A window",
    points=6,
    takes=MachineMap,
    variant=WindowSheet.drawn,
    hints=(
        "Which of the changes keeps the offsets right automatically? For which must you give an offset?",
        (
            "remove makes a hole; protect changes a protection. To map other pages, remove a part and enter it with "
            "an offset."
        ),
        "enter(size, at=…, fixed=True, object=…, offset=…): the offset is the film's page times vm.PAGE, in bytes.",
    ),
)
def window(space: MachineMap, asked: WindowSheet) -> Iterator[Criterion]:
    """Judge the window: each page shows what it should, with the right permissions."""
    seen = [entry_at(space, asked.base + page * PAGE) for page in range(PAGES)]
    hole = [page for page in range(PAGES) if seen[page] is None]
    holes, moved, kept = asked.pages("hole"), asked.pages("shows"), asked.pages("r")
    right = [page for page, shows in enumerate(film_pages(asked)) if _shows(seen[page], asked.base, page, shows)]
    letters = ["" if entry is None else entry.protection for entry in seen]
    read_only = [page for page in range(PAGES) if letters[page] == "r--" and page not in holes]
    begun = "" if set(hole) | set(read_only) | set(moved) & set(right) else "change a part"
    yield criterion(
        1,
        hole == holes,
        "the holes are at the right pages",
        "the wrong pages are unmapped",
        expected=_listed(holes),
        actual=_listed(hole),
        mistake=_a_page_more([page for page in hole if page not in moved], holes),  # they may be removed for a while
    )
    strange = [page for page in moved if page not in right]
    end = asked.base + PAGES * PAGE
    beside = outside(space, asked.base, end)
    yield criterion(
        2,
        not strange,
        "the given part maps the right pages of the film",
        "the given part does not map the right pages: an offset is in bytes, from the beginning of the object",
        expected=f"{_listed(moved)} of the window: {_listed([film_pages(asked)[page] for page in moved])} of the film",
        actual=_shown(asked.base, seen, moved),
        mistake=NO_OFFSET
        if any(_shows(seen[page], asked.base, page, page - moved[0]) for page in strange)
        else IN_USE
        if beside and any(_shows(seen[page], asked.base, page, asked.offset + page) for page in strange)
        else None,
    )
    wrong = [page for page in range(PAGES) if page not in (*holes, *moved, *right) and seen[page] is not None]
    yield criterion(
        1,
        not begun and not wrong,
        "every other page still maps the same page of the film",
        "some other pages no longer map the same pages of the film",
        first="" if wrong else begun,
        actual=_shown(asked.base, seen, wrong),
    )
    unlike = [page for page in range(PAGES) if letters[page] not in ("", "r--" if page in kept else "rw-")]
    yield criterion(
        1,
        read_only == kept and not unlike,
        "the protections are right",
        "some pages have the wrong protection",
        expected=f"r-- at {_listed(kept)}, rw- at all others",
        actual=f"r-- at {_listed(read_only)}",
        mistake=_a_page_more(read_only, kept),
    )
    yield criterion(
        1,
        not begun and not beside,
        "nothing else is mapped",
        "something is mapped outside the window",
        first="" if beside else begun,
        actual=in_words(beside) if beside else "",
    )


IN_USE = Mistake(
    "an address in use", "At an address that is in use, enter places the mapping elsewhere: remove the old page first."
)
NO_OFFSET = Mistake("no offset", "Without an offset, a mapping starts at the beginning of the object.")
END_INCLUDED = Mistake("a page too many", "Pages 4 to 6 are three pages: the range ends before page 7.")


def _a_page_more(found: list[int], wanted: list[int]) -> Mistake | None:
    """Return the mistake of counting from the first page to the last and adding one."""
    more = set(found) - set(wanted)
    return END_INCLUDED if more and set(found) > set(wanted) and all(page - 1 in wanted for page in more) else None


USUAL = {"protect": "rw-", "inherit": "copy", "advise": "normal"}
VALUES = {"protect": ("r", "rx"), "inherit": ("share", "none"), "advise": ("random", "sequential")}
WORDS = {"protect": "protection", "inherit": "inheritance", "advise": "advice"}
LETTERS = {"r": "r--", "rx": "r-x"}
OPTION = {"protect": "prot", "inherit": "inherit", "advise": "advice"}
"""For each call that changes a property: two values to set, the property's name, and the argument's name.

`LETTERS` contains protections as entries show them.
"""


@frozen(slots=False)
class Change:
    """A change: the property that `call` sets has `value` on pages `first` to `end` - 1."""

    call: str
    value: str
    first: int
    end: int

    def made(self, space: MachineMap, base: int) -> None:
        """Make the change."""
        size = (self.end - self.first) * PAGE
        getattr(space, self.call)(base + self.first * PAGE, size=size, **{OPTION[self.call]: self.value})


@frozen(slots=False)
class WholeSheet:
    """An object's 16 pages at `base`, mapped in pieces that meet at the pages `seams`, and then changed by `changes`.

    The property in `keeps` must stay unchanged.
    """

    base: int
    seams: tuple[int, ...]
    changes: tuple[Change, ...]
    keeps: Change

    @classmethod
    def drawn(cls, draws: Draws) -> WholeSheet:
        """Draw changes to each property, and seams between pages that no change touches."""
        while True:
            calls = draws.shuffled([*USUAL, draws.choice([*USUAL])])
            kept, *others = [cls._change(draws, call, draws.between(1, 3)) for call in calls]
            touched = {page for change in (kept, *others) for page in range(change.first, change.end)}
            seams = [page for page in range(2, PAGES - 1) if not touched & {page - 1, page, page + 1}]
            own = {page for change in others for page in range(change.first, change.end)}
            if seams and PAGES - 1 not in touched and not own & set(range(kept.first - 1, kept.end + 1)):
                picked = draws.sample(seams, draws.between(1, min(2, len(seams))))
                return cls(draws.between(1, 9) * 0x10_0000, tuple(sorted(picked)), tuple(others), kept)

    @staticmethod
    def _change(draws: Draws, call: str, length: int) -> Change:
        first = draws.between(1, PAGES - 1 - length)
        return Change(call, draws.choice(VALUES[call]), first, first + length)

    @property
    def text(self) -> str:
        """The task in words."""
        keeps = self.keeps
        return (
            f"16 pages of an object, the `sheet`, at `{Address(self.base)}`: they were mapped in pieces, and some "
            "properties of some pages were changed. Look at the entries: how do they differ?\n"
            "Make them as few entries as possible: protection `rw`, inheritance `copy`, advice `normal`.\n"
            f"One thing stays: {numbered(keeps.first, keeps.end)}, counted from 0, "
            f"{'keep' if keeps.end - keeps.first > 1 else 'keeps'} the {WORDS[keeps.call]} `{keeps.value}`.\n"
            "Don't unmap any page at any time: the pages are in use."
        )

    def start(self) -> MachineMap:
        """Return the map in its pieces."""
        task = boot().task("splintered")
        paper = task.machine.object("sheet")
        for first, end in pairwise([0, *self.seams, PAGES]):
            task.map.enter((end - first) * PAGE, at=self.base + first * PAGE, object=paper, offset=first * PAGE)
        for change in (*self.changes, self.keeps):
            change.made(task.map, self.base)
        return task.map


def _with(*changes: Change) -> list[dict[str, str]]:
    pages = [dict(USUAL) for _ in range(PAGES)]
    for change in changes:
        for page in pages[change.first : change.end]:
            page[change.call] = LETTERS.get(change.value, change.value)
    return pages


def at_the_end(asked: WholeSheet) -> list[dict[str, str]]:
    """Return the properties of each page at the end."""
    return _with(asked.keeps)


def at_the_start(asked: WholeSheet) -> list[dict[str, str]]:
    """Return the properties of each page at the start."""
    return _with(*asked.changes, asked.keeps)


@exercise(
    "03/whole",
    "In few pieces",
    points=4,
    takes=MachineMap,
    variant=WholeSheet.drawn,
    edition=2,
    hints=(
        "Print the entries with protection, inheritance and advice. In which property does each differ from the next?",
        "One call sets one property on a range. A range may be as long as you like, but it changes every page in it.",
        (
            "Set each property on the whole range, and then restore the pages that should stay. simplify merges "
            "equal neighbours."
        ),
    ),
)
def whole(space: MachineMap, asked: WholeSheet) -> Iterator[Criterion]:
    """Judge the object: each page has its properties, equal neighbours are one entry, and no page was unmapped."""
    seen = [entry_at(space, asked.base + page * PAGE) for page in range(PAGES)]
    wanted = at_the_end(asked)
    wrong = [page for page in range(PAGES) if _properties(seen[page]) != wanted[page]]
    wrong_before = [page for page, given in enumerate(at_the_start(asked)) if given != wanted[page]]
    entries = space.entries()
    usual = all(_properties(one) == USUAL for one in seen)
    yield criterion(
        2,
        (len(wrong) < len(wrong_before)) + (not wrong),
        "each page has the required properties",
        "some pages have the wrong protection, inheritance or advice, or are not mapped",
        expected="rw-, copy, normal, except on the pages that keep a property",
        actual=", ".join(sorted({" ".join(_properties(seen[page]).values()) or "unmapped" for page in wrong})),
        mistake=ALL_ALIKE if usual else None,
    )
    alike = [high.start for low, high in pairwise(entries) if _joined(low, high)]
    yield criterion(
        1,
        bool(entries) and not alike,
        "no two neighbours are alike",
        "two neighbours have the same properties but are still two entries",
        actual=f"{len(alike)} such pair{'' if len(alike) == 1 else 's'}",
        mistake=SEAM if not wrong else None,
    )
    removed = removals(deeds(space, asked))
    yield criterion(
        1,
        len(wrong) < len(wrong_before) and not removed,
        "no page was ever unmapped",
        "no page may be unmapped, even for a short time: these pages are in use",
        first="" if removed else "set a property",
    )


ALL_ALIKE = Mistake(
    "what should stay was changed", "A call changes every page of its range, even a page that should stay."
)
SEAM = Mistake(
    "a seam is left", "Neighbouring entries of an object merge if a call changes one of them, or if you call simplify."
)


def _properties(entry: EntryValue | None) -> dict[str, str]:
    if entry is None or entry.object is None:
        return {}
    return {"protect": entry.protection, "inherit": entry.inheritance, "advise": entry.advice}


def _joined(low: EntryValue, high: EntryValue) -> bool:
    """Return whether two neighbours could be one entry."""
    near = low.end == high.start and low.object == high.object and low.offset + low.size == high.offset
    return near and _properties(low) == _properties(high)


def _film_page(entry: EntryValue | None, address: int) -> int | None:
    """Return which page of the object is mapped at `address`."""
    return None if entry is None or entry.object is None else (entry.offset + address - entry.start) // PAGE


def _shows(entry: EntryValue | None, base: int, page: int, shown: int) -> bool:
    return _film_page(entry, base + page * PAGE) == shown


def _shown(base: int, seen: list[EntryValue | None], pages: list[int]) -> str:
    """Return what these pages of the window show."""
    found = [(page, _film_page(seen[page], base + page * PAGE)) for page in pages]
    return ", ".join(f"page {page} shows {'no film' if shown is None else f'page {shown}'}" for page, shown in found)


def _listed(numbers: list[int]) -> str:
    return f"page{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}" if numbers else "none"
