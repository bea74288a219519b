"""The ways to fork: how private memory is copied."""

from __future__ import annotations

from typing import NamedTuple


class WayToFork(NamedTuple):
    """The properties in which a way to fork differs from the others.

    `copies`: each page is copied immediately.  `counts`: a frame may belong to several objects, until one of them
    writes. `maps`: the parent's mapped pages are mapped for the child, which therefore has no faults when it reads
    them.
    """

    copies: bool = False
    counts: bool = False
    maps: bool = False


FORKS = {
    "eager": WayToFork(copies=True, maps=True),
    "counted": WayToFork(counts=True, maps=True),
    "shadow": WayToFork(),
}
"""The ways to fork, by name.

"eager" is xv6's (`uvmcopy`). "counted" is Linux's for anonymous memory, and that of MIT's copy-on-write lab in xv6.
"shadow" is that of Mach and 4.4BSD: parent and child refer to the same objects, and each that writes gets a shadow in
front.
"""

USUAL = "counted"
"""The way of a machine whose boot names none."""

SAME_AS = {"cow": "counted"}
"""Other names of a way: courses that say copy-on-write usually mean the counted way."""
