"""The fault strip: one access from box to box, through TLB, walk, map, object and frame to the second try.

What is done is filled, what the step at hand did is outlined, the box where an access failed is red, that of a frame
that was taken is green.  A box in which nothing is done in the whole access is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from vmwidgets import events as ev
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped
from vmwidgets.views.story.faults import BOXES, Fault, Mark, faults_of
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import where
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import say_fault

LINES = 3
"""In so many lines a box says what was done there, the latest at the bottom."""

_LEAST, _HIGH, _GAP, _TOP = 162.0, 104.0, 14.0, 8.0


def draw_fault(
    moment: Moment, earlier: Iterable[Moment] = (), *, space: str = "", machine: str = "", width: float = WIDTH
) -> Scene:
    """The scene of an operation's fault: the one at the step shown; `space`, the name of a task: of its faults only.

    Where the operation has none, it is the last fault of `earlier`: moments after the operations before it that
    faulted, the latest first.
    """
    shown, faults = _latest(moment, earlier, space)
    begun = [one for one in faults if one.marks[0].at < shown.place]
    fault = begun[-1] if begun else faults[0] if faults else None
    marks = [] if fault is None else fault.marks
    done = [mark for mark in marks if mark.at < shown.place]
    boxes = kit.grid(len(BOXES), _LEAST, _TOP, _HIGH, width=width, gap=_GAP)
    has_failed = fault is not None and 0 <= fault.failed < shown.place
    failing = (fault.failing, fault.signal) if fault is not None and has_failed else ("", "")
    here = {mark.box for mark in done if shown.step is not None and mark.at == done[-1].at}
    comes = {mark.box for mark in marks} | ({fault.failing} if fault is not None and fault.failed >= 0 else set())
    new = any(mark.box == "frame" and isinstance(shown.events[mark.at], _TAKES) for mark in done)
    nodes = [
        _box(key, box, [mark for mark in done if mark.box == key], here, failing, is_new=new and key == "frame")
        for key, box in zip(BOXES, boxes, strict=True)
        if key in comes or fault is None
    ]
    before = "" if shown is moment or shown.operation is None else f"operation {shown.operation.number:,}"
    own = set() if before else {mark.at for one in faults for mark in one.marks} | {one.failed for one in faults}
    said = say_fault("earlier", operation=before) if before else "" if faults else say_fault("none")
    caption = moment.caption_with(said)
    links = [*_arrows(nodes)]
    y = max((node.y + node.h for node in nodes), default=_TOP) + 8
    for number, words in enumerate(_notes(nodes, done)):
        nodes.append(kit.paragraph(f"fault/legend/{number}", words, kit.MARGIN, y, width - 2 * kit.MARGIN))
        y += nodes[-1].h
    return kit.scene(
        "fault",
        f"faults of {space}" if space else "faults",
        _subtitle(fault, faults, before),
        nodes,
        links=links,
        caption=replace(caption, tone="plain") if said and caption.tone == "good" else caption,
        table=Table(("box", "who", "what"), tuple((BOXES[mark.box][0], mark.who, mark.words) for mark in done)),
        steps=moment.steps(where(lambda stage: stage.step.index in own)),
        machine=machine,
        width=width,
    )


def _latest(moment: Moment, earlier: Iterable[Moment], space: str) -> tuple[Moment, list[Fault]]:
    """The faults of the moment's operation; where it has none, those of the latest of `earlier` that has some."""
    for one in chain((moment,), earlier):
        faults = [fault for fault in faults_of(one) if not space or fault.space == space]
        if faults:
            return one, faults
    return moment, []


_BYPASSED = "bypassed: pages in front of it hide all of its pages, so that the chain of objects now leaves it out"
_COLLAPSED = "collapsed: nothing else referred to it, so that its pages are now in the object in front of it"


def _notes(boxes: Sequence[Node], done: Sequence[Mark]) -> Iterator[str]:
    """What the words and numbers in the boxes mean, as far as they are there."""
    if any(run.text.startswith("+") for box in boxes for run in box.text if run.anchor == "end"):
        yield "+1, +2 or more: so many earlier steps in the box are not shown; the table has them"
    ends = {mark.words.rpartition(" ")[2] for mark in done if mark.box == "object"}
    for word, words in (("bypassed", _BYPASSED), ("collapsed", _COLLAPSED)):
        if word in ends:
            yield words


def _subtitle(fault: Fault | None, faults: Sequence[Fault], before: str) -> str:
    if fault is None:
        return ""
    of = f"{len(faults):,} in {before or 'this operation'}"
    number = f"fault {faults.index(fault) + 1:,} of {of} · " if fault.faulted else ""
    whose = f" of {visible(fault.space)}" if fault.space else ""
    return f"{number}{fault.access} at {address(fault.va)}{whose}"


_TAKES = ev.PageAllocated, ev.PageCopied
"""By these a page is in another frame."""


def _box(key: str, box: Box, done: Sequence[Mark], here: set[str], failing: tuple[str, str], *, is_new: bool) -> Node:
    """A box: its title, who did it, and what was done there, the latest at the bottom; `is_new`: a frame was taken."""
    title, who = BOXES[key]
    failed = failing[1] if key == failing[0] else ""
    words = [*(mark.words for mark in done), *([failed] if failed else [])]
    who = done[-1].who if done else who
    state = ("fault",) if failed else ("done",) if done else ("coming",)
    lines, left_out = _lines(words, box.w - 8)
    more = f"+{left_out}" if left_out else ""
    room = box.w - 8
    text = [fitted(4, 18, title, room - 6 - text_width(more), "strong"), fitted(4, 35, who, room, "mono label dim")]
    text += [fitted(4, 55 + 17 * at, one, room) for at, one in enumerate(lines)]
    text.append(Text(box.w - 4, 18, more, "label dim", "end"))
    thing = next((mark.thing for mark in reversed(done) if mark.thing), "")
    return Node(
        f"fault/{key}", "call", *box, thing=thing, text=tuple(text),
        state=(*state, *(["new"] if is_new else []), *(["path"] if key in here and not failed else [])),
        title=f"{title}, {who}: {'; '.join(words) or 'nothing yet'}", action="select" if thing else "", lane="fault",
    )  # fmt: skip


def _lines(words: Sequence[str], room: float) -> tuple[list[str], int]:
    """The latest of what was done, each in one line or two, as far as there are lines; how many are left out."""
    lines: list[str] = []
    for number, one in enumerate(reversed(words)):
        first, *others = wrapped(one, room)
        needed = [first, *([" ".join(others)] if others else [])]
        if len(lines) + len(needed) > LINES:
            return lines, len(words) - number
        lines = [*needed, *lines]
    return lines, 0


def _arrows(nodes: Sequence[Node]) -> Iterator[Link]:
    """From box to box: straight in a line, and from its end to the beginning of the next."""
    for one, other in pairwise(nodes):
        lit = ("path",) if "coming" not in other.state else ()
        if one.y == other.y:
            yield kit.arrow(f"{one.id}/to", one, other, state=lit)
            continue
        out, into, low = one.x + one.w / 2, other.x + other.w / 2, one.y + one.h
        points = ((out, low), (out, low + _GAP / 2), (into, low + _GAP / 2), (into, other.y))
        yield Link(f"{one.id}/to", "leader", one.id, other.id, points, state=lit, arrow=True)
