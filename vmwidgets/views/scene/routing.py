"""Which links cross a box, and the DOT text from which Graphviz finds ways around.

Python places links as it places nodes, and bends those that would cross something where it knows how: the pictures of
this package have none that does.  A picture of free form may have one: an arrow is straight (:func:`.kit.arrow`),
whatever is between its ends.  A page loads Graphviz by itself for such a picture alone, once the picture is painted.

Graphviz finds ways only among things that do not meet.  So what it is given is not the picture: its nodes are the
points at which links leave and reach things, and boxes, without what is in them, that the links have to stay out of.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter

from .kit import Box
from .model import GROUNDS, Link, Node, Scene

Point = tuple[float, float]

BOXES = frozenset(("box", "round"))
"""Shapes that are in the way: words without an outline are not, nor is a marker's small triangle."""

CROSSED = 2.0
"""Pixels of a line inside a box from which it crosses the box; less only touches its edge."""

STUB = 10.0
"""Pixels that a link goes straight from a thing, and to another: an arrow's head has that room."""

CLEAR = 5.0
"""Pixels that a curve stays away from boxes, where there is as much room between them."""


def marked(scene: Scene) -> Scene:
    """The scene with `graph` for each link that crosses a box which is neither of its ends, and for no other.

    >>> from vmwidgets.views.scene import kit
    >>> from vmwidgets.views.scene.model import Caption, Table
    >>> a, b, c = (kit.card(name, box, [name]) for name, box in zip("abc", kit.row(3, 0, 20)))
    >>> links = [kit.arrow("a>b", a, b), kit.arrow("a>c", a, c)]
    >>> scene = kit.scene("", "", "", [a, b, c], links=links, caption=Caption(""), table=Table((), ()))
    >>> [(link.id, link.graph) for link in marked(scene).links]
    [('a>b', False), ('a>c', True)]
    """
    if not scene.links:
        return scene
    boxes = sorted((node for node in scene.nodes if node.shape in BOXES), key=_TOP)
    tops = [box.y for box in boxes]
    highest = max((box.h for box in boxes), default=0.0)
    placed = {node.id: node for node in scene.nodes}

    def beside(link: Link) -> Sequence[Node]:
        """The boxes that are as high on the page as a link, and some of their neighbours: most links are short."""
        first, last = min(y for _, y in link.points), max(y for _, y in link.points)
        return boxes[bisect_left(tops, first - highest) : bisect_right(tops, last)]

    crossing = [
        len(link.points) > 1 and link.kind not in GROUNDS and _crosses(link, placed, beside(link))
        for link in scene.links
    ]
    if all(link.graph == it for link, it in zip(scene.links, crossing, strict=True)):
        return scene
    links = (replace(link, graph=it) for link, it in zip(scene.links, crossing, strict=True))
    return replace(scene, links=tuple(links))


_TOP = attrgetter("y")


def _crosses(link: Link, placed: Mapping[str, Node], boxes: Sequence[Node]) -> bool:
    across, down = zip(*link.points, strict=True)
    left, top, right, bottom = min(across), min(down), max(across), max(down)
    ends = [placed[end] for end in (link.source, link.target) if end in placed]
    near = [
        box for box in boxes if box.x <= right and left <= box.x + box.w and box.y <= bottom and top <= box.y + box.h
    ]
    return any(
        any(inside(start, end, node) > CROSSED for start, end in pairwise(link.points))
        for node in near
        if not any(meet(node, end) for end in ends)  # an end, what holds it, or what is in it
    )


def meet(one: Node | Box, other: Node | Box) -> bool:
    """Whether two boxes have a part in common."""
    return (
        one.x < other.x + other.w and other.x < one.x + one.w and one.y < other.y + other.h and other.y < one.y + one.h
    )


def inside(start: Point, end: Point, box: Node | Box) -> float:
    """Pixels of the line from `start` to `end` that are in the box.

    >>> inside((0, 5), (100, 5), Box(20, 0, 30, 10))
    30.0
    """
    (x, y), across, down = start, end[0] - start[0], end[1] - start[1]
    first, last = 0.0, 1.0
    for along, at, low, high in ((across, x, box.x, box.x + box.w), (down, y, box.y, box.y + box.h)):
        if not along:
            if not low < at < high:
                return 0.0
            continue
        near, far = sorted(((low - at) / along, (high - at) / along))
        first, last = max(first, near), min(last, far)
    return float(max(0.0, last - first) * (across**2 + down**2) ** 0.5)


