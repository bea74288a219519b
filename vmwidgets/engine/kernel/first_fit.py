"""Where a request goes in a FreeBSD map: the lowest gap that is long enough (`vm_map_findspace`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .freebsd_map import FreeBSDMap


def first_fit(vm_map: FreeBSDMap, length: int) -> int | None:
    """The lowest address with `length` free bytes between entries or at the end; none when there is none.

    Length 0 fits at the map's start, used or not.  Changes nothing.
    """
    if vm_map.start + length > vm_map.end:
        return None
    if length == 0:
        return vm_map.start
    position = vm_map.start
    for entry in vm_map:
        if entry.start - position >= length:
            return position
        position = entry.end
    return position if vm_map.end - position >= length else None
