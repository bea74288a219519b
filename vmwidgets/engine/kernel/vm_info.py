"""The map as text, to the letter as X15's `vm_map_info` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base.units import KIB

if TYPE_CHECKING:
    from .vm_map import X15Map

_HEADER = "vm_map:      start             end          size     offset   flags    type\n"


def vm_map_info(vm_map: X15Map) -> str:
    """One line with the limits, a column header, a line an entry, the total.

    The offset column has eight digits: a larger offset is printed longer, as printf does.
    """
    name = "map" if vm_map.kernel is None else "kernel map"
    lines = [f"vm_map: {name}: {vm_map.start:016x}-{vm_map.end:016x}\n", _HEADER]
    for entry in vm_map:
        kind = "object" if entry.object is not None else "null" if entry.submap is None else "submap"
        length = (entry.end - entry.start & vm_map.mask) // KIB
        lines.append(
            f"vm_map: {entry.start:016x} {entry.end:016x} {length:8d}k {entry.offset:08x} {entry.flags:08x} {kind}\n"
        )
    lines.append(f"vm_map: total: {vm_map.size // KIB}k\n")
    return "".join(lines)
