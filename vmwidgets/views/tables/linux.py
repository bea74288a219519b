"""A machine's operations compared with Linux: each difference with both sides, and the rules about its kind.

The differences without an explanation come first, then each known kind.  Pages are drawn as cells, differing pages with
an outline; equal differences share a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from vmwidgets.comparisons.linux import LinuxComparison, LinuxDifference, Sayings
from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

MOST_CARDS, MOST_ROWS = 40, 300
"""The most cards of a section, and the most rows of the table."""

CELL, CELLS = 14.0, 32
"""Width in pixels of a page's cell with its gap; the most cells of a range."""

WIDE = 640.0
"""Width in pixels from which both sides of a difference are next to each other."""

WHO = ("POSIX", "Linux", "X15")

PAGES = {
    "x": ("used", "in memory, mapped here alone"),
    "s": ("inactive", "in memory, mapped by others too"),
    ".": ("free", "not in memory"),
}
"""The style of a page and its meaning, by its letter in a difference of pages."""


class Alike(NamedTuple):
    """Differences that are equal except for their operations' numbers."""

    numbers: Sequence[int]
    first: LinuxDifference

    @property
    def is_of_pages(self) -> bool:
        """Return whether each side is a letter for each page."""
        return self.first.what.startswith("pages")


def draw_linux(value: LinuxComparison, *, width: float = WIDTH) -> Scene:
    """Return the scene of a comparison with Linux."""
    high = 46.0 if width >= WIDE else 84.0
    lines = (("Done in Linux as well", [_calls(value)]), ("Not compared", value.unseen))
    notes = [
        boxes.below(
            boxes.heading(f"section/linux/{title}", title),
            boxes.below(
                *(boxes.words(f"linux/{title}/{line}", visible(said)) for line, said in enumerate(some)), gap=3
            ),
        )
        for title, some in lines
    ]
    parts = [_kind(number, high, *one) for number, one in enumerate(_sections(value))]
    ended = f" The comparison ended early: {value.stopped.rstrip('.')}." if value.stopped else ""
    return boxes.picture(
        "linux", f"{visible(value.machine)} and Linux", f"beside {visible(value.source)}",
        boxes.below(*parts, *notes, gap=8), caption=Caption(value.headline + ended), table=_table(value),
        lanes=[Lane("differences", "Differences, by kind", down=True)], width=width,
    )  # fmt: skip


def _kind(number: int, high: float, title: str, said: Sayings | None, rows: Sequence[LinuxDifference]) -> Part:
    """Return a kind's differences (each `high` pixels high), a legend of their pages, and the rules about the kind."""
    cards = _alike(rows)
    shown = [
        boxes.drawing(high, partial(_card, f"linux/{number}/{at}", one)) for at, one in enumerate(cards[:MOST_CARDS])
    ]
    letters = {letter for one in cards if one.is_of_pages for letter in one.first.here + one.first.linux}
    left = len(cards) - len(shown)
    return boxes.below(
        boxes.heading(f"section/linux/{number}", visible(title)),
        boxes.below(
            *shown,
            boxes.more(f"linux/{number}/more", left),
            boxes.key(f"linux/{number}", [PAGES[letter] for letter in PAGES if letter in letters]),
            *([boxes.pairs(f"linux/{number}/said", [*zip(WHO, map(visible, said), strict=True)])] if said else []),
            gap=6,
        ),
    )


def _sections(value: LinuxComparison) -> Iterator[tuple[str, Sayings | None, Sequence[LinuxDifference]]]:
    """Yield the unexplained differences, then the known kinds, in the order of their operations."""
    if value.surprises:
        yield f"{counted(len(value.surprises), 'difference')} that nothing accounts for", None, value.surprises
    kinds = [(kind, said, value.of(kind)) for kind, said in value.sayings]
    for kind, said, rows in sorted(kinds, key=lambda one: min((row.number for row in one[2]), default=0)):
        yield f"{kind}: {counted(len(rows), 'difference')}", said, rows


