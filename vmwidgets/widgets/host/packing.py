"""A picture's bytes on their way to the page.

A scene is JSON with much repetition: packed, it is an eighth of the size, and the widget machinery, which walks through
every list that it sends, gets only one buffer.  Text that nearly all pictures contain is not sent: zlib finds it in a
dictionary that the page has too (`js/src/film.ts`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vmwidgets.pictures.film import Film
from vmwidgets.views.scene.model import VERSION, Scene, Table
from vmwidgets.views.scene.wire import encode_scene, encode_table

WINDOW = 1 << 15
"""The number of bytes that zlib looks back."""


def pack(scene: Scene, when: Mapping[str, Any], level: int = 6) -> bytes:
    """Return the scene and its moment in the page's format: zlib over UTF-8 JSON.

    The page requests the table when it is opened.
    """
    return pack_text(_dumped({"scene": encode_scene(scene, with_table=False), "when": when}), level)


def pack_table(table: Table) -> bytes:
    """Return a picture's table, packed."""
    return pack_plain(encode_table(table))


def pack_film(film: Film, number: int, frame: bytes) -> bytes:
    """Return the film of operation `number` around a packed frame, whose text is added to zlib's dictionary."""
    text = _dumped({"version": VERSION, "number": number, **film.encode()})
    return _packed(text, 9, dictionary() + _unpacked(frame, dictionary()))


def pack_plain(data: Mapping[str, Any]) -> bytes:
    """Return plain data, packed."""
    return pack_text(_dumped(data))


def pack_text(text: str, level: int = 6) -> bytes:
    """Return a text, packed."""
    return _packed(text, level, dictionary())


def unpack_text(data: bytes, frame: bytes | None = None) -> str:
    """Return the text that was packed; for a film, `frame` is the packed frame around which it was made.

    Raises :class:`zlib.error` if the text was packed with another dictionary.
    """
    known = dictionary()
    return _unpacked(data, known if frame is None else known + _unpacked(frame, known)).decode()


def unpack(data: bytes) -> dict[str, Any]:
    """Return the scene and the moment that :func:`pack` packed, as plain data: `scene` and `when`."""
    unpacked: dict[str, Any] = json.loads(unpack_text(data))
    return unpacked


@cache
def dictionary() -> bytes:
    """Return the text that pictures have in common, as `python -m tools.dictionary` found it in pictures of all kinds.

    It is a file that the page's bundle contains too (`js/build.mjs`): one piece a line, and the lines joined.
    """
    text = files("vmwidgets.widgets.host").joinpath("dictionary.txt").read_text("utf-8")
    return "".join(text.splitlines()).encode()


def _dumped(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _packed(text: str, level: int, known: bytes) -> bytes:
    packer = zlib.compressobj(level, zdict=known[-WINDOW:])
    return packer.compress(text.encode("utf-8", "replace")) + packer.flush()


def _unpacked(data: bytes, known: bytes) -> bytes:
    unpacker = zlib.decompressobj(zdict=known[-WINDOW:])
    return unpacker.decompress(data) + unpacker.flush()
