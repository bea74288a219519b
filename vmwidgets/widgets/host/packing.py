"""A picture's bytes on their way to the page.

A scene is JSON with much repetition: packed, it is an eighth, and the widget machinery, which walks through every list
that it sends, has one buffer to carry.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from vmwidgets.views.scene.model import Scene, Table
from vmwidgets.views.scene.wire import encode_scene, encode_table


def pack(scene: Scene, when: Mapping[str, Any]) -> bytes:
    """The scene, its DOT text and its moment as the page reads them: zlib over UTF-8 JSON.

    The page asks for the table when it is opened.  Marks have their lines without Graphviz.
    """
    from vmwidgets.views.scene.dot import to_dot

    dot = to_dot(scene) if not scene.marks and any(node.graph for node in scene.nodes) else ""
    packed = {"scene": encode_scene(scene, with_table=False), "dot": dot, "when": when}
    return _packed(packed)


def pack_table(table: Table) -> bytes:
    """A table twin by itself."""
    return _packed(encode_table(table))


def pack_plain(data: Mapping[str, Any]) -> bytes:
    """Plain data by itself."""
    return _packed(data)


def _packed(data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "replace"), 1)


def unpack(data: bytes) -> dict[str, Any]:
    """What :func:`pack` packed, as plain data: `scene`, `dot` and `when`."""
    unpacked: dict[str, Any] = json.loads(zlib.decompress(data))
    return unpacked
