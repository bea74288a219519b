"""A kernel-managed task next to a self-paging domain: the decisions, the functions, and the costs of each.

At the top, two cards show the mappings.  Below them, each measure is in the middle, with its bars to the left for the
task and to the right for the domain, on a common scale.  At the end are the functions that ran.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING

from vmwidgets.comparisons.paging_schema import PagedRange, PagingComparison, PagingRecords, PagingSide
from vmwidgets.engine.base.errors import with_signs
from vmwidgets.engine.base.units import Address, binary_size, counted, grouped_size
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible, wording, wrapped
from vmwidgets.views.story.words.pictures import say_compared

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

RANGES, FUNCTIONS = 6, 10
"""The most ranges and the most functions drawn on each side; the others are counted."""

MIDDLE, GAP = 236.0, 10.0
"""Width of the words between the bars; space next to them."""

LINE = 19.0

_NARROW = 570.0
"""The width in pixels below which the rows of measures have no room for words between bars."""


@picture(
    "Paging",
    first_for=["vmwidgets.comparisons.paging_schema.PagingComparison"],
    what="the result of vm.compare_paging(task, domain)",
)
def paging(at: At) -> Sheet:
    """Draw the work of the kernel for a task, next to the work that a domain does for itself.

    `target` is the result of ``vm.compare_paging(task, domain)``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("armv7")
    >>> t, d = m.task("init"), m.domain("hello")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Paging(vm.compare_paging(t, d))
    Paging: ...
    """
    value: PagingComparison = at.target
    sides = {"task": value.task, "domain": value.domain}
    measures = [boxes.drawing(0, partial(_measure, *one)) for one in enumerate(value.measures())]
    return Sheet(
        f"{visible(value.task.label)} · {visible(value.domain.label)}", _subtitle(value),
        boxes.below(
            boxes.beside(*starmap(_card, sides.items()), gap=24),
            boxes.below(boxes.words("paging/measures", "what it cost", "strong"), *measures, gap=4),
            boxes.below(
                boxes.words("paging/functions", "functions that ran for it, with counts", "strong"),
                boxes.beside(*starmap(_functions, sides.items()), gap=24), gap=4,
            ), gap=12,
        ),
        caption=_caption(value), table=_table(value),
    )  # fmt: skip  # what it draws, what it says


def _subtitle(value: PagingComparison) -> str:
    """Return, in words, whether both sides have mapped the same amount: only then are their costs comparable."""
    task, domain = value.task.present, value.domain.present
    much = "as much memory" if task == domain else f"{task} and {domain}"
    return f"{much}, mapped by the kernel and by the program itself · each row of bars has its own scale"


def _caption(value: PagingComparison) -> Caption:
    task, domain = value.task, value.domain
    faults, calls = counted(task.faults, "page fault"), counted(domain.invocations, "kernel call")
    forgotten = task.forgotten + domain.forgotten
    name = "paging/at least" if forgotten else "paging"
    text = say_compared(name, task=task.present, faults=faults, domain=domain.present, calls=calls)
    sizes = {"task": task.table_bytes, "domain": domain.table_bytes}
    sizes |= {"task_records": task.record_bytes, "domain_records": domain.record_bytes}
    reason = say_compared("paging/bytes", **{name: grouped_size(size) for name, size in sizes.items()})
    if forgotten:
        reason = f"{reason} {say_compared('paging/lost', forgotten)}"
    return Caption(text, (), reason)


# ---- cards --------------------------------------------------------------------------------------------


def _card(name: str, side: PagingSide) -> Part:
    """Return a side's name, who decides, and its ranges."""
    ranges = side.ranges[:RANGES]
    style = AddressStyle.of(
        min((one.start for one in side.ranges), default=0), max((one.end for one in side.ranges), default=1)
    )
    left = len(side.ranges) - len(ranges)
    rest = f"{left} more, in the table" if left else "" if ranges else "nothing is mapped"
    drawn = [boxes.drawing(LINE + 2, partial(_range, name, style, *one)) for one in enumerate(ranges)]
    return boxes.below(
        boxes.drawing(0, partial(_head, name, side)),
        boxes.below(*drawn, boxes.words(f"paging/{name}/more", rest), gap=3), gap=6,
    )  # fmt: skip  # the head, then ranges


def _head(name: str, side: PagingSide, box: Box) -> Iterator[Node]:
    """Yield a side's name and words in a box as high as they are."""
    text = _words_of_card(side, box.w)
    high = max(run.y for run in text) + 9
    title = f"{visible(side.label)}: {'; '.join(run.text for run in text[1:])}"
    yield Node(f"paging/{name}", "paging", box.x, box.y, box.w, high, text=text, title=title, lane=f"paging/{name}",
               bars=(Bar(0, 0, 4, high, name),), action="select")  # fmt: skip


