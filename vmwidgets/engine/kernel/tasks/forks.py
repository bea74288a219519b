"""The ways to fork: what a copy of private memory is."""

from __future__ import annotations

from typing import NamedTuple


class WayToFork(NamedTuple):
    """What a fork does with private memory, as far as it differs from the others.

    `copies`: each page is copied at once.  `counts`: the same frame may be a page of several objects, until one writes.
    `maps`: what the parent has mapped is mapped for the child, which therefore does not fault to read.
    """

    copies: bool = False
    counts: bool = False
    maps: bool = False


FORKS = {
    "eager": WayToFork(copies=True, maps=True),
    "counted": WayToFork(counts=True, maps=True),
    "shadow": WayToFork(),
}
"""By name: as xv6 does it (`uvmcopy`); as Linux does it with anonymous memory, and MIT's copy-on-write lab in xv6; as
Mach and 4.4BSD do it: both refer to the same objects, in front of which who writes gets a shadow."""

SAME_AS = {"cow": "counted"}
"""Other names of a way: courses that say copy-on-write usually mean the counted way."""
