"""Parts of a tall picture: if a page is not high enough, parts are folded, and a press opens one.

Folded neighbours are beside each other, as far as there is room.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import isinf

from .kit import MARGIN, Box, fold
from .model import Link, Node, Scene
from .text import text_width

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
    if not begins:
        return scene
    tops = [node.y for node in begins]
    heights = [end - top for top, end in zip(tops, [*tops[1:], scene.height], strict=True)]
    left, closed = scene.height, set[int]()
    for part in reversed(range(len(begins))):
        if not asked.get(begins[part].id, left <= room):
            closed.add(part)
            left -= heights[part] - FOLDED
    words = [_words(node) for node in begins]
    lefts = _lefts(words, closed, scene.width)
    shifts = [0.0]
    for part, height in enumerate(heights):
        is_beside = lefts.get(part + 1, 0.0) > MARGIN  # the next part is in the same line
        shifts.append(shifts[-1] + (height - FOLDED * (not is_beside) if part in closed else 0.0))
    left = scene.height - shifts[-1]
    folds = {begins[part].id: (x, words[part]) for part, x in lefts.items()}
    nodes = tuple(_placed(scene, tops, closed, shifts, {node.id for node in begins}, folds))
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


def _words(node: Node) -> str:
    """Return the name of a part, and the words about it, which may have several lines."""
    parts = groupby(node.text, lambda run: run.style)
    return " · ".join(filter(None, (" ".join(run.text for run in some) for _, some in parts)))


def _wide(words: str, width: float) -> float:
    return min(width - 2 * MARGIN, text_width(words) + 2 * MARGIN)


def _lefts(words: Sequence[str], closed: Collection[int], width: float) -> dict[int, float]:
    """Return the left end of each folded part: beside a folded part before it, if there is room."""
    lefts: dict[int, float] = {}
    for part in sorted(closed):
        beside = lefts[part - 1] + _wide(words[part - 1], width) + _APART if part - 1 in lefts else 0.0
        lefts[part] = beside if beside and beside + _wide(words[part], width) <= width - MARGIN else MARGIN
    return lefts


_APART = 6.0
"""Space between two folded parts side by side."""


def _placed(
    scene: Scene,
    tops: Sequence[float],
    closed: Collection[int],
    shifts: Sequence[float],
    heads: Collection[str],
    folds: Mapping[str, tuple[float, str]],
) -> Iterator[Node]:
    """Yield the nodes that stay, at their new places; headings open or fold their parts."""
    for node in scene.nodes:
        part = bisect_right(tops, node.y) - 1
        if node.id in folds:
            left, words = folds[node.id]
            box = Box(left, node.y - shifts[part] + 4, _wide(words, scene.width), FOLDED - 10)
            yield fold(node.id, box, words, title=f"{words}: folded, show it", lane=node.id, opens=True)
        elif part not in closed:
            y = node.y - shifts[part + 1]
            if node.id in heads:
                yield replace(node, y=y, action="open", lane=node.id, title=f"{_words(node)}: fold it")
            else:
                yield replace(node, y=y) if y != node.y else node


def _higher(link: Link, by: float) -> Link:
    return replace(link, points=tuple((x, y - by) for x, y in link.points)) if by else link
