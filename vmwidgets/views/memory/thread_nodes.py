"""The boxes of the threads' picture: a thread, what is waited for, a lane's heading, and what was left out.

The state of a thread is its shape and a word: asleep is round, ready square, running outlined.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmwidgets.engine.kernel.threads.threads_schema import ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Node

LEAST, WIDEST, H, GAP = 150.0, 240.0, 56.0, 14.0
"""Least and greatest width of a thread; height of a box; room between two."""

SUBJECT_W = 172.0
NAMES = 12
"""How many of those that are done are named at most."""

_STEP = 15.5
"""Pixels from one line of a box to the next."""


def thread_card(
    thread: ThreadValue, place: Box, touched: Mapping[str, str], number: int = 0, lane: str = "threads",
    state: tuple[str, ...] = (),
) -> Node:  # fmt: skip
    """A thread; `number` is its place in the row, written before its name (below 1: none)."""
    asleep = thread.state == "asleep"
    called = thread.name or "the cell"
    tick = "" if thread.until is None else f"to tick {thread.until:,}"
    second, third = (tick, thread.doing), "mono label dim"
    if thread.locks:
        second, third = (tick or (thread.doing if asleep else ""), f"holds {', '.join(thread.locks)}"), "label held"
    rows = [
        kit.Line(f"{number}. {called}" if number > 0 else called, "strong", middle=True),
        kit.Line(thread.state, "label strong", second[0]),
        kit.Line(second[1], third),
    ]
    states = [*state, *([touched[thread.name]] if thread.name in touched else [])]
    return kit.card(
        f"thread/{thread.name}", place, rows, kind="thread", thing=f"thread:{thread.name}",
        shape="round" if asleep else "box", state=[*states, *["here"] * (thread.state == "running")],
        title=describe(thread), lane=lane, top=18, step=_STEP, pad=18 if asleep else 9,
    )  # fmt: skip


def describe(thread: ThreadValue) -> str:
    """All there is to say of a thread."""
    said = [f"thread {thread.name}: {thread.state}" if thread.name else f"the cell: {thread.state}"]
    if thread.waits_for:
        said.append(f"waits for {thread.waits_for}")
    if thread.holder is not None:
        said.append(f"which {thread.holder or 'the cell'} holds")
    if thread.until is not None:
        said.append(f"at most until tick {thread.until:,}")
    if thread.locks:
        said.append(f"holds the lock of {', '.join(thread.locks)}")
    return ", ".join(
        [*said, *([f"in {thread.doing}"] if thread.doing else []), *([thread.outcome] if thread.outcome else [])]
    )


def cell_card(place: Box) -> Node:
    """The learner's cell, where it has a lock that a thread waits for."""
    rows: list[str | kit.Line] = [
        "the cell",
        kit.Line("running", "label strong"),
        kit.Line("the notebook's calls", "label dim"),
    ]
    return kit.card(
        "thread/", place, rows, kind="thread", thing="thread:", state=("here",), lane="ready", top=18, step=_STEP,
        title="the learner's cell: what was called from the notebook", pad=9,
    )  # fmt: skip


def sort_words(kind: str, subject: str, *, is_timed: bool = False) -> tuple[str, str]:
    """What is waited for, in two lines; `is_timed` if each of those that wait continues at a tick in any case.

    >>> sort_words("room", "exec_map")
    ('room in exec_map', 'for kmem_free_wakeup')
    >>> sort_words("wakeup", "disk", is_timed=True)
    ('disk', 'until woken, or the tick')
    """
    if kind == "room":
        return f"room in {subject}", "for kmem_free_wakeup"
    if kind == "lock":
        return f"lock of {subject}", "until it is free"
    if kind == "pages":
        return "free pages", "until some are freed"
    if kind == "timer":
        return "the clock", "until their tick"
    return subject or "a wakeup", "until woken, or the tick" if is_timed else "until it is woken"


def subject_box(
    identity: str, kind: str, subject: str, holder: str | None, count: int, x: float, y: float,
    *, is_timed: bool = False,
) -> Node:  # fmt: skip
    """What is waited for, and who has it."""
    name, until = sort_words(kind, subject, is_timed=is_timed)
    until = until if holder is None else f"{holder or 'the cell'} holds it"
    rows: list[str | kit.Line] = [
        name,
        kit.Line(until, "label dim" if holder is None else "label held"),
        kit.Line(f"{count:,} wait{'s' if count == 1 else ''}", "label dim"),
    ]
    return kit.card(
        identity, Box(x, y, SUBJECT_W, H), rows, kind="channel", title=f"{name}: {count} wait, {until}", top=18,
        thing=f"map:{subject}" if kind in ("room", "lock") else "", state=("held",) if holder is not None else (),
        lane=identity, step=_STEP,
    )  # fmt: skip


def fold(name: str, count: int, place: Box, words: str = "more") -> Node:
    """How many were left out."""
    title = f"{count:,} {words}, in the table"
    return kit.fold(f"threads/fold/{name}", place, f"and {count:,} {words}", title=title)
