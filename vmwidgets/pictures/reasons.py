"""The reasons for a state: the operations that were needed, one below the other, and the effect of each on pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.hindsight.why import Why
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import MARGIN, Line
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
    shown = why.operations[-MOST:]
    left = len(why.operations) - len(shown)
    is_later = why.last not in why.operations and bool(why.last.number)
    cards = [_card(f"why/{one.serial}", one, why.cell_of(one), "") for one in shown]
    if left:
        cards.insert(0, boxes.folded("why/fold", f"{counted(left, 'operation')} before these"))
    if is_later:
        cards.append(_card(f"why/{why.last.serial}", why.last, why.cell_of(why.last), "last changed by "))
    cards.append(boxes.card("why/end", [Line(visible(why.what), middle=True)], least=32, state=("path",)))
    chain = boxes.narrower(MOST_WIDE, boxes.joined(boxes.below(*cards, gap=18), _leads))
    rows = [(str(one.number), visible(name_of(one)), " ".join(_said(one))) for one in why.operations]
    if is_later:
        rows.append((str(why.last.number), f"last changed by {visible(name_of(why.last))}", " ".join(_said(why.last))))
    rows += [(str(one.operation.number), visible(one.place), one.how) for one in why.life]
    said = "because of" if why.operations else "without"
    return boxes.picture(
        "why", "why is this so?", f"{said} {counted(len(why.operations), 'operation')}",
        boxes.beside(chain, _life(why), last=WIDEST, least=ACROSS - WIDEST - 4 * MARGIN) if why.life else chain,
        caption=_caption(why), table=Table(("operation", "call", "what it did"), rows),
        width=width,
    )  # fmt: skip


def _caption(why: Why) -> Caption:
    """Return the state in question, and the meaning of its chain of operations."""
    needed = len(why.operations)
    each = ""
    if needed > 1:
        each = f"These {needed} operations alone make it so; leave one of them out, and they no longer do."
    return Caption(visible(f"{why.what[:1].upper()}{why.what[1:]}."), (), why.reason or each)


def _leads(number: int, one: Node, after: Node) -> Link:
    return kit.arrow(f"why/arrow/{number}", one, after)


WIDEST = 320.0
"""The greatest width in pixels of a place in a page's life: files may have long names."""

ACROSS, MOST_WIDE = 1200.0, 1100.0
"""The width from which a page's life is next to the operations, not below them; the greatest width of an operation."""


def _card(identity: str, operation: Operation, cell: int, before: str) -> Part:
    """Return an operation as a card: its call, its effect, and what happened to pages."""
    said = [*_said(operation)]
    more = len(said) - 1 - STEPS
    rows = [Line(f"{before}{visible(name_of(operation))}", "strong", f"cell {cell}" if cell else "")]
    rows += [Line(one, "label dim" if number else "label") for number, one in enumerate(said[: STEPS + 1])]
    rows += [Line(f"… {counted(more, 'step')} more", "label dim")] * (more > 0)
    functions = _functions(operation)
    rows += [Line(functions[-1] if len(functions) == 1 else functions, "label dim code")] * (len(functions) > 0)
    return boxes.card(identity, rows, title=f"{visible(name_of(operation))}: {' '.join(said)}", lane="why")


def _life(why: Why) -> Part:
    """Return the places of the page, one after the other, each with the operation that moved it there."""
    stations = [*why.life[:1], *why.life[1:][1 - PLACES :]]
    left = len(why.life) - len(stations)
    less = f", without {counted(left, 'place')} after the first" if left else ""
    cards = []
    for number, one in enumerate(stations):
        place, how = visible(one.place), f"{one.how}, operation {one.operation.number}"
        wide = min(WIDEST, max(text_width(place, "strong"), text_width(how)) + 16)
        state = ("path",) if number == len(stations) - 1 else ()
        lines = [Line(place, "strong"), Line(how, "label dim")]
        cards.append((wide, boxes.card(f"why/life/{number}", lines, title=f"{place}: {how}", state=state)))
    return boxes.below(
        boxes.heading("why/life", f"The life of its page{less}"),
        boxes.joined(boxes.flowing(cards, gap=26), boxes.onward),
    )


def _functions(operation: Operation) -> tuple[str, ...]:
    """Return texts that name an operation's kernel functions in order, each text one function shorter than the last."""
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
