"""Threads: who runs, who sleeps on what and in which order they will wake, and who waits for whom in a circle.

Those that can go on are a queue; beside it, or below it where there is less room, is a row for each thing that is
waited for, with its sleepers in order; a deadlock is drawn as the circle it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, where
from vmwidgets.views.story.words.threads import deadlock

from .thread_nodes import GAP, LEAST, NAMES, SUBJECT_W, WIDEST, H, cell_card, fold, subject_box, thread_card

_ABREAST = 4
"""Sleepers of one thing that are always drawn; more in one row where it has room, else how many follow."""

_GROUPS = 6
"""Things waited for that have a row; the others are counted."""

_BEFORE = SUBJECT_W + 34
_ROW = H + 18
"""Room that what is waited for takes, before its sleepers; from one row to the next."""

_BESIDE, _QUEUE, _APART, _LONG = 800.0, 0.22, 34.0, 5
"""Width from which the queue is beside the sleepers; the part of the room that it has then, and the room between the
two; the rows that it has at most."""


@frozen
class _Group:
    """Those who wait for one thing: `kind` and `subject` name it, `holder` has it (a lock)."""

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
) -> Scene:
    """The scene of the threads."""
    moment, value = look.moment, look.now
    touched = _touched(moment.so_far)
    nodes: list[Node] = []
    links: list[Link] = []
    y = 6.0
    ring = tuple(thread for name in value.cycle for thread in value.threads if thread.name == name)
    if ring:
        nodes, links, y = _cycle_lane(ring, touched, y - 8, width)
    queue = asleep = Box(MARGIN, y, width - 2 * MARGIN, 0)
    is_beside = width >= _BESIDE and _has_both(look)
    if is_beside:
        w = max(LEAST, _QUEUE * queue.w)
        asleep = asleep._replace(x=MARGIN + w + _APART, w=asleep.w - w - _APART)
        queue = queue._replace(w=w)
    more, y = _ready_lane(value, touched, queue, _LONG if is_beside else 1)
    nodes += more
    groups = groups_of(value)
    more, lines, bottom = _groups_lane(groups, touched, asleep if is_beside else asleep._replace(y=y))
    nodes, links, y = nodes + more, links + lines, max(y, bottom)
    links += _holder_links(groups, nodes, asleep.x)
    more, y = _done_lane(value, touched, y, width)
    nodes += more
    return kit.scene(
        "threads",
        title,
        _subtitle(value),
        nodes,
        links=links,
        caption=_caption(moment, value),
        table=Table(_TABLE_HEADER, _rows(value)),
        steps=moment.steps(steps_of_threads(look)),
        machine=machine,
        width=width,
        height=y + 4,
    )


def steps_of_threads(look: Look[ThreadsValue]) -> Mine:
    """The steps of threads: what they do, what they wait for, who has it; the clock."""
    threads = (*look.before.threads, *look.after.threads)
    awaited = {thread.subject for thread in threads if thread.kind == "lock"}

    def changes(stage: Stage) -> bool:
        events = stage.events
        is_shown = any(name in awaited or any(both) for name, both in locks_changed(events).items())
        return is_shown or any(map(_changes, events))

    return where(changes)


def locks_changed(events: Sequence[ev.Event]) -> dict[str, tuple[str | None, str | None]]:
    """Of the maps whose lock these events take or release: which thread had it before, and which has it after."""
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
    """Whether a thread does something else after an event, or the clock has advanced."""
    if isinstance(event, ev.ClockTicked):
        return event.before != event.after
    if isinstance(event, ev.ThreadEnded):
        return event.before is not None or event.thread != ""
    return isinstance(event, (ev.ThreadSpawned, ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken))


def _has_both(look: Look[ThreadsValue]) -> bool:
    """Whether some can go on and others sleep, before the operation or after it: so that no step moves the lanes."""
    return any(
        any(one.state in ("ready", "running") for one in value.threads) and bool(groups_of(value))
        for value in (look.after, look.before)
    )


def groups_of(value: ThreadsValue) -> tuple[_Group, ...]:
    """The sleepers by what they wait for, each in the order of falling asleep; those of a deadlock are left out."""
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
"""What the page daemon sleeps on, which says least."""

_KINDS = {"lock": 0, "room": 1, "pages": 2, "timer": 3}
"""In which order kinds of waiting stand; channels come last, the page daemon's among them."""


