"""Pictures of this computer's own processes: the effects of code on memory, and copy-on-write of two processes."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.given.process import CellMemory, ForkedValue, LiveFork, Measuring
from vmwidgets.views.memory.own import draw_cell, draw_forked
from vmwidgets.views.scene.model import Scene

from .at import At
from .registry import picture_of


@picture_of(first_for=(CellMemory, Measuring), name="CellMemory")
def draw(at: At) -> Scene:
    """Return what a cell did to its process's memory: bytes mapped and in memory before and after, by line and range.

    `target` is the result of ``%%pages`` or of ``vm.memory()``.

    >>> import vmwidgets as vm
    >>> with vm.memory() as seen:
    ...     big = bytearray(64 << 20)
    >>> vm.picture(seen).scene().title
    'This code mapped 64 MiB, and 64 MiB came into memory'
    """
    found = at.target.result if isinstance(at.target, Measuring) else at.target
    if not isinstance(found, CellMemory):
        raise Refused("the code that is measured has not ended: show it after the with block")
    return draw_cell(found, width=at.width)


@picture_of(first_for=(ForkedValue, LiveFork), name="CopyOnWrite")
def draw_fork(at: At) -> Scene:
    """Return the pages of two real processes after a fork, and how many frames hold them.

    `target` is the result of ``vm.copy_on_write()``.

    >>> import vmwidgets as vm
    >>> with vm.copy_on_write(2) as two:
    ...     vm.picture(two.write("child", 0, "B")).scene().title
    '2 pages of each process in 3 frames: 1 page shared'
    """
    found = at.target.at() if isinstance(at.target, LiveFork) else at.target
    if not isinstance(found, ForkedValue):
        raise Refused(f"CopyOnWrite shows vm.copy_on_write(), not {shown(at.target)}")
    return draw_forked(found, width=at.width)
