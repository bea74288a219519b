"""A fault as a story: one access through TLB, walk, map, object and frame to the retry.

A stage is a numbered circle with its name, the acting part, and what it did.  It is black if it is done, red if the
access failed there, green if a frame was allocated, and pale if it is still to come.  The current
step's action is in green words.  A stage without any action in the whole access is left out.

A copy at the first write has fewer stages, and beside them the page before and after: whose descriptors lead to which
frame.  Such a fault is the mechanism: nothing of it is red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, binary_size, counted
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

from .blackboard import CARD, BoardFrame, Descriptor, descriptor, frame_card

LINES = 3
"""The most lines about each stage, the latest at the bottom."""

_GAP, _NUMBER, _NAME = 6.0, 34.0, 190.0
"""Pixels between two stages; the widths of the columns of numbers and of names."""

_WHO, _BY = 186.0, "mono label dim"
"""Room for the acting part, at the right end of a row; and its style."""

_WIDE = 532.0
"""The width from which a stage's actions are next to its name; in narrower pictures they are below it."""

_WIDEST = 772.0
"""The width from which an acting part is below its stage's name."""

_ABREAST = 700.0
"""The width from which what was before, the steps and what is after are next to each other."""

_SIDE = 200.0


class Side(NamedTuple):
    """A page before or after a copy: each task's descriptor, the writer's first, and the frames from top to bottom."""

    descriptors: tuple[tuple[str, Descriptor | None], ...]
    frames: tuple[BoardFrame, ...]


class Copy(NamedTuple):
    """A copy of a page at a write, as it is drawn: the page of the `writer`, before and after.

    `what` is what was written, in words, `kind` the old frame's kind, and `frame` the copy.  `keeper` is who keeps the
    old frame if no task does, `others` the number of tasks that have it and are not drawn.  `word` is the manual's word
    for a descriptor.
    """

    writer: str
    page: int
    what: str
    kind: str
    before: Side
    after: Side
    frame: int
    word: str
    keeper: str = ""
    others: int = 0


Copies = Callable[[Moment, Fault, ev.PageCopied], "Copy | None"]
"""A function that returns what is drawn of a copy at a moment; None if only its stages are known."""


