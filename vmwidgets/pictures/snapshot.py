"""Pictures that stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.twin import alternative_text, image_html, note_html

from .exports import Exports


def signature(scene: Scene, cell: str) -> str:
    """Which machine and cell made a picture, and the operation that it is after."""
    operation = scene.steps.operation  # negative: a picture that no operation made
    words = [scene.machine, cell, f"after operation {operation}" if operation >= 0 else ""]
    return visible(" · ".join(word for word in words if word))


def signed(scene: Scene, cell: str) -> Scene:
    """The scene with its signature among the notes."""
    return replace(scene, notes=(*scene.notes, signature(scene, cell)))


class Snapshot(Exports):
    """One moment of a view, for before and after; shown in a cell it is a static picture.

    The last note of `scene` says where it comes from: see :func:`signed`.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def scene(self) -> Scene:
        """The scene of that moment."""
        return self._scene

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        from vmwidgets.views.scene.svg import to_svg

        scene = self._scene
        picture = image_html(to_svg(scene, bare=True), alternative_text(scene)) + note_html(scene.notes[-1])
        return {"text/html": f"<div>{picture}</div>", "text/plain": self.text()}

    def __repr__(self) -> str:
        return f"<snapshot of {self._scene.title} after operation {self._scene.steps.operation}>"
