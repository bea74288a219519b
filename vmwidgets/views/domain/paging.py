"""A kernel-managed task next to a self-paging domain: the decisions, the functions, and the costs of each.

At the top, two cards show the mappings.  Below them, each measure is in the middle, with its bars to the left for the
task and to the right for the domain, on a common scale.  At the end are the functions that ran.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base.errors import with_signs
from vmwidgets.engine.base.units import Address, binary_size, counted, grouped_size
from vmwidgets.engine.spaces.paging_schema import PagedRange, PagingComparison, PagingRecords, PagingSide
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wording, wrapped
from vmwidgets.views.story.words.pictures import say_compared

RANGES, FUNCTIONS = 6, 10
"""The most ranges and the most functions drawn on each side; the others are counted."""

MIDDLE, GAP = 236.0, 10.0
"""Width of the words between the bars; space next to them."""

LINE = 19.0

_NARROW = 600.0
"""The width in pixels below which a picture has no room for words between bars."""


def draw_paging(value: PagingComparison, *, width: float = WIDTH) -> Scene:
    """Return the scene of a comparison."""
    half = (width - 2 * MARGIN - 24) / 2
    right_x = width - MARGIN - half
    nodes: list[Node] = []
    bottoms = []
    for side, x, name in ((value.task, MARGIN, "task"), (value.domain, right_x, "domain")):
        drawn, bottom = _card(side, name, x, 6, half)
        nodes += drawn
        bottoms.append(bottom)
    y = max(bottoms) + 14
    nodes.append(kit.label("paging/measures", "what it cost", MARGIN, y, style="strong"))
    y += 22
    for number, measure in enumerate(value.measures()):
        nodes.append(_measure(number, measure, y, width))
        y += nodes[-1].h + 4
    y += 8
    nodes.append(kit.label("paging/functions", "functions that ran for it, with counts", MARGIN, y, style="strong"))
    y += 22
    ends = []
    for side, x, name in ((value.task, MARGIN, "task"), (value.domain, right_x, "domain")):
        drawn, bottom = _functions(side, name, x, y, half)
        nodes += drawn
        ends.append(bottom)
    return kit.scene(
        "paging",
        f"{visible(value.task.label)} · {visible(value.domain.label)}",
        _subtitle(value),
        nodes,
        caption=_caption(value),
        table=_table(value),
        width=width,
        height=max(ends) + 6,
    )


def _subtitle(value: PagingComparison) -> str:
    """Return, in words, whether both sides have mapped the same amount: only then are their costs comparable."""
    task, domain = value.task.present, value.domain.present
    much = "as much memory" if task == domain else f"{task} and {domain}"
    return f"{much}, mapped by the kernel and by the program itself · bars of a row have one scale"


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


def _card(side: PagingSide, name: str, x: float, y: float, w: float) -> tuple[list[Node], float]:
    """Return a side's name, who decides, and its ranges."""
    head = _words_of_card(side, w)
    h = max(run.y for run in head) + 9
    title = f"{visible(side.label)}: {'; '.join(run.text for run in head[1:])}"
    nodes = [Node(f"paging/{name}", "paging", x, y, w, h, text=head, title=title, lane=f"paging/{name}",
                  bars=(Bar(0, 0, 4, h, name),), action="select")]  # fmt: skip
    y += h + 6
    ranges = side.ranges[:RANGES]
    style = AddressStyle.of(
        min((one.start for one in side.ranges), default=0), max((one.end for one in side.ranges), default=1)
    )
    for number, one in enumerate(ranges):
        nodes.append(_range(one, number, name, style, x, y, w))
        y += LINE + 5
    if len(side.ranges) > len(ranges) or not ranges:
        label = f"{len(side.ranges) - len(ranges)} more, in the table" if ranges else "nothing is mapped"
        nodes.append(kit.label(f"paging/{name}/more", label, x + 8, y, most=w - 8))
        y += LINE + 5
    return nodes, y


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


def _range(one: PagedRange, number: int, name: str, style: AddressStyle, x: float, y: float, w: float) -> Node:
    where, starts = f"{style.long(one.start)}–{style.long(one.end)}", f"from {style.long(one.start)}"
    present = "all present" if one.present >= one.end - one.start else f"{binary_size(one.present)} present"
    words = f"{one.rights}  {binary_size(one.end - one.start)}, {present}"
    room = w - 2 * kit.PAD - 6 - text_width(where, "mono label")
    fitting = wording((f"{words}, {visible(one.backing)}", words, one.rights, ""), room)
    share = min(1.0, one.present / max(1, one.end - one.start))
    return kit.card(
        f"paging/{name}/range/{number}", Box(x, y, w, LINE + 2), [kit.Line((where, starts), "mono label", fitting)],
        kind="paging", bars=[Bar(0, LINE - 1, w * share, 3, name)], title=with_signs(one), lane=f"paging/{name}",
        action="select", top=14,
    )  # fmt: skip


# ---- measures -----------------------------------------------------------------------------------------


def _measure(number: int, measure: tuple[str, int, int, bool], y: float, width: float) -> Node:
    """Return a measure's name between its two bars, or above them."""
    name, left, right, is_bytes = measure
    is_narrow = width < _NARROW
    between = 0.0 if is_narrow else MIDDLE
    down = LINE * is_narrow
    room = (width - 2 * MARGIN - between) / 2 - GAP
    most = max(left, right, 1)
    said = [grouped_size(value) if is_bytes else f"{value:,}" for value in (left, right)]
    widths = [max(2.0 if value else 0.0, (room - 90) * value / most) for value in (left, right)]
    middle = MARGIN + room + GAP
    title = f"{name}: {said[0]} and {said[1]}"
    text = (
        Text(room - widths[0] - 6, 14 + down, said[0], "label", "end"),
        fitted(room + GAP + between / 2, 14, name, MIDDLE, "label", "middle"),
        Text(room + 2 * GAP + between + widths[1] + 6, 14 + down, said[1], "label"),
    )
    bars = (
        Bar(room - widths[0], 3 + down, widths[0], LINE - 6, "task"),
        Bar(middle - MARGIN + between + GAP, 3 + down, widths[1], LINE - 6, "domain"),
    )
    w = width - 2 * MARGIN
    return Node(f"paging/measure/{number}", "measure", MARGIN, y, w, LINE + down, shape="none", text=text, bars=bars,
                title=title)  # fmt: skip


def _functions(side: PagingSide, name: str, x: float, y: float, w: float) -> tuple[list[Node], float]:
    nodes: list[Node] = []
    shown = side.functions[:FUNCTIONS]
    columns = 2 if w >= _NARROW / 2 else 1
    share = w / columns
    rows = -(-len(shown) // columns)
    for number, (function, times) in enumerate(shown):
        box = Box(x + number // max(1, rows) * share, y + number % max(1, rows) * LINE, share, LINE)
        text = (Text(44, 14, f"{times:,} ×", "label dim", "end"),
                fitted(50, 14, function, share - 54, "mono label"))  # fmt: skip
        nodes.append(
            kit.runs(f"paging/{name}/function/{number}", box, text, title=f"{function} ran {counted(times, 'time')}")
        )
    y += rows * LINE
    left_out = side.functions[FUNCTIONS:]
    if left_out or not shown:
        label = f"and {counted(len(left_out), 'function')} more" if shown else "none"
        nodes.append(kit.label(f"paging/{name}/functions", label, x + 44, y, most=w - 44))
        y += LINE
    return nodes, y


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