def draw_fault(
    moment: Moment, earlier: Iterable[Moment] = (), *, read: Read | None = None, copies: Copies | None = None,
    space: str = "", machine: str = "", width: float = WIDTH,
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
    new = any(isinstance(event, _TAKES) for event in _framed(done, shown))
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
    if not said and moment.is_after and fault is not None and caption.tone == "good":
        caption = _told(caption, moment, faults)
    if said and moment.is_after and moment.operation is not None and caption.tone == "good":
        caption = Caption(say_fault("other"), (moment.operation.name,), said, "plain")
    story = boxes.joined(boxes.below(*stages, gap=_GAP), _arrow)
    copy = None if fault is None or copies is None else _copy_in(shown, fault, copies)
    if copy is not None and fault is not None:
        story = _copied(copy, _stages_of(copy, shown, fault, done, here), is_over=len(done) == len(marks))
        if not said and moment.is_after and caption.tone == "good":
            place, whose = address(copy.page), visible(copy.writer)
            if len(faults) == 1:
                caption = Caption(say_fault("copied", task=whose, page=place), (), _said_of(copy), "good")
            else:
                which = f"This is fault {faults.index(fault) + 1:,} of {len(faults):,}, at page {place}."
                caption = Caption(caption.text, caption.functions, f"{caption.reason} {which}", caption.tone)
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


def _told(caption: Caption, moment: Moment, faults: Sequence[Fault]) -> Caption:
    """Return the caption of a task's read or write that faulted, with the task and its page as the subject."""
    operation, fault = moment.operation, faults[0]
    if operation is None or operation.name not in ("read", "write") or not fault.space or not fault.faulted:
        return caption
    task, page, did = visible(fault.space), address(fault.va & ~(PAGE - 1)), _DID[operation.name]
    if len(faults) > 1:
        raised = sum(isinstance(event, ev.FaultRaised) for event in moment.events)  # an access may fault twice
        said = say_fault("several", task=task, did=did, faults=counted(raised, "page fault"))
    else:
        events = {type(event): event for event in _framed(fault.marks, moment)}
        case = next((case for kind, case in _CASES if kind in events), "there")
        taken = events.get(ev.PageAllocated)
        frame = f"{taken.frame:#x}" if isinstance(taken, ev.PageAllocated) else ""
        said = say_fault(case, task=task, did=did, page=page, frame=frame)
    return Caption(said, (), caption.reason, caption.tone)


def _framed(marks: Sequence[Mark], moment: Moment) -> list[ev.Event]:
    """Return the events of the frame's stage: a page that was in memory has none, and is at the event that enters it.

    That event may be the allocation of a page table's frame.
    """
    entered = {mark.at for mark in marks if mark.box == "enter"}
    return [moment.events[mark.at] for mark in marks if mark.box == "frame" and mark.at not in entered]


_CASES = (ev.PageCopied, "copied"), (ev.NoCopyNeeded, "alone"), (ev.PageAllocated, "taken")
_DID = {"read": "read", "write": "wrote"}


def _latest(moment: Moment, earlier: Iterable[Moment], space: str, read: Read | None) -> tuple[Moment, list[Fault]]:
    """Return the faults of the moment's operation; if it has no faults, the latest faults in `earlier`."""
    for one in chain((moment,), earlier):
        faults = [fault for fault in faults_of(one, read) if not space or fault.space == space]
        if faults:
            return one, faults
    return moment, []


_BYPASSED = "bypassed: pages in front of it hide all of its pages, so that the chain of objects now leaves it out"
_COLLAPSED = "collapsed: nothing else referred to it, so that its pages are now in the object in front of it"


_CHANGED = "bypassed", "collapsed"
"""What may happen to an object of a chain."""


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
    circle = "step-refused" if failed else "step-new" if is_new else "step" if done else "step-coming"
    text.append(Text(11, 20, str(number), f"letter {'dim' if circle == 'step-coming' else 'on-step'}", "middle"))
    thing = next((mark.thing for mark in reversed(done) if mark.thing), "")
    high = max(40.0 if widest else 26.0, top + 19 * (len(lines) - 1) + (10 if failed else 6) if lines else 0.0)
    return Node(
        f"fault/{key}", "stage", box.x, box.y, room, high, thing=thing, text=tuple(text),
        bars=(Bar(0, 5, 22, 22, circle),),
        state=(*state, *(["new"] if is_new else []), *(["path"] if key in here and not failed else [])),
        title=f"{title}, {who}: {'; '.join(words) or 'nothing yet'}", action="select" if thing else "", lane="fault",
    )  # fmt: skip


# ---- a copy at a write -----------------------------------------------------------------------------


def _copy_in(shown: Moment, fault: Fault, copies: Copies) -> Copy | None:
    """Return a fault's copy as it is drawn; None if it copies nothing, fails, or copies several pages.

    None too if the fault itself got the frame that is copied: then there is no page before to be drawn.
    """
    events = [shown.events[mark.at] for mark in fault.marks]
    copied = [event for event in events if isinstance(event, ev.PageCopied)]
    if len(copied) != 1 or fault.access != "write" or fault.failed >= 0 or not fault.space:
        return None
    if any(isinstance(event, ev.PageAllocated) and event.frame == copied[0].source_frame for event in events):
        return None
    return copies(shown, fault, copied[0])


def _said_of(copy: Copy) -> str:
    """Return what was written, and the frames before and after."""
    task, what = visible(copy.writer), copy.what or "to its page"
    (_, was), *_ = copy.before.descriptors
    old = copy.before.frames[-1].frame
    others = [visible(one) for one, its in copy.before.descriptors[1:] if its is not None]
    more = f" and {copy.others:,} more" * bool(copy.others)
    whose = (
        f"shared frame {old:#x} with {others[0]}{more}" if others else f"had frame {old:#x} of {visible(copy.keeper)}"
    )
    if was is None:
        whose = f"had no {copy.word} for it"
    return f"{task} wrote {what}. It {whose}; now it has {copy.frame:#x}."


class _Step(NamedTuple):
    """A step of a copy: its box, what is done, and by whom; `is_new` if it changes something."""

    box: str
    boxes: tuple[str, ...]
    words: str
    about: str
    is_new: bool = False


def _steps_of(copy: Copy, shown: Moment, fault: Fault) -> Iterator[_Step]:
    """Yield a copy's steps in the order of the kernel's work: the old frame's count falls after the flush."""
    word, task = copy.word, visible(copy.writer)
    events = [shown.events[mark.at] for mark in fault.marks]
    first = next((event for event in events if isinstance(event, (ev.TlbMissed, ev.TlbHit))), None)
    hit = isinstance(first, ev.TlbHit)
    looked = (
        "the TLB has the page, without the right to write" if hit else "the TLB has no entry, so the processor walks"
    )
    yield _Step("access", ("access", "tlb"), f"{task} writes {copy.what or 'to the page'}", looked)
    code = next((mark.words for mark in fault.marks if mark.box == "code"), "")
    (_, was), *_ = copy.before.descriptors
    refuses = f"its {word} says: a write faults" if was is not None else f"it has no {word} for the page: a fault"
    yield _Step("code", ("walk", "code"), refuses, f"processor · {code}")
    old, new = copy.before.frames[-1].frame, copy.frame
    count = sum(its is not None for _, its in copy.before.descriptors) + copy.others
    why = f"{_NUMBERS_IN_WORDS.get(count, f'{count:,}')} have the frame"
    if count <= 1:
        why = f"{visible(copy.keeper or copy.before.descriptors[-1][0])} has the frame"
    chain = [mark.words for mark in fault.marks if mark.box == "object" and mark.words.endswith(_CHANGED)]
    yield _Step("lookup", ("lookup", "object"), f"the range allows it, but {why}",
                " · ".join(["kernel", "vm_map_fault", *chain]))  # fmt: skip  # a step
    yield _Step("frame", ("frame",), f"allocates {new:#x}, copies {binary_size(PAGE)} into it",
                f"kernel · {old:#x} stays as it is", is_new=True)  # fmt: skip  # a step
    kinds = {type(shown.events[at]) for at in range(fault.marks[0].at, fault.marks[-1].at + 1)}
    flush = ", and flushes the TLB" if ev.TlbUpdated in kinds and was is not None else ""
    flush = ", but forgets a TLB" if ev.ShootdownForgotten in kinds else flush
    left = count - (was is not None)
    then = f" · only then {old:#x} has {counted(left, word) if left else f'no {word}'}" if was is not None else ""
    yield _Step("enter", ("enter",), f"points {task}'s {word} at it{flush}", f"kernel · pmap_enter{then}", is_new=True)
    filled = any(mark.box == "retry" and mark.words.startswith("walk") for mark in fault.marks)
    yield _Step("retry", ("retry",), "the write is tried again, and works",
                "processor · its walk fills the TLB" if filled else "processor")  # fmt: skip  # a step


_NUMBERS_IN_WORDS = {2: "two", 3: "three", 4: "four"}


def _stages_of(copy: Copy, shown: Moment, fault: Fault, done: Sequence[Mark], here: set[str]) -> list[Part]:
    """Return the steps of a copy as parts, with the state of each."""
    rows = [
        (step, its)
        for step in _steps_of(copy, shown, fault)
        if (its := [mark for mark in fault.marks if mark.box in step.boxes])
    ]
    begins = [*(its[0].at for _, its in rows[1:]), len(shown.events)]
    parts = []
    for number, ((step, its), end) in enumerate(zip(rows, begins, strict=True), 1):
        # a step is done with its last action before the next step: its words say all of it
        last = max((mark.at for mark in its if mark.at < end), default=its[0].at)
        mine = [mark for mark in done if mark.box in step.boxes] if last < shown.place else []
        parts.append(boxes.drawing(40, partial(_step, number, step, mine, any(box in here for box in step.boxes))))
    return parts


def _step(number: int, step: _Step, done: Sequence[Mark], is_here: bool, box: Box) -> Iterator[Node]:
    is_new = step.is_new and bool(done)
    ink = "" if done else " dim"
    style = "body new" if is_new else "body strong" if is_here else f"body{ink}"
    circle = "step-new" if is_new else "step" if done else "step-coming"
    text = [Text(11, 20, str(number), f"letter {'on-step' if done else 'dim'}", "middle")]
    lines = wrapped(step.words, box.w - _NUMBER, "body strong")  # as many lines at each step
    text += [Text(_NUMBER, 17 + 19 * at, line, style) for at, line in enumerate(lines)]
    end = 17 + 19 * (len(lines) - 1)
    below = wrapped(step.about, box.w - _NUMBER, "label dim")
    text += [Text(_NUMBER, end + 17 + 16 * at, line, "label dim") for at, line in enumerate(below)]
    state = ("done" if done else "coming", *["new"] * is_new, *["path"] * is_here)
    things = (mark.thing for box in step.boxes for mark in reversed(done) if mark.box == box and mark.thing)
    thing = next(things, "")
    yield Node(
        f"fault/{step.box}", "stage", box.x, box.y, box.w, end + 21 + 16 * (len(below) - 1), thing=thing,
        text=tuple(text), bars=(Bar(0, 5, 22, 22, circle),), state=state, lane="fault", action="select" * bool(thing),
        title=f"{step.words} ({step.about})" if done else f"{step.words}: not yet",
    )  # fmt: skip  # a step


def _copied(copy: Copy, steps: Sequence[Part], *, is_over: bool) -> Part:
    """Return what was before, the steps, and what is after, next to each other if there is room."""
    titles = ("before", copy.before), ("after" if is_over else "so far", copy.after)

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        if w < _ABREAST:
            sides = [_side(key, title, copy, side, len(side.frames), 36.0)
                     for key, (title, side) in zip(("before", "after"), titles, strict=True)]  # fmt: skip
            story = boxes.joined(boxes.below(*steps, gap=6), _arrow)
            return boxes.below(sides[0], boxes.inset(8, story), sides[1], gap=18)(drawn, x, y, w)
        gap, start = 20.0, len(drawn.nodes)
        side_w, apart = (_SIDE, 8.0) if w >= 860 else (132.0, 3.0)
        story = boxes.joined(boxes.below(*steps, gap=apart), _arrow)
        ends = [story(drawn, x + side_w + gap, y + 20, w - 2 * (side_w + gap))]
        copying = next(node for node in drawn.nodes[start:] if node.id == "fault/frame")
        lead = copying.y - 8 - y - _TITLE - _CARD
        for key, left, (title, side) in zip(("before", "after"), (x, x + w - side_w), titles, strict=True):
            ends.append(_side(key, title, copy, side, 2, lead)(drawn, left, y, side_w))
        if len(copy.after.frames) > 1:
            one, other = (next(Box(node.x, node.y, node.w, node.h) for node in drawn.nodes[start:] if node.id == name)
                          for name in ("fault/before/frame/0", "fault/after/frame/0"))  # fmt: skip
            ids = "fault/before/frame/0", "fault/after/frame/0"
            drawn.links.append(kit.band_across("fault/copied", *ids, one, other, state=("new",)))
        return max(ends)

    return put


def _side(key: str, title: str, copy: Copy, side: Side, most: int, lead: float) -> Part:
    """Return a side of a copy: the writer's descriptor, `lead` pixels, room for `most` frames, who else has the old.

    Bands lead from each descriptor to its frame.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        drawn.nodes.append(kit.label(f"fault/{key}/title", title, x, y))
        y, w = y + _TITLE, min(w, 360.0)
        top = y + _CARD + lead
        low = top + most * (CARD + _APART) - _APART + 34
        frames = [frame_card(f"fault/{key}/frame/{at}", one, "anonymous" if one.frame == copy.frame else copy.kind,
                             Box(x, top + at * (CARD + _APART), w, CARD), word=copy.word,
                             within=one.state == "changed", lane=f"fault/{key}", named=True)
                  for at, one in enumerate(side.frames)]  # fmt: skip  # one below the other
        drawn.nodes += frames
        for at, (task, its) in enumerate(side.descriptors):
            name, who = f"{copy.others + 1:,} tasks: {task}" if at and copy.others else task, ("writer", "other")[at]
            card = descriptor(f"fault/{key}/{who}", name, its, Box(x, low if at else y, w, _CARD), word=copy.word,
                              said=f"{title}: {task} at {address(copy.page)}", lane=f"fault/{key}",
                              more="" if its is None else f"frame {its.frame:#x}")  # fmt: skip  # who
            drawn.nodes.append(card)
            aim = next(
                (node for one, node in zip(side.frames, frames, strict=True) if its and one.frame == its.frame), None
            )
            if its is not None and aim is not None:
                upper, lower = (card, aim) if card.y < aim.y else (aim, card)
                ends = (Box(x + 18, one.y, 90, one.h) for one in (upper, lower))
                state = "new" if its.state in ("new", "changed") else "table"
                drawn.links.append(kit.band(f"{card.id}/to", upper.id, lower.id, *ends, state=(state,)))
        if copy.keeper:
            drawn.nodes.append(kit.card(f"fault/{key}/keeper", Box(x, low - 20, w, 44), [copy.keeper, "keeps its page"],
                                        kind="board", pad=16, lane=f"fault/{key}"))  # fmt: skip  # no task has it
        return drawn.nodes[-1].y + drawn.nodes[-1].h

    return put


_TITLE, _APART = 22.0, 10.0
_CARD = 74.0
"""The height of a descriptor's card with its frame."""


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
