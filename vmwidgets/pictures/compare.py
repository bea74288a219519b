"""Comparisons, which have no machine and do not change."""

from __future__ import annotations

from typing import Any

from vmwidgets.comparisons.formats import FormatComparison
from vmwidgets.comparisons.maps import MapsDiff
from vmwidgets.comparisons.paging_schema import PagingComparison
from vmwidgets.comparisons.placements import ComparisonValue
from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.views.domain.paging import draw_paging
from vmwidgets.views.maps.compare import draw_comparison
from vmwidgets.views.maps.diff import draw_diff
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.formats import draw_formats

from .at import At
from .picture import Picture
from .registry import picture_of


@picture_of(first_for=ComparisonValue)
class Comparison(Picture):
    """Several maps after the same operations, side by side; differences from the first are marked.

    `target` is the result of ``vm.compare(…)``.

    >>> import vmwidgets as vm
    >>> vm.Comparison(vm.compare([vm.workload.allocate("a", "4 KiB")])).scene().title
    'the same operations on 6 maps'
    """

    def __init__(self, target: ComparisonValue, **options: Any) -> None:
        if not isinstance(target, ComparisonValue):
            raise Refused(f"Comparison shows the result of vm.compare(…), not {shown(target)}")
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the comparison."""
        return draw_comparison(at.target, width=at.width)


@picture_of(first_for=FormatComparison)
class Formats(Picture):
    """One mapping in several page-table formats, side by side.

    `target` is the result of ``vm.compare_formats(…)``.

    >>> import vmwidgets as vm
    >>> vm.Formats(vm.compare_formats([(0x40_0000, "4 MiB")], ("x86-64", "armv7")))
    Formats: ...
    """

    def __init__(self, target: FormatComparison, **options: Any) -> None:
        if not isinstance(target, FormatComparison):
            raise Refused(f"Formats shows the result of vm.compare_formats(…), not {shown(target)}")
        super().__init__(target, **options)
        self._held = target  # keep it alive: pictures hold their targets weakly

    def draw(self, at: At) -> Scene:
        """Return the comparison."""
        return draw_formats(self._held.value, width=at.width)


@picture_of(first_for=PagingComparison)
class Paging(Picture):
    """The work of the kernel for a task, next to the work that a domain does for itself.

    `target` is the result of ``vm.compare_paging(task, domain)``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("armv7")
    >>> t, d = m.task("init"), m.domain("hello")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Paging(vm.compare_paging(t, d))
    Paging: ...
    """

    def __init__(self, target: PagingComparison, **options: Any) -> None:
        if not isinstance(target, PagingComparison):
            raise Refused(f"Paging shows the result of vm.compare_paging(task, domain), not {shown(target)}")
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the comparison."""
        return draw_paging(at.target, width=at.width)


@picture_of(first_for=MapsDiff)
class Diff(Picture):
    """A task's map next to the map that the system reported for a process: ranges that agree, and ranges in one map.

    `target` is the result of ``vm.diff(task, maps)``.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> vm.Diff(vm.diff(t, "1000-2000 rw-p 0 00:00 0   [stack]")).scene().title
    'init'
    """

    def __init__(self, target: MapsDiff, **options: Any) -> None:
        if not isinstance(target, MapsDiff):
            raise Refused(f"Diff shows the result of vm.diff(task, maps), not {shown(target)}")
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the comparison."""
        return draw_diff(at.target, width=at.width)
