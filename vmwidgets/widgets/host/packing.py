"""A picture's bytes on their way to the page.

A scene is JSON with much repetition: packed, it is an eighth of the size, and the widget machinery, which walks through
every list that it sends, has only one buffer.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from vmwidgets.pictures.film import Film
from vmwidgets.views.scene.model import VERSION, Scene, Table
from vmwidgets.views.scene.wire import encode_scene, encode_table


def pack(scene: Scene, when: Mapping[str, Any], level: int = 6) -> bytes:
    """Return the scene and its moment in the page's format: zlib over UTF-8 JSON.

    The page requests the table when it is opened.
    """
    return _packed({"scene": encode_scene(scene, with_table=False), "when": when}, level)


def pack_table(table: Table) -> bytes:
    """Return a table twin alone."""
    return _packed(encode_table(table))


def pack_film(film: Film, number: int, frame: bytes) -> bytes:
    """Return the film of operation `number` around a packed frame, whose text is zlib's dictionary."""
    text = json.dumps({"version": VERSION, "number": number, **film.encode()}, **_SHORT)
    packer = zlib.compressobj(9, zdict=zlib.decompress(frame)[-WINDOW:])
    return packer.compress(text.encode("utf-8", "replace")) + packer.flush()


WINDOW = 1 << 15
"""The number of bytes that zlib looks back."""


def pack_plain(data: Mapping[str, Any]) -> bytes:
    """Return plain data alone."""
    return _packed(data)


def pack_text(text: str, level: int = 6) -> bytes:
    """Return a text alone."""
    return zlib.compress(text.encode("utf-8", "replace"), level)


def _packed(data: Mapping[str, Any], level: int = 6) -> bytes:
    return pack_text(json.dumps(data, **_SHORT), level)


_SHORT: Any = {"ensure_ascii": False, "separators": (",", ":")}


def unpack(data: bytes) -> dict[str, Any]:
    """Return what :func:`pack` packed, as plain data: `scene` and `when`."""
    unpacked: dict[str, Any] = json.loads(zlib.decompress(data))
    return unpacked
