"""The elements of the threads' picture: a thread, what it waits for, who wakes the sleepers, and folds.

The state of a thread is a word and the shape of its mark: round if asleep, square otherwise; a running thread has an
outline.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from vmwidgets.engine.kernel.threads.threads_schema import ThreadValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wrapped

LEAST, WIDEST, H, GAP = 150.0, 240.0, 40.0, 14.0
"""Least and greatest width of a thread, its height, and the space between two."""

SUBJECT_W = 172.0
NAMES = 12
"""The most finished threads that are named."""

_MARK, _STEP = 32.0, 17.0
"""Room for a thread's mark; pixels from one line of words to the next."""


def thread_card(
    thread: ThreadValue, place: Box, touched: Mapping[str, str], number: int = 0, lane: str = "threads",
    state: tuple[str, ...] = (), *, brief: bool = False,
) -> Node:  # fmt: skip
    """Return a thread; `number` is its place in the row, in its mark (below 1: none).

    With `brief`, only the locks that it holds are shown.
    """
    until = "" if thread.until is None else f"to tick {thread.until:,}"
    held = f"holds {', '.join(thread.locks)}" if thread.locks else ""
    doing = "" if held else thread.doing
    second = [
        ("" if brief else thread.state, "label"),
        (until, "label dim"),
        (held, "label held"),
        (doing, "mono label dim"),
    ]
    states = [
        *state,
        *([touched[thread.name]] if thread.name in touched else []),
        *["asleep"] * (thread.state == "asleep"),
    ]
    return _thread(f"thread/{thread.name}", thread.name or "the cell", second, place, number, lane,
                   [*states, *["here"] * (thread.state == "running")], describe(thread))  # fmt: skip


def cell_card(place: Box) -> Node:
    """Return the learner's cell, if it holds a lock that a thread waits for."""
    second = [("running", "label"), ("the notebook's calls", "label dim")]
    title = "the learner's cell: what was called from the notebook"
    return _thread("thread/", "the cell", second, place, 0, "ready", ["here"], title)


def _thread(
    identity: str, name: str, second: Sequence[tuple[str, str]], place: Box, number: int, lane: str,
    state: Sequence[str], title: str,
) -> Node:  # fmt: skip  # what it is, then where
    """Return its mark, its name, and its states below, as far as there is room."""
    text = [Text(15, 20, f"{number}", "letter on-step", "middle")] if 0 < number < 100 else []
    text.append(fitted(_MARK, 16, name, place.w - _MARK - 4, "body strong", middle=True))
    x = _MARK
    for words, style in second:
        room = place.w - 4 - x
        if words and room > 24:
            text.append(fitted(x, 33, words, room, style))
            x += text_width(words, style) + 6
    ends = [run.x + (run.room or text_width(run.text, run.style)) for run in text if run.anchor == "start"]
    w = place.w if "stuck" in state else min(place.w, max(ends) + 8)
    side = 22.0 if text[0].anchor == "middle" else 10.0
    mark = Bar(15 - side / 2, 16 - side / 2, side, side, "step")
    return Node(identity, "thread", *place._replace(w=w), identity.replace("/", ":", 1), "box",
                tuple(run for run in text if run.text), (mark,), tuple(state), title, "select", lane)  # fmt: skip


def describe(thread: ThreadValue) -> str:
    """Return everything about a thread."""
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


def name_of(kind: str, subject: str) -> str:
    """Return the name of the thing that threads wait for.

    >>> name_of("room", "exec_map"), name_of("timer", "")
    ('room in exec_map', 'the clock')
    """
    named = {"room": f"room in {subject}", "lock": f"lock of {subject}", "pages": "free pages", "timer": "the clock"}
    return named.get(kind, subject or "a wakeup")


