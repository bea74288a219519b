"""A fault as a story: the page before, what was done about the access, one sentence a step, and the page after.

A step is a numbered circle with a sentence, and below it who did it.  It is black if it is done, pale if it is still to
come, green if it changed something, and red if the access failed there: a fault that is resolved is the mechanism, and
nothing of it is red.  Steps that an access doesn't reach are not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, binary_size, counted, listed
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import visible, wrapped
from vmwidgets.views.story.faults import BOXES, Fault, Mark, Read, Running, faults_of
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import seen
from vmwidgets.views.story.words.faults import kept_object
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.objects import say as say_object
from vmwidgets.views.story.words.pictures import say_fault

from .blackboard import CARD, BoardFrame, Descriptor, descriptor, frame_card

_NUMBER = 34.0
"""The width of the column of numbers."""

_ABREAST = 700.0
"""The width from which what was before, the steps and what is after are next to each other."""

_SIDE, _WIDEST = 200.0, 1040.0
"""The width of what is beside the steps, and the greatest width of all of it."""


class Side(NamedTuple):
    """A page before or after a fault: each task's descriptor, the writer's first, and the frames from top to bottom."""

    descriptors: tuple[tuple[str, Descriptor | None], ...]
    frames: tuple[BoardFrame, ...]


class FaultedPage(NamedTuple):
    """The page of an access as it is drawn, before and after; `after` is None if the access changes nothing of it.

    The access is `writer`'s, `what` is what it wrote, in words, and `kind` the frame's kind before; `frame` is the copy
    if the page is copied, and -1 otherwise.  `keeper` is who keeps a copied frame if no task does, `others` the number
    of mappings of the frame that are not drawn.  `word` is the manual's word for a descriptor.
    """

    writer: str
    page: int
    what: str
    kind: str
    before: Side
    after: Side | None
    word: str
    frame: int = -1
    keeper: str = ""
    others: int = 0
    ranges: Sequence[tuple[int, str, bool]] = ()
    """If the map refused the access: what is near it, by its start, in words, and whether it is the place itself."""


Pages = Callable[[Moment, Fault], "FaultedPage | None"]
"""A function that returns the page of an access at a moment; None if only the steps are known."""


def draw_fault(
    moment: Moment,
    earlier: Iterable[Moment] = (),
    *,
    pages: Pages,
    word: str,
    read: Read | None = None,
    runs: Runs = lambda moment: None,
    space: str = "",
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of an operation's fault at the step shown; with `space`, a task's name, only its faults.

    If the operation has no fault, the last fault of `earlier` is shown: these are moments after previous operations
    with faults, the latest first.  `read` reads the descriptors that the kernel writes, `runs` returns what the
    processors run then, and `word` is the manual's word for a descriptor.
    """
    shown, faults = _latest(moment, earlier, space, read, runs)

    def at(then: Moment) -> _Seen:
        return _seen(then, faults, pages, word)

    fault, page, rows, is_over = at(shown)
    done = [mark for mark in fault.marks if mark.at < shown.place] if fault is not None else []
    ghost = partial(kit.chip, "fault/none", "page", words="no page fault yet", style="label dim", state=["ghost"])
    story = boxes.narrower(_SIDE, boxes.thing(40, ghost))
    if fault is not None:
        parts = [boxes.drawing(40, partial(_step, number, *row)) for number, row in enumerate(rows, 1)]
        story = _page(page, parts, is_over=is_over)
    return boxes.picture(
        "fault",
        f"faults of {space}" if space else "faults",
        _subtitle(fault, faults, "" if shown is moment else _called(shown)),
        story,
        caption=_caption(moment, shown, faults, fault, page, space),
        table=Table(("stage", "who", "what"), tuple((BOXES[mark.box][0], mark.who, _whole(mark)) for mark in done)),
        steps=moment.steps(seen(lambda done: at(shown.at(done))) if shown is moment else lambda _: ()),
        machine=machine,
        width=width,
    )


class _Seen(NamedTuple):
    """What is drawn at a moment: a fault, its page, and its steps, each with its state, thing and whether it is here.

    `is_over` says whether all is done of which it has an end.
    """

    fault: Fault | None = None
    page: FaultedPage | None = None
    rows: Sequence[tuple[_Step, str, str, bool]] = ()
    is_over: bool = False


