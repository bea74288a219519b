"""Threads: which sleep, for what, and who will wake them; which can run; and which wait in a circle.

First a sentence gives the answer.  Each thing that threads wait for has a row: its sleepers on the left, in the order
in which they will retry, and who wakes them on the right; they are below each other if there is little room.  A
deadlock is drawn as a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Caption, Lane, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, where
from vmwidgets.views.story.words.threads import deadlock

from .thread_nodes import (
    GAP,
    LEAST,
    NAMES,
    SUBJECT_W,
    WIDEST,
    H,
    cell_card,
    fold,
    name_of,
    ringed,
    some_of,
    subject_box,
    thread_card,
    waker,
)  # fmt: skip  # a list

_SLEEPERS = 5
"""The most sleepers drawn for one thing; if there are more, one fewer is drawn, with the number of the others."""

_GROUPS = 6
"""The most things that get a row because threads wait for them; the others are counted."""

_BESIDE, _APART, _PITCH, _HEADS = 640.0, 36.0, H + 4, 34.0
"""Width from which a row has columns, and the space between the first two; distance of two sleepers; room for heads."""


@frozen
class _Group:
    """The threads that wait for one thing: `kind` and `subject` name it, and `holder` has it (a lock)."""

    kind: str
    subject: str
    holder: str | None
    sleepers: tuple[ThreadValue, ...]

    @property
    def id(self) -> str:
        """Its name in scenes."""
        return f"wait/{self.kind}/{self.subject}"


def draw_threads(
    look: Look[ThreadsValue],
    *,
    title: str = "threads",
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
) -> Scene:
    """Return the scene of the threads.

    If the operation changed no thread, the title says who waits, unless the scene is a part of another (`compact`).
    """
    moment, value = look.moment, look.now
    touched = _touched(moment.so_far)
    nodes: list[Node] = []
    links: list[Link] = []
    groups = groups_of(value)
    ring = tuple(thread for name in value.cycle for thread in value.threads if thread.name == name)
    steps, answer, y = moment.steps(steps_of_threads(look)), _answer(value, groups), 4.0
    is_still = not (compact or value.cycle or steps.count or moment.operation is None)
    if not is_still:
        nodes.append(kit.paragraph("threads/answer", answer, MARGIN, y, width - 2 * MARGIN, style="body"))
        y += nodes[-1].h + 12
    if ring:
        more, links, y = _cycle_lane(ring, touched, y - 8, width)
        nodes += more
    more, lines, y = _ready_lane(value, touched, Box(MARGIN, y, width - 2 * MARGIN, 0))
    nodes, links = nodes + more, [*links, *lines]
    more, lines, y = _groups_lane(groups, value, touched, y, width)
    nodes, links = nodes + more, links + lines
    more, lines, y = _done_lane(value, touched, y, width)
    nodes, links = nodes + more, links + lines
    return kit.scene(
        "threads",
        title,
        _subtitle(value),
        nodes,
        links=links,
        lanes=[Lane(group.id, down=True, label=name_of(group.kind, group.subject)) for group in groups[:_GROUPS]],
        caption=moment.answered(answer) if is_still else _caption(moment, value),
        table=Table(_TABLE_HEADER, _rows(value)),
        steps=steps,
        machine=machine,
        width=width,
        height=y + 4,
    )


def _answer(value: ThreadsValue, groups: Sequence[_Group]) -> str:
    """Return which threads wait for what, in a sentence: the most first, a deadlock before everything else."""
    some = sorted((one for one in groups if one.subject != _DAEMON), key=lambda one: -len(one.sleepers))
    parts = [f"for {_AWAITED.get(one.kind, '')}{name_of(one.kind, visible(one.subject))}" for one in some[:3]]
    count, left = sum(len(one.sleepers) for one in some), sum(len(one.sleepers) for one in some[3:])
    if len(some) > 1:
        parts = [f"{len(one.sleepers):,} {words}" for one, words in zip(some, parts, strict=False)]
        parts += [f"{left:,} for something else"] * bool(left)
    waits = f"{counted(count, 'thread')} {'waits' if count == 1 else 'wait'}"
    asleep = f"{waits}{' ' if len(some) == 1 else ': '}{', '.join(parts)}." if parts else ""
    stuck = f"{counted(len(value.cycle), 'thread')} will never wake: each waits for a lock that the next one holds."
    ready = sum(thread.state in ("ready", "running") for thread in value.threads)
    can = f"{counted(ready, 'thread')} can go on." if ready else "No thread is ready to run."
    return " ".join(filter(None, (stuck if value.cycle else "", asleep, can)))


_AWAITED = {"lock": "the ", "": "", "channel": "a wakeup of "}
"""The words before the name of the thing that threads wait for."""


def steps_of_threads(look: Look[ThreadsValue]) -> Mine:
    """Return the steps of threads: their states, their reasons to wait, the owners of locks; the clock."""
    threads = (*look.before.threads, *look.after.threads)
    awaited = {thread.subject for thread in threads if thread.kind == "lock"}

    def changes(stage: Stage) -> bool:
        events = stage.events
        is_shown = any(name in awaited or any(both) for name, both in locks_changed(events).items())
        return is_shown or any(map(_changes, events))

    return where(changes)


def locks_changed(events: Sequence[ev.Event]) -> dict[str, tuple[str | None, str | None]]:
    """Return, for maps whose lock these events acquire or release, the owner before and after."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for event in events:
        if isinstance(event, ev.MapLocked):
            found[event.map] = found.get(event.map, (None,))[0], event.thread
        elif isinstance(event, ev.MapUnlocked):
            found[event.map] = found.get(event.map, (event.thread,))[0], None
        elif isinstance(event, ev.ThreadSlept) and event.kind == "room":
            found[event.subject] = found.get(event.subject, (event.thread,))[0], None
    return {name: both for name, both in found.items() if both[0] != both[1]}