def subject_box(
    identity: str, kind: str, subject: str, holder: str | None, count: int, x: float, y: float, w: float = SUBJECT_W
) -> Node:
    """Return the thing that threads wait for, round if it is a lock, with the number of waiting threads."""
    name, is_lock = name_of(kind, subject), kind == "lock"
    says = f", which {holder or 'the cell'} holds" if holder is not None else ""
    rows: list[str | kit.Line] = [name, kit.Line(f"{count:,} wait{'s' if count == 1 else ''}", "label dim")]
    return kit.card(
        identity, Box(x, y, w, H), rows, kind="channel", title=f"{name}{says}: {count:,} wait", top=16,
        thing=f"map:{subject}" if kind in ("room", "lock") else "", state=("held",) if holder is not None else (),
        lane=identity, step=15, shape="round" if is_lock else "box", pad=18 if is_lock else 10,
        bars=() if is_lock else (Bar(0, H - 4, w, 4, "own-kernel"),),
    )  # fmt: skip


def waker(identity: str, words: str, more: str, box: Box, *, thing: str = "", style: str = "strong") -> Node:
    """Return who wakes the sleepers, and how."""
    first = wrapped(words, box.w, style)
    lines = [(line, style) for line in first[:3]] + [(line, "label dim") for line in wrapped(more, box.w)]
    text = [Text(0, 14 + 16 * at, line, look) for at, (line, look) in enumerate(lines)]
    return kit.runs(identity, box._replace(h=18 + 16 * max(0, len(lines) - 1)), text, title=f"{words}: {more}",
                    thing=thing)  # fmt: skip


def some_of(threads: Sequence[ThreadValue], most: int, touched: Collection[str]) -> list[tuple[int, ThreadValue]]:
    """Return at most this many threads with their places from 1: the first one, those in `touched`, then others."""
    order = sorted(range(len(threads)), key=lambda at: (at > 0 and threads[at].name not in touched, at))
    return [(at + 1, threads[at]) for at in sorted(order[:most])]


def ringed(
    name: str, nodes: Sequence[Node], touched: Mapping[str, str], left_out: Collection[str] = ()
) -> tuple[list[Node], list[Link]]:
    """Return threads that are drawn next to each other, with one line around neighbours that the operation changed.

    A badge says how many these are, with those `left_out` in a fold among the nodes.
    """

    def state_of(node: Node) -> str:
        if node.kind not in ("thread", "fold"):
            return ""
        names = left_out if node.kind == "fold" else (node.thing.removeprefix("thread:"),)
        states = {touched.get(one, "") for one in names}
        return states.pop() if len(states) == 1 else ""

    found: list[Node] = []
    links: list[Link] = []
    for state, group in groupby(nodes, key=state_of):
        run = list(group)
        if not state or len(run) < 2:
            found += run
            continue
        links.append(kit.around(f"{name}/around/{len(links)}", run, state=(state,)))
        found += [replace(node, state=(*node.state, "within")) for node in run]
        count = sum(len(left_out) if node.kind == "fold" else 1 for node in run)
        right, top = max(node.x + node.w for node in run), min(node.y for node in run)
        found.append(_count(f"{name}/count/{len(links)}", f"{count:,}", state, right, top))
    return found, links


def _count(identity: str, count: str, state: str, right: float, top: float) -> Node:
    """Return a badge with a number, on the upper right corner of a line, and not over what is inside."""
    w = max(_BADGE, text_width(count, "letter") + 8)
    return kit.runs(identity, Box(right + 2.5 - w, top + 1.5 - _BADGE, w, _BADGE),
                    [Text(w / 2, _BADGE / 2 + 4, count, "letter on-step", "middle")],
                    bars=(Bar(0, 0, w, _BADGE, "count step-new"),), title=f"{count} {state}")  # fmt: skip


_BADGE = 17.0
"""Height of a badge."""


def fold(name: str, count: int, place: Box, words: str = "more") -> Node:
    """Return a fold with the number left out."""
    title = f"{count:,} {words}, in the table"
    return kit.fold(f"threads/fold/{name}", place, f"and {count:,} {words}", title=title)