def _seen(then: Moment, faults: Sequence[Fault], pages: Pages, word: str) -> _Seen:
    """Return what is drawn at a moment of an operation with these faults: the latest that has begun, or the first."""
    if not faults:
        return _Seen()
    fault = next((one for one in reversed(faults) if one.marks[0].at < then.place), faults[0])
    page, done = pages(then, fault), [mark for mark in fault.marks if mark.at < then.place]
    rows = _rows_of(_steps_of(then, fault, page, word), then, fault, done)
    return _Seen(fault, page, rows, page is not None and page.after is not None and len(done) == len(fault.marks))


# ---- what is said of it ----------------------------------------------------------------------------


def _caption(
    moment: Moment, shown: Moment, faults: Sequence[Fault], fault: Fault | None, page: FaultedPage | None, space: str
) -> Caption:
    """Return the caption: of the operation's own fault, of an earlier operation's, or that there is none."""
    caption, operation = moment.caption, moment.operation
    is_told = moment.is_after and operation is not None and caption.tone == "good"
    functions = (operation.name,) if operation is not None else ()
    if fault is None:
        none = say_fault("none/task", task=visible(space)) if space else say_fault("none")
        return Caption(none, functions, say_fault("none/how"), "plain") if is_told else moment.caption_with(none)
    if shown is not moment:
        whose, place = fault.owner if fault.space else "The kernel", address(fault.va & ~(PAGE - 1))
        then = say_fault("earlier", task=whose, page=place, operation=_called(shown))
        none = say_fault("other/task", task=visible(space)) if space else say_fault("other")
        return Caption(then, functions, none, "plain") if is_told else moment.caption_with(then)
    told = _told(moment, faults) if moment.is_after and caption.tone != "panic" else ""
    if not told:
        return caption
    if page is not None and page.frame >= 0 and len(faults) == 1:
        return Caption(told, (), _said_of(page, fault.va), "good")
    which = f" This is fault {faults.index(fault) + 1:,} of {len(faults):,}, at page {address(fault.va & ~(PAGE - 1))}."
    again = say_object("signal", task=faults[-1].owner, signal=faults[-1].signal)  # the title already says so
    reason = caption.reason.removesuffix(again).rstrip()
    return Caption(told, (), reason + which * (len(faults) > 1), caption.tone)


def _called(moment: Moment) -> str:
    return "" if moment.operation is None else f"operation {moment.operation.number:,}"


def _told(moment: Moment, faults: Sequence[Fault]) -> str:
    """Return what a task's read or write that faulted did, with the task as the subject; "" for other operations."""
    operation, fault = moment.operation, faults[-1]
    if operation is None or operation.name not in _DID or not fault.space or not fault.faulted:
        return ""
    task, page, did = fault.owner, address(fault.va & ~(PAGE - 1)), _DID[operation.name]
    if fault.failed >= 0:
        return say_fault("failed", task=task, did=did, address=address(fault.va), signal=fault.signal)
    if len(faults) > 1:
        raised = sum(isinstance(event, ev.FaultRaised) for event in moment.events)  # an access may fault twice
        return say_fault("several", task=task, did=did, faults=counted(raised, "page fault"))
    events = {type(event): event for event in framed(fault, moment)}
    case = next((case for kind, case in _CASES if kind in events), "there")
    taken = events.get(ev.PageAllocated)
    frame = f"{taken.frame:#x}" if isinstance(taken, ev.PageAllocated) else ""
    return say_fault(case, task=task, did=did, page=page, frame=frame)


def framed(fault: Fault, moment: Moment) -> list[ev.Event]:
    """Return the events of the frame's stage: a page that was in memory has none, and is at the event that enters it.

    That event may be the allocation of a page table's frame.  Frames of pages that are read ahead are left out.
    """
    entered = {mark.at for mark in fault.marks if mark.box == "enter"}
    events = [moment.events[mark.at] for mark in fault.marks if mark.box == "frame" and mark.at not in entered]
    led = {f"frame:{event.frame}" for event in events if isinstance(event, TAKES)}
    led &= {mark.thing for mark in fault.marks if mark.box == "retry"}
    sources = {f"frame:{event.source_frame}" for event in events if isinstance(event, ev.PageCopied)}
    own = led | sources
    return [event for event in events if not led or not isinstance(event, TAKES) or f"frame:{event.frame}" in own]


