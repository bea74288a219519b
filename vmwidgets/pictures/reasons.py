"""Why something is as it is: the operations that make it so, one below the other, and what each did to pages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.hindsight.why import Why
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, Box, Line
from vmwidgets.views.scene.model import Caption, Node, Scene, Table
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.story import story_of

from .at import At
from .operations import name_of
from .picture import Picture
from .registry import picture_of

MOST, STEPS = 8, 3
"""So many operations are drawn, the last ones; and so many steps of each."""

_LIFE = (
    ev.PagerAsked, ev.PagesEntered, ev.PagesLeft, ev.PageCopied, ev.PageOut, ev.PageIn, ev.PageJoined, ev.SwapMoved,
)  # fmt: skip  # read as a list
"""What happens to a page in its life: it is asked for, gets a frame, is copied, leaves for a slot, and comes back."""


@picture_of(first_for=Why)
class Reasons(Picture):
    """Why something is so: each operation that was needed, what it did, and what became of pages.

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
        """The operations, and what they came to."""
        return _draw(self._held, at.width)


def _draw(why: Why, width: float) -> Scene:
    w = width - 2 * MARGIN
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
    rows = [(str(one.number), visible(name_of(one)), " ".join(_said(one))) for one in why.operations]
    said = "because of" if why.operations else "without"
    return kit.scene(
        "why", "why is this so?", f"{said} {counted(len(why.operations), 'operation')}", nodes, links=arrows,
        caption=Caption(visible(why.what), (), why.reason), table=Table(("operation", "call", "what it did"), rows),
        width=width,
    )  # fmt: skip


_GAP = 18.0


def _card(identity: str, operation: Operation, cell: int, y: float, w: float, before: str) -> Node:
    """An operation: its call, what it did, and what became of pages."""
    said = [*_said(operation)]
    more = len(said) - 1 - STEPS
    rows = [Line(f"{before}{visible(name_of(operation))}", "strong", f"cell {cell}" if cell else "")]
    rows += [Line(one, "label dim" if number else "label") for number, one in enumerate(said[: STEPS + 1])]
    rows += [Line(f"… {counted(more, 'step')} more", "label dim")] * (more > 0)
    box = Box(MARGIN, y, w, LINE * len(rows) + 10)
    return kit.card(identity, box, rows, title=f"{visible(name_of(operation))}: {' '.join(said)}", top=17, lane="why")


def _said(operation: Operation) -> Iterator[str]:
    """The headline of an operation, and the sentences of what it did to pages."""
    story = story_of(operation)
    yield story.headline.text
    yield from (step.sentence for step in story.steps if isinstance(step.event, _LIFE))
