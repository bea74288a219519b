"""A machine's life beside the same life in processes of Linux: what differs, and what is said of it."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.spaces.linux_schema import LinuxComparison, LinuxDifference
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.pasted import Found, draw_pasted

from .at import At
from .picture import Picture
from .registry import picture_of

WHO = ("POSIX", "Linux", "X15")


@picture_of(first_for=LinuxComparison)
class BesideLinux(Picture):
    """What differs between a machine and Linux: what nothing accounts for first, then each known kind with its reasons.

    `target` is the result of ``vm.compare_with_linux(m)``.
    """

    def __init__(self, target: LinuxComparison, **options: Any) -> None:
        if not isinstance(target, LinuxComparison):
            raise Refused(f"BesideLinux shows the result of vm.compare_with_linux(m), not {shown(target)}")
        self._held = target
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Differences by kind, what was done, and what was not compared."""
        found = self._held
        parts = []
        if found.surprises:
            title = f"{counted(len(found.surprises), 'difference')} that nothing accounts for"
            parts.append(Found(title, (), [_row(one) for one in found.surprises]))
        for kind, sayings in found.sayings:
            rows = found.of(kind)
            said = [f"{who}: {words}." for who, words in zip(WHO, sayings, strict=True)]
            parts.append(Found(f"{kind}: {counted(len(rows), 'difference')}", said, [_row(one) for one in rows]))
        done = ", ".join(f"{name} {count}" for name, count in found.calls)
        parts.append(Found("What Linux did as well", [f"{done}."] if done else ["Nothing."]))
        parts.append(Found("Not compared", found.unseen))
        source = f"beside {found.source}"
        return draw_pasted(
            parts, source, found.headline, view="linux", title=f"{found.machine} and Linux", width=at.width
        )


def _row(one: LinuxDifference) -> tuple[str, ...]:
    return str(one.number), one.operation, one.what, f"here: {one.here}", f"Linux: {one.linux}"