TAKES = ev.PageAllocated, ev.PageCopied, ev.PageGranted
"""The events that put a page into another frame."""

_CASES = (ev.PageCopied, "copied"), (ev.NoCopyNeeded, "alone"), (ev.PageAllocated, "taken")
_DID = {"read": "read", "write": "wrote"}


Runs = Callable[[Moment], "Running | None"]
"""A function that returns what the processors run after a moment's operation; None if that takes long to find."""


def _latest(
    moment: Moment, earlier: Iterable[Moment], space: str, read: Read | None, runs: Runs
) -> tuple[Moment, list[Fault]]:
    """Return the faults of the moment's operation; if it has no faults, the latest faults in `earlier`."""

    def found(one: Moment, running: Running | None) -> list[Fault]:
        return [fault for fault in faults_of(one, read, running) if not space or fault.space == space]

    faults = found(moment, runs(moment))
    if faults:
        return moment, faults
    for one in earlier:
        if found(one, None):  # a fault's events name its task: only the one that is drawn is looked at more closely
            return one, found(one, runs(one))
    return moment, []


_COMES = (ev.PageIn, "and the page is in swap space"), (ev.PageCopied, "but others have its frame")
"""What is said of a page that takes a frame, if no file has it, by an event."""


def _subtitle(fault: Fault | None, faults: Sequence[Fault], before: str) -> str:
    if fault is None:
        return ""
    of = f"{len(faults):,} in {before or 'this operation'}"
    number = f"fault {faults.index(fault) + 1:,} of {of} · " if fault.faulted else ""
    whose = f" of {fault.owner}" if fault.space else ""
    return f"{number}{fault.access} at {address(fault.va)}{whose}"


def _said_of(page: FaultedPage, va: int) -> str:
    """Return what was written, and the frames before and after."""
    task = visible(page.writer)
    (_, was), *_ = page.before.descriptors
    old = page.before.frames[-1].frame
    others = [visible(one) for one, its in page.before.descriptors[1:] if its is not None]
    more = f" and {page.others:,} more" * bool(page.others)
    whose = (
        f"shared frame {old:#x} with {others[0]}{more}" if others else f"had frame {old:#x} of {visible(page.keeper)}"
    )
    if was is None:
        whose = f"had no {page.word} for it"
    said = f"{task} wrote {page.what or 'to its page'}. It {whose}; now it has {page.frame:#x}."
    texts = [] if page.after is None else [one.words for one in page.after.frames]
    written, at = page.what.strip("“”"), va % PAGE
    is_drawn = bool(written) and len(texts) > 1 and texts[0].rstrip("…")[at : at + len(written)] == written
    return f"{said} {say_fault('alike')}" if is_drawn and len({*texts}) == 1 else said


# ---- its steps -------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """A step: its boxes, what is done, and by whom; `is_new` if it changes something."""

    boxes: tuple[str, ...]
    words: str
    about: str
    is_new: bool = False


def _owners(page: FaultedPage, users: int) -> list[str]:
    """Return who has the frame before the fault: tasks whose tables have it, and how many more."""
    have = [visible(name) for name, its in page.before.descriptors if its is not None]
    have = have or [visible(page.keeper) or "another task"]
    return [*have, *[f"{users - len(have):,} more"] * (users > len(have))]


