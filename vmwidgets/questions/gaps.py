"""Questions on gaps in an address space: where a request lands, and how many entries a map has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.maps import fills
from vmwidgets.labs.exercises.structures import runs
from vmwidgets.pictures.maps import Ribbon
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box, fold, scene
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text

from .question import (
    ADDRESS,
    NUMBER,
    Again,
    Kind,
    Question,
    address,
    drawing,
    likeness,
    listed,
    options_of,
    table,
)

FITS = {
    "first": "takes the lowest gap that is large enough (first fit)",
    "best": "takes the smallest gap that is large enough, or the lowest of equal ones (best fit)",
    "worst": "takes the largest gap, or the lowest of equal ones (worst fit)",
}
"""The placement of a request without an address, by policy."""

KERNEL = "X15's `vm_map_find_avail`"

TOP = 0x8000_0000_0000
"""The end of a task's addresses."""


@frozen(slots=False)
class Layout:
    """Ranges of a map in address order, with gaps between them; sizes are in pages.

    Below the first range, nothing is free; after the last range, everything is free unless the layout is `closed`.
    """

    start: int
    used: tuple[int, ...]
    gaps: tuple[int, ...]
    closed: bool = False

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Start and end of each range."""
        found, at = [], self.start
        for used, gap in zip(self.used, (*self.gaps, 0), strict=True):
            found.append((at, at + used * PAGE))
            at += (used + gap) * PAGE
        return found

    @property
    def holes(self) -> list[int]:
        """The start of each gap."""
        return [end for _, end in self.ranges[:-1]]

    @property
    def end(self) -> int:
        """The end of the last range."""
        return self.ranges[-1][1]

    def map(self, placement: str | None = None, machine: Machine | None = None) -> MachineMap:
        """Return a task's map with this layout, in a `machine` of its own unless one is given."""
        there = machine or boot()
        space = there.task(f"paper {len(there.tasks)}", placement).map
        space.enter(self.start, at=0, prot="none")
        if self.closed:
            space.enter(TOP - self.end, at=self.end, prot="none")
        for start, end in self.ranges:
            space.enter(end - start, at=start)
        return space

    @property
    def text(self) -> str:
        """The map in words."""
        rows = [(f"`{address(start)}`", f"`{address(end)}`", str((end - start) // PAGE)) for start, end in self.ranges]
        free = (
            "Addresses between the ranges are free; addresses below and above them are not."
            if self.closed
            else "Addresses between and above the ranges are free; addresses below the first range are not."
        )
        return (
            "An address space has the ranges in the table; a page has 4 KiB (`0x1000`). "
            f"{free}\n\n{table(('from', 'to', 'pages'), rows)}"
        )

    def figure(self) -> Scene:
        """Return ranges and gaps to scale, with their pages."""
        parts = [part for pair in zip(self.used, (*self.gaps, 0), strict=True) for part in pair][:-1]
        scale, x, nodes = (WIDTH - 2 * MARGIN) / sum(parts), MARGIN, list[Node]()
        for number, pages in enumerate(parts):
            box = Box(x, 8, pages * scale - 2, 40)
            nodes.append(_part(f"part/{number}", box, pages, is_gap=bool(number % 2)))
            x += pages * scale
        rows = tuple((("gap" if number % 2 else "used"), str(pages)) for number, pages in enumerate(parts))
        words = Table(("what", "pages"), rows)
        title = "Ranges (filled) and the gaps between them, in pages"
        return scene("gaps", title, "", nodes, caption=Caption(""), table=words)

    def after(self, requests: Sequence[int]) -> Callable[[], Scene]:
        """Return a function that draws the map after requests."""

        def draw() -> Scene:
            space = self.map()
            for size in requests:
                space.enter(size * PAGE)
            used, gaps = list[int](), list[int]()
            found = [one for one in runs(space) if one.start >= self.start]
            for number, one in enumerate(found):
                used.append(one.size // PAGE)
                gaps += [(found[number + 1].start - one.end) // PAGE] if number + 1 < len(found) else []
            return replace(Layout(self.start, tuple(used), tuple(gaps)).figure(), title="After the requests")

        return draw


def _part(identity: str, box: Box, pages: int, *, is_gap: bool) -> Node:
    """Return a range or a gap, with its number of pages in it."""
    if is_gap:
        return fold(identity, box, str(pages))
    text = (Text(box.w / 2, box.h / 2 + 4, str(pages), "strong", "middle"),)
    return Node(identity, "range", *box, text=text, title=counted(pages, "page"))


def drawn_layout(draws: Draws, *, closed: bool = False) -> Layout:
    """Return a layout with four gaps of different sizes."""
    return _around(draws, draws.sample(range(1, 10), 4), closed=closed)


def _around(draws: Draws, gaps: Sequence[int], *, closed: bool = False) -> Layout:
    """Return a layout with these gaps, and ranges of any size around them."""
    start, used = draws.between(1, 0x80) * 0x1_0000, [draws.between(1, 6) for _ in range(len(gaps) + 1)]
    return Layout(start, tuple(used), tuple(gaps), closed)


# ---- kinds -----------------------------------------------------------------------------------------


def where(draws: Draws) -> Question:
    """Make a question on where one request is placed: each gap, and the place past all gaps, is right equally often."""
    layout, wanted = drawn_layout(draws), draws.below(5)
    size = draws.between(2, max(layout.gaps) + 2)
    fitting = [number for number, gap in enumerate(layout.gaps) if gap >= size]
    while wanted != min(fitting, default=4):
        layout = drawn_layout(draws)
        size = draws.between(2, max(layout.gaps) + 2)
        fitting = [number for number, gap in enumerate(layout.gaps) if gap >= size]
    landed = layout.map().enter(size * PAGE)
    wrong = [layout.end, *layout.holes]
    return Question(
        f"{layout.text}\n\nA request without an address {FITS['first']}. At which address does a request of "
        f"{counted(size, 'page')} begin?",
        f"`{address(landed)}`",
        f"The gaps have {', '.join(map(str, layout.gaps))} pages, from the lowest address up; the first place "
        "with room for "
        f"{counted(size, 'page')} begins at `{address(landed)}`. ({KERNEL})",
        options=options_of(draws, f"`{address(landed)}`", [f"`{address(one)}`" for one in wrong]),
        mistakes={
            f"`{address(hole)}`": f"that gap has only {counted(gap, 'page')}"
            if gap < size
            else "that gap is large enough, and it is not the lowest"
            for hole, gap in zip(layout.holes, layout.gaps, strict=True)
        }
        | {f"`{address(layout.end)}`": "a gap is large enough, and it is lower"},
        figure=layout.figure,
        solution=layout.after([size]),
    )


def chain(draws: Draws) -> Question:
    """Make a question on where the last of several requests lands."""
    layout = drawn_layout(draws)
    requests = [draws.between(1, 6) for _ in range(4)]
    space = layout.map()
    landed = [space.enter(size * PAGE) for size in requests]
    if landed[-1] in (*layout.holes, layout.end):
        raise Again
    said = ", ".join(f"{counted(size, 'page')} at `{address(at)}`" for size, at in zip(requests, landed, strict=True))
    return Question(
        f"{layout.text}\n\nA request without an address {FITS['first']}. There are requests of "
        f"{', '.join(map(str, requests))} pages, in this order; no range is freed. "
        "At which address does the range of the last request begin?",
        address(landed[-1]),
        f"The requests are placed like this: {said}. ({KERNEL})",
        ADDRESS,
        figure=layout.figure,
        solution=layout.after(requests),
    )


def _unfit(gap: int, size: int, policy: str) -> str:
    """Return why a policy does not use a gap."""
    if gap < size:
        return "too few"
    return f"another one that is large enough is {'smaller' if policy == 'best' else 'larger'}"


def fit(draws: Draws) -> Question:
    """Make a question on where best fit or worst fit puts a request: each gap is right equally often."""
    wanted = draws.below(4)
    while True:  # a machine is booted only for the layout that is kept
        layout, policy = drawn_layout(draws, closed=True), draws.choice(("best", "worst"))
        size = draws.between(2, max(layout.gaps) - 1)
        fitting = [gap for gap in layout.gaps if gap >= size]
        chosen = min(fitting) if policy == "best" else max(fitting)
        is_first = chosen == fitting[0]
        if min(fitting) < max(fitting) and layout.gaps[wanted] == chosen and is_first == (wanted == 0):
            break
    machine = boot()
    places = {name: int(layout.map(name, machine).enter(size * PAGE)) for name in FITS}
    wrong = [*places.values(), *layout.holes]
    return Question(
        f"{layout.text}\n\nA request without an address {FITS[policy]}. At which address does a request of "
        f"{counted(size, 'page')} begin?",
        f"`{address(places[policy])}`",
        f"The gaps have {', '.join(map(str, layout.gaps))} pages, from the lowest address up. First fit would use "
        f"`{address(places['first'])}`, best fit `{address(places['best'])}`, worst fit `{address(places['worst'])}`. "
        f'(`m.task(name, placement="{policy}")`)',
        options=options_of(draws, f"`{address(places[policy])}`", [f"`{address(one)}`" for one in wrong]),
        mistakes={
            f"`{address(hole)}`": f"that gap has {counted(gap, 'page')}: {_unfit(gap, size, policy)}"
            for hole, gap in zip(layout.holes, layout.gaps, strict=True)
        },
        figure=layout.figure,
    )


RIGHTS = {"rw-": "read and write", "r--": "read only"}


def entries(draws: Draws) -> Question:
    """Make a question on how many entries a map has after a few calls."""
    start, pages = draws.between(1, 0x40) * 0x10_0000, draws.between(12, 16)
    steps = []
    holes: list[tuple[int, int]] = []
    for verb in ("remove", "protect", draws.choice(("remove", "protect")), "enter", "protect"):
        first, count = draws.below(pages - 4), draws.between(1, 4)
        low, high = start + first * PAGE, start + (first + count) * PAGE
        if verb == "enter":
            low, high = draws.choice(holes)
        if verb == "protect" and any(low < end and begin < high for begin, end in holes):
            raise Again
        rights = draws.choice(list(RIGHTS)) if verb == "protect" else "rw-"
        steps.append((verb, low, high, rights))
        if verb == "remove":
            holes.append((low, high))
        elif verb == "enter":
            holes = [hole for hole in holes if hole != (low, high)]
    space = boot().task("paper").map
    space.enter(pages * PAGE, at=start)
    rows = [_done(space, *step) for step in steps]
    count = len(space.entries())
    ranges = [f"`{address(one.start)}` to `{address(one.end)}` {one.protection}" for one in space.entries()]
    if count != len(runs(space)):  # vm_map_protect may leave two equal entries: its loop skips one
        raise Again
    return Question(
        f"An address space has one entry: anonymous memory, readable and writable, from `{address(start)}` to "
        f"`{address(start + pages * PAGE)}`. Then these calls are made, in this order:\n\n"
        f"{table(('call', 'from', 'to', 'rights'), rows)}\n\nA call cuts entries at the edges of its range. "
        "Adjacent entries "
        "with the same rights merge into one entry. An `enter` fills only free addresses. "
        "How many entries are there at the end?",
        str(count),
        f"They are: {'; '.join(ranges)}. (X15's `vm_map_clip_start` and `vm_map_simplify_entry`)",
        NUMBER,
        solution=lambda: drawing(Ribbon(space), "At the end"),
    )


def _done(space: MachineMap, verb: str, low: int, high: int, rights: str) -> tuple[str, str, str, str]:
    """Make a call, and return it as a row."""
    if verb == "enter":
        space.enter(high - low, at=low)
    elif verb == "remove":
        space.remove(low, high)
    else:
        space.protect(low, high, prot=rights)
    return verb, f"`{address(low)}`", f"`{address(high)}`", "–" if verb == "remove" else RIGHTS[rights]


def order(draws: Draws) -> Question:
    """Make a question on the only order of requests that leaves no gap."""
    parts = [[draws.between(1, 5) for _ in range(count)] for count in draws.shuffled([1, 2, 2])]
    sizes = draws.shuffled([size for gap in parts for size in gap])
    layout = _around(draws, [sum(gap) for gap in parts])
    orders = draws.shuffled(sorted(set(permutations(sizes))))
    right = next(one for one in orders if fills(layout.gaps, one))
    wrong = [one for one in orders if not fills(layout.gaps, one)][:4]
    if len(wrong) < 4:
        raise Again
    machine = boot()
    assert not _lands_behind(layout, right, machine) and all(_lands_behind(layout, one, machine) for one in wrong)
    gaps = listed(layout.gaps)
    return Question(
        f"An address space has three gaps of {gaps} pages, in the order of their addresses; after the last range "
        f"everything is free. A request without an address {FITS['first']}. No range is freed. In which order do "
        "the requests below fill all three gaps?",
        _row(right),
        f"{_row(right)}: {', '.join(f'{size} at `{address(at)}`' for size, at in _placed(layout, right))}, where the "
        f"gaps begin at {listed(map(address, layout.holes))}. In every other order, a request is placed after "
        "the last range. "
        f"({KERNEL})",
        options=options_of(draws, _row(right), map(_row, wrong)),
        mistakes={_row(one): _first_behind(layout, one, machine) for one in wrong},
        figure=layout.figure,
        solution=layout.after(right),
    )


def _row(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sizes)) + " pages"


def _placed(layout: Layout, sizes: Sequence[int], machine: Machine | None = None) -> Iterator[tuple[int, int]]:
    """Yield each request's size, and the address where it lands."""
    space = layout.map(machine=machine)
    for size in sizes:
        yield size, space.enter(size * PAGE)


def _lands_behind(layout: Layout, sizes: Sequence[int], machine: Machine) -> bool:
    """Return whether a request finds no gap."""
    return any(at >= layout.end for _, at in _placed(layout, sizes, machine))


def _first_behind(layout: Layout, sizes: Sequence[int], machine: Machine) -> str:
    """Return which request finds no gap."""
    number, size = next(
        (number, size) for number, (size, at) in enumerate(_placed(layout, sizes, machine), 1) if at >= layout.end
    )
    return f"request {number}, of {counted(size, 'page')}, finds no gap that is large enough"


KINDS = (
    Kind("gaps/where", 1, "where one request lands, by first fit", where),
    Kind("gaps/chain", 2, "where the last of four requests lands", chain),
    Kind("gaps/fit", 2, "where one request lands, by best fit or worst fit", fit),
    Kind(
        "gaps/entries",
        2,
        "how many entries a map has after calls that cut and merge them",
        entries,
        ("2", "3", "4", "5", "6"),
    ),
    Kind("gaps/order", 3, "the only order of requests that fills all gaps", order, range(5), likeness),
)
