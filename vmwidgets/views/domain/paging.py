"""A kernel-managed task next to a self-paging domain: what each design costs.

Below the two sides' names are the measures that decide: how often each needed the kernel, and the bytes of tables and
records.  A measure's bars go to the left for the task and to the right for the domain; counts have one scale, and bytes
another.  The other measures, the ranges and the functions that ran are in the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING

from vmwidgets.comparisons.paging_schema import PagedRange, PagingComparison, PagingRecords, PagingSide
from vmwidgets.engine.base.units import Address, binary_size, counted, grouped_size
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Table, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, visible
from vmwidgets.views.story.words.pictures import say_compared

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

MIDDLE, GAP, HIGH = 268.0, 10.0, 28.0
"""Width of the words between the bars; space next to them; height of a measure."""

Measure = tuple[str, int, int, bool]
"""A measure's name, both values, and whether they are bytes."""

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
    measures = value.measures()
    deciding = [one for one in enumerate(measures) if one[1][0] in DECIDE]
    ranges = sum(len(one.ranges) for one in sides.values())
    ran = sum(len(one.functions) for one in sides.values())
    rest = counted(len(measures) - len(DECIDE), "measure"), counted(ranges, "range"), counted(ran, "function")
    return Sheet(
        f"{visible(value.task.label)} · {visible(value.domain.label)}",
        "",
        boxes.below(
            boxes.beside(*starmap(_card, sides.items()), gap=24, least=340),
            _measures("how often the kernel was needed", [one for one in deciding if not one[1][3]]),
            _measures("memory to keep track of memory", [one for one in deciding if one[1][3]]),
            boxes.folded("paging/fold", f"{' · '.join(rest)} more, in the table", lane="paging"),
            gap=24,
        ),
        caption=_caption(value),
        table=_table(value),
    )


DECIDE = "page faults", "calls of the kernel by the program", "bytes of tables", "bytes of records"
"""The measures that decide: the others are in the table."""


def _caption(value: PagingComparison) -> Caption:
    task, domain = value.task, value.domain
    faults, calls = counted(task.faults, "page fault"), counted(domain.invocations, "kernel call")
    forgotten = task.forgotten + domain.forgotten
    name = "paging/at least" if forgotten else "paging"
    text = say_compared(name, faults=faults, calls=calls)
    reason = say_compared("paging/present", task=task.present, domain=domain.present)
    if forgotten:
        reason = f"{reason} {say_compared('paging/lost', forgotten)}"
    return Caption(text, (), reason)


# ---- cards --------------------------------------------------------------------------------------------


def _card(name: str, side: PagingSide) -> Part:
    """Return a side's name, who decides, and its tables and records."""
    tables, records = (", ".join(map(_records_words, some)) or "none" for some in (side.tables, side.records))
    lines = [
        kit.Line(visible(side.label), "body strong", f"{side.decider} decides", "label"),
        kit.Line(f"tables: {tables}"),
        kit.Line(f"records: {records}; {side.architecture}", "label dim"),
    ]
    return boxes.card(f"paging/{name}", lines, kind="paging", strip=[name], lane=f"paging/{name}", action="select")


def _records_words(one: PagingRecords) -> str:
    what = one.single if one.single and one.count == 1 else one.what
    return f"{one.count:,} {visible(what).removesuffix(' table')} ({grouped_size(one.bytes)})"


# ---- measures -----------------------------------------------------------------------------------------


def _measures(said: str, measures: Sequence[tuple[int, Measure]]) -> Part:
    """Return measures of one unit, to one scale."""
    most = max([1, *(max(left, right) for _, (_, left, right, _) in measures)])
    rows = [boxes.drawing(0, partial(_measure, *one, most)) for one in measures]
    return boxes.below(boxes.words(f"paging/measures/{measures[0][0]}", said), *rows, gap=4)


def _measure(number: int, measure: Measure, most: int, box: Box) -> Iterator[Node]:
    """Yield a measure's name between its two bars, or above them."""
    name, left, right, is_bytes = measure
    is_narrow = box.w < _NARROW
    between = 0.0 if is_narrow else MIDDLE
    down = HIGH * is_narrow
    room = (box.w - between) / 2 - GAP
    said = [grouped_size(value) if is_bytes else f"{value:,}" for value in (left, right)]
    widths = [max(2.0 if value else 0.0, (room - 90) * value / most) for value in (left, right)]
    after, base = room + 2 * GAP + between, HIGH / 2 + 5
    text = (
        Text(room - widths[0] - 6, base + down, said[0], "body strong", "end"),
        fitted(room + GAP + between / 2, base, name, MIDDLE, "body", "middle"),
        Text(after + widths[1] + 6, base + down, said[1], "body strong"),
    )
    bars = [
        Bar(room - widths[0], 3 + down, widths[0], HIGH - 6, "task"),
        Bar(after, 3 + down, widths[1], HIGH - 6, "domain"),
    ]
    yield Node(f"paging/measure/{number}", "measure", box.x, box.y, box.w, HIGH + down, shape="none", text=text,
               bars=tuple(bars), title=f"{name}: {said[0]} and {said[1]}")  # fmt: skip


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