def _steps_of(shown: Moment, fault: Fault, page: FaultedPage | None, word: str) -> Iterator[_Step]:
    """Yield the steps that an access may have, in the order of the kernel's work: the old count falls after a flush."""
    task, access = fault.owner, fault.access
    its = shown.events[fault.marks[0].at : fault.marks[-1].at + 1]
    kinds = {*map(type, its)}
    words = {mark.box: mark.words for mark in fault.marks}
    actors = {mark.box: mark.who for mark in fault.marks}
    what = f" {page.what}" if page is not None and page.what else ""
    tlb = next((mark.words.rpartition(" ")[2] for mark in fault.marks if mark.box == "tlb"), "miss")
    who = fault.who + "," * ("," in fault.who)
    yield _Step(("access", "tlb"), f"{who} {access}s{what} at {address(fault.va)}", _LOOKED[tlb].format(access=access))
    walk, about = f"the walk {words.get('walk', '')}", words.get("code", "its TLB keeps the translation")
    refuses = walk.startswith("the walk refuses")
    if fault.faulted:
        walk = f"its {word} says: a {access} faults" if refuses else f"it has no {word} for the page: a fault"
    yield _Step(("code", "walk"), walk, f"processor · {about}")
    taken = [event for event in framed(fault, shown) if isinstance(event, TAKES)]
    old = None if page is None or page.frame < 0 else page.before.frames[-1]
    if old is not None and page is not None:
        have = _owners(page, old.users)
        why = f"but {listed(have)} {'have' if len(have) > 1 else 'has'} the frame"
        got = f"allocates {page.frame:#x}, copies {binary_size(PAGE)} into it"
    elif taken:
        read = [mark.thing for mark in fault.marks if mark.thing.startswith("object:file ")]
        why = f"and the page comes from {visible(read[-1].removeprefix('object:'))}" if read else "and the page is new"
        why = next((said for kind, said in _COMES if kind in kinds and (kind is ev.PageIn or not read)), why)
        got = f"allocates frame {taken[-1].frame:#x}{', copies the page into it' * (ev.PageCopied in kinds)}"
    else:
        frame, is_alone = words.get("frame", "").partition(",")[0], ev.NoCopyNeeded in kinds
        there = "nothing else has the object" if any(map(kept_object, its)) else f"only {task} has the frame"
        there = f"and {there if is_alone else 'the page is in memory'}"
        why = "and the page needs a frame" if fault.failed >= 0 else there
        got = f"copies nothing: {task} keeps frame {frame}" if is_alone else f"finds it in frame {frame}"
    after = [f"after {fault.waited}"] * bool(fault.waited)
    looks = ["kernel", actors.get("object", actors.get("lookup", "")), *after]
    yield _Step(("lookup", "object"), f"the range allows it, {why}", " · ".join(filter(None, looks)))
    kept = actors.get("frame", "") if old is None else f"{old.frame:#x} stays as it is"
    went = ev.PageOut, ev.OutOfMemory
    room = [one.words for one in fault.marks if one.box == "frame" and isinstance(shown.events[one.at], went)]
    yield _Step(("frame",), got, " · ".join(["kernel", kept, *room[:MOST_SAID]]), is_new=bool(taken))
    flush = ", and flushes the TLB" * (ev.TlbUpdated in kinds and refuses)
    flush = ", but forgets a TLB" if ev.ShootdownForgotten in kinds else flush
    tables = sum(mark.box == "enter" and mark.words.endswith(" taken") for mark in fault.marks)
    then = f" · with {counted(tables, 'new table')}" * bool(tables)
    if old is not None and refuses:
        left = old.users - 1
        then += f" · only then {old.frame:#x} has {counted(left, word) if left else f'no {word}'}"
    entered = f"opens the lock of {task}'s {word}" if refuses and not taken else f"points {task}'s {word} at it"
    yield _Step(("enter",), f"{entered}{flush}", f"kernel · pmap_enter{then}", is_new=not taken)
    filled = " · its walk fills the TLB" * words.get("retry", "").startswith("walk")
    yield _Step(("retry",), f"the {access} is tried again, and works", f"processor{filled}")


MOST_SAID = 3
"""The most pages that a step names because they were paged out; the table has them all."""

_LOOKED = {
    "miss": "the TLB has no entry, so the processor walks",
    "used": "the TLB has the translation, so nothing is walked",
    "clean": "the TLB has the page, not yet marked as written: the processor walks",
    "forbidden": "the TLB has the page, without the right to {access}",
}
"""The meaning of a lookup in the TLB, by its outcome."""

_WRONG = {
    "none": "{task} has no range there",
    "domain": "{task} has mapped nothing there",
    "lookup": "its range allows no {access}",
    "object": "its page can't be brought in",
    "frame": "no frame is left for it",
    "enter": "no frame is left for a page table",
}
"""Why an access failed, by its last box; "none" if there is no range, and "domain" if its program mapped nothing."""


