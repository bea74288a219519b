"""A picture's bytes on their way to the page.

A scene is JSON with much repetition: packed, it is an eighth, and the widget machinery, which walks through every list
that it sends, has one buffer to carry.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from vmwidgets.views.scene import Scene
from vmwidgets.views.wire import encode_scene


def pack(scene: Scene) -> bytes:
    """The scene and its DOT text as the page reads them: zlib over UTF-8 JSON."""
    from vmwidgets.views.dot import to_dot

    dot = to_dot(scene) if any(node.graph for node in scene.nodes) else ""
    text = json.dumps({"scene": encode_scene(scene), "dot": dot}, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "replace"), 6)


def unpack(data: bytes) -> dict[str, Any]:
    """What :func:`pack` packed, as plain data: `scene` and `dot`."""
    unpacked: dict[str, Any] = json.loads(zlib.decompress(data))
    return unpacked
