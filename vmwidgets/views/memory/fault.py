"""A fault as a story: one access through TLB, walk, map, object and frame to the retry.

A stage is a numbered circle with its name, the acting part, and what it did.  It is black if it is done, red if the
processor refused or the access failed, green if a frame was allocated, and pale if it is still to come.  The current
step's action is in green words.  A stage without any action in the whole access is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from vmwidgets import events as ev
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wrapped
from vmwidgets.views.story.faults import BOXES, Fault, Mark, Read, faults_of
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import where
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import say_fault

LINES = 3
"""The most lines about each stage, the latest at the bottom."""

_GAP, _NUMBER, _NAME = 6.0, 34.0, 190.0
"""Pixels between two stages; the widths of the columns of numbers and of names."""

_WHO, _BY = 186.0, "mono label dim"
"""Room for the acting part, at the right end of a row; and its style."""

_WIDE = 532.0
"""The width from which a stage's actions are next to its name; in narrower pictures they are below it."""

_WIDEST = 772.0
"""The width from which there is room for frames next to the story."""

_BESIDE = 972.0
"""In a wider picture, these frames end at this width: further away, they would look like another story."""


def draw_fault(
    moment: Moment, earlier: Iterable[Moment] = (), *, read: Read | None = None, space: str = "", machine: str = "",
    width: float = WIDTH,
) -> Scene:  # fmt: skip  # which faults, then how
    """Return the scene of an operation's fault at the step shown; with `space`, a task's name, only its faults.

    If the operation has no fault, the last fault of `earlier` is shown: these are moments after previous operations
    with faults, the latest first.  `read` reads the descriptors that the kernel writes.
    """
    shown, faults = _latest(moment, earlier, space, read)
    begun = [one for one in faults if one.marks[0].at < shown.place]
    fault = begun[-1] if begun else faults[0] if faults else None
    marks = [] if fault is None else fault.marks
    done = [mark for mark in marks if mark.at < shown.place]
    has_failed = fault is not None and 0 <= fault.failed < shown.place
    failing = (fault.failing, fault.signal) if fault is not None and has_failed else ("", "")
    here = {mark.box for mark in done if shown.step is not None and mark.at == done[-1].at}
    comes = {mark.box for mark in marks} | ({fault.failing} if fault is not None and fault.failed >= 0 else set())
    new = any(mark.box == "frame" and isinstance(shown.events[mark.at], _TAKES) for mark in done)
    known = [key for key in BOXES if key in comes or fault is None]
    stages = [
        _stage(key, number, [mark for mark in done if mark.box == key], here, failing, is_new=new and key == "frame")
        for number, key in enumerate(known, 1)
    ]
    before = "" if shown is moment or shown.operation is None else f"operation {shown.operation.number:,}"
    own = set() if before else {mark.at for one in faults for mark in one.marks} | {one.failed for one in faults}
    said = say_fault("earlier", operation=before) if before else "" if faults else say_fault("none")
    steps = moment.steps(where(lambda stage: stage.step.index in own))
    caption = moment.caption_with(said)
    if said and moment.is_after and moment.operation is not None and caption.tone == "good":
        caption = Caption(say_fault("other", name=moment.operation.name), (), said, "plain")
    copy = next((event for mark in done if isinstance(event := shown.events[mark.at], ev.PageCopied)), None)
    story = boxes.joined(boxes.below(*stages, gap=_GAP), _arrow)
    if copy is not None:
        story = _with_copy(story, copy, fault.space if fault is not None else "")
    return boxes.picture(
        "fault",
        f"faults of {space}" if space else "faults",
        _subtitle(fault, faults, before),
        boxes.below(story, _notes(done), gap=12),
        caption=caption,
        table=Table(("stage", "who", "what"), tuple((BOXES[mark.box][0], mark.who, _whole(mark)) for mark in done)),
        steps=steps,
        machine=machine,
        width=width,
    )