def _rows_of(
    steps: Iterable[_Step], shown: Moment, fault: Fault, done: Sequence[Mark]
) -> list[tuple[_Step, str, str, bool]]:
    """Return those steps that the access reaches, with the state of each; the last is where it failed."""
    here = {mark.box for mark in done if shown.step is not None and mark.at == done[-1].at}
    failing = fault.failing if fault.failed >= 0 else ""
    rows = []
    for step in steps:
        its = [mark.at for mark in fault.marks if mark.box in step.boxes]
        if failing in step.boxes:
            is_there = any(mark.words.startswith("found") for mark in fault.marks if mark.box == "lookup")
            nowhere = "domain" if fault.space.startswith("domain:") else "none"
            why = _WRONG.get(failing if is_there else nowhere, step.words)
            wrong = why.format(task=fault.owner, access=fault.access)
            rows.append((step._replace(words=f"{wrong}: {fault.signal}"), [*its, fault.failed]))
            break
        if its:
            rows.append((step, its))
    begins = [*(its[0] for _, its in rows[1:]), len(shown.events)]
    found = []
    for (step, its), end in zip(rows, begins, strict=True):
        # a step is done with its last action before the next step: its words say all of it
        is_done = max((at for at in its if at < end), default=its[0]) < shown.place
        state = "coming" if not is_done else "fault" if failing in step.boxes else "done"
        things = [mark.thing for box in step.boxes for mark in reversed(done) if mark.box == box and mark.thing]
        is_here = is_done and any(box in here for box in step.boxes)
        found.append((step, state, (things or [""])[0] * is_done, is_here))
    return found


def _step(number: int, step: _Step, state: str, thing: str, is_here: bool, box: Box) -> Iterator[Node]:
    is_new = step.is_new and state == "done"
    style = {"fault": "body error", "coming": "body dim"}.get(state, "body strong" if is_here else "body")
    circle = {"fault": "step-refused", "coming": "step-coming"}.get(state, "step-new" if is_new else "step")
    text = [Text(11, 20, str(number), f"letter {'dim' if state == 'coming' else 'on-step'}", "middle")]
    lines = wrapped(step.words, box.w - _NUMBER, "body strong")  # as many lines at each step
    text += [Text(_NUMBER, 17 + 19 * at, line, "body new" if is_new else style) for at, line in enumerate(lines)]
    end = 17 + 19 * (len(lines) - 1)
    below = wrapped(step.about, box.w - _NUMBER, "label dim")
    text += [Text(_NUMBER, end + 17 + 16 * at, line, "label dim") for at, line in enumerate(below)]
    marked = (state, *["new"] * is_new, *["path"] * (is_here and state == "done"))
    yield Node(
        f"fault/{step.boxes[0]}", "stage", box.x, box.y, box.w, end + 21 + 16 * (len(below) - 1), thing=thing,
        text=tuple(text), bars=(Bar(0, 5, 22, 22, circle),), state=marked, lane="fault", action="select" * bool(thing),
        title=f"{step.words} ({step.about})" if state != "coming" else f"{step.words}: not yet",
    )  # fmt: skip  # a step


# ---- before and after ------------------------------------------------------------------------------


def _page(page: FaultedPage | None, steps: Sequence[Part], *, is_over: bool) -> Part:
    """Return what was before, the steps, and what is after, next to each other if there is room."""
    if page is None:
        return boxes.joined(boxes.below(*steps, gap=8), _arrow)
    title = "before" if page.after is not None else "its page"
    sides = {"before": (title, page.before)}
    if page.after is not None:
        sides["after"] = ("after" if is_over else "so far", page.after)
    cards = [boxes.thing(48, partial(_range, *one)) for one in page.ranges]
    near = [boxes.below(boxes.words("fault/ranges", "in its map"), *cards, gap=6)] * bool(cards)

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        if w < _ABREAST:
            first, *last = [
                _side(key, title, page, side, max(1, len(side.frames)), 36.0) for key, (title, side) in sides.items()
            ]
            story = boxes.joined(boxes.below(*steps, gap=6), _arrow)
            return boxes.below(first, boxes.inset(8, story), *last, *near, gap=18)(drawn, x, y, w)
        w, gap, start = min(w, _WIDEST), 20.0, len(drawn.nodes)
        side_w, apart = (_SIDE, 8.0) if w >= 860 else (132.0, 3.0)
        story = boxes.joined(boxes.below(*steps, gap=apart), _arrow)
        ends = [story(drawn, x + side_w + gap, y + 20, w - (len(sides) + len(near)) * (side_w + gap))]
        ends += [part(drawn, x + w - side_w, y, side_w) for part in near]
        taking = next((node for node in drawn.nodes[start:] if node.id == "fault/frame"), None)
        lead = 36.0 if taking is None else max(36.0, taking.y - 8 - y - _TITLE - _CARD)
        for left, (key, (title, side)) in zip((x, x + w - side_w), sides.items(), strict=False):
            ends.append(_side(key, title, page, side, 2, lead)(drawn, left, y, side_w))
        if page.frame >= 0 and page.after is not None and len(page.after.frames) > 1:
            one, other = (
                next(Box(node.x, node.y, node.w, node.h) for node in drawn.nodes[start:] if node.id == name)
                for name in ("fault/before/frame/0", "fault/after/frame/0")
            )
            ids = "fault/before/frame/0", "fault/after/frame/0"
            drawn.links.append(kit.band_across("fault/copied", *ids, one, other, state=(page.kind,)))
        return max(ends)

    return put


