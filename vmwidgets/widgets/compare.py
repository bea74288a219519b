"""A comparison of maps as a picture: it has no machine, and stays as it is."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.values.comparisons import ComparisonValue
from vmwidgets.views.compare import draw_comparison
from vmwidgets.views.scene import Scene

from .view import View


class Comparison(View):
    """Several maps after the same operations, side by side; what differs from the first is marked.

    `target` is the result of ``vm.compare(…)``.

    >>> import vmwidgets as vm
    >>> vm.Comparison(vm.compare([vm.allocate("a", "4 KiB")])).scene().caption.text
    'All maps agree on every operation.'
    """

    def __init__(self, target: ComparisonValue, **options: Any) -> None:
        if not isinstance(target, ComparisonValue):
            raise Refused(f"Comparison shows the result of vm.compare(…), not {shown(target)}")
        super().__init__(target, **options)

    def draw(self) -> Scene:
        """The comparison."""
        return draw_comparison(self.target)
