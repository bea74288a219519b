"""Several maps after the same operations: ribbons on a common scale, above a grid of the operations' results.

Differences from the first map have an outline and ≠.  A ribbon shows the allocations, by name; the lines below it
are the map's entries.  Ribbons show the state after all operations.  If that state is the same everywhere, although the
maps disagreed on the way, ribbons show the state after the first operation with different results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vmwidgets.comparisons.placements import ComparedMap, ComparisonValue, OperationOutcome, Row, UsedPiece
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped
from vmwidgets.views.story.words.pictures import say_compared

from .axis import Segment, x_of
from .ribbon import NOT_TO_SCALE

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

HEADING, RIBBON = 20.0, 36.0
"""Heights of the words above a ribbon, and of a ribbon."""

LINE, CELL = 18.0, 19.0
"""Height of a line of words, and of a cell of the grid."""

MOST_ROWS, MOST_TABLE_ROWS, MOST_PIECES = 14, 200, 300
"""The most operations in the grid, the most rows of the table, and the most allocations with a box each.

If there are more operations, the grid has only operations with different results.
"""

NARROW = 3.0
"""Width in pixels below which neighbouring strips are drawn as one."""

TAIL = 112.0
"""Width in pixels of the maps' unused end, if it is too large to be drawn to scale."""

_NAMES = {"x15": "X15", "freebsd": "FreeBSD"}

Axis = Sequence[Segment[None]]
"""The common axis of all maps: to scale, with a break if their unused end is too large for that."""


@picture(
    "Comparison",
    first_for=["vmwidgets.comparisons.placements.ComparisonValue"],
    what="the result of vm.compare(…)",
)
def comparison(at: At) -> Sheet:
    """Draw several maps after the same operations, side by side; differences from the first are marked.

    `target` is the result of ``vm.compare(…)``.

    >>> import vmwidgets as vm
    >>> vm.Comparison(vm.compare([vm.workload.allocate("a", "4 KiB")])).scene().title
    'the same operations on 6 maps'
    """
    value: ComparisonValue = at.target
    maps, style = _shown(value), AddressStyle.of(value.start, value.end)
    words = ""
    if maps is value.apart:
        words = say_compared("maps/apart", operation=f"{value.differences[0].number:,}")
    return Sheet(
        f"the same operations on {counted(len(value.maps), 'map')}",
        _subtitle(value, style),
        boxes.below(boxes.words("compare/moment", words), _ribbons(value, maps, style), _grid(value), gap=6),
        caption=_caption(value),
        table=_table(value),
    )


def _shown(value: ComparisonValue) -> tuple[ComparedMap, ...]:
    """Return the maps at the end, or at their first disagreement if none is left at the end."""
    left = {(one.pieces, one.gaps) for one in value.maps}
    return value.apart if value.apart and len(left) == 1 else value.maps


def _subtitle(value: ComparisonValue, style: AddressStyle) -> str:
    size = binary_size(value.end - value.start)
    against = f" · ≠ differs from {_name(value.maps[0])}" if len(value.maps) > 1 else ""
    return f"{len(value.rows):,} operations on empty maps of {size} from {style.long(value.start)}{against}"


def _caption(value: ComparisonValue) -> Caption:
    differing, count = value.differences, len(value.rows)
    if len(value.maps) == 1:
        return Caption(say_compared("maps/one", count, map=_name(value.maps[0])))
    if not differing:
        return Caption(say_compared("maps/agree"), reason=_work(value))
    first = differing[0]
    results = dict(zip((one.label for one in value.maps), first.outcomes, strict=True))
    answers = "; ".join(
        f"{', '.join(map(_name, some))}: {visible(results[some[0].label].result)}" for some in _voices(value, first)
    )
    which = say_compared("maps/first", operation=visible(str(first.operation)), answers=answers)
    text = say_compared("maps/disagree", count, differing=f"{len(differing):,}")
    return Caption(text, reason=f"{which} {_work(value)}")


def _voices(value: ComparisonValue, row: Row) -> list[list[ComparedMap]]:
    """Return the maps that returned each different result of one operation."""
    said: dict[str, list[ComparedMap]] = {}
    for one, outcome in zip(value.maps, row.outcomes, strict=True):
        said.setdefault(outcome.result, []).append(one)
    return [*said.values()]


