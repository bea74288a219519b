"""What every picture can be turned into, live or not: files, text, a snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.files import place_of, written_whole
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.twin import alternative_text, html_page, image_html, note_html, text_twin
from vmwidgets.views.scene.wire import encode_scene


class Exports:
    """Files and text from a scene."""

    def scene(self) -> Scene:
        """The scene that is shown."""
        raise NotImplementedError

    def to_svg(self) -> str:
        """The picture as a standalone SVG document."""
        from vmwidgets.views.scene.svg import to_svg

        return to_svg(self.scene())

    def to_dot(self) -> str:
        """The graph in the picture in Graphviz's language, with all positions given."""
        from vmwidgets.views.scene.dot import whole_dot

        return whole_dot(self.scene())

    def to_json(self) -> dict[str, Any]:
        """The scene as plain data, documented in :mod:`vmwidgets.views.scene.wire`."""
        return encode_scene(self.scene())

    def to_html(self) -> str:
        """One HTML file that needs nothing else: the picture, its words and its table."""
        return html_page(self.scene(), self.to_svg())

    def to_text(self) -> str:
        """The picture in words: heading, caption and table."""
        return text_twin(self.scene())

    def to_png(self, *, theme: str = "light", scale: float = 2.0) -> bytes:
        """The picture as a PNG, `scale` pixels for each of the drawing's; `theme` is "light" or "dark".

        It needs the extra ``vmwidgets[png]``; without it :class:`Refused` says so.
        """
        from vmwidgets.views.scene.png import to_png

        return to_png(self.to_svg(), theme=theme, scale=scale)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, in the format of its ending: .svg, .html, .json, .dot, .txt or .png.

        The file is whole or not there; one that was there before stays if writing fails.  Returns the path.

        Raises :class:`Refused` for another ending, and where no file can be written.
        """
        file = place_of(path, "map.svg")
        make = _FORMATS.get(file.suffix.lower())
        if make is None:
            endings = ", ".join(_FORMATS)
            raise Refused(f"save: {shown(str(path))} ends in {shown(file.suffix)}; it must end in {endings}")
        made = make(self)
        with written_whole(file) as new:
            new.write(made if isinstance(made, bytes) else made.encode("utf-8", "replace"))
        return file


_FORMATS: dict[str, Callable[[Exports], str | bytes]] = {
    ".svg": Exports.to_svg,
    ".html": Exports.to_html,
    ".json": lambda picture: json.dumps(picture.to_json(), ensure_ascii=False, indent=1) + "\n",
    ".dot": Exports.to_dot,
    ".txt": lambda picture: picture.to_text() + "\n",
    ".png": Exports.to_png,
}
"""How files are made, by the ending of their names."""


# ---- pictures that stay as they are --------------------------------------------------------------


def signature(scene: Scene, cell: str, operation: int) -> str:
    """Which machine and cell made a picture, and the operation that it is after; below 0: it has no machine."""
    words = [scene.machine, cell, f"after operation {operation}" if operation >= 0 else ""]
    return visible(" · ".join(word for word in words if word))


def signed(scene: Scene, cell: str, operation: int) -> Scene:
    """The scene with its signature among the notes."""
    return replace(scene, notes=(*scene.notes, signature(scene, cell, operation)))


class Snapshot(Exports):
    """One moment of a view, for before and after; shown in a cell it is a static picture.

    The last note of `scene` says where it comes from: see :func:`signed`.
    """

    def __init__(self, scene: Scene, operation: int) -> None:
        self._scene, self._operation = scene, operation

    def scene(self) -> Scene:
        """The scene of that moment."""
        return self._scene

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        from vmwidgets.views.scene.svg import to_svg

        scene = self._scene
        picture = image_html(to_svg(scene, bare=True), alternative_text(scene)) + note_html(scene.notes[-1])
        return {"text/html": f"<div>{picture}</div>", "text/plain": self.to_text()}

    def __repr__(self) -> str:
        when = f" after operation {self._operation}" if self._operation >= 0 else ""
        return f"<snapshot of {self._scene.title}{when}>"