def _changes(event: ev.Event) -> bool:
    """Return whether an event changes what a thread does, or advances the clock."""
    if isinstance(event, ev.ClockTicked):
        return event.before != event.after
    if isinstance(event, ev.ThreadEnded):
        return event.before is not None or event.thread != ""
    return isinstance(event, (ev.ThreadSpawned, ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken))


def groups_of(value: ThreadsValue) -> tuple[_Group, ...]:
    """Return the sleepers by the thing that they wait for, in the order of falling asleep; no deadlocked threads."""
    threads = {thread.name: thread for thread in value.threads}
    order = [threads[name] for name in value.sleeping if name in threads]
    order += [thread for thread in value.asleep if thread not in order]
    found: dict[tuple[str, str], list[ThreadValue]] = {}
    for thread in order:
        if thread.state == "asleep" and thread.name not in value.cycle:
            found.setdefault(_subject_of(thread), []).append(thread)
    kinds = sorted(found.items(), key=lambda item: (_KINDS.get(item[0][0], len(_KINDS)), item[0][1] == _DAEMON))
    return tuple(
        _Group(kind, subject, next((one.holder for one in sleepers if one.holder is not None), None), _waking(sleepers))
        for (kind, subject), sleepers in kinds
    )


_DAEMON = "vm_pages_needed"
"""The page daemon's channel, which says least."""

_KINDS = {"lock": 0, "room": 1, "pages": 2, "timer": 3}
"""The order of kinds of waiting; channels come last, the page daemon's among them."""


def _subject_of(thread: ThreadValue) -> tuple[str, str]:
    """Return the thing that a thread waits for; for all threads that wait for the clock, it is the same."""
    return ("timer", "") if thread.kind == "timer" else (thread.kind, thread.subject)


def _waking(sleepers: Sequence[ThreadValue]) -> tuple[ThreadValue, ...]:
    """Return timers in the order of time, and others in the order of falling asleep."""
    if all(one.until is not None for one in sleepers) and _subject_of(sleepers[0])[0] == "timer":
        return tuple(sorted(sleepers, key=lambda one: one.until or 0))
    return tuple(sleepers)


def _touched(done: Sequence[ev.Event]) -> dict[str, str]:
    """Return what the operation did to threads: "new", or "changed"."""
    kinds = (ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken, ev.ThreadEnded)
    touched = {event.thread: "changed" for event in done if isinstance(event, kinds)}
    return {**touched, **{event.thread: "new" for event in done if isinstance(event, ev.ThreadSpawned)}}


