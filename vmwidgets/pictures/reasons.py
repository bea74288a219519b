"""The reasons for a state: the life of its page as a line of boxes, and the operations that were needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vmwidgets import events as ev
from vmwidgets.engine.base.journal import ACCESSES, Operation
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.machine.hindsight.life import Station
from vmwidgets.engine.machine.hindsight.why import Why
from vmwidgets.engine.spaces.paths import unquoted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import Line
from vmwidgets.views.scene.model import Bar, Caption, Lane, Text
from vmwidgets.views.scene.sheet import Sheet
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.story import story_of

from .at import At
from .operations import name_of
from .registry import picture_of

PLACES, MOST, LETTERS = 12, 24, 12
"""The most places of a page, the most operations (the last ones), and the most letters of a written text."""

_LEAST, _WIDEST, _HIGH, _ARROW = 86.0, 340.0, 68.0, 20.0
"""The least and the greatest width of a box, its height, and the room for an arrow."""

_LIFE = (
    ev.PagerAsked,
    ev.PagesEntered,
    ev.PagesLeft,
    ev.PageCopied,
    ev.PageOut,
    ev.PageIn,
    ev.PageJoined,
    ev.SwapMoved,
)
"""The events of a page's life: it is requested, gets a frame, is copied, moves to a slot, and comes back."""


@picture_of(first_for=Why, name="Reasons")
def draw(at: At) -> Sheet:
    """Draw the reasons for a state: the life of its page, and the operations that were needed.

    `target` is the result of ``m.why(…)``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> a = t.mmap("4 KiB")
    >>> t.write(a, b"x")
    >>> vm.Reasons(m.why(t, a)).scene().caption.text
    'init wrote it: 0x78 is “x”.'
    """
    why: Why = at.target
    needed, is_later = why.operations, why.last not in why.operations and bool(why.last.number)
    shown = needed[-MOST:]
    parts = [_before(len(needed) - len(shown))] if len(shown) < len(needed) else []
    if why.life:
        parts = [_word("why/needed", "Needed:", "Needed, in order", "label dim"), *parts]
        parts += [_needed(why, one) for one in shown]
    calls = (
        []
        if why.life
        else [Row(f"why/{one.serial}", [visible(name_of(one)), next(_said(one))], lane="why") for one in shown]
    )
    rows = [(str(one.number), visible(name_of(one)), " ".join(_said(one)), _functions(one)) for one in needed]
    said = f"last changed by {visible(name_of(why.last))}" if is_later else ""
    if is_later:
        rows.append((str(why.last.number), said, " ".join(_said(why.last)), _functions(why.last)))
    rows += [(str(one.operation.number), visible(one.place), one.how, "") for one in why.life]
    return Sheet(
        "why is this so?",
        visible(why.what),
        boxes.below(
            _life(why) if why.life else boxes.below(),
            boxes.below(
                *([boxes.heading("why/needed", "Needed, in order")] if calls else []),
                boxes.rows("why", [Column(style="strong", most=320), Column(takes=True, under=True, rank=1)], calls),
                boxes.flowing(parts, gap=12),
                boxes.words("why/last", said, "label"),
            ),
            gap=14,
        ),
        caption=_caption(why),
        header=("operation", "call", "what it did", "functions"),
        rows=lambda: rows,
        lanes=[Lane("life", "The life of its page"), Lane("why", "Operations that were needed")],
    )


# ---- what is said ----------------------------------------------------------------------------------------


def _caption(why: Why) -> Caption:
    """Return who wrote the byte, or the state in question; then the meaning of the operations."""
    count = len(why.operations)
    each = f"These {counted(count, 'operation')} alone make it so; leave one of them out, and they no longer do."
    reason = why.reason or each * (count > 1)
    wrote = writer(why)
    title = f"{why.what[:1].upper()}{why.what[1:]}." if wrote is None else _written(*wrote)
    return Caption(visible(title), (), reason)


def writer(why: Why) -> tuple[Operation, bytes, int] | None:
    """Return the last needed operation that wrote the byte: with its bytes, and the place among them."""
    for one in reversed(why.operations):
        given = dict(one.arguments)
        data, start = given.get("data"), given.get("address")
        if one.name in ACCESSES and isinstance(data, bytes) and isinstance(start, int) and why.address is not None:
            at = why.address - start
            if 0 <= at < len(data):
                return (one, data, at) if why.what.endswith(f" is {data[at]:#04x}") else None
    return None


