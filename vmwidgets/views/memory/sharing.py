"""Frames by page table: a capsule for each frame, across the tasks whose tables refer to it.

A row is a task and a column is a page, or neighbouring pages that are alike.  A frame of two tasks is one capsule
across both rows; a task's own frames are short.  A bridge connects the parts of a capsule across a task without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, visible

Frames = Mapping[int, Mapping[tuple[str, int], str]]
"""The rights of each descriptor that refers to a frame, with its task and address, by frame."""


class SharedRange(NamedTuple):
    """Adjacent pages of one name: their addresses, and the number of the first in its entry."""

    name: str
    kind: str
    start: int
    pages: tuple[int, ...]


MOST, MOST_TASKS = 24, 24
"""The most columns of a range, first those that changed or that not all tasks share; and the most tasks.  The table has
all."""

Cells = Mapping[int, Mapping[str, tuple[int, str]]]
"""The frame and its rights, by the address of a page and by task."""

_COLUMN, _MANY, _EACH, _GAP, _ROW, _HEAD, _APART = 44.0, 110.0, 20.0, 6.0, 46.0, 44.0, 24.0
"""Pixels: the width of a page, the least width of several, and for each of them at most; gaps; the height of a row."""

LEGEND = "A capsule is a frame, over the tasks whose page tables lead to it; r, w and x are what each may do with it."
NOT_HERE = "A page that is not in a page table yet is not shown: its first access maps it."


class _Column(NamedTuple):
    """Neighbouring pages that are alike: their addresses, and for each task the frame and rights of the first page.

    `states` are the states of these frames.
    """

    pages: list[int]
    rows: tuple[tuple[int, str] | None, ...]
    states: Mapping[int, str]


def capsules(frames: Frames, before: Frames, tasks: Sequence[str], ranges: Sequence[SharedRange]) -> Part:
    """Return all tasks' frames; `before` are the frames before the operation."""
    left_out, tasks = len(tasks) - MOST_TASKS, tasks[:MOST_TASKS]
    more = f"{counted(left_out, 'task')} more, in the table." if left_out > 0 else ""
    cells = cells_of(frames)
    is_shared = any(len({task for task, _ in users}) > 1 for users in frames.values())
    is_missing = any(len(users) < len(tasks) for users in cells.values())
    return boxes.below(
        boxes.drawing(_HEAD + _ROW * len(tasks), partial(_rows, frames, before, tasks, ranges)),
        boxes.below(
            boxes.words("sharing/legend/more", more),
            boxes.words("sharing/legend/frames", LEGEND * is_shared),
            boxes.words("sharing/legend/here", NOT_HERE * (is_missing or not is_shared)),
            gap=2,
        ),
        gap=10,
    )


def _rows(
    frames: Frames, before: Frames, tasks: Sequence[str], ranges: Sequence[SharedRange], box: Box
) -> Iterator[Node]:
    """Yield a row for each task and a column for pages that are alike, again below where a line is full."""
    shares = {task: shares_of(task, tasks_by_frame(frames)) for task in tasks}
    said = {task: f"{own:,} own, {shared:,} shared" for task, (own, shared, _) in shares.items()}
    longest = max(max(text_width(visible(one), "body strong"), text_width(said[one])) for one in tasks)
    left = min(box.w / 3, longest + 16)
    begin, right = box.x + left, box.x + box.w
    x, y, line = begin, box.y, 0

    def names() -> Iterator[Node]:
        for number, task in enumerate(tasks):
            place = Box(box.x, y + _HEAD + number * _ROW, left, _ROW)
            text = [fitted(0, 20, visible(task), left - 8, "body strong")]
            yield kit.runs(f"sharing/task/{number}/{line}", place, text)
            if not line:
                title = visible(say_shares(task, *shares[task]))
                its = [fitted(0, 14, said[task], left - 8, "label dim")]
                yield kit.runs(f"sharing/has/{number}", place._replace(y=place.y + 24, h=_ROW - 24), its, title=title)

    yield from names()
    for one in ranges:
        columns = _alike(one, frames, before, tasks)
        shown = _chosen(columns, len(tasks))
        more, is_named = sum(len(column.pages) for column in columns if column not in shown), False
        for column in shown:
            count = len(column.pages)
            least = _COLUMN if count == 1 else _MANY
            named = 0.0 if is_named else min(text_width(_heading(one, more), "strong"), right - begin)
            room = max(least, named) if more else max(least, min(named, 5 * _COLUMN))  # how many more is nowhere else
            if x > begin and x + room > right:
                x, y, line, is_named = begin, y + box.h + 14, line + 1, False
                yield from names()
            wide = least if count == 1 else max(least, min(count * _EACH, right - x))
            if not is_named:
                head = _heading(one, more)
                yield Node(
                    f"sharing/{one.start:x}/{column.pages[0]:x}",
                    "label",
                    x,
                    y,
                    max(wide, room),
                    18,
                    shape="none",
                    title=head,
                    text=(fitted(0, 14, head, right - x if more else max(wide, room), f"strong is-{one.kind}"),),
                )
            yield from _column(one, column, frames, Box(x, y, wide, box.h))
            x += (wide if is_named else max(wide, room if len(shown) == 1 else wide)) + _GAP
            is_named = True
        x += _APART - _GAP


