"""Threads: who runs, who sleeps on what and in which order they will wake, and who waits for whom in a circle.

On top those that can go on; below a row for each thing that is waited for, with its sleepers in order; a deadlock is
drawn as the circle it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vmwidgets import events as ev
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, either, where, wrote
from vmwidgets.views.story.words.threads import deadlock

from .thread_nodes import CARD_W, GAP, NAMES, SUBJECT_W, H, cell_card, fold, subject_box, thread_card

_ABREAST = 4
"""Sleepers of one thing that are always drawn; more in one row where it has room, else how many follow."""

_GROUPS = 6
"""Things waited for that have a row; the others are counted."""

_LEFT = MARGIN + SUBJECT_W + 34
_ROW = H + 18


@dataclass(frozen=True, slots=True)
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
    value: ThreadsValue,
    moment: Moment,
    *,
    title: str = "threads",
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of the threads at `moment` of an operation; `value` is how that left them."""
    past = value.at(moment.past)
    touched = _touched(moment.so_far)
    nodes, y = _ready_lane(past, touched, width)
    links: list[Link] = []
    ring = tuple(thread for name in past.cycle for thread in past.threads if thread.name == name)
    groups = groups_of(past)
    if ring:
        more, lines, y = _cycle_lane(ring, touched, y, width)
        nodes, links = nodes + more, links + lines
    more, lines, y = _groups_lane(groups, touched, y, width)
    nodes, links = nodes + more, links + lines
    links += _holder_links(groups, nodes)
    more, y = _done_lane(past, touched, y, width)
    nodes += more
    return kit.scene(
        "threads",
        title,
        _subtitle(past),
        nodes,
        links=links,
        caption=_caption(moment, past),
        table=Table(_TABLE_HEADER, _rows(past)),
        steps=moment.steps(steps_of_threads(value, moment)),
        machine=machine,
        width=width,
        height=y + 4,
    )


def steps_of_threads(value: ThreadsValue, moment: Moment) -> Mine:
    """The steps of threads: what they do, what they wait for, who has it; the clock."""
    before = (one for one in Past(moment.events).values("thread") if one is not True)
    threads = [*value.threads, *before]
    awaited = {thread.subject for thread in threads if thread.kind == "lock"}

    def is_lock_shown(stage: Stage) -> bool:
        return any(name in awaited or any(change) for name, change in stage.changes("lock").items())

    return either(wrote("thread", "doing", "ticks"), where(is_lock_shown))


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


