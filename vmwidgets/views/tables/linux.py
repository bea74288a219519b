"""A machine's operations compared with Linux: a box for the calls that agree, one for each other, and each difference.

The differences without an explanation come first, then each known kind with the rules about it.
Both sides are in words, and pages are cells, differing pages with an outline; equal differences share a card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets.comparisons.linux import NO_CALLS, LinuxComparison, LinuxDifference, MadeCall, Sayings
from vmwidgets.engine.base.units import counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import GAP, Part
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

    @property
    def differing(self) -> tuple[str, str]:
        """The letters of the pages that differ, here and in Linux; none if the difference is not of pages."""
        pairs = zip_longest(self.first.here, self.first.linux, fillvalue=".") if self.is_of_pages else ()
        found = [pair for pair in pairs if pair[0] != pair[1]]
        here, linux = ("".join(dict.fromkeys(pair[side] for pair in found)) for side in (0, 1))
        return here, linux


@picture("BesideLinux", first_for=["vmwidgets.comparisons.linux.LinuxComparison"])
def beside_linux(at: At) -> Sheet:
    """Draw the calls that a machine and Linux made, the differences (first the unexplained ones), and their reasons.

    `target` is the result of ``vm.compare_with_linux(m)``.
    """
    value: LinuxComparison = at.target
    unseen = f"Not compared: {'; '.join(map(visible, value.unseen))}." if value.unseen else ""
    said = tuple((kind, who, words) for kind, one in value.sayings for who, words in zip(WHO, one, strict=True))
    ended = f"The comparison ended early: {value.stopped.rstrip('.')}." if value.stopped else ""
    return Sheet(
        f"{visible(value.machine)} and Linux",
        f"beside {visible(value.source)}",
        boxes.below(
            _calls(value.made),
            *(_kind(number, at.width >= WIDE, *one) for number, one in enumerate(_sections(value))),
            boxes.below(boxes.apart(8), boxes.words("linux/unseen", unseen)),
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


def _calls(made: Sequence[MadeCall]) -> Part:
    """Return a box for each run of calls that agree, and one for each call that differs."""
    runs = [[*run] for _, run in groupby(made, key=lambda one: one.found == "same")]
    found = [part for run in runs for part in ([run] if run[0].found == "same" else [[one] for one in run])]
    return boxes.below(
        boxes.flowing([_call(number, run) for number, run in enumerate(found[:MOST_CALLS])]),
        boxes.more("linux/calls/more", sum(map(len, found[MOST_CALLS:])), "call"),
        gap=10,
    )


MOST_CALLS = 24
"""The most boxes of calls."""


def _call(place: int, run: Sequence[MadeCall]) -> tuple[float, Part]:
    """Return the width and the box of calls that agree, or of a call that differs."""
    first, count = run[0], sum(one.name not in NO_CALLS for one in run)
    names = Counter(one.name.replace("looked at in the end", "look") for one in run)
    some = [name + f" {number:,}×" * (number > 1) for name, number in names.most_common(3)]
    about = ", ".join(some) + ", …" * (len(names) > len(some))
    if first.found == "same":
        head, said, state = f"{counted(count, 'call')} alike" if count else "alike", "the same in Linux", ""
    else:
        is_known = first.found == "known"
        head, about = f"≠ {first.name}", f"operation {first.number}"
        said = f"different, {'for a known reason' if is_known else 'and nothing explains it'}"
        state = "differs" if is_known else "fault"
    title = f"operation {first.number}{f' to {run[-1].number}' * (len(run) > 1)}, {', '.join(names)}: {said}"
    lines = kit.Line(visible(head), "strong" if state else "label"), kit.Line(visible(about), "label dim")
    wide = max(text_width(line.left, line.style) for line in lines if isinstance(line.left, str)) + 2 * PAD + 2
    card = boxes.card(f"linux/call/{place}", lines, state=[state] * bool(state), title=visible(title), lane="calls")
    return min(wide, 300.0), card


_HIGH, _CELLS_HIGH = (110.0, 70.0), 22.0
"""Heights of a difference of pages: in little width, and with both sides next to each other; and of its cells."""

# ---- the differences -------------------------------------------------------------------------------------


def _kind(number: int, is_wide: bool, title: str, said: Sayings | None, rows: Sequence[LinuxDifference]) -> Part:
    """Return a kind's differences, a legend of the pages without words, and the rules about the kind."""
    cards = _alike(rows)
    shown = [
        boxes.drawing(_HIGH[is_wide] - _CELLS_HIGH * (not one.is_of_pages), partial(_card, f"linux/{number}/{at}", one))
        for at, one in enumerate(cards[:MOST_CARDS])
    ]
    letters = {letter for one in cards if one.is_of_pages for letter in one.first.here + one.first.linux}
    letters -= {letter for one in cards for side in one.differing for letter in side}
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
        fitted(begin, 18, visible(row.operation), (0.28 * room if beside else room) - begin + PAD, "strong"),
        Text(PAD, 36, visible(row.what), "dim"),
    ]
    bars: list[Bar] = []
    left = PAD + 0.3 * room if beside else PAD
    step = 0.35 * room if beside else 0.0
    for side, (name, said, other) in enumerate((("machine", row.here, row.linux), ("Linux", row.linux, row.here))):
        x, y = left + step * side, 18.0 if beside else 54.0 + 20 * side
        at, base = (x, 38.0) if beside else (x + text_width("machine", "dim") + 12, y)
        most = (step if beside else room - at + PAD) - 8
        words = "; ".join(PAGES[letter][1] for letter in alike.differing[side]) if alike.is_of_pages else said
        text += [Text(x, y, name, "dim"), fitted(at, base, visible(words), most, "strong")]
        low, begins = (46.0, x) if beside else (86.0, left + side * room / 2)
        cells = int((most if beside else room / 2 - GAP) // CELL)
        count = min(len(said), CELLS, max(1, cells)) if alike.is_of_pages else 0
        for page in range(count):
            bars.append(Bar(begins + CELL * page, low, CELL - 2, CELL - 2, PAGES[said[page]][0]))
            if said[page : page + 1] != other[page : page + 1]:
                bars.append(Bar(begins + CELL * page - 1, low - 1, CELL, CELL, "next"))
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
