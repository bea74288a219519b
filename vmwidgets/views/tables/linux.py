"""A machine's operations compared with Linux: each difference with both sides, and the rules about its kind.

The differences without an explanation come first, then each known kind.  Pages are drawn as cells, differing ones with
an outline; equal differences share a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.units import counted
from vmwidgets.engine.spaces.linux_schema import LinuxComparison, LinuxDifference, Sayings
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, PAD, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped

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
    nodes: list[Node] = []
    y = 4.0
    for number, (title, said, rows) in enumerate(_sections(value)):
        nodes.append(kit.heading(f"section/linux/{number}", visible(title), "", y, width=width))
        y += nodes[-1].h
        cards = _alike(rows)
        for one in cards[:MOST_CARDS]:
            nodes.append(_card(f"linux/{number}/{len(nodes)}", one, Box(MARGIN, y, width - 2 * MARGIN, 0)))
            y += nodes[-1].h + 6
        if len(cards) > MOST_CARDS:
            nodes.append(
                kit.label(f"linux/{number}/more", f"… {len(cards) - MOST_CARDS:,} more, in the table", MARGIN, y)
            )
            y += LINE
        drawn = dict.fromkeys(letter for one in cards if one.is_of_pages for letter in one.first.here + one.first.linux)
        keys = [PAGES[letter] for letter in PAGES if letter in drawn]
        if keys:
            nodes += kit.legend(f"linux/{number}", keys, y, width=width)
            y = nodes[-1].y + LINE + 6
        if said is not None:
            nodes.append(_sayings(f"linux/{number}/said", said, Box(MARGIN, y, width - 2 * MARGIN, 0)))
            y += nodes[-1].h + 8
    for title, lines in (("Done in Linux as well", [_calls(value)]), ("Not compared", value.unseen)):
        nodes.append(kit.heading(f"section/linux/{title}", title, "", y, width=width))
        y += nodes[-1].h
        for line, words in enumerate(lines):
            nodes.append(kit.paragraph(f"linux/{title}/{line}", visible(words), MARGIN, y, width - 2 * MARGIN))
            y += nodes[-1].h + 3
    ended = f" The comparison ended early: {value.stopped.rstrip('.')}." if value.stopped else ""
    return kit.scene(
        "linux", f"{visible(value.machine)} and Linux", f"beside {visible(value.source)}", nodes,
        caption=Caption(value.headline + ended), table=_table(value),
        lanes=[Lane("differences", "Differences, by kind", down=True)], width=width,
    )  # fmt: skip


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


def _card(identity: str, alike: Alike, box: Box) -> Node:
    """Return one difference: the operation, the difference, and both sides."""
    row, room = alike.first, box.w - 2 * PAD
    beside = box.w >= WIDE - 2 * MARGIN
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
    return Node(
        identity, "card", box.x, box.y, box.w, 46.0 if beside else 84.0, text=tuple(text), bars=tuple(bars),
        state=() if row.is_known else ("fault",), title=visible(title), lane="differences",
    )  # fmt: skip


def _sayings(identity: str, said: Sayings, box: Box) -> Node:
    """Return the rules of POSIX, Linux and X15, with their names in a column."""
    begin = max(text_width(who, "strong") for who in WHO) + 12
    text: list[Text] = []
    y = 14.0
    for who, words in zip(WHO, said, strict=True):
        text.append(Text(0, y, who, "strong"))
        for line in wrapped(visible(words), box.w - begin):
            text.append(Text(begin, y, line, "label"))
            y += LINE
        y += 2
    return kit.runs(identity, box._replace(h=y - 14), text, title=" ".join(said))


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
