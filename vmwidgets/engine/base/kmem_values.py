"""FreeBSD's kernel memory as views and graders see it: maps inside maps, pages with their thresholds, frozen."""

from __future__ import annotations

from dataclasses import dataclass

from .map_values import MapValue
from .memory_values import CacheValue, FreeList


@dataclass(frozen=True, slots=True)
class KernelMapValue:
    """One of the kernel memory's maps and the submaps inside it.

    `locked_by` is the thread that has its lock ("" the learner's cell, None nobody), `sleepers` are the threads that
    sleep for room in it, in the order they will look again.
    """

    map: MapValue
    system: bool
    needs_wakeup: bool
    locked_by: str | None
    sleepers: tuple[str, ...]
    submaps: tuple[KernelMapValue, ...]


@dataclass(frozen=True, slots=True)
class PageCounts:
    """How many pages (4 KiB) are what, and the marks below which requests are refused.

    `free` includes `zeroed` ones; total = free + cached + used; `wired` and `inactive` are part of `used`.  A request
    sees free + cached: NORMAL needs more than `free_reserved`, SYSTEM more than `interrupt_free_min`, INTERRUPT more
    than 0.  Who waits for pages goes on above `free_min`; the page daemon works until `free_target` is reached.
    """

    total: int
    free: int
    zeroed: int
    cached: int
    used: int
    wired: int
    inactive: int
    free_reserved: int
    interrupt_free_min: int
    free_min: int
    free_target: int
    deficit: int

    @property
    def available(self) -> int:
        """What a request can count on."""
        return self.free + self.cached


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Neighbouring frames [first, first + frames) that are alike.

    `state` is "free" (on a buddy list), "pooled" (free, in the processor's pool), "zeroed" (free and known to be
    zero), "cached" or "used"; `owner` names who has them; `wired` says that they can't be taken away.
    """

    first: int
    frames: int
    state: str
    owner: str = ""
    wired: bool = False


@dataclass(frozen=True, slots=True)
class FrameValue:
    """One frame: which page of whom is in it (`pindex`, None: not known), and the virtual addresses that lead to it.

    `mapped` are pairs of a task's name ("" the kernel) and an address; `mappings` says how many there are in all.
    """

    frame: int
    state: str
    owner: str
    pindex: int | None
    wire_count: int
    mapped: tuple[tuple[str, int], ...]
    mappings: int


@dataclass(frozen=True, slots=True)
class FramesValue:
    """Physical memory: counts, free blocks by order, who owns how much, and the frames as runs in address order.

    Runs that were left out of the picture lie between those that are shown; `owners` counts frames by owner.
    """

    counts: PageCounts
    orders: tuple[FreeList, ...]
    owners: tuple[tuple[str, int], ...]
    runs: tuple[FrameRun, ...]
    first_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class CachesValue:
    """The object caches and zones of a machine, each with its slabs by address; some of them, where there are many."""

    caches: tuple[CacheValue, ...]
