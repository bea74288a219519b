"""What views and graders see of physical memory and object caches: frozen values.

They are taken from :mod:`vmwidgets.engine.memory`, which alone knows how they come about.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from .past import ABSENT, Change, Past


@dataclass(frozen=True, slots=True)
class Block:
    """2**order neighbouring frames that are free, pooled or owned together."""

    frame: int
    order: int
    state: str
    """``"free"`` (on a buddy list), ``"pooled"`` (in the processor's pool) or ``"owned"``."""
    owner: str = ""

    @property
    def frames(self) -> int:
        """How many frames the block has."""
        return 1 << self.order


@dataclass(frozen=True, slots=True)
class FreeList:
    """The free blocks of one order: how many, and the first few in the order they would be taken."""

    order: int
    count: int
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PagesValue:
    """All of physical memory that pages are allocated from: frames [first_frame, first_frame + frames)."""

    first_frame: int
    frames: int
    free_frames: int
    free_lists: tuple[FreeList, ...]
    pool: tuple[int, ...]
    """The processor's pool, next to be allocated first."""
    pool_limit: int
    owners: tuple[tuple[str, int], ...]
    """Who owns how many frames, by name."""


@dataclass(frozen=True, slots=True)
class SlabValue:
    """A slab of a cache: one run of memory cut into equal buffers."""

    address: int
    colour: int
    state: str
    """``"partial"``, ``"free"`` or ``"full"``: the list it is on."""
    buffers: int
    free: tuple[int, ...]
    """Addresses of the free buffers, next to be allocated first."""

    @property
    def used(self) -> int:
        """Buffers that are allocated."""
        return self.buffers - len(self.free)

    @classmethod
    def of(cls, address: int, colour: int, buffers: int, free: tuple[int, ...]) -> SlabValue:
        """The slab, on the list on which its free buffers put it."""
        return cls(address, colour, slab_state(buffers - len(free), buffers), buffers, free)


def slab_state(used: int, buffers: int) -> str:
    """The list that a slab is on: "free", "full" or "partial"."""
    return "free" if not used else "full" if used == buffers else "partial"


def slabs_at(slabs: Iterable[SlabValue], cache: str, buffers: int, past: Past) -> tuple[SlabValue, ...]:
    """The slabs of a cache as they were, by address: those in `slabs`, and those that are gone.  O(buffers + rows)."""
    now = {slab.address: slab for slab in slabs}
    colours = past.laid_over({address: slab.colour for address, slab in now.items()}, "slab", cache)
    first = {address: slab.free[0] if slab.free else 0 for address, slab in now.items()}
    first |= past.before("first buffer", cache)
    following = {one: other for slab in now.values() for one, other in pairwise((*slab.free, 0))}
    following |= past.before("next buffer", cache)
    return tuple(
        SlabValue.of(address, colour, buffers, chain(first.get(address, 0), following))
        for address, colour in sorted(colours.items())
    )


def chain(first: int, following: Mapping[int, int], end: int = 0) -> tuple[int, ...]:
    """A list as it is linked, up to `end` or to the last that is known.

    >>> chain(3, {3: 1, 1: 0})
    (3, 1)
    """
    found = []
    while first != end:
        found.append(first)
        first = following.get(first, end)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CacheValue:
    """An object cache and its slabs, partial ones first, then free, then full, each in list order."""

    name: str
    object_size: int
    buffer_size: int
    slab_size: int
    buffers_per_slab: int
    slabs: tuple[SlabValue, ...]
    allocated: int
    """Objects that are allocated."""
    counts: tuple[tuple[str, int], ...] = ()
    """How many slabs are "partial", "free" and "full", those that `slabs` leaves out among them."""

    def at(self, past: Past) -> CacheValue:
        """The cache as it was, its slabs by address."""
        counts, allocated = Counter(dict(self.counts)), self.allocated
        for change in past.changes("used", self.name).values():
            for used, sign in ((change.before, 1), (change.after, -1)):
                if used is not ABSENT:
                    counts[slab_state(used, self.buffers_per_slab)] += sign
                    allocated += sign * used
        slabs = slabs_at(self.slabs, self.name, self.buffers_per_slab, past)
        counted = tuple((state, counts[state]) for state, _ in self.counts)
        return replace(self, slabs=slabs, allocated=allocated, counts=counted)


@dataclass(frozen=True, slots=True)
class KentryValue:
    """The kentry area: `slabs` slabs of `slab_size` bytes from `start` on, `allocated` of them with a page behind."""

    start: int
    slab_size: int
    slabs: int
    allocated: int
    free: tuple[int, ...]
    """Numbers of the first slabs on the free list, head first."""

    def index(self, address: int) -> int:
        """The number of the slab that `address` lies in."""
        return (address - self.start) // self.slab_size

    def at(self, past: Past) -> KentryValue:
        """The area as it was; of a free list that is not shown to its end, as much as is known."""
        rows = past.changes("next slab")
        following = {**dict(pairwise((*self.free, -1))), **past.before("next slab")}
        first = past.one("first slab", "", self.free[0] if self.free else -1)
        allocated = self.allocated + sum((before is ABSENT) - (after is ABSENT) for before, after in rows.values())
        return replace(self, allocated=allocated, free=chain(first, following, -1))


@dataclass(frozen=True, slots=True)
class KentryContents:
    """The kentry area with some of its slabs open: who lives where.

    `cache` cuts the slabs into `buffers` slots of `buffer_size` bytes, for the entries of `map`.
    """

    area: KentryValue
    cache: str
    map: str
    buffers: int
    buffer_size: int
    slabs: tuple[SlabValue, ...]
    residents: dict[int, tuple[int, int]]
    """By address of a slot: the id and the start of the entry in it."""

    def at(self, past: Past) -> KentryContents:
        """The area as it was.  An entry lives in its slot while it is in the list of the map."""
        if not past:
            return self
        slabs = slabs_at(self.slabs, self.cache, self.buffers, past)
        written, listed = past.before("entry", self.map), past.before("after", self.map)
        residents = {at: (one, start) for at, (one, start) in self.residents.items() if one not in written}
        residents |= {entry[6]: entry[:2] for entry in written.values() if entry is not ABSENT}
        residents = {at: who for at, who in residents.items() if listed.get(who[0]) is not ABSENT}
        living = {slot: residents[slot] for slab in slabs for slot in self.taken(slab) if slot in residents}
        return replace(self, area=self.area.at(past), slabs=slabs, residents=living)

    def taken(self, slab: SlabValue) -> list[int]:
        """The slots of a slab that are not free, by address."""
        first, free = slab.address + slab.colour, {*slab.free}
        slots = range(first, first + self.buffers * self.buffer_size, self.buffer_size)
        return [slot for slot in slots if slot not in free]


# ---- pages and frames --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageCounts:
    """How many pages (4 KiB) are what, and the marks below which requests are refused.

    `free` includes `zeroed` ones; total = free + cached + used; `wired` and `inactive` are part of `used`.  A request
    sees free + cached: NORMAL needs more than `free_reserved`, SYSTEM more than `interrupt_free_min`, INTERRUPT more
    than 0.  Threads that wait for pages wake at `free_min`; the page daemon works until `free_target` is reached.
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

    def at(self, past: Past) -> FramesValue:
        """The frames as they were.  Of a free list that changed only its length is known.  O(runs + rows).

        Which block comes next is in no row: each event of a block would have to carry its neighbours in the list.
        ``m.at(n)`` has that.
        """
        if not past:
            return self
        frames, wirings = past.changes("frame"), past.changes("wirings")
        states, owners, orders = Counter[str](), Counter(dict(self.owners)), past.moved("blocks")
        for before, after in frames.values():
            for owner, sign in ((before, 1), (after, -1)):
                states[state_of(owner)] += sign
                if state_of(owner) == "used":
                    owners[owner] += sign
        counts, zeroed = self.counts, states["zeroed"]
        return replace(
            self,
            counts=replace(
                counts,
                free=counts.free + states["free"] + states["pooled"] + zeroed,
                zeroed=counts.zeroed + zeroed,
                cached=counts.cached + states["cached"],
                used=counts.used + states["used"],
                wired=counts.wired + sum(map(_more, wirings.values())),
                inactive=counts.inactive + sum(map(_more, past.changes("inactive").values())),
                deficit=counts.deficit - past.moved("deficit")[0],
            ),
            orders=tuple(
                replace(free, count=free.count - orders[free.order], first=()) if orders[free.order] else free
                for free in self.orders
            ),
            owners=tuple(sorted(((name, count) for name, count in owners.items() if count), key=_most_first)),
            runs=tuple(joined(self._runs_at(past.before("frame"), past.before("wirings")))),
        )

    def _runs_at(self, owners: Mapping[int, Owner], wirings: Mapping[int, int]) -> Iterator[FrameRun]:
        """The runs, with the frames that were written taken out and put back as they were."""
        written = sorted({*owners, *wirings})
        for run in self.runs:
            at, end = run.first, run.first + run.frames
            for frame in written[bisect_left(written, at) : bisect_left(written, end)]:
                if frame > at:
                    yield replace(run, first=at, frames=frame - at)
                at = frame + 1
                if frame in owners:
                    owner = owners[frame]
                    wired = wirings.get(frame, ABSENT) not in (0, ABSENT)
                    yield FrameRun(frame, 1, state_of(owner), shown_owner(owner), wired)
                else:
                    yield replace(run, first=frame, frames=1, wired=wirings[frame] not in (0, ABSENT))
            if at < end:
                yield replace(run, first=at, frames=end - at)


def joined(runs: Iterable[FrameRun]) -> Iterator[FrameRun]:
    """Neighbours that are alike, as one."""
    last: FrameRun | None = None
    for run in runs:
        alike = last is not None and (last.state, last.owner, last.wired) == (run.state, run.owner, run.wired)
        if last is not None and alike and last.first + last.frames == run.first:
            last = replace(last, frames=last.frames + run.frames)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _more(change: Change) -> int:
    """How much more of something there was: what is absent or 0 counts nothing, all else one."""
    return (change.before not in (0, ABSENT)) - (change.after not in (0, ABSENT))


def _most_first(owner: tuple[str, int]) -> tuple[int, str]:
    return -owner[1], owner[0]


@dataclass(frozen=True, slots=True)
class CachesValue:
    """The object caches and zones of a machine, each with its slabs by address; some of them, where there are many."""

    caches: tuple[CacheValue, ...]

    def at(self, past: Past) -> CachesValue:
        """The caches as they were."""
        return CachesValue(tuple(cache.at(past) for cache in self.caches)) if past else self


# ---- owners of frames in the zeroed pool and the page cache ------------------------------------

ZEROED, CACHED = "zeroed pages", "cached: "
"""Owner of free frames that hold zeroes; and, before the name of whose page it holds, of a cached frame."""

POOLED = 0
"""What a free frame in the processor's pool has for an owner."""

Owner = str | int | None
"""Who has a frame; None: it is on the free lists."""


def state_of(owner: Owner) -> str:
    """The state of a frame of `owner`.

    >>> state_of("page tables"), state_of("cached: file data"), state_of(None)
    ('used', 'cached', 'free')
    """
    if owner is None:
        return "free"
    if not isinstance(owner, str):
        return "pooled"
    return "zeroed" if owner == ZEROED else "cached" if owner.startswith(CACHED) else "used"


def shown_owner(owner: Owner) -> str:
    """The owner of a frame as pictures show it: of a cached frame the page's, of a free one none.

    >>> shown_owner("cached: file data"), shown_owner("zeroed pages")
    ('file data', '')
    """
    return owner.removeprefix(CACHED) if isinstance(owner, str) and owner != ZEROED else ""