def _latest(moment: Moment, earlier: Iterable[Moment], space: str, read: Read | None) -> tuple[Moment, list[Fault]]:
    """Return the faults of the moment's operation; if it has no faults, the latest faults in `earlier`."""
    for one in chain((moment,), earlier):
        faults = [fault for fault in faults_of(one, read) if not space or fault.space == space]
        if faults:
            return one, faults
    return moment, []


_BYPASSED = "bypassed: pages in front of it hide all of its pages, so that the chain of objects now leaves it out"
_COLLAPSED = "collapsed: nothing else referred to it, so that its pages are now in the object in front of it"


def _notes(done: Sequence[Mark]) -> Part:
    """Return the meanings of the stages' words and numbers, if there are any."""
    ends = {mark.words.rpartition(" ")[2] for mark in done if mark.box == "object"}
    said = [words for word, words in (("bypassed", _BYPASSED), ("collapsed", _COLLAPSED)) if word in ends]
    more = "+1, +2 or more: so many earlier steps of the stage are not shown; the table has them"

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        has_more = any(run.text.startswith("+") for node in drawn.nodes for run in node.text)
        notes = enumerate([more] * has_more + said)
        return boxes.below(*(boxes.words(f"fault/legend/{number}", words) for number, words in notes))(drawn, x, y, w)

    return put


def _subtitle(fault: Fault | None, faults: Sequence[Fault], before: str) -> str:
    if fault is None:
        return ""
    of = f"{len(faults):,} in {before or 'this operation'}"
    number = f"fault {faults.index(fault) + 1:,} of {of} · " if fault.faulted else ""
    whose = f" of {visible(fault.space)}" if fault.space else ""
    return f"{number}{fault.access} at {address(fault.va)}{whose}"


_TAKES = ev.PageAllocated, ev.PageCopied
"""The events that put a page into another frame."""


def _stage(
    key: str, number: int, done: Sequence[Mark], here: set[str], failing: tuple[str, str], *, is_new: bool
) -> Part:
    """Return a stage as a part: how high it is depends on its words, and on the width."""
    return boxes.drawing(0, lambda box: [_stage_in(box, key, number, done, here, failing, is_new=is_new)])


def _stage_in(
    box: Box, key: str, number: int, done: Sequence[Mark], here: set[str], failing: tuple[str, str], *, is_new: bool
) -> Node:
    """Return a stage's number, name, acting part and actions, latest at the bottom; `is_new`: a frame was allocated."""
    title, who = BOXES[key]
    failed = failing[1] if key == failing[0] else ""
    said_of = [*((mark.words, mark.detail) for mark in done), *([(failed, "")] if failed else [])]
    who = done[-1].who if done else who
    state = ("fault",) if failed else ("done",) if done else ("coming",)
    wide, widest, room = box.w >= _WIDE, box.w >= _WIDEST, box.w
    x, top = (_NUMBER + _NAME, 17.0) if wide else (_NUMBER, 36.0)
    beside = _WHO if wide and not widest else 0.0
    lines, left_out = _lines(said_of, room - x - 40 - beside)
    ink = " dim" if not done and not failed else ""
    said = "error" if failed else "new" if key in here else "dim" if ink else ""
    head = fitted(_NUMBER, 17, title, _NAME - 8 if wide else room - _NUMBER, f"body strong{ink}")
    left = beside - 16 if beside else room - _NUMBER - text_width(title, "body strong") - 16 - kit.PAD
    by = fitted(room - kit.PAD, 17, who, left, _BY, "end") if not widest else fitted(_NUMBER, 34, who, _NAME - 8, _BY)
    text = [head, by]
    for at, (one, behind) in enumerate(lines):
        y_of, after = top + 19 * at, x + text_width(one, "body") + 14 if one else x
        text += [fitted(x, y_of, one, room - x - beside, f"body {said}".rstrip())] if one else []
        text += [fitted(after, y_of, behind, room - after - beside, _BY)] if behind else []
    if left_out:
        x_of = max(run.x + text_width(run.text, run.style) for run in text[2:] if run.y == top) + 14
        text.append(Text(x_of, top, f"+{left_out}", "label dim"))
    words = [*map(_whole, done), *([failed] if failed else [])]
    refused = failed or (key == "code" and done)
    circle = "step-refused" if refused else "step-new" if is_new else "step" if done else "step-coming"
    text.append(Text(11, 20, str(number), f"letter {'dim' if circle == 'step-coming' else 'on-step'}", "middle"))
    thing = next((mark.thing for mark in reversed(done) if mark.thing), "")
    high = max(40.0 if widest else 26.0, top + 19 * (len(lines) - 1) + (10 if failed else 6) if lines else 0.0)
    return Node(
        f"fault/{key}", "stage", box.x, box.y, room, high, thing=thing, text=tuple(text),
        bars=(Bar(0, 5, 22, 22, circle),),
        state=(*state, *(["new"] if is_new else []), *(["path"] if key in here and not failed else [])),
        title=f"{title}, {who}: {'; '.join(words) or 'nothing yet'}", action="select" if thing else "", lane="fault",
    )  # fmt: skip


