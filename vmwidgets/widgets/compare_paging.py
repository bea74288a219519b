"""A task beside a self-paging domain as a picture: it has no machine, and stays as it is."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.values.comparisons import PagingComparison
from vmwidgets.views.compare_paging import draw_paging
from vmwidgets.views.scene import Scene

from .view import View


class Paging(View):
    """What the kernel did for a task beside what a domain did for itself.

    `target` is the result of ``vm.compare_paging(task, domain)``.
    """

    def __init__(self, target: PagingComparison, **options: Any) -> None:
        if not isinstance(target, PagingComparison):
            raise Refused(f"Paging shows the result of vm.compare_paging(task, domain), not {shown(target)}")
        super().__init__(target, **options)

    def draw(self) -> Scene:
        """The comparison."""
        return draw_paging(self.target)
