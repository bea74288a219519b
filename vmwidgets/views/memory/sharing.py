"""Frames by page table: a capsule for each frame, across the tasks whose tables refer to it.

A row is a task and a column is a page.  A frame of two tasks is one capsule across both rows; a task's own frames are
short.  A bridge connects the parts of a capsule across a task without the frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from vmwidgets.engine.base.units import Address, counted
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
"""The most pages of a range, first the pages that not all tasks share; and the most tasks.  The table has all."""

Cells = Mapping[int, Mapping[str, tuple[int, str]]]
"""The frame and its rights, by the address of a page and by task."""

_COLUMN, _GAP, _ROW, _HEAD, _APART = 28.0, 5.0, 38.0, 42.0, 22.0
_NUMBERS, _LEAST = 176.0, 612.0
"""Room for a task's numbers, next to its frames; and the width from which they are shown."""

LEGEND = "A capsule is a frame, over the tasks whose page tables lead to it; r, w and x are what each may do with it."
NOT_HERE = "A page that is not in a page table yet is not shown: its first access maps it."


def capsules(frames: Frames, before: Frames, tasks: Sequence[str], ranges: Sequence[SharedRange]) -> Part:
    """Return all tasks' frames; `before` are the frames before the operation."""
    left_out, tasks = len(tasks) - MOST_TASKS, tasks[:MOST_TASKS]
    more = f"{counted(left_out, 'task')} more, in the table." if left_out > 0 else ""
    return boxes.below(
        boxes.drawing(_HEAD + _ROW * len(tasks), partial(_rows, frames, before, tasks, ranges)),
        boxes.below(
            boxes.words("sharing/legend/more", more),
            boxes.words("sharing/legend/frames", LEGEND),
            boxes.words("sharing/legend/here", NOT_HERE),
            gap=2,
        ),
        gap=10,
    )