def _alike(rows: Sequence[LinuxDifference]) -> list[Alike]:
    found: dict[tuple[str, ...], Alike] = {}
    for row in sorted(rows, key=lambda row: row.number):
        key = row.operation, row.what, row.here, row.linux
        known = found.get(key)
        found[key] = Alike([row.number], row) if known is None else known._replace(numbers=[*known.numbers, row.number])
    return list(found.values())


def _numbers(numbers: Sequence[int]) -> str:
    """Return the numbers of operations, each once, and the number of differences if there are several.

    >>> _numbers([4]), _numbers([4, 4, 7]), _numbers([1, 2, 3, 4])
    ('4', '4, 7 (3 times)', '1, 2, …, 4 (4 times)')
    """
    each = [*dict.fromkeys(map(str, numbers))]
    shown = each if len(each) < 4 else [*each[:2], "…", each[-1]]
    return ", ".join(shown) + f" ({len(numbers)} times)" * (len(numbers) > 1)


def _card(identity: str, alike: Alike, box: Box) -> Iterator[Node]:
    """Yield one difference: the operation, the difference, and both sides."""
    row, room = alike.first, box.w - 2 * PAD
    beside = box.w + 2 * MARGIN >= WIDE
    numbers = _numbers(alike.numbers)
    begin = PAD + text_width(numbers) + 10
    text = [
        Text(PAD, 18, numbers, "dim"),
        fitted(begin, 18, visible(row.operation), (0.4 * room if beside else room) - begin + PAD, "strong"),
        Text(PAD, 36, visible(row.what), "dim"),
    ]
    bars: list[Bar] = []
    left = PAD + 0.42 * room if beside else PAD
    step = 0.29 * room if beside else 0.0
    for side, (name, said, other) in enumerate((("machine", row.here, row.linux), ("Linux", row.linux, row.here))):
        x, y = left + step * side, (18.0, 36.0) if beside else (54.0 + 20 * side, 54.0 + 20 * side)
        at = x if beside else x + text_width("machine", "dim") + 12
        most = (step if beside else room - at + PAD) - 8
        text.append(Text(x, y[0], name, "dim"))
        if alike.is_of_pages:
            count = min(len(said), CELLS, max(1, int(most // CELL)))
            bars += [
                Bar(at + CELL * page, y[1] - 11, CELL - 2, CELL - 2, PAGES[said[page]][0]) for page in range(count)
            ]
            bars += [
                Bar(at + CELL * page - 1, y[1] - 12, CELL, CELL, "next")
                for page in range(count)
                if said[page : page + 1] != other[page : page + 1]
            ]
        else:
            text.append(fitted(at, y[1], visible(said), most, "strong"))
    title = f"operation {numbers}, {row.operation}: {row.what}, machine {row.here}, Linux {row.linux}"
    yield Node(
        identity, "card", *box, text=tuple(text), bars=tuple(bars),
        state=() if row.is_known else ("fault",), title=visible(title), lane="differences",
    )  # fmt: skip


def _calls(value: LinuxComparison) -> str:
    said = (f"{name} {'once' if count == 1 else f'{count:,} times'}" for name, count in value.calls)
    return ", ".join(said) or "nothing"


def _table(value: LinuxComparison) -> Table:
    rows, more = value.table()[:MOST_ROWS], len(value.rows) - MOST_ROWS
    left_out = ((f"… {more:,} differences more", *[""] * (len(value.header) - 1)),) if more > 0 else ()
    said = tuple((kind, who, words) for kind, one in value.sayings for who, words in zip(WHO, one, strict=True))
    return Table(
        value.header, (*rows, *left_out),
        (
            *([("what is said", Table(("kind", "who", "says"), said))] if said else []),
            ("not compared", Table(("what",), tuple((one,) for one in value.unseen))),
        ),
    )  # fmt: skip
