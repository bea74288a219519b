"""The picture of an inverted page table, which has no machine and does not change."""

from __future__ import annotations

from vmwidgets.engine.kernel.pmap.pmap_schema import InvertedValue
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.tables.inverted import draw_inverted

from .at import At
from .registry import picture_of


@picture_of(first_for=InvertedValue, name="Inverted")
def inverted(at: At) -> Scene:
    """Return an inverted page table: buckets, and the chains of entries that a search follows.

    `target` is the result of ``m.frames.inverted()``.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.Inverted(m.frames.inverted())
    Inverted: ...
    """
    return draw_inverted(at.target, width=at.width)
