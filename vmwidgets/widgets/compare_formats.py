"""A comparison of page-table formats as a picture: it has no machine, and stays as it is."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.mmu.compare_formats import FormatComparison
from vmwidgets.views.compare_formats import draw_formats
from vmwidgets.views.scene import Scene

from .view import View


class Formats(View):
    """One mapping in several page-table formats, side by side.

    `target` is the result of ``vm.compare_formats(…)``.
    """

    def __init__(self, target: FormatComparison, **options: Any) -> None:
        if not isinstance(target, FormatComparison):
            raise Refused(f"Formats shows the result of vm.compare_formats(…), not {shown(target)}")
        super().__init__(target, **options)
        self._held = target  # weakly held otherwise, and nobody else may keep it

    def draw(self) -> Scene:
        """The comparison."""
        return draw_formats(self._held.value)
