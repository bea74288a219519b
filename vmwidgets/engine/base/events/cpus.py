"""Events of processors and their TLBs; `cpu` is a processor's path ("cpu:0")."""

from __future__ import annotations

from ..values.cpus import FlushRequest, TlbEntryValue
from .event import Event


class SpaceLoaded(Event):
    """The tables of `space`, whose root is at `root`, were loaded; they were `before`'s until then."""

    cpu: str
    space: str
    root: int
    asid: int
    before: str


class TlbHit(Event):
    """The TLB had `va`, in way `way` of set `set`.

    `outcome`: "used"; "forbidden", a fault by the rights that it keeps; "clean", a write for which the tables have to
    be marked first, so that a walk follows.
    """

    cpu: str
    va: int
    access: str
    set: int
    way: int
    outcome: str


class TlbMissed(Event):
    """The TLB did not have `va`: a walk follows."""

    cpu: str
    va: int
    access: str


class TlbFilled(Event):
    """A walk's result was put into the TLB; `evicted` stood in its way."""

    cpu: str
    entry: TlbEntryValue
    evicted: TlbEntryValue | None


class TlbFlushed(Event):
    """What the TLB kept of something was dropped.

    `scope`: "range", [start, end); "space", all of address space `asid`; "all", what is not global; "all and global";
    "fault", what it kept of an address that faulted.
    """

    cpu: str
    scope: str
    start: int
    end: int
    asid: int | None
    dropped: tuple[TlbEntryValue, ...]


class _Request(Event):
    """A request that `cpu` drop what it keeps of a range."""

    cpu: str
    request: FlushRequest


class ShootdownSent(_Request):
    """An interrupt to `cpu`: it shall drop what it keeps of `request`; the sender waits."""


class ShootdownAcknowledged(_Request):
    """`cpu` has dropped what it was asked to, and says so."""


class ShootdownForgotten(_Request):
    """`cpu` should have been asked to drop `request`, and was not: what it keeps of it may be wrong from now on."""
