"""Pictures that stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmwidgets.views.scene import Scene

from .exports import Exports
from .text import alternative_text
from .twin import image_html


def signed(scene: Scene, cell: str) -> Scene:
    """The scene with a note that names its machine, the cell that made it, and the operation that it is after."""
    words = [scene.machine, cell, f"after operation {scene.steps.operation}"]
    return replace(scene, notes=(*scene.notes, " · ".join(word for word in words if word)))


class Snapshot(Exports):
    """One moment of a view, for before and after; shown in a cell it is a static picture."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def scene(self) -> Scene:
        """The scene of that moment."""
        return self._scene

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        return {"text/html": image_html(self.to_svg(), alternative_text(self._scene)), "text/plain": self.text()}

    def __repr__(self) -> str:
        return f"<snapshot of {self._scene.title} after operation {self._scene.steps.operation}>"