def _subject_of(thread: ThreadValue) -> tuple[str, str]:
    """What it waits for; all who wait for the clock wait for the same."""
    return ("timer", "") if thread.kind == "timer" else (thread.kind, thread.subject)


def _waking(sleepers: Sequence[ThreadValue]) -> tuple[ThreadValue, ...]:
    """Timers in the order of time, others in that of going to sleep."""
    if all(one.until is not None for one in sleepers) and _subject_of(sleepers[0])[0] == "timer":
        return tuple(sorted(sleepers, key=lambda one: one.until or 0))
    return tuple(sleepers)


def _touched(done: Sequence[ev.Event]) -> dict[str, str]:
    """What the operation did to threads: "new", or "changed"."""
    kinds = (ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken, ev.ThreadEnded)
    touched = {event.thread: "changed" for event in done if isinstance(event, kinds)}
    return {**touched, **{event.thread: "new" for event in done if isinstance(event, ev.ThreadSpawned)}}


# ---- those that can go on, and those that are done -----------------------------------------------------


def _ready_lane(value: ThreadsValue, touched: dict[str, str], place: Box, rows: int) -> tuple[list[Node], float]:
    """Those that can go on, in at most so many rows."""
    threads = {thread.name: thread for thread in value.threads}
    running = [thread for thread in value.threads if thread.state == "running" and thread.name not in value.cycle]
    ready = [threads[name] for name in value.ready if name in threads]
    ready += [thread for thread in value.threads if thread.state == "ready" and thread not in ready]
    holds = any(thread.holder == "" for thread in value.threads) and "" not in threads
    words = "ready, the next one first" if running or ready else "no thread is ready to run"
    nodes: list[Node] = [kit.paragraph("threads/ready", words, place.x, place.y, place.w)]
    cards = [*running, *ready]
    across = max(1, int((place.w + GAP) // (LEAST + GAP)))
    most = across * rows - holds
    shown = cards if len(cards) <= most else cards[: most - 1]
    count = holds + len(shown) + (len(shown) < len(cards))
    boxes = _abreast(count, across, place._replace(y=place.y + nodes[0].h + 4), _ROW)
    if holds:
        nodes.append(cell_card(boxes[0]))
    for number, thread in enumerate(shown, 1):
        nodes.append(thread_card(thread, boxes[number - (not holds)], touched, number - len(running), lane="ready"))
    if len(shown) < len(cards):
        nodes.append(fold("ready", len(cards) - len(shown), boxes[-1]))
    return nodes, nodes[-1].y + (_ROW if boxes else 22)


def _abreast(count: int, across: int, place: Box, row: float) -> list[Box]:
    """Boxes of threads in rows of at most `across`, as wide as there is room."""
    w = min(WIDEST, (place.w + GAP) / max(1, min(across, count)) - GAP)
    return [
        Box(place.x + number % across * (w + GAP), place.y + number // across * row, w, H) for number in range(count)
    ]


def _done_lane(value: ThreadsValue, touched: dict[str, str], y: float, width: float) -> tuple[list[Node], float]:
    """Those that are done, small, what this operation ended first, and how many they are."""
    done = [thread for thread in value.threads if thread.state in ("returned", "failed")]
    if not done:
        return [], y
    nodes = [kit.label("threads/done", f"{len(done):,} done", MARGIN, y)]
    x, room = MARGIN, width - MARGIN
    for thread in sorted(done, key=lambda one: one.name not in touched)[:NAMES]:
        how = "returned" if thread.state == "returned" else "failed"
        why = thread.outcome.removeprefix(f"thread {thread.name!r} failed: ")
        label = f"{thread.name} {how}" + (f": {why}" if why and how == "failed" else "")
        w = min(260, text_width(label)) + 18
        if x + w > room:
            break
        state = ["fault"] * (how == "failed") + [touched.get(thread.name, "")] * (thread.name in touched)
        nodes.append(
            kit.card(f"thread/{thread.name}", Box(x, y + 20, w, 22), [kit.Line(label)], kind="thread",
                     thing=f"thread:{thread.name}", state=state, title=f"{thread.name} {how}: {thread.outcome}",
                     lane="done", pad=9)
        )  # fmt: skip
        x += w + 8
    return nodes, y + 48


# ---- those that wait -----------------------------------------------------------------------------------


def _groups_lane(groups: Sequence[_Group], touched: dict[str, str], place: Box) -> tuple[list[Node], list[Link], float]:
    if not groups:
        return [], [], place.y
    nodes = [kit.paragraph("threads/asleep", "asleep, in the order they will check again", place.x, place.y, place.w)]
    links: list[Link] = []
    y = place.y + nodes[0].h + 4
    for group in groups[:_GROUPS]:
        more, lines = _group(group, touched, place._replace(y=y))
        nodes, links = nodes + more, links + lines
        y = more[-1].y + _ROW
    if len(groups) > _GROUPS:
        nodes.append(fold("groups", len(groups) - _GROUPS, Box(place.x, y, SUBJECT_W, H), "more things waited for"))
        y += _ROW
    return nodes, links, y


def _group(group: _Group, touched: dict[str, str], place: Box) -> tuple[list[Node], list[Link]]:
    """What is waited for and its sleepers, in the order in which they will look again, in as many rows as they take."""
    x, y, w, _ = place
    is_timed = all(thread.until is not None for thread in group.sleepers)
    nodes = [
        subject_box(
            group.id, group.kind, group.subject, group.holder, len(group.sleepers), x, y, is_timed=is_timed
        )
    ]  # fmt: skip
    links: list[Link] = []
    room = Box(x + _BEFORE, y, w - _BEFORE, 0)
    across = max(1, int((room.w + GAP) // (LEAST + GAP)))
    most = max(_ABREAST, across)
    shown = group.sleepers if len(group.sleepers) <= most else group.sleepers[: most - 1]
    boxes = _abreast(len(shown) + (len(shown) < len(group.sleepers)), across, room, _ROW)
    for number, thread in enumerate(shown):
        card = thread_card(thread, boxes[number], touched, number + 1, lane=group.id)
        ends = _towards(card, nodes[-1])
        links.append(Link(f"{card.id}/waits", "waits", card.id, nodes[-1].id, ends, arrow=number == 0))
        nodes.append(card)
    if len(shown) < len(group.sleepers):
        nodes.append(fold(group.id, len(group.sleepers) - len(shown), boxes[-1]))
    return nodes, links


def _towards(card: Node, ahead: Node) -> tuple[tuple[float, float], ...]:
    """The line from a sleeper to what is ahead of it: to the left, or up to the end of the row above."""
    if card.y == ahead.y:
        return (card.x, card.y + H / 2), (ahead.x + ahead.w, card.y + H / 2)
    out, into, between = card.x + card.w / 2, ahead.x + ahead.w / 2, card.y - (_ROW - H) / 2
    return (out, card.y), (out, between), (into, between), (into, ahead.y + ahead.h)


def _holder_links(groups: Sequence[_Group], nodes: Sequence[Node], left: float) -> list[Link]:
    """From each lock that is waited for to the one who has it, to the `left` of the locks."""
    placed = {node.id: node for node in nodes}
    links: list[Link] = []
    for group in groups[:_GROUPS]:
        holder = placed.get(f"thread/{group.holder}") if group.holder is not None else None
        box = placed.get(group.id)
        if holder is None or box is None:
            continue
        rail = left - 4 - 3 * (len(links) % 3)
        if holder.x + holder.w <= rail:  # in the queue beside the locks
            ends = ((box.x, box.y + box.h / 2), (rail, box.y + box.h / 2), (rail, holder.y + holder.h / 2))
            end = (holder.x + holder.w, holder.y + holder.h / 2)
            links.append(Link(f"{group.id}/held", "held-by", group.id, holder.id, (*ends, end), arrow=True))
            continue
        above = holder.y < box.y
        edge = holder.y + holder.h if above else holder.y
        turn, middle = edge + (7 if above else -7), holder.x + holder.w / 4 + 6 * (len(links) % 3)
        points = (
            (box.x, box.y + box.h / 2), (rail, box.y + box.h / 2), (rail, turn), (middle, turn), (middle, edge),
        )  # fmt: skip
        links.append(Link(f"{group.id}/held", "held-by", group.id, holder.id, points, arrow=True))
    return links


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
    """A deadlock is said in words, whatever the operation was."""
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
"""Threads of a circle that are drawn; of more, the first ones and how many follow."""

_DROP = 66.0
"""Pixels between the upper and the lower row."""


def _cycle_lane(
    ring: Sequence[ThreadValue], touched: Mapping[str, str], top: float, width: float
) -> tuple[list[Node], list[Link], float]:
    """Nodes and links of the circle, each thread waiting for the lock of the next one, and the y where it ends."""
    boxes = _boxes(ring, touched)
    upper = -(-len(boxes) // 2)
    row_y = (top + 8, top + 8 + H + _DROP)
    placed = [
        *_row(boxes[:upper], row_y[0], width),
        *reversed(_row(list(reversed(boxes[upper:])), row_y[1], width)),
    ]
    links = [_link(one, other) for one, other in pairwise([*placed, placed[0]])]
    w = text_width("deadlock", "body strong") + 16
    label = kit.chip(
        "threads/deadlock", "label", Box(width / 2 - w / 2, row_y[0] + H + _DROP / 2 - 14, w, 28), "deadlock",
        style="body strong error", shape="none",
        title="deadlock: each of these threads waits for a lock that the next one holds",
    )  # fmt: skip
    return [*placed, label], links, row_y[1] + H + 18


def _boxes(ring: Sequence[ThreadValue], touched: Mapping[str, str]) -> list[Node]:
    """Thread, lock, thread, lock, … in the order of waiting; places come later."""
    shown = ring if len(ring) <= MOST else ring[: MOST - 1]
    boxes: list[Node] = []
    for thread in shown:
        boxes.append(thread_card(thread, Box(0, 0, LEAST, H), touched, lane="deadlock", state=("stuck",)))
        lock = subject_box(f"cycle/{thread.subject}", "lock", thread.subject, thread.holder, 1, 0, 0)
        boxes.append(replace(lock, text=lock.text[:2]))
    if len(shown) < len(ring):
        boxes.append(fold("deadlock", len(ring) - len(shown), Box(0, 0, LEAST, H)))
    return boxes


def _row(boxes: Sequence[Node], y: float, width: float) -> list[Node]:
    """One half of the circle, each box in the middle of its share, so that both halves stand above each other."""
    room = width - 2 * MARGIN
    share = min(SUBJECT_W + 80, room / max(1, len(boxes)))
    left = MARGIN + (room - share * len(boxes)) / 2
    return [_in(box, left + share * number + (share - box.w) / 2, y) for number, box in enumerate(boxes)]


def _in(box: Node, x: float, y: float) -> Node:
    state = box.state if box.kind != "channel" else ("stuck",)
    return replace(box, x=x, y=y, lane="deadlock", state=state)


def _link(one: Node, other: Node) -> Link:
    """An arrow from box to box: along a row, or down and up at its ends."""
    if abs(one.y - other.y) < 1:
        y = one.y + H / 2
        ends = ((one.x + one.w, y), (other.x, y)) if one.x < other.x else ((one.x, y), (other.x + other.w, y))
    else:
        down = one.y < other.y
        start = (one.x + one.w / 2, one.y + (H if down else 0))
        ends = (start, (other.x + other.w / 2, other.y + (0 if down else H)))
    return Link(f"{one.id}/stuck", "stuck", one.id, other.id, ends, arrow=True)
