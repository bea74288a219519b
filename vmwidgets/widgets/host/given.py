"""What a page takes from a picture beside its frames, when it asks: a file, rows, DOT text, names of operations."""

from __future__ import annotations

import re
from functools import partialmethod
from typing import Any

from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.twin import table_twin

from .controls import told
from .packing import pack_table, pack_text


class Given(Picture):
    """A picture that answers what its page asks for; the widget below sends the answers."""

    send: Any
    _seq = 0

    def _on_save(self) -> None:
        scene = self.scene()
        name = "-".join(re.findall(r"[\w.]+", f"{scene.title} {max(self._drawn_at[0], 0)}")) or "picture"
        self.send({"type": "saved", "name": f"{name}.svg", "svg": to_svg(scene)})

    def _on_table(self) -> None:
        if self._scene is not None:
            self.send({"type": "table", "seq": self._seq}, buffers=[pack_table(table_twin(self._scene))])

    def _on_dot(self) -> None:
        if self._scene is not None:
            from vmwidgets.views.scene.dot import to_dot

            self.send({"type": "dot", "seq": self._seq}, buffers=[pack_text(to_dot(self._scene))])

    def _tell(self, what: str, **given: int) -> None:
        if self.machine is not None:
            self.send({"type": what}, buffers=[told(what, self.machine.journal, given, self.asks)])

    _on_timeline, _on_names = partialmethod(_tell, "timeline"), partialmethod(_tell, "names")
