"""A machine's operations compared with Linux: a cell for each call, joined if both agree, and each difference.

The differences without an explanation come first, then each known kind with the rules about it.
Pages are drawn as cells, differing pages with an outline; equal differences share a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.comparisons.linux import LinuxComparison, LinuxDifference, MadeCall, Sayings
from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, PAD, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Node, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

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


@picture("BesideLinux", first_for=["vmwidgets.comparisons.linux.LinuxComparison"])
def beside_linux(at: At) -> Sheet:
    """Draw the calls that a machine and Linux made, the differences (first the unexplained ones), and their reasons.

    `target` is the result of ``vm.compare_with_linux(m)``.
    """
    value: LinuxComparison = at.target
    high = 46.0 if at.width >= WIDE else 84.0
    unseen = [boxes.words(f"linux/unseen/{line}", visible(said)) for line, said in enumerate(value.unseen)]
    said = tuple((kind, who, words) for kind, one in value.sayings for who, words in zip(WHO, one, strict=True))
    ended = f"The comparison ended early: {value.stopped.rstrip('.')}." if value.stopped else ""
    return Sheet(
        f"{visible(value.machine)} and Linux",
        f"beside {visible(value.source)}",
        boxes.below(
            boxes.sized(partial(_calls, value.made)),
            *(_kind(number, high, *one) for number, one in enumerate(_sections(value))),
            boxes.below(boxes.heading("section/linux/unseen", "Not compared"), boxes.below(*unseen, gap=3)),
            gap=8,
        ),
        caption=Caption(value.headline, (), f"{ended} {_COMPARED}{_RECORDED * value.is_recording}".strip()),
        lanes=[Lane("calls", "Calls"), Lane("differences", "Differences, by kind", down=True)],
        table=Table(
            value.header,
            _rows(value),
            (
                (
                    "calls",
                    Table(
                        ("operation", "call", "task", "about", "found"),
                        tuple((str(one.number), one.name, one.task, one.about, one.found) for one in value.made),
                    ),
                ),
                *([("what is said", Table(("kind", "who", "says"), said))] if said else []),
                ("not compared", Table(("what",), tuple((one,) for one in value.unseen))),
            ),
        ),
    )


_COMPARED = "Each call ran here and in a real process; results, bytes, mappings and pages were compared."

_RECORDED = " Linux's side is a recording."


# ---- the calls -------------------------------------------------------------------------------------------


def _calls(made: Sequence[MadeCall], w: float) -> Part:
    """Return a cell for each call, or for neighbours that agree if there are too many, in lines."""
    runs = _runs(made)
    across = max(1, int((w - _SIDE + _GAP) // (_CALL + _GAP)))
    lines = [runs[at : at + across] for at in range(0, min(len(runs), MOST_CALLS), across)]
    left = sum(map(len, runs[MOST_CALLS:]))
    return boxes.below(
        *(boxes.drawing(0, partial(_line, number, line)) for number, line in enumerate(lines)),
        boxes.more("linux/calls/more", left, "call"),
        boxes.words("linux/calls/key", _MEANS if any(one.found != "same" for one in made) else ""),
        gap=10,
    )


_MEANS = "Joined: the same. ≠: different. Red: nothing explains it, so one of the two has a bug."
_CALL, _GAP, _SIDE, _BOX, MOST_CALLS = 60.0, 6.0, 56.0, 26.0, 36
"""Width of a call, between two calls, and of the names at the left; height of a side; the most cells."""


def _runs(made: Sequence[MadeCall]) -> list[list[MadeCall]]:
    """Return calls one by one; neighbours of one name that agree together, or all that agree, if there are too many."""
    found = [[one] for one in made]
    for key in (lambda one: (one.found, one.name), lambda one: (one.found, "")):
        if len(found) > MOST_CALLS:
            runs = [[*run] for _, run in groupby(made, key=key)]
            found = [part for run in runs for part in ([run] if run[0].found == "same" else [[one] for one in run])]
    return found


def _line(number: int, runs: Sequence[Sequence[MadeCall]], box: Box) -> Iterator[Node]:
    """Yield a line of calls, after the names of the two sides."""
    middles = [40 + _BOX / 2 + 4, 40 + 1.5 * _BOX + 8 + 4]
    names = [Text(0, y, name, "strong") for y, name in zip(middles, ("here", "Linux"), strict=True)]
    yield kit.runs(f"linux/side/{number}", Box(box.x, box.y, _SIDE, 2 * _BOX + 48), names)
    for place, run in enumerate(runs):
        first, count = run[0], len(run)
        same = len({one.name for one in run}) == 1
        name = first.name.replace("looked at in the end", "look") if same else f"{count:,} calls"
        about = first.about if count == 1 else f"{count:,} times" if same else "all agree"
        text = [
            fitted(_CALL / 2, 14, visible(name), _CALL, "label", "middle"),
            fitted(_CALL / 2, 31, visible(about), _CALL, "label dim", "middle"),
        ]
        middle, top, low = _CALL / 2, 40 + _BOX / 2, 40 + 1.5 * _BOX + 8
        bars = [Bar(0, 40, _CALL, _BOX, "rail"), Bar(0, 48 + _BOX, _CALL, _BOX, "rail")]
        if first.found == "same":
            bars.append(Bar(middle - 1.5, top, 3, low - top, "mark"))
        else:
            style = "strong error" if first.found == "different" else "strong"
            text.append(Text(middle, (top + low) / 2 + 4, "≠", style, "middle"))
        bars += [Bar(middle - 5, y - 5, 10, 10, "dot-on") for y in (top, low)]
        said = {"same": "the same in Linux", "known": "different, for a known reason"}.get(
            first.found, "different, and nothing explains it"
        )
        about = f", {first.about}" * bool(first.about) if count == 1 else f" to {run[-1].number}"
        title = f"operation {first.number}{'' if count > 1 else f', {first.task}'}, {name}{about}: {said}"
        at = Box(box.x + _SIDE + place * (_CALL + _GAP), box.y, _CALL, 2 * _BOX + 48)
        yield kit.runs(f"linux/call/{number}/{place}", at, text, bars=bars, title=visible(title), lane="calls")


# ---- the differences -------------------------------------------------------------------------------------


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
        yield f"{counted(len(value.surprises), 'difference')} that nothing explains", None, value.surprises
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
        identity,
        "card",
        *box,
        text=tuple(text),
        bars=tuple(bars),
        state=() if row.is_known else ("fault",),
        title=visible(title),
        lane="differences",
    )


def _rows(value: LinuxComparison) -> tuple[tuple[str, ...], ...]:
    rows, more = value.table()[:MOST_ROWS], len(value.rows) - MOST_ROWS
    return (*rows, *[(f"… {more:,} differences more", *[""] * (len(value.header) - 1))] * (more > 0))
