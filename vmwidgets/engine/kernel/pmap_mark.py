"""Accessed and dirty flags where the hardware leaves them to the kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..base.events import Called, Returned
from ..base.units import PAGE
from ..mmu.format import Access
from ..mmu.walk import walk
from .pmap import Pmap


def mark(pmap: Pmap, va: int, access: Access, user: bool, controls: Any) -> bool:
    """Set the flags for an access that faulted for want of them; false if that is not all it lacked.

    Without hardware that sets them (TCR_EL1.HA and SCTLR.HA on ARM, menvcfg.ADUE on RISC-V) the kernel does, at the
    fault.  O(levels).
    """
    root, now = pmap.registers(controls)
    hardware = "adue" if hasattr(now, "adue") else "ha"
    if pmap.editor.hidden(pmap.root, va):
        return False
    found = walk(pmap.ram, pmap.fmt, root, va, access, user, replace(now, **{hardware: True}))
    if found.pa is None or not any(found.sets):
        return False
    emit = pmap.recorder.emit
    if emit is not None:
        emit((Called.tag, "pmap_mark", (va, access)))
    pmap.editor.mark_accessed(found)
    pmap.update(va & -PAGE, (va & -PAGE) + PAGE)
    if emit is not None:
        emit((Returned.tag,))
    return True
