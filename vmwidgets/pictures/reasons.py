"""The reasons for a state: the necessary operations, one below the other, and the effect of each on pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.hindsight.why import Why
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, Box, Line
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.story import story_of

from .at import At
from .operations import name_of
from .picture import Picture
from .registry import picture_of

MOST, STEPS, PLACES = 8, 3, 12
"""The most operations that are drawn (the last ones), the most steps of each, and the most places of a page."""

_LIFE = (
    ev.PagerAsked, ev.PagesEntered, ev.PagesLeft, ev.PageCopied, ev.PageOut, ev.PageIn, ev.PageJoined, ev.SwapMoved,
)  # fmt: skip  # read as a list
"""The events of a page's life: it is requested, gets a frame, is copied, moves to a slot, and comes back."""


@picture_of(first_for=Why)
class Reasons(Picture):
    """The reasons for a state: each operation that was needed, its effects, and the history of the pages.

    `target` is the result of ``m.why(…)``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> a = t.mmap("4 KiB")
    >>> t.write(a, b"x")
    >>> vm.Reasons(m.why(t, a)).scene().subtitle
    'because of 3 operations'
    """

    def __init__(self, target: Why, **options: Any) -> None:
        if not isinstance(target, Why):
            raise Refused(f"Reasons shows the result of m.why(…), not {shown(target)}")
        super().__init__(target, **options)
        self._held = target  # weakly held otherwise, and nothing else may keep it

    def draw(self, at: At) -> Scene:
        """Return the operations and their result."""
        return _draw(self._held, at.width)


def _draw(why: Why, width: float) -> Scene:
    beside = width >= ACROSS and len(why.life) > 0
    whole, width = width, width - (WIDEST + 2 * MARGIN) * beside
    w = min(width - 2 * MARGIN, MOST_WIDE)
    shown = why.operations[-MOST:]
    nodes: list[Node] = []
    y = 4.0
    if len(shown) < len(why.operations):
        nodes.append(
            kit.fold(
                "why/fold", Box(MARGIN, y, w, 26), f"{counted(len(why.operations) - MOST, 'operation')} before these"
            )
        )
        y += 26 + _GAP
    for operation in shown:
        nodes.append(_card(f"why/{operation.serial}", operation, why.cell_of(operation), y, w, ""))
        y += nodes[-1].h + _GAP
    if why.last not in why.operations and why.last.number:
        nodes.append(_card(f"why/{why.last.serial}", why.last, why.cell_of(why.last), y, w, "last changed by "))
        y += nodes[-1].h + _GAP
    nodes.append(kit.card("why/end", Box(MARGIN, y, w, 32), [Line(visible(why.what), middle=True)], state=("path",)))
    arrows = [kit.arrow(f"why/arrow/{number}", *two) for number, two in enumerate(pairwise(nodes))]
    if beside:
        stations = _life(why, 0.0, WIDEST + 2 * MARGIN, is_column=True)
        stations = [replace(one, x=one.x + 2 * MARGIN + w) for one in stations]
    else:
        stations = _life(why, y + 32 + 2 * _GAP, width)
    nodes += stations
    arrows += [_on(left, right) for left, right in pairwise(stations[1:])]
    rows = [(str(one.number), visible(name_of(one)), " ".join(_said(one))) for one in why.operations]
    if why.last not in why.operations and why.last.number:
        rows.append((str(why.last.number), f"last changed by {visible(name_of(why.last))}", " ".join(_said(why.last))))
    rows += [(str(one.operation.number), visible(one.place), one.how) for one in why.life]
    said = "because of" if why.operations else "without"
    return kit.scene(
        "why", "why is this so?", f"{said} {counted(len(why.operations), 'operation')}", nodes, links=arrows,
        caption=Caption(visible(why.what), (), why.reason), table=Table(("operation", "call", "what it did"), rows),
        width=whole,
    )  # fmt: skip


_GAP = 18.0

WIDEST = 320.0
"""The greatest width in pixels of a place in a page's life: files may have long names."""

ACROSS, MOST_WIDE = 1200.0, 1100.0
"""The width from which a page's life is next to the operations, not below; the greatest width of an operation."""


def _on(one: Node, after: Node) -> Link:
    """Return an arrow to the next place: in its row, below it, or at the beginning of the next row."""
    if one.y == after.y:
        return kit.beside(f"{one.id}/next", one, after)
    (x, bottom), to_x = (one.x + min(one.w, after.w) / 2, one.y + one.h), after.x + min(one.w, after.w) / 2
    turn = (bottom + after.y) / 2
    ways = ((x, bottom), (x, turn), (to_x, turn), (to_x, after.y))
    return Link(f"{one.id}/next", "next", one.id, after.id, ways, arrow=True)


def _card(identity: str, operation: Operation, cell: int, y: float, w: float, before: str) -> Node:
    """Return an operation: its call, its effect, and what became of pages."""
    said = [*_said(operation)]
    more = len(said) - 1 - STEPS
    rows = [Line(f"{before}{visible(name_of(operation))}", "strong", f"cell {cell}" if cell else "")]
    rows += [Line(one, "label dim" if number else "label") for number, one in enumerate(said[: STEPS + 1])]
    rows += [Line(f"… {counted(more, 'step')} more", "label dim")] * (more > 0)
    functions = _functions(operation)
    rows += [Line(functions[-1] if len(functions) == 1 else functions, "label dim code")] * (len(functions) > 0)
    box = Box(MARGIN, y, w, LINE * len(rows) + 10)
    return kit.card(identity, box, rows, title=f"{visible(name_of(operation))}: {' '.join(said)}", top=17, lane="why")


def _life(why: Why, y: float, width: float, *, is_column: bool = False) -> list[Node]:
    """Return the places of the page, one after the other, each with the operation that moved it there."""
    if not why.life:
        return []
    stations = [*why.life[:1], *why.life[1:][1 - PLACES :]]
    words = [(visible(one.place), f"{one.how}, operation {one.operation.number}") for one in stations]
    most = min(WIDEST, width - 2 * MARGIN)
    wide = [min(most, max(text_width(place, "strong"), text_width(how)) + 16) for place, how in words]
    boxes = kit.flow([most] * len(wide) if is_column else wide, y + 34, 44, width=width, gap=26)
    left_out = len(why.life) - len(stations)
    less = f", without {counted(left_out, 'place')} after the first" if left_out else ""
    return [
        kit.heading("why/life", f"The life of its page{less}", "", y, width=width),
        *(
            kit.card(f"why/life/{number}", box, [Line(place, "strong"), Line(how, "label dim")],
                     title=f"{place}: {how}", top=17, state=("path",) if number == len(stations) - 1 else ())
            for number, ((place, how), box) in enumerate(zip(words, boxes, strict=True))
        ),
    ]  # fmt: skip


def _functions(operation: Operation) -> tuple[str, ...]:
    """Return texts with the kernel functions of an operation in order, each text one function shorter."""
    story = story_of(operation)
    names = [*dict.fromkeys(name for step in story.every_step for name in step.functions)]
    return tuple(
        " · ".join(names) if kept == len(names) else f"{' · '.join(names[:kept])} · {len(names) - kept} more"
        for kept in range(len(names), 0, -1)
    )


def _said(operation: Operation) -> Iterator[str]:
    """Yield the headline of an operation, and the sentences about its effect on pages."""
    story = story_of(operation)
    yield story.headline.text
    yield from (step.sentence for step in story.steps if isinstance(step.event, _LIFE))
