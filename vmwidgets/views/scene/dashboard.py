"""Several scenes as one: stacked, each under its own heading, in one drawing that changes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .kit import heading
from .model import Link, Node, Scene

_HEADING = 30.0


def stack(scenes: Sequence[Scene], view: str = "dashboard", title: str = "", subtitle: str = "") -> Scene:
    """The scenes one below the other; caption and steps are the first one's, the tables of all stay."""
    first = scenes[0]
    nodes: list[Node] = []
    links: list[Link] = []
    y = 0.0
    for number, scene in enumerate(scenes):
        if number:
            nodes.append(heading(f"section/{number}", scene.title, scene.subtitle, y, width=first.width))
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
        columns=tuple(column for scene in scenes for column in scene.columns),
        table=replace(first.table, more=tuple((_said_of(scene, first), scene.table) for scene in scenes[1:])),
    )


def _said_of(scene: Scene, first: Scene) -> str:
    """Heading of a table: what it is of, and what the picture says of it that is not said on top."""
    said = "" if scene.caption.text == first.caption.text else scene.caption.text
    return " · ".join(part for part in (scene.title, scene.subtitle, said) if part)


def _moved(link: Link, y: float) -> Link:
    return replace(link, points=tuple((x, at + y) for x, at in link.points)) if y else link