def _rows(
    frames: Frames, before: Frames, tasks: Sequence[str], ranges: Sequence[SharedRange], box: Box
) -> Iterator[Node]:
    """Yield a row for each task and a column for each page, again below where a line of pages is full."""
    cells = cells_of(frames)
    left = min(130.0, max(text_width(visible(one), "body strong") for one in tasks) + 16)
    has_numbers = box.w >= _LEAST
    right = box.x + box.w - _NUMBERS * has_numbers
    begin, y, line = box.x + left, box.y, 0
    x = begin
    yield from _names(tasks, box, left, line, frames if has_numbers else {})
    for pages, words, more in _cut(ranges, cells, tasks, int((right - begin + _GAP) // (_COLUMN + _GAP))):
        named = text_width(_heading(words, more), "strong")
        named = min(named, right - begin) if more else min(named, 3 * _COLUMN)  # how many more is nowhere else
        room = max(len(pages) * (_COLUMN + _GAP) - _GAP, named)
        if x > begin and x + room > right:
            x, y, line = begin, y + box.h + 14, line + 1
            yield from _names(tasks, box._replace(y=y), left, line, {})
        its = [cells[va] for va in pages]
        yield from _columns(words, pages, more, frames, before, its, tasks, Box(x, y, room, box.h))
        x += room + _APART


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


def _cut(
    ranges: Sequence[SharedRange], cells: Cells, tasks: Sequence[str], across: int
) -> Iterator[tuple[Sequence[int], SharedRange, int]]:
    """Yield the pages of each range that are drawn, in pieces that fit next to the names; and the number left out."""
    for one in ranges:
        alike = [
            va for va in one.pages if len(cells[va]) >= len(tasks) and len({at for at, _ in cells[va].values()}) == 1
        ]
        rest = {*alike[max(0, MOST - len(one.pages) + len(alike)) :]}
        pages = [va for va in one.pages if va not in rest][:MOST]
        across = max(1, across)
        for begin in range(0, len(pages), across):
            is_last = begin + across >= len(pages)
            yield pages[begin : begin + across], one, (len(one.pages) - len(pages)) * is_last


def _names(tasks: Sequence[str], box: Box, left: float, line: int, frames: Frames) -> list[Node]:
    """Return the rows' names and, if frames are given, each task's own and shared frames, and its fair share."""
    nodes = []
    x, y = box.x + box.w - _NUMBERS + 20, box.y
    having = tasks_by_frame(frames)
    most = max((sum(task in those for those in having) for task in tasks), default=1) or 1
    shares = {task: shares_of(task, having) for task in tasks}
    ends = {
        task: _NUMBERS - 32 - text_width(fair, "strong") - text_width(f"{own:,} + {shared:,}")
        for task, (own, shared, fair) in shares.items()
    }
    unit = max(8.0, min(_NUMBERS - 90, *(end - 8 for end in ends.values()))) / most
    if frames:
        head = [
            Text(0, 14, "own", "strong"),
            Text(30, 14, "+ shared", "label dim"),
            Text(_NUMBERS - 20, 14, "fair share", "label dim", "end"),
        ]
        nodes.append(kit.runs("sharing/numbers", Box(x, y + _HEAD - 24, _NUMBERS - 20, 20), head))
    for number, task in enumerate(tasks):
        top = y + _HEAD + number * _ROW
        name = fitted(0, 21, visible(task), left - 8, "body strong")
        nodes.append(kit.runs(f"sharing/task/{number}/{line}", Box(box.x, top, left, _ROW), [name]))
        if not frames:
            continue
        own, shared, fair = shares[task]
        bars = [Bar(0, 8, max(2.0, own * unit), 18, "mark")] * bool(own)
        bars += [Bar(own * unit + 2, 8, max(2.0, shared * unit), 18, "rail")] * bool(shared)
        words = f"{own:,} + {shared:,}"
        text = [
            Text(min(own * unit + 10, ends[task]), 21, words, "label"),
            Text(_NUMBERS - 20, 21, fair, "strong", "end"),
        ]
        title = visible(say_shares(task, own, shared, fair))
        nodes.append(kit.runs(f"sharing/has/{number}", Box(x, top, _NUMBERS - 20, _ROW), text, bars=bars, title=title))
    return nodes


def _heading(one: SharedRange, more: int) -> str:
    return visible(one.name) + f", and {more:,} more pages" * bool(more)


def _columns(
    one: SharedRange,
    pages: Sequence[int],
    more: int,
    frames: Frames,
    before: Frames,
    cells: Sequence[Mapping[str, tuple[int, str]]],
    tasks: Sequence[str],
    box: Box,
) -> list[Node]:
    """Return the pages of a range: a name above them, their numbers, and the capsules."""
    said, (x, y, room, _) = _heading(one, more), box
    nodes = [Node(f"sharing/{one.start:x}/{pages[0]:x}", "label", x, y, room, 18, shape="none", title=said,
                  text=(fitted(0, 14, said, room, f"strong is-{one.kind}"),))]  # fmt: skip  # the range's name
    for column, (va, users) in enumerate(zip(pages, cells, strict=True)):
        left = x + column * (_COLUMN + _GAP)
        number = str((va - one.start) >> 12)
        text = [Text(_COLUMN / 2, 14, number, "label dim", "middle")]
        nodes.append(kit.runs(f"sharing/page/{va:x}", Box(left, y + 18, _COLUMN, 18), text, title=str(Address(va))))
        nodes += _capsules(one.kind, va, [users.get(task) for task in tasks], frames, before, left, y + _HEAD)
    return nodes


def _capsules(
    kind: str, va: int, rows: Sequence[tuple[int, str] | None], frames: Frames, before: Frames, x: float, y: float
) -> Iterator[Node]:
    """Yield the frames of one page: parts across neighbouring tasks, bridges, and dots for tasks without the frame."""
    parts: dict[int, list[tuple[int, int]]] = {}
    for number, cell in enumerate(rows):
        if cell is None:
            yield kit.runs(
                f"sharing/none/{va:x}/{number}",
                Box(x, y + number * _ROW, _COLUMN, _ROW),
                [Text(_COLUMN / 2, 21, "·", "label dim", "middle")],
            )
            continue
        those = parts.setdefault(cell[0], [])
        if those and those[-1][1] == number - 1:
            those[-1] = those[-1][0], number
        else:
            those.append((number, number))
    for frame, those in parts.items():
        users = frames[frame]
        state = "new" if frame not in before else "changed" if before[frame] != users else ""
        said = "; ".join(f"{task}: {rights} at {Address(at)}" for (task, at), rights in users.items())
        title = visible(f"frame {frame:#x}: {said}")
        for (_, above), (below, _) in pairwise(those):
            top, bottom = y + above * _ROW + 19, y + below * _ROW + 19
            yield Node(
                f"sharing/bridge/{frame:x}/{above}",
                "label",
                x,
                top,
                _COLUMN + 4,
                bottom - top,
                shape="none",
                bars=(Bar(_COLUMN - 4, 0, 7, bottom - top, f"own-{kind}"),),
                title=title,
            )
        is_first = va == min(at for _, at in users)
        for place, (first, last) in enumerate(those):
            again = "" if is_first and not place else f"/{va:x}/{place}"
            text = [
                Text(
                    _COLUMN / 2,
                    19 + (number - first) * _ROW,
                    (rows[number] or (0, ""))[1].replace("-", "") or "–",
                    "mono",
                    "middle",
                )
                for number in range(first, last + 1)
            ]
            yield Node(
                f"sharing/frame/{frame:x}{again}",
                "capsule",
                x,
                y + first * _ROW + 4,
                _COLUMN,
                (last - first) * _ROW + 30,
                shape="round",
                thing=f"frame:{frame}",
                action="select",
                lane="sharing",
                title=title,
                text=tuple(text),
                state=(kind, *[state] * bool(state)),
            )