def _written(one: Operation, data: bytes, at: int) -> str:
    """Return which task wrote the byte, and as which letter of its text."""
    who, text = unquoted(one.target.partition(":")[2]), data.decode("ascii", "replace")
    if not text.isprintable() or "\ufffd" in text:
        return f"{who} wrote it: {data[at]:#04x}, byte {at:,} of {len(data):,}."
    if len(text) == 1:
        return f"{who} wrote it: {data[at]:#04x} is “{text}”."
    begin = max(0, min(at - LETTERS // 2, len(text) - LETTERS))
    part = f"{'…' * (begin > 0)}{text[begin : begin + LETTERS]}{'…' * (begin + LETTERS < len(text))}"
    return f"{who} wrote it: {data[at]:#04x} is the “{text[at]}” of “{part}”."


def _functions(operation: Operation) -> str:
    """Return the names of an operation's kernel functions, in order."""
    names = dict.fromkeys(name for step in story_of(operation).every_step for name in step.functions)
    return " · ".join(names)


def _said(operation: Operation) -> Iterator[str]:
    """Yield the headline of an operation, and the sentences about its effect on pages."""
    story = story_of(operation)
    yield story.headline.text
    yield from (step.sentence for step in story.steps if isinstance(step.event, _LIFE))


# ---- what is drawn ---------------------------------------------------------------------------------------


def _life(why: Why) -> Part:
    """Return the places of the page in one line of boxes; a ring is around the place in which the byte was written."""
    stations = [*why.life[:1], *why.life[1:][1 - PLACES :]]
    left = len(why.life) - len(stations)
    less = f"without {counted(left, 'place')} after the first" if left else ""
    wrote = writer(why)
    last = max(
        (at for at, one in enumerate(stations) if wrote is not None and one.operation.is_same(wrote[0])),
        default=len(stations) - 1,
    )
    cards, kind = [], ""
    for number, one in enumerate(stations):
        kind = _kind(one, kind)
        cards.append(boxes.sized(partial(_place, number, one, kind, number == last, wrote is not None)))
    return boxes.below(
        boxes.heading("why/life", "The life of its page, with the number of each operation", less),
        boxes.joined(boxes.equal(cards, _LEAST, most=_WIDEST, gap=_ARROW), boxes.onward),
    )


def _kind(one: Station, before: str) -> str:
    """Return the kind of a place: the pages of a file keep its colour until they are copied."""
    if one.place.startswith("slot"):
        return "kernel"
    is_of_file = one.place.startswith("file ") or one.how == "read from the file"
    return "file" if is_of_file or (before == "file" and one.how == "shared by the fork") else "anonymous"


_BRIEF = {
    "read from the file": "read",
    "shared by the fork": "shared",
    "filled with zeroes": "zeroes",
    "read back from swap space": "read back",
}
"""How a page got to a place, in fewer words."""


def _how(one: Station, is_written: bool) -> tuple[str, ...]:
    """Return how the page got to a place, and that the byte was written there then; and both in fewer words."""
    brief = _BRIEF.get(one.how, one.how)
    return (
        (f"{one.how}, written", f"{brief}, written", "written")
        if is_written and one.how != "copied"
        else (one.how, brief)
    )


def _place(number: int, one: Station, kind: str, is_it: bool, is_written: bool, w: float) -> Part:
    place, when = visible(one.place), f"{one.operation.number:,}"
    name = place.removeprefix("file ")
    lines = [
        Line(when, "label new" if is_it else "label dim"),
        Line((place, place.removeprefix("frame ")) if name == place else name, "strong", middle=name != place),
        Line(_how(one, is_it and is_written) if name == place else "a file", "label dim"),
    ]
    return boxes.card(
        f"why/life/{number}",
        lines,
        kind="card" if kind == "kernel" else "board-frame",
        least=_HIGH,
        title=f"{place}: {one.how}, operation {when}",
        state=(kind, *["new"] * is_it),
        lane="life",
        bars=(Bar(0, _HIGH - 5, w, 5, f"own-{kind}"),),
    )


def _needed(why: Why, one: Operation) -> tuple[float, Part]:
    """Return an operation that was needed: its name and number; the rest is in its title."""
    cell = why.cell_of(one)
    title = " ".join([f"{name_of(one)}{f', cell [{cell}]' * bool(cell)}:", *_said(one)])
    return _word(f"why/{one.serial}", f"{one.name} {one.number:,}", visible(title))


def _before(count: int) -> tuple[float, Part]:
    said = f"{counted(count, 'operation')} before these"
    return _word("why/fold", said, said, "label dim")


def _word(identity: str, said: str, title: str, style: str = "label") -> tuple[float, Part]:
    wide = text_width(said, style) + 2
    text = [Text(0, 14, visible(said), style)]
    return wide, boxes.thing(20, lambda box: kit.runs(identity, box, text, title=title, lane="why"))