def _work(value: ComparisonValue) -> str:
    least, most = (choose(one.steps for one in value.maps) for choose in (min, max))
    if least == most:
        return say_compared("maps/equal work", least=f"{least:,}")
    fewest, more = (" and ".join(_name(one) for one in value.maps if one.steps == steps) for steps in (least, most))
    return say_compared("maps/work", fewest=fewest, most=more, least=f"{least:,}", more=f"{most:,}")


# ---- ribbons -------------------------------------------------------------------------------------


def _ribbons(value: ComparisonValue, maps: Sequence[ComparedMap], style: AddressStyle) -> Part:
    """Return each map's words and ribbon, on one axis, and addresses below the last."""
    reference = {(piece.name, piece.start, piece.end) for piece in maps[0].pieces}
    crowded = sum(len(one.pieces) for one in maps) > MOST_PIECES

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        axis = _axis(value, maps, w)
        ways = list(zip(*(_counts(one, is_end=maps is not value.apart) for one in maps), strict=True))
        rooms = [w - text_width(_name(one), "strong") - 10 for one in maps]
        said = ways[0] if kit.all_or_none(ways[0], rooms) else ways[1]
        ribbons = [
            boxes.below(
                boxes.drawing(0, partial(_heading, one, counts)),
                boxes.drawing(RIBBON, partial(_ribbon, one, reference, axis, style, crowded)),
            )
            for one, counts in zip(maps, said, strict=True)
        ]
        ticks = boxes.drawing(0, partial(_ticks, axis, style))
        return boxes.below(boxes.below(*ribbons, gap=8), ticks)(drawn, x, y, w)

    return put


def _axis(value: ComparisonValue, maps: Sequence[ComparedMap], room: float) -> Axis:
    """Return the axis: used addresses are to scale; a long unused end that all maps share is shortened."""
    used = max((entry.end for one in maps for entry in one.map.entries), default=value.end)
    used = max([used, *(piece.end for one in maps for piece in one.pieces)])
    end = value.start + (used - value.start) * 9 // 8
    if end >= value.end:
        return (Segment(None, value.start, value.end, False, 0, room),)
    scaled: Segment[None] = Segment(None, value.start, end, False, 0, room - TAIL)
    return scaled, Segment(None, end, value.end, True, scaled.w, TAIL)


def _x(axis: Axis, address: int) -> float:
    x = x_of(axis, address)
    assert x is not None, "the axis is as long as the maps"
    return x


def _ribbon(
    one: ComparedMap, reference: set[tuple[str, int, int]], axis: Axis, style: AddressStyle, crowded: bool, box: Box
) -> Iterator[Node]:
    """Yield one map: its allocations (`crowded`: as strips without names), with its entries as lines below."""
    strips = _strips(one.pieces, axis, 2, RIBBON - 4, "plain") if crowded else ()
    yield Node(
        f"compare/{one.label}",
        "axis",
        *box,
        title=_describe(one),
        bars=(*_breaks(axis), *strips),
        text=_rest(axis),
        lane=one.label,
    )
    for number, piece in enumerate(() if crowded else one.pieces):
        yield _piece(one, piece, number, reference, axis, style, box)
    yield kit.runs(
        f"compare/{one.label}/entries",
        Box(box.x, box.y + RIBBON + 2, box.w, 4),
        (),
        bars=_strips(one.map.entries, axis, 0, 3, "line"),
        title=f"{one.entries:,} entries of {one.label}",
    )


def _strips(ranges: Sequence[UsedPiece | EntryValue], axis: Axis, y: float, h: float, style: str) -> tuple[Bar, ...]:
    """Return a strip for each range; ranges too narrow to be distinguished share a strip."""
    strips: list[tuple[float, float]] = []
    for one in ranges:
        left, right = _x(axis, one.start), _x(axis, one.end)
        if strips and right - strips[-1][0] < NARROW:
            left = strips.pop()[0]
        strips.append((left, right))
    return tuple(Bar(round(left + 0.5, 1), y, round(max(1.0, right - left - 1), 1), h, style) for left, right in strips)


def _counts(one: ComparedMap, *, is_end: bool) -> tuple[str, str]:
    """Return a map's entries, gaps and work in words, with its largest gap and without."""
    counts = f"{counted(one.entries, 'entry')} · {counted(len(one.gaps), 'gap', 'gaps')}"
    work = (
        f"looked at {one.steps:,}" + " so far" * (not is_end) + (f" · {one.failures:,} failed" if one.failures else "")
    )
    return f"{counts}, largest {one.largest_gap} · {work}", f"{counts} · {work}"


