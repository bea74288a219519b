"""The boxes of the threads' picture: a thread, what is waited for, a lane's heading, and what was left out.

The state of a thread is its shape and a word: asleep is round, ready square, running outlined in blue.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmwidgets.engine.kernel.threads.threads_schema import ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.model import Node, Text
from vmwidgets.views.scene.text import fitted, text_width

CARD_W, H, GAP = 158.0, 56.0, 14.0
SUBJECT_W = 160.0
NAMES = 12
"""How many of those that are done are named at most."""


def thread_card(
    thread: ThreadValue, x: float, y: float, touched: Mapping[str, str], number: int = 0, lane: str = "threads",
    w: float = CARD_W, state: tuple[str, ...] = (),
) -> Node:  # fmt: skip
    """A thread; `number` is its place in the row, written before its name (below 1: none)."""
    asleep = thread.state == "asleep"
    inset = 18.0 if asleep else 9.0
    called = thread.name or "the cell"
    name = f"{number}. {called}" if number > 0 else called
    room = w - 2 * inset
    last = room - (8 if asleep else 0)
    tick = "" if thread.until is None else f"to tick {thread.until:,}"
    beside, below, style = tick, thread.doing, "mono label dim"
    if thread.locks:
        beside, below, style = thread.doing, f"has {', '.join(thread.locks)}", "label changed"
    at_right = room - text_width(thread.state, "label strong") - 6
    rows = [
        fitted(inset, 18, name, room, "strong", middle=True),
        Text(inset, 34, thread.state, "label strong"),
        fitted(w - inset, 34, beside, at_right, "label dim", "end"),
        fitted(inset, 49, below, last, style),
    ]
    states = [*state, *([touched[thread.name]] if thread.name in touched else [])]
    if thread.state == "running":
        states.append("here")
    return Node(
        f"thread/{thread.name}", "thread", x, y, w, H, f"thread:{thread.name}", "round" if asleep else "box",
        tuple(row for row in rows if row.text), state=tuple(states), title=describe(thread), action="select", lane=lane,
    )  # fmt: skip


def describe(thread: ThreadValue) -> str:
    """All there is to say of a thread."""
    said = [f"thread {thread.name}: {thread.state}" if thread.name else f"the cell: {thread.state}"]
    if thread.waits_for:
        said.append(f"waits for {thread.waits_for}")
    if thread.holder is not None:
        said.append(f"which {thread.holder or 'the cell'} has")
    if thread.until is not None:
        said.append(f"at most until tick {thread.until:,}")
    if thread.locks:
        said.append(f"has the lock of {', '.join(thread.locks)}")
    return ", ".join(
        [*said, *([f"in {thread.doing}"] if thread.doing else []), *([thread.outcome] if thread.outcome else [])]
    )


def cell_card(x: float, y: float) -> Node:
    """The learner's cell, where it has a lock that a thread waits for."""
    text = (
        Text(9, 18, "the cell", "strong"),
        Text(9, 34, "running", "label strong"),
        Text(9, 49, "the notebook's calls", "label dim"),
    )
    return Node(
        "thread/", "thread", x, y, CARD_W, H, "thread:", text=text, state=("here",), lane="ready",
        title="the learner's cell: what was called from the notebook", action="select",
    )  # fmt: skip


def sort_words(kind: str, subject: str) -> tuple[str, str]:
    """What is waited for, in two lines.

    >>> sort_words("room", "exec_map")
    ('room in exec_map', 'for kmem_free_wakeup')
    """
    if kind == "room":
        return f"room in {subject}", "for kmem_free_wakeup"
    if kind == "lock":
        return f"lock of {subject}", "until it is free"
    if kind == "pages":
        return "free pages", "until some are freed"
    if kind == "timer":
        return "the clock", "until their tick"
    return subject or "a wakeup", "until it is woken"


def subject_box(id: str, kind: str, subject: str, holder: str | None, count: int, x: float, y: float) -> Node:  # noqa: A002
    """What is waited for, and who has it."""
    name, until = sort_words(kind, subject)
    until = until if holder is None else f"{holder or 'the cell'} has it"
    room = SUBJECT_W - 14
    text = (
        fitted(10, 18, name, room, "strong"),
        fitted(10, 34, until, room, "label dim" if holder is None else "label changed"),
        Text(10, 49, f"{count:,} wait{'s' if count == 1 else ''}", "label dim"),
    )
    thing = f"map:{subject}" if kind in ("room", "lock") else ""
    return Node(
        id, "channel", x, y, SUBJECT_W, H, thing, text=text, title=f"{name}: {count} wait, {until}",
        state=("held",) if holder is not None else (), action="select" if thing else "", lane=id,
    )  # fmt: skip


def fold(name: str, count: int, x: float, y: float, w: float, words: str = "more") -> Node:
    """How many were left out."""
    title = f"{count:,} {words}, in the table"
    return kit.fold(f"threads/fold/{name}", kit.Box(x, y, w, H), f"and {count:,} {words}", title=title)
