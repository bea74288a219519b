"""A picture's bytes on their way to the page.

A scene is JSON with much repetition: packed, it is an eighth, and the widget machinery, which walks through every list
that it sends, has one buffer to carry.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.wire import encode_scene


def pack(scene: Scene, when: Mapping[str, Any]) -> bytes:
    """The scene, its DOT text and its moment as the page reads them: zlib over UTF-8 JSON."""
    from vmwidgets.views.scene.dot import to_dot

    dot = to_dot(scene) if any(node.graph for node in scene.nodes) else ""
    packed = {"scene": encode_scene(scene), "dot": dot, "when": when}
    text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "replace"), 6)


def unpack(data: bytes) -> dict[str, Any]:
    """What :func:`pack` packed, as plain data: `scene`, `dot` and `when`."""
    unpacked: dict[str, Any] = json.loads(zlib.decompress(data))
    return unpacked
