"""A machine's operations compared with processes of Linux: what differs, and the rules about it."""

from __future__ import annotations

from typing import Any

from vmwidgets.comparisons.linux import LinuxComparison
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.linux import draw_linux

from .at import At
from .picture import Picture
from .registry import picture_of


@picture_of(first_for=LinuxComparison)
class BesideLinux(Picture):
    """The differences between a machine and Linux: first the unexplained ones, then each known kind with its reasons.

    `target` is the result of ``vm.compare_with_linux(m)``.
    """

    def __init__(self, target: LinuxComparison, **options: Any) -> None:
        if not isinstance(target, LinuxComparison):
            raise Refused(f"BesideLinux shows the result of vm.compare_with_linux(m), not {shown(target)}")
        self._held = target
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return differences by kind, the calls that were made, and the calls that were not compared."""
        return draw_linux(self._held, width=at.width)