def _words_of_card(side: PagingSide, w: float) -> tuple[Text, ...]:
    """Return the name, who decides, and the tables and records, in as many lines as needed."""
    decides = f"{side.decider} decides"
    tables = ", ".join(_records_words(one) for one in side.tables) or "none"
    records = ", ".join(_records_words(one) for one in side.records)
    beside = w - 30 - text_width(decides)
    if text_width(side.label, "body strong") <= beside:
        text = [Text(10, 19, visible(side.label), "body strong"), Text(w - 10, 19, decides, "label", "end")]
    else:
        text = [fitted(10, 19, side.label, w - 20, "body strong"), Text(10, 37, decides)]
    for words, style in ((f"tables: {tables}", "label"), (f"records: {records}; {side.architecture}", "label dim")):
        lines = wrapped(words, w - 20)
        text += [Text(10, text[-1].y + 16 * number, line, style) for number, line in enumerate(lines, 1)]
    return tuple(text)


def _records_words(one: PagingRecords) -> str:
    what = one.single if one.single and one.count == 1 else one.what
    return f"{one.count:,} {visible(what).removesuffix(' table')} ({grouped_size(one.bytes)})"


def _range(name: str, style: AddressStyle, number: int, one: PagedRange, box: Box) -> Iterator[Node]:
    """Yield a range's addresses, what is there, and a bar of its present part."""
    where, starts = f"{style.long(one.start)}–{style.long(one.end)}", f"from {style.long(one.start)}"
    present = "all present" if one.present >= one.end - one.start else f"{binary_size(one.present)} present"
    words = f"{one.rights}  {binary_size(one.end - one.start)}, {present}"
    room = box.w - 2 * kit.PAD - 6 - text_width(where, "mono label")
    fitting = wording((f"{words}, {visible(one.backing)}", words, one.rights, ""), room)
    share = min(1.0, one.present / max(1, one.end - one.start))
    yield kit.card(
        f"paging/{name}/range/{number}", box, [kit.Line((where, starts), "mono label", fitting)],
        kind="paging", bars=[Bar(0, LINE - 1, box.w * share, 3, name)], title=with_signs(one), lane=f"paging/{name}",
        action="select", top=14,
    )  # fmt: skip


# ---- measures -----------------------------------------------------------------------------------------


def _measure(number: int, measure: tuple[str, int, int, bool], box: Box) -> Iterator[Node]:
    """Yield a measure's name between its two bars, or above them."""
    name, left, right, is_bytes = measure
    is_narrow = box.w < _NARROW
    between = 0.0 if is_narrow else MIDDLE
    down = LINE * is_narrow
    room = (box.w - between) / 2 - GAP
    most = max(left, right, 1)
    said = [grouped_size(value) if is_bytes else f"{value:,}" for value in (left, right)]
    widths = [max(2.0 if value else 0.0, (room - 90) * value / most) for value in (left, right)]
    after = room + 2 * GAP + between
    text = (
        Text(room - widths[0] - 6, 14 + down, said[0], "label", "end"),
        fitted(room + GAP + between / 2, 14, name, MIDDLE, "label", "middle"),
        Text(after + widths[1] + 6, 14 + down, said[1], "label"),
    )
    bars = [Bar(room - widths[0], 3 + down, widths[0], LINE - 6, "task"),
            Bar(after, 3 + down, widths[1], LINE - 6, "domain")]  # fmt: skip  # to the left and to the right
    yield Node(f"paging/measure/{number}", "measure", box.x, box.y, box.w, LINE + down, shape="none", text=text,
               bars=tuple(bars), title=f"{name}: {said[0]} and {said[1]}")  # fmt: skip


def _functions(name: str, side: PagingSide) -> Part:
    """Return the functions that ran, with their counts, in two columns if there is room."""
    shown, left = side.functions[:FUNCTIONS], side.functions[FUNCTIONS:]
    least = max((text_width(f"{times:,} ×", "label dim") for _, times in shown), default=0.0)
    columns = Column(style="label dim", least=least, end=True), Column(style="mono label", middle=True)
    ran = [
        boxes.rows("paging", columns, [Row(f"paging/{name}/function/{number}", (f"{times:,} ×", function),
                                           f"{function} ran {counted(times, 'time')}")], high=LINE)
        for number, (function, times) in enumerate(shown)
    ]  # fmt: skip  # a function a row
    rest = f"and {counted(len(left), 'function')} more" if shown else "none"
    return boxes.below(
        boxes.downwards(ran, _NARROW / 4, gap=0),
        boxes.words(f"paging/{name}/functions", rest if left or not shown else ""),
    )


# ---- the table ----------------------------------------------------------------------------------------


def _table(value: PagingComparison) -> Table:
    sides = (value.task, value.domain)
    rows: list[tuple[str, ...]] = list(value.table())
    most = max(len(side.ranges) for side in sides)
    rows += [(f"range {number + 1}", *(_range_words(side.ranges, number) for side in sides)) for number in range(most)]
    ran = [dict(side.functions) for side in sides]
    names = dict.fromkeys((*ran[0], *ran[1]))
    rows += [(visible(name), *(f"{one.get(name, 0):,}" for one in ran)) for name in names]
    return Table(("measure", visible(value.task.label), visible(value.domain.label)), tuple(rows[:MAX_ROWS]))


MAX_ROWS = 400


def _range_words(ranges: Sequence[PagedRange], number: int) -> str:
    if number >= len(ranges):
        return ""
    one = ranges[number]
    return f"{Address(one.start)}–{Address(one.end)} {one.rights}, {binary_size(one.present)} present"