# ---- what Graphviz is asked ------------------------------------------------------------------------


def routes_dot(scene: Scene) -> str:
    """DOT text from which Graphviz finds the ways of the links that are marked; empty if none is.

    Its edges are called `e0`, `e1`, … in the order of these links.  Each begins and ends some pixels away from the
    link's ends: see :data:`STUB`.
    """
    links = [link for link in scene.links if link.graph]
    if not links:
        return ""
    from .dot import graph_of, node_line  # Graphviz's package: most pictures never need it

    ends = tuple((_stub(link.points[0], link.points[1]), _stub(link.points[-1], link.points[-2])) for link in links)
    points = tuple(dict.fromkeys(point for pair in ends for point in pair))
    boxes = tuple(Box(node.x, node.y, node.w, node.h) for node in scene.nodes if node.shape in BOXES)
    graph = graph_of("nop", splines="true", esep="0")
    for number, (x, y) in enumerate(points):
        graph.body.append(node_line(f"p{number}", Box(x, y, 0, 0), scene.height, shape="point"))
    for number, box in enumerate(obstacles(boxes, points)):
        graph.body.append(node_line(f"b{number}", box, scene.height))
    names = {point: f"p{number}" for number, point in enumerate(points)}
    for number, (begin, end) in enumerate(ends):
        graph.edge(names[begin], names[end], id=f"e{number}", arrowhead="none")
    return str(graph.source)


def _stub(end: Point, towards: Point) -> Point:
    """A point some pixels from a link's end, on the link; whole pixels, so that ends at one place stay together."""
    across, down = towards[0] - end[0], towards[1] - end[1]
    far = (across**2 + down**2) ** 0.5
    share = min(STUB, far) / far if far else 0.0
    return round(end[0] + across * share), round(end[1] + down * share)


@lru_cache(maxsize=64)
def obstacles(boxes: tuple[Box, ...], ends: tuple[Point, ...]) -> list[Box]:
    """What links from and to these points have to stay out of, no two of which meet, and none of which holds an end.

    The outermost boxes count, without what is in them.  A box that holds an end does not: what is in it does.

    >>> obstacles((Box(0, 0, 100, 100), Box(10, 10, 20, 20), Box(200, 0, 50, 50)), ((150, 0),))
    [Box(x=-5.0, y=-5.0, w=110.0, h=110.0), Box(x=195.0, y=-5.0, w=60.0, h=60.0)]
    >>> obstacles((Box(0, 0, 100, 100), Box(10, 10, 20, 20)), ((90, 90),))
    [Box(x=5.0, y=5.0, w=30.0, h=30.0)]
    """
    chosen: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.w * box.h):
        if not any(_holds(box, end) for end in ends) and not any(meet(box, other) for other in chosen):
            chosen.append(box)
    found = _joined(chosen, ends)
    for place, box in enumerate(found):  # each as large as is possible beside the others
        others = found[:place] + found[place + 1 :]
        found[place] = next(
            (
                wider
                for wider in (_wider(box, by) for by in (CLEAR, CLEAR / 2, 1.0, 0.0, -0.5))
                if not any(meet(wider, other) for other in others) and not any(_holds(wider, end) for end in ends)
            ),
            _wider(box, -1.0),
        )
    return found


def _holds(box: Box, point: Point) -> bool:
    return box.x - 1 < point[0] < box.x + box.w + 1 and box.y - 1 < point[1] < box.y + box.h + 1


def _wider(box: Box, by: float) -> Box:
    return Box(box.x - by, box.y - by, box.w + 2 * by, box.h + 2 * by)


def _joined(boxes: Iterable[Box], ends: Sequence[Point]) -> list[Box]:
    """The same, those as one that stand edge to edge: rows of a table are a wall, through which nothing goes."""
    found: list[Box] = []
    for box in sorted(boxes, key=lambda box: (box.x, box.w, box.y)):
        last = found[-1] if found else None
        if last is not None and (last.x, last.w) == (box.x, box.w) and box.y - last.y - last.h < 2 * CLEAR:
            both = last._replace(h=box.y + box.h - last.y)
            if not any(_holds(both, end) for end in ends):
                found[-1] = both
                continue
        found.append(box)
    return found