def _with_copy(story: Part, event: ev.PageCopied, space: str) -> Part:
    """Return the story, and next to its frame, if there is room, the frame that was copied and its copy."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        end = story(drawn, x, y, w)
        if w >= _WIDEST:
            row = next(node for node in drawn.nodes if node.id == "fault/frame")
            right = x + min(w, _BESIDE)
            one, other = _copied(event, space, Box(right - 392.0, row.y - 2, 168.0, 44.0), 56.0)
            drawn.nodes += [one, other]
            drawn.links.append(kit.arrow("fault/copied/arrow", one, other, kind="walk"))
        return end

    return put


def _copied(event: ev.PageCopied, space: str, box: Box, gap: float) -> list[Node]:
    """Return the frame that was copied, and its copy, since both exist now."""
    others = [visible(one) for one in event.mapped if one != space]
    stays = f"stays with {', '.join(others)}" if others else "as it was"
    copy = f"the copy of {visible(space)}" if space else "the copy"
    return [
        kit.card(f"fault/copied/{key}", box._replace(x=left), [f"frame {frame:#x}", whose], kind="slot", top=18,
                 step=17, bars=(Bar(0, box.h - 4, box.w, 4, "own-anonymous"),), state=state, thing=f"frame:{frame}",
                 lane="fault", title=f"frame {frame:#x}: {whose}")
        for key, left, frame, whose, state in (
            ("from", box.x, event.source_frame, stays, ()), ("to", box.x + box.w + gap, event.frame, copy, ("new",)),
        )
    ]  # fmt: skip  # which, where, then what


def _whole(mark: Mark) -> str:
    """Return an action with its detail, as tables have it."""
    return f"{mark.words} · {mark.detail}" if mark.detail else mark.words


def _lines(said: Sequence[tuple[str, str]], room: float) -> tuple[list[tuple[str, str]], int]:
    """Return the latest actions, each with its detail, in one line or two, as far as there is room.

    The second result is the number of actions left out.
    """
    lines: list[tuple[str, str]] = []
    for number, (words, detail) in enumerate(reversed(said)):
        first, *others = wrapped(words, room)
        needed = [(first, ""), *([(" ".join(others), "")] if others else [])]
        if detail and text_width(needed[-1][0], "body") + 14 + text_width(detail, _BY) <= room:
            needed[-1] = needed[-1][0], detail
        elif detail:
            needed.append(("", detail))
        if len(lines) + len(needed) > LINES:
            return lines, len(said) - number
        lines = [*needed, *lines]
    return lines, 0


def _arrow(_number: int, one: Node, other: Node) -> Link:
    """Return an arrow from one number down to the next."""
    lit = ("path",) if "coming" not in other.state else ()
    x = one.x + 11
    return Link(f"{one.id}/to", "then", one.id, other.id, ((x, one.y + 29), (x, other.y + 3)), state=lit)
