"""Several scenes as one: stacked, each under its own heading, in one drawing that changes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .columns import MARGIN
from .scene import Link, Node, Scene, Text
from .text import shorten, text_width

_HEADING = 30.0


def stack(scenes: Sequence[Scene], view: str = "dashboard", title: str = "", subtitle: str = "") -> Scene:
    """The scenes one below the other; caption, steps and table are the first one's."""
    first = scenes[0]
    nodes: list[Node] = []
    links: list[Link] = []
    y = 0.0
    for number, scene in enumerate(scenes):
        if number:
            nodes.append(_heading(scene, number, y, first.width))
            y += _HEADING
        nodes += [replace(node, y=node.y + y) for node in scene.nodes] if y else list(scene.nodes)
        links += [_moved(link, y) for link in scene.links]
        y += scene.height + 8
    return replace(
        first,
        view=view,
        title=title or first.title,
        subtitle=subtitle or first.subtitle,
        height=y,
        nodes=tuple(nodes),
        links=tuple(links),
    )


def _heading(scene: Scene, number: int, y: float, width: float) -> Node:
    x = text_width(scene.title, "strong") + 14
    subtitle = shorten(scene.subtitle, width - 2 * MARGIN - x, "label dim")
    text = (Text(0, 20, scene.title, "strong"), Text(x, 20, subtitle, "label dim"))
    return Node(f"section/{number}", "label", MARGIN, y, width - 2 * MARGIN, _HEADING, shape="none", text=text)


def _moved(link: Link, y: float) -> Link:
    return replace(link, points=tuple((x, at + y) for x, at in link.points)) if y else link