# ---- those that can go on, and those that are done -----------------------------------------------------


def _ready_lane(value: ThreadsValue, touched: dict[str, str], place: Box) -> tuple[list[Node], list[Link], float]:
    """Return the threads that can run, in one row."""
    threads = {thread.name: thread for thread in value.threads}
    running = [thread for thread in value.threads if thread.state == "running" and thread.name not in value.cycle]
    ready = [threads[name] for name in value.ready if name in threads]
    ready += [thread for thread in value.threads if thread.state == "ready" and thread not in ready]
    holds = any(thread.holder == "" for thread in value.threads) and "" not in threads
    cards = [*running, *ready]
    if not cards and not holds:
        return [], [], place.y
    nodes: list[Node] = [kit.paragraph("threads/ready", "can go on, the next one first", place.x, place.y, place.w)]
    across = max(1, int((place.w + GAP) // (LEAST + GAP)))
    most = max(1, across - holds)
    shown = some_of(cards, most if len(cards) <= most else max(2, most - 1), touched)
    count = holds + len(shown) + (len(shown) < len(cards))
    w = min(WIDEST, (place.w + GAP) / max(1, min(across, count)) - GAP)
    first = Box(place.x, place.y + nodes[0].h + 14, w, H)
    boxes = [
        first._replace(x=first.x + number % across * (w + GAP), y=first.y + number // across * (H + 8))
        for number in range(count)
    ]
    if holds:
        nodes.append(cell_card(boxes[0]))
    for (number, thread), box in zip(shown, boxes[holds:], strict=False):
        nodes.append(thread_card(thread, box, touched, number - len(running), lane="ready"))
    left_out = {thread.name for thread in cards}.difference(thread.name for _, thread in shown)
    if left_out:
        nodes.append(fold("ready", len(left_out), boxes[-1]))
    nodes, links = ringed("threads/ready", nodes, touched, left_out)
    return nodes, links, boxes[-1].y + H + 18


def _done_lane(
    value: ThreadsValue, touched: dict[str, str], y: float, width: float
) -> tuple[list[Node], list[Link], float]:
    """Return the finished threads, small, with threads ended by this operation first, and their number."""
    done = [thread for thread in value.threads if thread.state in ("returned", "failed")]
    if not done:
        return [], [], y
    nodes = [kit.label("threads/done", f"{len(done):,} done", MARGIN, y)]
    x, more = MARGIN, text_width(f"and {len(done):,} more") + 24
    order = sorted(done, key=lambda one: one.name not in touched)
    for number, thread in enumerate(order[:NAMES]):
        how = "returned" if thread.state == "returned" else "failed"
        why = thread.outcome.removeprefix(f"thread {thread.name!r} failed: ")
        label = f"{thread.name} {how}" + (f": {why}" if why and how == "failed" else "")
        w = min(260, text_width(label)) + 18
        if x + w > width - MARGIN - (more if number < len(order) - 1 else 0):
            break
        state = ["fault"] * (how == "failed") + [touched.get(thread.name, "")] * (thread.name in touched)
        nodes.append(
            kit.card(f"thread/{thread.name}", Box(x, y + 20, w, 22), [kit.Line(label)], kind="thread",
                     thing=f"thread:{thread.name}", state=state, title=f"{thread.name} {how}: {thread.outcome}",
                     lane="done", pad=9)
        )  # fmt: skip
        x += w + 8
    left_out = [thread.name for thread in order[len(nodes) - 1 :]]
    if left_out:
        nodes.append(fold("done", len(left_out), Box(x, y + 20, more - 8, 22)))
    nodes, links = ringed("threads/done", nodes, touched, left_out)
    return nodes, links, y + 48


# ---- those that wait -----------------------------------------------------------------------------------


def _groups_lane(
    groups: Sequence[_Group], value: ThreadsValue, touched: dict[str, str], top: float, width: float
) -> tuple[list[Node], list[Link], float]:
    """Return a row for each thing waited for, with a line between two."""
    if not groups:
        return [], [], top
    wide, room, y = width >= _BESIDE, width - 2 * MARGIN, top
    first = min(300.0, 0.34 * room)
    columns = (MARGIN, MARGIN + first + _APART, MARGIN + first + _APART + SUBJECT_W + 24)
    nodes: list[Node] = []
    links: list[Link] = []
    heads = zip(
        columns, ("asleep, in the order they will look again", "what it waits for", "who wakes it"), strict=True
    )
    for x, words in heads if wide else [(MARGIN, "asleep, in the order they will look again")]:
        most = first + _APART - 8 if wide and x == MARGIN else room
        nodes.append(kit.label("threads/asleep" if x == MARGIN else f"threads/asleep/{words}", words, x, y, most=most))
    y += _HEADS
    for group in groups[:_GROUPS]:
        if y > top + _HEADS:
            nodes.append(
                kit.runs(f"{group.id}/line", Box(MARGIN, y - 8, room, 1), (), bars=(Bar(0, 0, room, 1, "rail"),))
            )
        left, below = (MARGIN, y) if wide else (MARGIN + 24, y + H + 18)
        sleepers, lines = _sleepers(group, touched, Box(left, below, first if wide else room - 24, H))
        place, w = (columns[1], SUBJECT_W) if wide else (MARGIN, min(room, 300.0))
        rows = [one for one in sleepers if one.kind != "label"]
        middle = (rows[0].y + rows[-1].y) / 2 if wide else y
        subject = subject_box(group.id, group.kind, group.subject, group.holder, len(group.sleepers), place, middle, w)
        x, at = (columns[2], middle) if wide else (left, rows[-1].y + rows[-1].h + 24)
        said = _waker(group, value, Box(x, at, width - MARGIN - x, 0))
        said = replace(said, y=middle + (H - said.h) / 2) if wide else said
        if not wide:
            nodes.append(kit.label(f"{group.id}/who", "who wakes it", left, at - 18))
        nodes += [subject, said, *sleepers]
        links += lines
        links += [_wait(one, subject) for one in sleepers if one.kind == "thread"]
        if group.holder is not None:
            ends = ((subject.x + subject.w, subject.y + H / 2), (said.x - 4, said.y + said.h / 2)) if wide else (
                (subject.x + 8, subject.y + H), (subject.x + 8, said.y + 10), (said.x - 4, said.y + 10))  # fmt: skip
            links.append(Link(f"{group.id}/held", "held-by", subject.id, said.id, ends, arrow=True))
        y = max(node.y + node.h for node in (subject, said, *sleepers)) + 18
    if len(groups) > _GROUPS:
        nodes.append(fold("groups", len(groups) - _GROUPS, Box(MARGIN, y, 240, 26), "more things waited for"))
        y += 40
    return nodes, links, y


def _sleepers(group: _Group, touched: dict[str, str], box: Box) -> tuple[list[Node], list[Link]]:
    """Return the waiting threads, below each other."""
    some = group.sleepers
    shown = some_of(some, _SLEEPERS if len(some) <= _SLEEPERS else _SLEEPERS - 1, touched)
    nodes = []
    for row, (number, thread) in enumerate(shown):
        place, said = box._replace(y=box.y + row * _PITCH), number if len(some) > 1 else 0
        nodes.append(thread_card(thread, place, touched, said, lane=group.id))
    left_out = {thread.name for thread in some}.difference(thread.name for _, thread in shown)
    if left_out:
        nodes.append(fold(group.id, len(left_out), Box(box.x, box.y + len(shown) * _PITCH + 4, 180, 26)))
    return ringed(group.id, nodes, touched, left_out)


def _wait(one: Node, subject: Node) -> Link:
    """Return the line from a sleeper to the thing it waits for, on its right or above it."""
    name = f"{one.id}/waits"
    if subject.x > one.x:
        start, end = (one.x + one.w + 4, one.y + H / 2), (subject.x, subject.y + H / 2)
        return Link(name, "waits", one.id, subject.id, kit.curve(start, end))
    x, y = subject.x + 8, one.y + 16
    return Link(name, "waits", one.id, subject.id, ((one.x + 2, y), (x, y), (x, subject.y + H)))


def _waker(group: _Group, value: ThreadsValue, box: Box) -> Node:
    """Return who wakes the waiting threads, and whether that can happen."""
    name, several = f"{group.id}/wakes", len(group.sleepers) > 1
    threads = {thread.name: thread for thread in value.threads}
    first = "the first looks first, and who finds nothing sleeps again"
    if group.kind == "lock":
        if group.holder is None:
            return waker(name, "the lock is free", "they are woken", box)
        holder = group.holder or "the cell"
        said = "when it releases the lock"
        if group.holder in value.cycle:
            return waker(name, f"never: {holder} holds it", "it waits in the circle itself", box,
                         thing=f"thread:{group.holder}", style="strong error")  # fmt: skip
        state = threads[group.holder].state if group.holder in threads else "running"
        more = f"{said}; it is {state} itself" if state == "asleep" else said
        return waker(name, f"{holder} holds it", more, box, thing=f"thread:{group.holder}", style="strong held")
    if group.kind == "room":
        return waker(name, "kmem_free_wakeup", f"it wakes {'all: ' + first if several else 'it, to look again'}", box)
    if group.kind == "pages":
        daemon = next((one for one in value.threads if one.subject == _DAEMON or one.name == "pagedaemon"), None)
        if daemon is not None and daemon.state == "asleep":
            return waker(name, f"{daemon.name}: asleep itself", "or a thread that frees pages", box,
                         thing=f"thread:{daemon.name}", style="strong error")  # fmt: skip
        return waker(name, daemon.name if daemon is not None else "a thread that frees pages",
                     f"it is {daemon.state}" if daemon is not None else "", box)  # fmt: skip
    ticks = [one.until for one in group.sleepers if one.until is not None]
    if group.kind == "timer":
        return waker(name, f"the clock, at tick {min(ticks, default=0):,}", f"it is at {value.ticks:,}", box)
    if group.subject == _DAEMON:
        return waker(name, "a request that is refused", "it wakes the page daemon", box)
    more = f"or the clock, at tick {min(ticks):,}" if len(ticks) == len(group.sleepers) else "until then, nothing"
    return waker(name, f"a wakeup of {visible(group.subject)}" if group.subject else "a wakeup", more, box)


# ---- words ---------------------------------------------------------------------------------------------


def _subtitle(value: ThreadsValue) -> str:
    states = [thread.state for thread in value.threads]
    counted = [
        (states.count("running") + states.count("ready"), "can continue"),
        (states.count("asleep"), "asleep"),
        (states.count("returned") + states.count("failed"), "done"),
    ]
    counts = [f"{count:,} {words}" for count, words in counted if count]
    clock = f"tick {value.ticks:,} of the clock, {value.hz:,} a second"
    return " · ".join([clock, *(counts or ["no threads yet"])])


def _caption(moment: Moment, value: ThreadsValue) -> Caption:
    """Return the caption; a deadlock is described whatever the operation was."""
    said = f"{moment.caption.text} {moment.caption.reason}"
    if not value.cycle or "deadlock:" in said.lower():  # the error or the story says it itself
        return moment.caption
    return replace(moment.caption_with(deadlock(value.cycle)), tone="error")


def _rows(value: ThreadsValue) -> tuple[tuple[str, ...], ...]:
    rows = []
    for thread in value.threads[:_MAX_ROWS]:
        holder = "" if thread.holder is None else thread.holder or "the cell"
        until = "" if thread.until is None else f"{thread.until:,}"
        state = thread.state + (" (deadlock)" if thread.name in value.cycle else "")
        rows.append(
            (
                thread.name or "the cell",
                state,
                thread.waits_for,
                holder,
                until,
                ", ".join(thread.locks),
                thread.doing,
                thread.outcome,
            )
        )
    left_out = len(value.threads) - _MAX_ROWS
    return (*rows, *([(f"… {left_out:,} more threads", *[""] * 7)] if left_out > 0 else []))


_MAX_ROWS = 400
_TABLE_HEADER = ("thread", "state", "waits for", "held by", "until tick", "locks", "doing", "outcome")


# ---- a deadlock ----------------------------------------------------------------------------------

MOST = 4
"""The most threads drawn of a circle; if there are more, the first are drawn, with the number of the others."""

_DROP = 60.0
"""Pixels between the upper and the lower row."""


def _cycle_lane(
    ring: Sequence[ThreadValue], touched: Mapping[str, str], top: float, width: float
) -> tuple[list[Node], list[Link], float]:
    """Return nodes and links of the circle, each thread waiting for the lock of the next, and the y where it ends."""
    boxes = _boxes(ring, touched)
    upper = -(-len(boxes) // 2)
    row_y = (top + 8, top + 8 + H + _DROP)
    placed = [
        *_row(boxes[:upper], row_y[0], width),
        *reversed(_row(list(reversed(boxes[upper:])), row_y[1], width)),
    ]
    links = [_link(one, other) for one, other in pairwise([*placed, placed[0]])]
    mark = kit.paragraph("threads/deadlock", "deadlock", width / 2 - 50, row_y[0] + H + _DROP / 2 - 10, 100)
    word = Text(50, 15, "deadlock", "body strong error", "middle")
    words = (
        "Each holds the lock that the one before it needs. If all took their locks in one order, it could not happen."
    )
    more = kit.paragraph("threads/never", words, MARGIN, row_y[1] + H + 10, width - 2 * MARGIN)
    title = "deadlock: each of these threads waits for a lock that the next one holds"
    turns = list(_turns(placed, links))
    return [*placed, replace(mark, text=(word,), title=title), *turns, more], links, more.y + more.h + 18


def _turns(placed: Sequence[Node], links: Sequence[Link]) -> Iterator[Node]:
    """Yield the words of each arrow, if there is room: above it in a row, or on its right between two rows."""
    kinds = {node.id: node.kind for node in placed}
    words = ["needs" if kinds[link.source] == "thread" else "which is held by" for link in links]
    rooms = [abs(link.points[0][0] - link.points[1][0]) or 200.0 for link in links]
    if any(kinds[link.source] == "fold" for link in links) or not kit.all_or_none(words, [room - 8 for room in rooms]):
        return
    for link, said in zip(links, words, strict=True):
        (x, y), (to_x, to_y) = link.points
        w = text_width(said)
        left, top = ((x + to_x - w) / 2, y - 21) if y == to_y else (x + 10, (y + to_y) / 2 - 10)
        left -= (w + 22) * (y > to_y)  # at the left of an arrow that leads up
        yield kit.label(f"{link.id}/says", said, left, top)


def _boxes(ring: Sequence[ThreadValue], touched: Mapping[str, str]) -> list[Node]:
    """Return thread, lock, thread, lock, … in the order of waiting, without places."""
    shown = ring if len(ring) <= MOST else ring[: MOST - 1]
    boxes: list[Node] = []
    for thread in shown:
        boxes.append(thread_card(thread, Box(0, 0, LEAST, H), touched, lane="deadlock", state=("stuck",), brief=True))
        lock = subject_box(f"cycle/{thread.subject}", "lock", thread.subject, thread.holder, 1, 0, 0)
        boxes.append(replace(lock, text=(Text(SUBJECT_W / 2, H / 2 + 4, lock.text[0].text, "strong", "middle"),)))
    if len(shown) < len(ring):
        boxes.append(fold("deadlock", len(ring) - len(shown), Box(0, 0, LEAST, H)))
    return boxes


def _row(boxes: Sequence[Node], y: float, width: float) -> list[Node]:
    """Return one half of the circle, each box in the middle of its share, so that both halves are aligned."""
    room = width - 2 * MARGIN
    share = min(SUBJECT_W + 80, room / max(1, len(boxes)))
    left = MARGIN + (room - share * len(boxes)) / 2
    return [_in(box, left + share * number + (share - box.w) / 2, y) for number, box in enumerate(boxes)]


def _in(box: Node, x: float, y: float) -> Node:
    state = box.state if box.kind != "channel" else ("stuck",)
    return replace(box, x=x, y=y, lane="deadlock", state=state)


def _link(one: Node, other: Node) -> Link:
    """Return an arrow from box to box: along a row, or down and up at its ends."""
    if abs(one.y - other.y) < 1:
        y = one.y + H / 2
        ends = ((one.x + one.w, y), (other.x, y)) if one.x < other.x else ((one.x, y), (other.x + other.w, y))
    else:
        down = one.y < other.y
        start = (one.x + one.w / 2, one.y + (H if down else 0))
        ends = (start, (other.x + other.w / 2, other.y + (0 if down else H)))
    return Link(f"{one.id}/stuck", "stuck", one.id, other.id, ends, arrow=True)