def _heading(one: ComparedMap, counts: str, box: Box) -> Iterator[Node]:
    """Yield a map's name and rule, and at the right its entries, gaps and work, in as many lines as needed."""
    w = box.w
    name, rule = _name(one), one.rule
    x = text_width(name, "strong") + 10
    right = text_width(counts, "label")
    beside = text_width(rule) <= w - x - right - 14
    below = [] if beside else wrapped(rule, w)
    text = (
        Text(0, 14, name, "strong"),
        *([Text(x, 14, rule, "label dim")] if beside else []),
        fitted(w, 14, counts, w - x, "label", "end"),
        *(Text(0, 14 + LINE * number, line, "label dim") for number, line in enumerate(below, 1)),
    )
    box = box._replace(h=HEADING + LINE * len(below))
    yield kit.runs(f"compare/{one.label}/heading", box, text, title=f"{_describe(one)}; {_looked(one.steps)}")


def _looked(count: int) -> str:
    """Return the cost of an operation in words.  The word "steps" is avoided: a picture has steps too."""
    return f"looked at {counted(count, 'node or gap', 'nodes and gaps')}"


def _name(one: ComparedMap) -> str:
    kernel, _, fit = one.label.rpartition(" ")
    if one.label in _NAMES:
        return _NAMES[one.label]
    return f"{fit} fit" + (f" of {_NAMES[kernel]}" if kernel else "")


def _describe(one: ComparedMap) -> str:
    return (
        f"{one.label}: {counted(len(one.pieces), 'allocation', 'allocations')} in "
        f"{counted(one.entries, 'entry')}, {one.used} allocated, "
        f"{counted(len(one.gaps), 'gap', 'gaps')}, the largest {one.largest_gap}, "
        f"fragmentation {one.fragmentation:.0%}"
    )


def _piece(
    one: ComparedMap,
    piece: UsedPiece,
    number: int,
    reference: set[tuple[str, int, int]],
    axis: Axis,
    style: AddressStyle,
    ground: Box,
) -> Node:
    differs = (piece.name, piece.start, piece.end) not in reference
    x = _x(axis, piece.start)
    w = max(1.0, _x(axis, piece.end) - x - 1)
    limits = f"{style.whole(piece.start)}–{style.whole(piece.end)}"
    elsewhere = ", elsewhere or otherwise than in the first map" if differs else ""
    lines = ((f"{'≠ ' if differs else ''}{piece.name}", "label"),)
    return kit.cell(
        f"compare/{one.label}/{number}",
        "range",
        ground._replace(x=ground.x + x, w=w),
        lines,
        feet=(RIBBON / 2 + 4,),
        thing=f"piece:{piece.name}",
        state=("plain", "differs") if differs else ("plain",),
        lane=one.label,
        title=f"{visible(piece.name)}: {limits}, {binary_size(piece.end - piece.start)}{elsewhere}",
    )


def _breaks(axis: Axis) -> tuple[Bar, ...]:
    """Return the marks of a broken axis, where the end of the maps is shortened."""
    ends = [(one.x, one.x + one.w) for one in axis if one.broken]
    return tuple(
        Bar(x, 4, 1.5, RIBBON - 8, "line")
        for left, right in ends
        for x in (left + 2, left + 6, right - 7.5, right - 3.5)
    )


def _rest(axis: Axis) -> tuple[Text, ...]:
    """Return the size of the shortened part, between the marks."""
    return tuple(
        fitted(one.x + one.w / 2, y, words, one.w - 20, "label dim", "middle")
        for one in axis
        if one.broken
        for y, words in ((RIBBON / 2 - 2, f"+ {binary_size(one.end - one.start)}"), (RIBBON / 2 + 11, NOT_TO_SCALE))
    )


