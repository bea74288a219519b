"""A scene as plain data, for the browser and for `to_json()`.

The front end's half is `js/src/wire.ts`.  Fields with default values are left out, so that an update costs only the
bytes of what is on screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from operator import sub
from typing import Any

from .model import VERSION, Link, Marks, Node, Scene, Table, Text


def _number(value: float) -> float | int:
    """Return a number in tenths, which is precise enough in pixels, and short in JSON."""
    tenths = int(value * 10 + (0.5 if value >= 0 else -0.5))
    return tenths / 10 if tenths % 10 else tenths // 10


def encode_node(node: Node) -> dict[str, Any]:
    """Return one node; a text is [x, y, text, style, anchor, room if it may not fit], bars [x, y, w, h, style].

    The room is negative if the text is to be cut in its middle.
    """
    data: dict[str, Any] = {
        "id": node.id,
        "kind": node.kind,
        "x": _number(node.x),
        "y": _number(node.y),
        "w": _number(node.w),
        "h": _number(node.h),
    }
    if node.text:
        data["text"] = [_run(text) for text in node.text]
    if node.bars:
        data["bars"] = [[_number(b.x), _number(b.y), _number(b.w), _number(b.h), b.style] for b in node.bars]
    if node.shape != "box":
        data["shape"] = node.shape
    if node.state:
        data["state"] = " ".join(node.state)
    for name in ("thing", "title", "action", "lane", "role"):
        value = getattr(node, name)
        if value:
            data[name] = value
    if node.value >= 0:
        data["value"] = node.value
    return data


def _run(text: Text) -> list[Any]:
    run = [_number(text.x), _number(text.y), text.text, text.style, text.anchor]
    return [*run, _number(-text.room if text.middle else text.room)] if text.room else run


def encode_link(link: Link) -> dict[str, Any]:
    """Return one link; `points` are [[x, y], ...]."""
    data: dict[str, Any] = {
        "id": link.id,
        "kind": link.kind,
        "source": link.source,
        "target": link.target,
        "points": [[_number(x), _number(y)] for x, y in link.points],
    }
    if link.state:
        data["state"] = " ".join(link.state)
    for name in ("arrow", "branch", "bend"):
        if value := getattr(link, name):
            data[name] = value
    return data


def encode_table(table: Table) -> dict[str, Any]:
    """Return one table, with the tables below it."""
    data: dict[str, Any] = {"header": list(table.header), "rows": [list(row) for row in table.rows]}
    if table.more:
        data["more"] = [{"title": title, **encode_table(other)} for title, other in table.more]
    return data


def encode_marks(marks: Marks) -> dict[str, Any]:
    """Return marks as columns: lengths in tenths of a pixel, all numbers but `look` as differences, which are short."""
    data: dict[str, Any] = {
        "lane": marks.lane,
        "kind": marks.kind,
        "of": marks.of,
        "number": _differences(marks.number),
        "x": _differences([int(x * 10 + 0.5) for x in marks.x]),
        "y": _differences([int(y * 10 + 0.5) for y in marks.y]),
        "w": _differences([int(w * 10 + 0.5) for w in marks.w]),
        "h": _number(marks.h),
        "looks": [[shape, " ".join(state), words] for shape, state, words in marks.looks],
        "look": list(marks.look),
        "page": _differences(marks.page),
        "title": marks.title,
    }
    if marks.on:
        data["on"] = marks.on
    if marks.pages:
        data["pages"] = _differences(marks.pages)
    if marks.names:
        data["names"] = list(marks.names)
    if marks.parent:
        data["parent"] = _differences(marks.parent)
    if marks.space:
        data["space"] = marks.space
    return data


def _differences(column: Sequence[int]) -> list[int]:
    """Return each number minus the one before it; the first unchanged."""
    return [*column[:1], *map(sub, column[1:], column)]


def encode_scene(scene: Scene, *, with_table: bool = True) -> dict[str, Any]:
    """Return the whole scene; without `with_table`, the table has no rows."""
    caption, table = scene.headed, scene.table
    return {
        "version": VERSION,
        "view": scene.view,
        "machine": scene.machine,
        "title": scene.title,
        "subtitle": scene.subtitle,
        "width": _number(scene.width),
        "height": _number(scene.height),
        "caption": {
            "text": caption.text,
            "functions": list(caption.functions),
            "reason": caption.reason,
            "tone": caption.tone,
        },
        "nodes": [encode_node(node) for node in scene.nodes],
        "links": [encode_link(link) for link in scene.links],
        "table": encode_table(table if with_table else replace(table, rows=(), more=())),
        "marks": [encode_marks(marks) for marks in scene.marks],
        "lanes": [{name: value for name, value in asdict(lane).items() if value} for lane in scene.lanes],
        "steps": {
            "index": scene.steps.index,
            "count": scene.steps.count,
            "operation": scene.steps.operation,
            "places": list(scene.steps.places),
            "functions": list(scene.steps.functions),
            **({"every": list(scene.steps.every)} if scene.steps.every else {}),
        },
        "notes": list(scene.notes),
        **({"answers": True} if scene.answers else {}),
        **_about(scene),
    }


def _about(scene: Scene) -> dict[str, Any]:
    """Return the facts about the things that are nodes: the place of each, and its references."""
    things = {node.thing for node in scene.nodes}
    about = {
        thing: [[list(pages) for pages in one.at], [to if isinstance(to, str) else list(to) for to in one.to]]
        for thing, one in scene.about.items()
        if thing in things
    }
    return {"about": about} if about else {}