def _range(start: int, words: str, is_here: bool, box: Box) -> Node:
    line = kit.Line(words, "label error" if is_here else "label dim")
    return kit.card(
        f"fault/range/{start:x}",
        box,
        [kit.Line(address(start), "mono label"), line],
        pad=16,
        state=["fault"] * is_here,
        lane="fault/ranges",
    )


def _side(key: str, title: str, page: FaultedPage, side: Side, most: int, lead: float) -> Part:
    """Return a side of a page: the writer's descriptor, `lead` pixels, room for `most` frames, who else has the old.

    Bands lead from each descriptor to its frame.
    """

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        start = len(drawn.nodes)
        drawn.nodes.append(kit.label(f"fault/{key}/title", title, x, y))
        y, w = y + _TITLE, min(w, 360.0)
        top = y + _CARD + lead
        low = top + most * (CARD + _APART) - _APART + 34
        frames = [
            frame_card(
                f"fault/{key}/frame/{at}",
                one,
                "anonymous" if one.frame == page.frame else page.kind,
                Box(x, top + at * (CARD + _APART), w, CARD),
                word=page.word,
                within=one.state == "changed",
                lane=f"fault/{key}",
                named=True,
            )
            for at, one in enumerate(side.frames)
        ]
        drawn.nodes += frames
        for at, (task, its) in enumerate(side.descriptors):
            name, who = f"{page.others + 1:,} tasks: {task}" if at and page.others else task, ("writer", "other")[at]
            card = descriptor(
                f"fault/{key}/{who}",
                name,
                its,
                Box(x, low if at else y, w, _CARD),
                word=page.word,
                said=f"{title}: {task} at {address(page.page)}",
                lane=f"fault/{key}",
                more="" if its is None else f"frame {its.frame:#x}",
            )
            drawn.nodes.append(card)
            aim = next(
                (node for one, node in zip(side.frames, frames, strict=True) if its and one.frame == its.frame), None
            )
            if its is not None and aim is not None:
                upper, lower = (card, aim) if card.y < aim.y else (aim, card)
                ends = (Box(x + 18, one.y, 90, one.h) for one in (upper, lower))
                drawn.links.append(kit.band(f"{card.id}/to", upper.id, lower.id, *ends, state=("table",)))
        if page.keeper:
            drawn.nodes.append(
                kit.card(
                    f"fault/{key}/keeper",
                    Box(x, low - 20, w, 44),
                    [page.keeper, "keeps its page"],
                    kind="board",
                    pad=16,
                    lane=f"fault/{key}",
                )
            )
        return max(node.y + node.h for node in drawn.nodes[start:])

    return put


_TITLE, _APART = 22.0, 10.0
_CARD = 74.0
"""The height of a descriptor's card with its frame."""


def _whole(mark: Mark) -> str:
    """Return an action with its detail, as tables have it."""
    return f"{mark.words} · {mark.detail}" if mark.detail else mark.words


def _arrow(_number: int, one: Node, other: Node) -> Link:
    """Return an arrow from one number down to the next."""
    lit = ("path",) if "coming" not in other.state else ()
    x = one.x + 11
    return Link(f"{one.id}/to", "then", one.id, other.id, ((x, one.y + 29), (x, other.y + 3)), state=lit)