def _ticks(axis: Axis, style: AddressStyle, box: Box) -> list[Node]:
    """Return addresses below the last ribbon: both ends, and quarters between."""
    start, end = axis[0].start, axis[0].end
    quarters = [start + (end - start) * part // 4 & -4096 for part in range(1, 4)]
    wanted = [start, axis[-1].end, *quarters]
    return kit.ticks("compare", wanted, lambda one: box.x + _x(axis, one), style, box.y, width=box.w + 2 * box.x)


# ---- the grid ------------------------------------------------------------------------------------


def _grid(value: ComparisonValue) -> Part:
    """Return a row for each operation with its result on each map; without room, a line for each different result."""
    rows = value.rows if len(value.rows) <= MOST_ROWS else value.differences[:MOST_ROWS]
    if len(rows) == 1 < len(value.rows):
        return boxes.apart(0)  # the caption has all of it
    labels = {row.number: f"{row.number}  {row.operation}" for row in rows}
    first = min(250.0, 16 + max((text_width(label, "label") for label in labels.values()), default=0.0))
    begin = 11 + max((text_width(_ways(*one)[-1], "mono label") for row in rows for one in _outcomes(row)), default=0.0)

    def line(operation: Part, cells: Sequence[Part], grouped: Part) -> Part:
        wide, narrow = boxes.beside(operation, *cells, first=first, gap=3), boxes.below(operation, grouped, gap=3)
        return boxes.either(first + (begin + 3) * len(value.maps), wide, narrow)

    heads = [
        boxes.drawing(LINE - 3, partial(_words, f"compare/head/{one.label}", _name(one), style="label strong"))
        for one in value.maps
    ]
    lines = []
    for row in rows:
        cells = {
            one.label: boxes.drawing(CELL, partial(_cell, row, one.label, *outcome))
            for one, outcome in zip(value.maps, _outcomes(row), strict=True)
        }
        name = partial(_words, f"compare/{row.number}", labels[row.number], title=str(row.operation))
        grouped = (
            boxes.columns((begin, cells[some[0].label]), (0, _named(row, some)), gap=6) for some in _voices(value, row)
        )
        lines.append(line(boxes.drawing(LINE, name), [*cells.values()], boxes.below(*grouped, gap=3)))
    left = len(value.rows) - len(rows)
    which = "on which the maps agree" if len(value.differences) <= MOST_ROWS else "in the table"
    more = f"… {left:,} more {'operation' if left == 1 else 'operations'}, {which}" if left else ""
    names = line(boxes.apart(0), heads, boxes.apart(0))
    return boxes.below(names, *lines, boxes.words("compare/more", more), gap=3)


def _named(row: Row, some: Sequence[ComparedMap]) -> Part:
    """Return the names of the maps that returned the same."""
    return boxes.words(f"compare/{row.number}/of/{some[0].label}", ", ".join(map(_name, some)))


def _words(identity: str, words: str, box: Box, *, style: str = "label", title: str = "") -> list[Node]:
    return [
        kit.card(
            identity, box, [kit.Line(words, style)], kind="label", shape="none", top=13, pad=4, title=visible(title)
        )
    ]


def _cell(row: Row, label: str, outcome: OperationOutcome, differs: bool, box: Box) -> list[Node]:
    state = ["fault"] * outcome.failed + ["differs"] * differs
    return [
        kit.card(
            f"compare/{row.number}/{label}",
            box,
            [kit.Line(_ways(outcome, differs), "mono label")],
            kind="label",
            shape="box" if state else "none",
            state=state,
            top=13,
            pad=4,
            title=f"{visible(str(row.operation))} on {label}: {visible(outcome.result)}, {_looked(outcome.steps)}",
        )
    ]


def _outcomes(row: Row) -> list[tuple[OperationOutcome, bool]]:
    """Return each map's result, and whether it differs from the first."""
    return list(zip(row.outcomes, row.differing, strict=True))


def _ways(outcome: OperationOutcome, differs: bool) -> tuple[str, ...]:
    """Return a cell's text in full, and with only the start of a range."""
    said = f"{'≠ ' if differs else ''}{outcome.result}"
    begin, dash, _ = said.partition("–")
    return (said, f"{begin}–…") if dash else (said,)


def _table(value: ComparisonValue) -> Table:
    rows = value.table()
    sums = rows[len(value.rows) :]
    shown = rows[: min(len(value.rows), MOST_TABLE_ROWS)]
    more = len(value.rows) - len(shown)
    left_out = ((f"… {more:,} operations more", *[""] * len(value.maps)),) if more else ()
    return Table(value.header, (*shown, *left_out, *sums))