def _alike(one: SharedRange, frames: Frames, before: Frames, tasks: Sequence[str]) -> list[_Column]:
    """Return the pages of a range; neighbours with the same tasks, rights and changes are one column."""
    cells = cells_of(frames)
    columns: list[_Column] = []
    last: object = None
    for va in one.pages:
        rows = tuple(cells[va].get(task) for task in tasks)
        its = [row and row[0] for row in rows]
        states = {frame: _state(frame, frames, before) for frame in its if frame is not None}
        is_once = all(len({at for _, at in frames[frame]}) == 1 for frame in its if frame is not None)
        key = [row and row[1] for row in rows], [its.index(frame) for frame in its], [*states.values()], is_once or va
        if columns and key == last and columns[-1].pages[-1] + PAGE == va:
            columns[-1].pages.append(va)
        else:
            columns.append(_Column([va], rows, states))
        last = key
    return columns


def _state(frame: int, frames: Frames, before: Frames) -> str:
    return "new" if frame not in before else "changed" if before[frame] != frames[frame] else ""


def _chosen(columns: Sequence[_Column], tasks: int) -> list[_Column]:
    """Return the columns that are drawn: if they are too many, those that changed, or that not all tasks share."""

    def rank(column: _Column) -> tuple[bool, bool]:
        frames = {row[0] for row in column.rows if row is not None}
        return not any(column.states.values()), len(frames) == 1 and None not in column.rows and tasks > 1

    chosen = sorted(columns, key=rank)[:MOST]
    return [column for column in columns if column in chosen]


def cells_of(frames: Frames) -> dict[int, dict[str, tuple[int, str]]]:
    """Return the frame and its rights, by the address of a page and by task."""
    cells: dict[int, dict[str, tuple[int, str]]] = {}
    for frame, users in frames.items():
        for (task, va), rights in users.items():
            cells.setdefault(va, {})[task] = frame, rights
    return cells


def tasks_by_frame(frames: Frames) -> list[set[str]]:
    """Return the tasks that have each frame."""
    return [{task for task, _ in users} for users in frames.values()]


def shares_of(task: str, having: Iterable[Set[str]]) -> tuple[int, int, str]:
    """Return each task's numbers of own and of shared frames, and its fair share, divided by the owners."""
    its = [len(those) for those in having if task in those]
    own = its.count(1)
    return own, len(its) - own, f"{sum(1 / one for one in its):.1f}".removesuffix(".0")


def say_shares(task: str, own: int, shared: int, fair: str) -> str:
    """Return a task's numbers in words."""
    return f"{task}: {counted(own, 'frame')} of its own, {shared:,} shared, a fair share of {fair}"


def _heading(one: SharedRange, more: int) -> str:
    return visible(one.name) + f", and {more:,} more pages" * bool(more)


def _column(one: SharedRange, column: _Column, frames: Frames, box: Box) -> Iterator[Node]:
    """Yield the number of a column's page, or of its pages, and the frames below it: parts and bridges."""
    first, last = ((va - one.start) >> 12 for va in (column.pages[0], column.pages[-1]))
    count, va, (x, top, w, _) = len(column.pages), column.pages[0], box
    numbers = f"{first:,}–{last:,}"
    shared = ", shared" * (len({row and row[0] for row in column.rows}) == 1 < len(column.rows))
    ways = (f"{first:,}",) if count == 1 else (f"{numbers}: {count:,} pages{shared}", f"{numbers}{shared}", numbers)
    yield kit.runs(f"sharing/page/{va:x}", Box(x, top + 18, w, 18), [fitted(w / 2, 14, ways, w, "label dim", "middle")],
                   title=str(Address(va)))  # fmt: skip  # the numbers
    y = top + _HEAD
    parts: dict[int, list[tuple[int, int]]] = {}
    for number, cell in enumerate(column.rows):
        if cell is None:
            continue
        those = parts.setdefault(cell[0], [])
        if those and those[-1][1] == number - 1:
            those[-1] = those[-1][0], number
        else:
            those.append((number, number))
    for frame, those in parts.items():
        users = frames[frame]
        state = column.states[frame]
        who = "; ".join(f"{task}: {rights} at {Address(at)}" for (task, at), rights in users.items())
        which = f"frame {frame:#x}" if count == 1 else f"{count:,} frames, the first is {frame:#x}"
        title = visible(f"{which}: {who}")
        for (_, above), (below, _) in pairwise(those):
            begin, end = y + above * _ROW + _ROW / 2, y + below * _ROW + _ROW / 2
            yield kit.runs(
                f"sharing/bridge/{frame:x}/{above}", Box(x, begin, w, end - begin), (), title=title,
                bars=(Bar(w - 12, 0, 6, end - begin, f"own-{one.kind}"),),
            )  # fmt: skip  # a bar
        is_first = va == min(at for _, at in users)
        for place, (above, below) in enumerate(those):
            rights = [(column.rows[number] or (0, ""))[1] for number in range(above, below + 1)]
            text = [
                Text(w / 2, 23 + at * _ROW, words.replace("-", "") or "–", "mono body", "middle")
                for at, words in enumerate(rights)
            ]
            kind = "anonymous" if one.kind == "anonymous" else "file"
            yield Node(
                f"sharing/frame/{frame:x}" + ("" if is_first and not place else f"/{va:x}/{place}"), "page",
                x, y + above * _ROW + 4, w, (below - above) * _ROW + _ROW - 8, f"frame:{frame}" * (count == 1),
                "round" if w == _COLUMN else "box", tuple(text), state=(f"is-{kind}", *[state] * bool(state)),
                title=title, action="select" * (count == 1), lane="sharing",
            )  # fmt: skip  # a capsule
