"""The operations of a comparison: allocations, frees and lookups, as values.

>>> import vmwidgets as vm
>>> vm.compare([vm.workload.allocate("a", "64 KiB"), vm.workload.free("a")], on=["x15", "first"]).differences
()
"""

from __future__ import annotations

from ..comparisons.placements import Allocate, Free, Lookup
from ..engine.base.errors import Refused, shown
from ..engine.machine import arguments

__all__ = ["allocate", "free", "lookup"]


def allocate(name: str, size: int | str, *, align: int | str = 0, hint: int | str | None = None) -> Allocate:
    """Return an operation for :func:`.compare.compare`: allocate `size` bytes and call them `name`.

    `align` is 0 or a power of two of at least a page; `hint` is an address to try first (X15) or to search from
    (FreeBSD).  FreeBSD's map knows no alignment.
    """
    wanted = arguments.text_name(name, "name")
    length = arguments.aligned(size, "size")
    if length == 0:
        raise Refused("size=0: an allocation has at least one page, 4096 bytes")
    return Allocate(
        wanted, length, arguments.power_of_two(align, "align"), 0 if hint is None else arguments.aligned(hint, "hint")
    )


def free(what: str | int, size: int | str | None = None) -> Free:
    """Return an operation for :func:`.compare.compare`: free the allocation `what`, or `size` bytes from `what` on."""
    if size is None:
        if not isinstance(what, str):
            raise Refused(f"free({shown(what)}) needs the size too, or the name of an allocation: free('a')")
        return Free(arguments.text_name(what, "name"))
    start, length = arguments.aligned(what, "start"), arguments.aligned(size, "size")
    if length == 0:
        raise Refused("size=0: there is nothing to free")
    return Free("", start, start + length)


def lookup(what: str | int) -> Lookup:
    """Return an operation for :func:`.compare.compare`: look up the start of the allocation `what`, or an address."""
    if isinstance(what, str):
        return Lookup(arguments.text_name(what, "name"))
    return Lookup("", arguments.whole(what, "address"))
