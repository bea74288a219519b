"""Parts of a tall picture: if a page is not high enough, parts are folded into a line each, and a press opens one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import isinf

from .kit import MARGIN, Box, fold
from .model import Link, Node, Scene

FOLDED = 34.0
"""Height of a folded part."""


def fold_parts(scene: Scene, heads: Collection[str], room: float, asked: Mapping[str, bool]) -> Scene:
    """Return the scene, at most `room` pixels high if that is possible: the last parts fold first.

    A part begins at one of the nodes `heads`, its heading; anything above the first always stays.  `asked` gives, by
    heading, the parts that a reader opened (True) or folded (False): they stay that way.  Without a limit, as in a
    file, nothing is folded, and headings can't be pressed.
    """
    if isinf(room):
        return scene
    begins = sorted((node for node in scene.nodes if node.id in heads), key=lambda node: node.y)
    tops = [node.y for node in begins]
    heights = [end - top for top, end in zip(tops, [*tops[1:], scene.height], strict=True)]
    left, closed = scene.height, set[int]()
    for part in reversed(range(len(begins))):
        if not asked.get(begins[part].id, left <= room):
            closed.add(part)
            left -= heights[part] - FOLDED
    shifts = [0.0]
    for part, height in enumerate(heights):
        shifts.append(shifts[-1] + (height - FOLDED if part in closed else 0.0))
    nodes = tuple(_placed(scene, tops, closed, shifts, {node.id for node in begins}))
    there = {node.id for node in nodes}
    parts = {node.id: bisect_right(tops, node.y) for node in scene.nodes}
    return replace(
        scene,
        height=left,
        nodes=nodes,
        links=tuple(
            _higher(link, shifts[parts[link.source]]) if link.source in parts else link
            for link in scene.links
            if link.source not in parts or {link.source, link.target} <= there
        ),
        marks=tuple(
            one.moved(-shifts[part])
            for one in scene.marks
            if (part := bisect_right(tops, min(one.y, default=0.0))) - 1 not in closed
        ),
    )


def _placed(
    scene: Scene, tops: Sequence[float], closed: Collection[int], shifts: Sequence[float], heads: Collection[str]
) -> Iterator[Node]:
    """Yield the nodes that stay, at their new places; headings open or fold their parts."""
    for node in scene.nodes:
        part = bisect_right(tops, node.y) - 1
        y = node.y - shifts[part + 1] if part not in closed else node.y - shifts[part]
        if node.id in heads:
            yield _heading(node, y, scene.width, part in closed)
        elif part not in closed:
            yield replace(node, y=y) if y != node.y else node


def _heading(node: Node, y: float, width: float, is_closed: bool) -> Node:
    parts = groupby(node.text, lambda run: run.style)  # the name and the words about it may have several lines
    words = " · ".join(filter(None, (" ".join(run.text for run in some) for _, some in parts)))
    if is_closed:
        box = Box(MARGIN, y + 4, width - 2 * MARGIN, FOLDED - 10)
        return fold(node.id, box, words, title=f"{words}: folded, show it", lane=node.id, opens=True)
    return replace(node, y=y, action="open", lane=node.id, title=f"{words}: fold it")


def _higher(link: Link, by: float) -> Link:
    return replace(link, points=tuple((x, y - by) for x, y in link.points)) if by else link