def _ready_lane(value: ThreadsValue, touched: dict[str, str], width: float) -> tuple[list[Node], float]:
    threads = {thread.name: thread for thread in value.threads}
    running = [thread for thread in value.threads if thread.state == "running" and thread.name not in value.cycle]
    ready = [threads[name] for name in value.ready if name in threads]
    ready += [thread for thread in value.threads if thread.state == "ready" and thread not in ready]
    holds = any(thread.holder == "" for thread in value.threads) and "" not in threads
    nodes = [
        kit.label(
            "threads/ready",
            "ready, the next one first" if running or ready else "no thread is ready to run",
            MARGIN,
            6.0,
        )
    ]
    x, y = MARGIN, 28.0
    most = int((width - 2 * MARGIN + GAP) // (CARD_W + GAP)) - (1 if holds else 0)
    cards = [*running, *ready]
    shown = cards if len(cards) <= most else cards[: most - 1]
    if holds:
        nodes.append(cell_card(x, y))
        x += CARD_W + GAP
    for number, thread in enumerate(shown, 1):
        nodes.append(thread_card(thread, x, y, touched, number - len(running), lane="ready"))
        x += CARD_W + GAP
    if len(shown) < len(cards):
        nodes.append(fold("ready", len(cards) - len(shown), x, y, CARD_W))
    if cards or holds:
        y += _ROW
    return nodes, y


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
        outcome = f" {how}" + (f": {why}" if why and how == "failed" else "")
        label = thread.name + outcome
        w = min(260, text_width(label, "label")) + 18
        if x + w > room:
            break
        state = ("fault",) if how == "failed" else ()
        nodes.append(
            Node(f"thread/{thread.name}", "thread", x, y + 20, w, 22, f"thread:{thread.name}", "box",
                 (fitted(9, 15, label, w - 18),), state=(*state, *([touched[thread.name]] if thread.name in touched
                 else [])), title=f"{thread.name} {how}: {thread.outcome}", action="select", lane="done")
        )  # fmt: skip
        x += w + 8
    return nodes, y + 48


# ---- those that wait -----------------------------------------------------------------------------------


def _groups_lane(
    groups: Sequence[_Group], touched: dict[str, str], top: float, width: float
) -> tuple[list[Node], list[Link], float]:
    if not groups:
        return [], [], top
    nodes, links = [kit.label("threads/asleep", "asleep, in the order they will look again", MARGIN, top)], list[Link]()
    y = top + 22
    for group in groups[:_GROUPS]:
        more, lines = _group(group, touched, y, width)
        nodes, links = nodes + more, links + lines
        y = more[-1].y + _ROW
    if len(groups) > _GROUPS:
        nodes.append(fold("groups", len(groups) - _GROUPS, MARGIN, y, SUBJECT_W, "more things waited for"))
        y += _ROW
    return nodes, links, y


def _group(group: _Group, touched: dict[str, str], y: float, width: float) -> tuple[list[Node], list[Link]]:
    """What is waited for and its sleepers, in the order in which they will look again, in as many rows as they take."""
    nodes = [subject_box(group.id, group.kind, group.subject, group.holder, len(group.sleepers), MARGIN, y)]
    links: list[Link] = []
    across = max(1, int((width - MARGIN - _LEFT + GAP) // (CARD_W + GAP)))
    most = max(_ABREAST, across)
    shown = group.sleepers if len(group.sleepers) <= most else group.sleepers[: most - 1]
    for number, thread in enumerate(shown):
        at = _LEFT + number % across * (CARD_W + GAP), y + number // across * _ROW
        card = thread_card(thread, *at, touched, number + 1, lane=group.id)
        ends = _towards(card, nodes[-1])
        links.append(Link(f"{card.id}/waits", "waits", card.id, nodes[-1].id, ends, arrow=number == 0))
        nodes.append(card)
    if len(shown) < len(group.sleepers):
        number = len(shown)
        at = _LEFT + number % across * (CARD_W + GAP), y + number // across * _ROW
        nodes.append(fold(group.id, len(group.sleepers) - number, *at, CARD_W))
    return nodes, links


def _towards(card: Node, ahead: Node) -> tuple[tuple[float, float], ...]:
    """The line from a sleeper to what is ahead of it: to the left, or up to the end of the row above."""
    if card.y == ahead.y:
        return (card.x, card.y + H / 2), (ahead.x + ahead.w, card.y + H / 2)
    out, into, between = card.x + card.w / 2, ahead.x + ahead.w / 2, card.y - (_ROW - H) / 2
    return (out, card.y), (out, between), (into, between), (into, ahead.y + ahead.h)


def _holder_links(groups: Sequence[_Group], nodes: Sequence[Node]) -> list[Link]:
    """From each lock that is waited for to the one who has it, along the left margin."""
    placed = {node.id: node for node in nodes}
    links: list[Link] = []
    for group in groups[:_GROUPS]:
        holder = placed.get(f"thread/{group.holder}") if group.holder is not None else None
        box = placed.get(group.id)
        if holder is None or box is None:
            continue
        rail = MARGIN - 4 - 3 * (len(links) % 3)
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
        (states.count("running") + states.count("ready"), "can go on"),
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
    return (*rows, *([(f"… {left_out:,} threads more", *[""] * 7)] if left_out > 0 else []))


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
    word = "deadlock"
    w = text_width(word, "title") + 8
    label = Node(
        "threads/deadlock", "label", width / 2 - w / 2, row_y[0] + H + _DROP / 2 - 14, w, 26, shape="none",
        text=(Text(w / 2, 19, word, "title error", "middle"),),
        title="deadlock: each of these threads waits for a lock that the next one has",
    )  # fmt: skip
    return [*placed, label], links, row_y[1] + H + 18


def _boxes(ring: Sequence[ThreadValue], touched: Mapping[str, str]) -> list[Node]:
    """Thread, lock, thread, lock, … in the order of waiting; places come later."""
    shown = ring if len(ring) <= MOST else ring[: MOST - 1]
    boxes: list[Node] = []
    for thread in shown:
        boxes.append(thread_card(thread, 0, 0, touched, lane="deadlock", state=("stuck",)))
        lock = subject_box(f"cycle/{thread.subject}", "lock", thread.subject, thread.holder, 1, 0, 0)
        boxes.append(replace(lock, text=lock.text[:2]))
    if len(shown) < len(ring):
        boxes.append(fold("deadlock", len(ring) - len(shown), 0, 0, CARD_W))
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
