"""Counts of the faults of page replacement policies on a trace, for each number of frames; no steps are kept.

A reference to the page that was referenced just before changes nothing, except that it may be a write: a run of such
references counts as one.  LRU and OPT are stack algorithms: a larger memory always contains the pages of a smaller one
(Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies", 1970).  So one pass finds for each
reference the least size for which it is a hit, its *distance*, and the faults with all sizes follow.  Other policies
are run once for each size. A dirty page counts as written when it is evicted; pages in memory at the end do not count.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush, heapreplace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.base.errors import Refused
from ..engine.memory.choices import Choose, asked
from ..engine.memory.replacement import ResidentPage
from .traces_schema import Counts, Window


class Absent:
    """A substitute for NumPy if it is not installed: all kinds of pictures must be listed even without NumPy."""

    def __getattr__(self, name: str) -> object:
        raise Refused("a trace needs NumPy, which is not installed: pip install numpy")


try:
    import numpy as np
except ModuleNotFoundError:
    np = Absent()  # type: ignore[assignment]  # any use of it says what is missing

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

NEVER = 1 << 62
"""The next use of a page that is not used later, and the distance of a first reference."""


class Runs(NamedTuple):
    """Runs of references to one page each: `pages` are numbers from 0 on, `writes` says whether a run has a write.

    `starts` are the references at which runs begin, and `names` the pages by their numbers.  Time is counted in
    references; there are `length` references.
    """

    pages: Numbers
    writes: npt.NDArray[np.bool_]
    starts: Numbers
    names: Numbers
    length: int


def runs_of(pages: Numbers, writes: npt.NDArray[np.bool_], tick: int = 0) -> Runs:
    """Return the runs of references to one page, each ending before the next tick.  O(n log n) for n.

    >>> runs = runs_of(np.array([7, 7, 9, 7]), np.array([False, True, False, False]))
    >>> runs.pages.tolist(), runs.writes.tolist(), runs.names.tolist()
    ([0, 1, 0], [True, False, False], [7, 9])
    """
    begins = np.ones(len(pages), bool)
    begins[1:] = pages[1:] != pages[:-1]
    if tick:
        begins[::tick] = True
    starts = np.flatnonzero(begins)
    names, numbers = numbered(pages[starts])
    return Runs(numbers, np.logical_or.reduceat(writes, starts), starts, names, len(pages))


_REGION, _REGIONS, _SLOTS = 20, 32, 1 << 16
"""The bits of a page's number within a region; the number of regions with tables (a program uses a few); and the slots
of the table in which a region's table is looked up.
"""

AT_ONCE = 1 << 16
"""The number of references that are numbered at once, so that intermediate arrays stay in the processor's cache."""


class Numbering:
    """A numbering of pages in their order, with a table for each used region of 4 GiB.  O(references).

    Pass pages to :meth:`places`, some at a time; after all of them, :meth:`finish` numbers them.
    """

    def __init__(self) -> None:
        self._regions: list[int] = []
        self._known = np.full(_REGIONS, -1, np.int64)
        self._slots = np.zeros(_SLOTS, np.int64)
        self._seen = np.zeros(_REGIONS << _REGION, bool)

    def places(self, pages: Numbers) -> npt.NDArray[np.int32] | None:
        """Return the places of pages in the tables; None if they are in too many regions."""
        of = pages >> _REGION
        slots = self._slots[_slot(of)]
        if not (self._known[slots] == of).all():
            if not all(self._knows(region) for region in set(of.tolist())):
                return None
            slots = self._slots[_slot(of)]
        found: npt.NDArray[np.int32] = (slots << _REGION | pages & ((1 << _REGION) - 1)).astype(np.int32)
        self._seen[found] = True
        return found

    def _knows(self, region: int) -> bool:
        """Return whether a region has a table, after adding one if there is room."""
        if region in self._regions:
            return True
        slot = _slot(region)
        has_room = len(self._regions) < _REGIONS and slot not in map(_slot, self._regions)
        if has_room:
            self._slots[slot] = len(self._regions)
            self._known[len(self._regions)] = region
            self._regions.append(region)
        return has_room

    def finish(self) -> tuple[Numbers, npt.NDArray[np.int32]]:
        """Return all pages in their order, and the number of each by its place."""
        there = np.flatnonzero(self._seen[: len(self._regions) << _REGION])
        names = self._known[there >> _REGION] << _REGION | there & ((1 << _REGION) - 1)
        order = np.argsort(names)
        table = np.zeros(len(self._regions) << _REGION, np.int32)
        table[there[order]] = np.arange(len(there), dtype=np.int32)
        return names[order], table


def _slot(region: Any) -> Any:
    """Return the slot of a region, or an array of slots; regions' numbers often begin or end alike."""
    return (region * 0x9E37_79B1 >> 16) % _SLOTS


def numbered(pages: Numbers) -> tuple[Numbers, Numbers]:
    """Return all pages in their order, and for each reference the number of its page among them.

    If all pages are in a few regions, this uses tables; otherwise, it sorts, in O(n log n).

    >>> [found.tolist() for found in numbered(np.array([7, 1 << 40, 7, 3]))]
    [[3, 7, 1099511627776], [1, 2, 1, 0]]
    """
    numbering, places = Numbering(), []
    for first in range(0, len(pages), AT_ONCE):
        found = numbering.places(pages[first : first + AT_ONCE])
        if found is None:
            names, numbers = np.unique(pages, return_inverse=True)
            return names.astype(np.int64), numbers.ravel().astype(np.int64)
        places.append(found)
    names, table = numbering.finish()
    return names, np.concatenate([table[one].astype(np.int64) for one in places])


def before_and_after(pages: Numbers) -> tuple[Numbers, Numbers]:
    """Return, for each reference, the previous reference to its page (-1 if none) and the next (NEVER if none)."""
    order = np.argsort(pages, kind="stable")
    same = pages[order][1:] == pages[order][:-1]
    before, after = np.full(len(pages), -1, np.int64), np.full(len(pages), NEVER, np.int64)
    before[order[1:][same]] = order[:-1][same]
    after[order[:-1][same]] = order[1:][same]
    return before, after


# ---- stack algorithms ------------------------------------------------------------------------------


def lru_distances(pages: Numbers) -> Numbers:
    """Return the frames that LRU needs for each reference to be a hit; NEVER for a first reference.  O(n log² n).

    This is the number of other pages since the previous reference to the page, plus one.  Each of these pages is
    counted once, at its first reference since then, whose own previous reference is further back.

    >>> lru_distances(np.array([1, 2, 3, 2, 1])).tolist()[3:]
    [2, 3]
    """
    before, _ = before_and_after(pages)
    found = _no_larger_before(before) - before
    found[before < 0] = NEVER
    return found


_SMALL = 64
"""The number of values in a block, within which every two values are compared."""


def _no_larger_before(values: Numbers) -> Numbers:
    """Return, for each value, the number of earlier values that are no larger, block by block.

    Each value is less than its position.
    """
    count, width = len(values), _SMALL
    size = max(_SMALL, 1 << (count - 1).bit_length())
    padded = np.full(size, count, np.int64)
    padded[:count] = values
    found = np.zeros(size, np.int64)
    earlier = np.tri(_SMALL, k=-1, dtype=bool)
    for first in range(0, size, _SMALL * 512):  # as many at once as fit into a cache
        blocks = padded[first : first + _SMALL * 512].reshape(-1, _SMALL)
        found[first : first + blocks.size] = ((blocks[:, None, :] <= blocks[:, :, None]) & earlier).sum(2).ravel()
    while width < size:
        left, right = np.sort(padded.reshape(-1, 2, width)[:, 0]), padded.reshape(-1, 2, width)[:, 1]
        rows = np.arange(len(left), dtype=np.int64)[:, None]
        places = np.searchsorted((left + rows * (count + 1)).ravel(), (right + rows * (count + 1)).ravel(), "right")
        found.reshape(-1, 2, width)[:, 1] += places.reshape(right.shape) - rows * width
        width *= 2
    return found[:count]


class TooDeep(Exception):
    """Raised if the stack of OPT is so deep that a pass over it takes longer than each size by itself."""


AS_ALONE = 700
"""The places of OPT's stack that are repaired in the time that a size by itself takes for a reference."""

_TOP = 24
"""The places at the top of OPT's stack that are looked at one by one: most pages are found there."""


def opt_distances(pages: Numbers, names: Numbers, most: int) -> tuple[Numbers, list[int]]:
    """Return the distances of OPT, and its stack at the end.

    Of two pages, the one used again sooner stays nearer the top; of pages not used again, the one with the lower
    number.  So each place keeps the sooner of its own page and the page carried down to it, and a stack of next uses
    is enough: the page that is referenced now is the one whose next use is now.  O(n × depth at which pages are found):
    some 2 µs a reference near the top; deeper, some 8 µs, and 4 ns more for each place.  Raises :class:`TooDeep` if a
    reference looks at more than `most` places on average.

    Mattson, Gecsei, Slutz, Traiger, *Evaluation techniques for storage hierarchies*, IBM Systems Journal 9 (1970).
    """
    before, after = before_and_after(pages)
    ranks = np.where(after < NEVER, after, NEVER + pages)
    found = np.full(len(pages), NEVER, np.int64)
    top: list[int] = []
    deep = np.zeros(len(names) + 1, np.int64)  # from place 1 on; place 0 is for the page that is carried down
    latest = np.zeros(len(names) + 1, np.int64)
    count, peak, left = 0, -1, most * (len(pages) + 1000)
    for at, (rank, is_known) in enumerate(zip(ranks.tolist(), (before >= 0).tolist(), strict=True)):
        if not top or top[0] == at:
            if top:
                found[at] = 1
            top[:1] = [rank]
            continue
        carried = rank
        for place, other in enumerate(top):
            if other == at:
                top[place] = carried
                found[at] = place + 1
                break
            if place == 0 or carried < other:
                top[place], carried = carried, other
        else:
            if len(top) < _TOP:
                top.append(carried)
                continue
            if is_known:
                place = int(deep[1 : count + 1].argmin())  # a next use that is now is the least
                found[at] = _TOP + place + 1
            else:
                place = count
                count += 1
                if carried > peak:  # it passes all others, as a page of an array that is read once
                    deep[count] = peak = carried
                    continue
            left -= place
            if left < 0:
                raise TooDeep
            peak = max(peak, carried)
            deep[0] = carried
            np.maximum.accumulate(deep[: place + 1], out=latest[: place + 1])
            np.minimum(latest[:place], deep[1 : place + 1], out=deep[1 : place + 1])
            deep[place + 1] = latest[place]
    stack = [*top, *deep[1 : count + 1].tolist()]
    return found, [rank - NEVER if rank >= NEVER else int(pages[rank]) for rank in stack]


def from_distances(runs: Runs, distances: Numbers, stack: Sequence[int], sizes: Sequence[int]) -> dict[int, Counts]:
    """Return the counts of a stack algorithm, from its distances and its stack at the end.

    A page evicted between two references is written if it was dirty.  This happens with sizes that are at least each
    distance since the write, but smaller than the next reference's distance.
    """
    most = len(runs.names)
    finite = np.minimum(distances, most + 1)
    hits = np.cumsum(np.bincount(finite, minlength=most + 2))
    change = [0] * (most + 3)
    since = [most + 1] * most  # by page: the largest distance since its last write; if there was none, above all sizes
    for page, distance, writes in zip(runs.pages.tolist(), finite.tolist(), runs.writes.tolist(), strict=True):
        low = since[page]
        if low < distance:  # evicted with sizes low to distance - 1, dirty
            change[low] += 1
            change[distance] -= 1
        if writes:
            since[page] = 1
        elif low < distance:
            since[page] = distance if distance <= most else most + 1
        # with smaller sizes, it was brought in clean; with larger ones, it is dirty as before
    for depth, page in enumerate(stack):
        if since[page] <= depth:
            change[since[page]] += 1
            change[depth + 1] -= 1
    written = np.cumsum(change)
    total = len(distances)
    return {size: Counts(total - int(hits[min(size, most)]), int(written[min(size, most)])) for size in sizes}


def lru_stack(runs: Runs) -> list[int]:
    """Return the pages in the order of their last reference, the latest first."""
    last = np.zeros(len(runs.names), np.int64)
    last[runs.pages] = np.arange(len(runs.pages))
    return [int(page) for page in np.argsort(-last)]


# ---- one size at a time ------------------------------------------------------------------------------


def nothing() -> None:
    """Do nothing at a tick: for all policies except aging and NRU."""


Come = Callable[[int], int]
"""A function that brings a page into memory, and returns the page it replaces, or -1 while there is a free frame."""


class Bits:
    """The reference bit and the dirty bit of each page, by its number."""

    def __init__(self, pages: int) -> None:
        self.used, self.dirty = bytearray(pages), bytearray(pages)
        self.settled = bytearray(2 * pages)
        """1 for an access that is a hit and changes no bit: a read of page n is at index 2n, and a write at 2n + 1."""

    def clear(self, page: int) -> None:
        """Clear the reference bit of a page."""
        self.used[page] = self.settled[2 * page] = self.settled[2 * page + 1] = 0

    def clear_all(self) -> None:
        """Clear all reference bits."""
        self.used[:] = bytes(len(self.used))
        self.settled[:] = bytes(len(self.settled))


Policy = Callable[[int, Bits], tuple[Come, Callable[[], None]]]
"""A policy: a function of the number of frames and the bits.

It returns the functions for a new page and for a tick.
"""


def _run(policy: Policy, epochs: Sequence[Sequence[int]], pages: int, size: int) -> Counts:
    """Run a policy: a page is brought in with its reference bit set, and clean unless the reference is a write.

    Most references are hits that change no bit, for which only one byte is read.
    """
    bits, inside = Bits(pages), bytearray(pages)
    used, dirty, settled = bits.used, bits.dirty, bits.settled
    come, ticked = policy(size, bits)
    faults = written = 0
    for number, epoch in enumerate(epochs):
        if number:
            ticked()
        for key in epoch:
            if settled[key]:
                continue
            page = key >> 1
            if not inside[page]:
                faults += 1
                gone = come(page)
                if gone >= 0:
                    written += dirty[gone]
                    inside[gone] = dirty[gone] = settled[2 * gone] = settled[2 * gone + 1] = 0
                inside[page] = 1
            used[page] = settled[2 * page] = 1
            if key & 1:
                dirty[page] = settled[key] = 1
    return Counts(faults, written)


def own_counts(
    choose: Choose, label: str, runs: Runs, sizes: Sequence[int], done: Callable[[], object] = nothing
) -> dict[int, Counts]:
    """Run a learner's policy.  At each eviction it gets all pages in memory: O(faults × frames)."""
    found = {}
    for size in sizes:
        found[size] = _own_run(asked(label, choose), runs, size)
        done()
    return found


def _own_run(ask: Callable[[list[ResidentPage]], int], runs: Runs, size: int) -> Counts:
    most = len(runs.names)
    used, dirty, names = [0] * most, bytearray(most), runs.names.tolist()
    inside: dict[int, ResidentPage] = {}  # in the order in which they came
    in_frame: list[int] = []
    faults = written = 0
    ends = [*(runs.starts[1:] - 1).tolist(), runs.length - 1]
    each = zip(runs.pages.tolist(), runs.writes.tolist(), runs.starts.tolist(), ends, strict=True)
    for page, writes, start, end in each:
        if page not in inside:
            faults += 1
            frame = len(in_frame)
            if frame < size:
                in_frame.append(page)
            else:
                for one, was in inside.items():
                    if was.used != used[one] or was.dirty != dirty[one]:
                        inside[one] = ResidentPage(was.frame, was.page, was.arrived, used[one], True, bool(dirty[one]))
                frame = ask(list(inside.values()))
                gone, in_frame[frame] = in_frame[frame], page
                written += dirty[gone]
                dirty[gone] = 0
                del inside[gone]
            inside[page] = ResidentPage(frame, names[page], start, start, True, False)
        used[page] = end
        dirty[page] |= writes
    return Counts(faults, written)


def _epochs(runs: Runs, tick: int) -> list[list[int]]:
    """Return the runs between two ticks: for each run, twice the page's number, plus one if it has a write."""
    begins = np.unique(np.searchsorted(runs.starts, np.arange(0, runs.length, tick))) if tick else np.zeros(1, int)
    keys = 2 * runs.pages + runs.writes
    return [keys[first:last].tolist() for first, last in pairwise([*begins.tolist(), len(keys)])]


def _fifo(size: int, bits: Bits) -> tuple[Come, Callable[[], None]]:
    there: deque[int] = deque()

    def come(page: int) -> int:
        there.append(page)
        return there.popleft() if len(there) > size else -1

    return come, nothing


def _clock(size: int, bits: Bits) -> tuple[Come, Callable[[], None]]:
    """Put the new page in the place of the evicted page; the hand moves past it."""
    ring: deque[int] = deque()  # the hand is at its left end
    used = bits.used

    def come(page: int) -> int:
        gone = -1
        if len(ring) == size:
            while used[ring[0]]:
                bits.clear(ring[0])
                ring.rotate(-1)
            gone = ring.popleft()
        ring.append(page)
        return gone

    return come, nothing


def _random(size: int, bits: Bits) -> tuple[Come, Callable[[], None]]:
    """Evict a random page, with the same seed for each size."""
    draw = random.Random(0).random
    there: list[int] = []

    def come(page: int) -> int:
        if len(there) < size:
            there.append(page)
            return -1
        place = int(draw() * size)
        gone, there[place] = there[place], page
        return gone

    return come, nothing


def _nru(size: int, bits: Bits) -> tuple[Come, Callable[[], None]]:
    """Evict, from the lowest class (not referenced since the tick, clean, …), the page that came first.

    Until the next tick, a page's class only rises: pages listed in too low a class are moved when they are found.
    """
    there: dict[int, int] = {}  # by page, when it came; in this order
    noted: list[tuple[int, int, int]] = []  # class, when it came, page
    used, dirty = bits.used, bits.dirty
    time = count()

    def come(page: int) -> int:
        gone = -1
        if len(there) == size:
            while (now := 2 * used[noted[0][2]] + dirty[noted[0][2]]) > noted[0][0]:
                heapreplace(noted, (now, *noted[0][1:]))
            gone = heappop(noted)[2]
            del there[gone]
        there[page] = next(time)
        heappush(noted, (2, there[page], page))
        return gone

    def ticked() -> None:
        bits.clear_all()
        noted[:] = [(0, came, page) for page, came in there.items()]

    return come, ticked


def _aging(size: int, bits: Bits) -> tuple[Come, Callable[[], None]]:
    """Evict the page with the lowest eight-bit counter; of equal counters, the page that came first.

    Counters change only at ticks, and a new page's counter is 0.
    """
    counters: dict[int, int] = {}  # in the order in which they came
    zero: deque[int] = deque()
    others: deque[int] = deque()
    used = bits.used

    def come(page: int) -> int:
        gone = -1
        if len(counters) == size:
            gone = zero.popleft() if zero else others.popleft()
            del counters[gone]
        counters[page] = 0
        zero.append(page)
        return gone

    def ticked() -> None:
        for one, counter in counters.items():
            counters[one] = counter >> 1 | used[one] << 7
        bits.clear_all()
        ordered = sorted(counters, key=counters.__getitem__)
        first = next((place for place, one in enumerate(ordered) if counters[one]), len(ordered))
        zero.clear()
        zero.extend(ordered[:first])
        others.clear()
        others.extend(ordered[first:])

    return come, ticked


def _optimal(runs: Runs, sizes: Sequence[int]) -> dict[int, Counts]:
    """Run OPT with each size by itself: each size sees only the faults of the next smaller size.

    At each eviction, the next uses of pages are looked up again if they have passed.
    """
    order = np.argsort(runs.pages, kind="stable")
    ends = np.cumsum(np.bincount(runs.pages, minlength=len(runs.names))).tolist()
    uses = order.tolist()
    wrote = np.concatenate(([0], np.cumsum(runs.writes[order]))).tolist()

    def next_use(page: int, at: int) -> int:
        first = ends[page - 1] if page else 0
        place = bisect_right(uses, at, first, ends[page])
        return uses[place] if place < ends[page] else NEVER + page

    def writes_between(page: int, first: int, last: int) -> bool:
        low = ends[page - 1] if page else 0
        return bool(
            wrote[bisect_right(uses, last, low, ends[page])] > wrote[bisect_right(uses, first - 1, low, ends[page])]
        )

    pages: list[int] = runs.pages.tolist()
    seen: Sequence[int] = range(len(pages))
    found = {}
    for size in sorted(sizes):
        came: dict[int, int] = {}
        key: dict[int, int] = {}
        soonest: list[tuple[int, int]] = []
        latest: list[tuple[int, int]] = []
        missed: list[int] = []
        written = 0
        for at in seen:
            page = pages[at]
            if page in came:
                continue
            missed.append(at)
            if len(came) == size:
                while soonest and soonest[0][0] < at:
                    use, one = heappop(soonest)
                    if key.get(one) == use:
                        key[one] = use = next_use(one, at)
                        heappush(soonest, (use, one))
                        heappush(latest, (-use, one))
                while key.get(latest[0][1]) != -latest[0][0]:
                    heappop(latest)
                _, gone = heappop(latest)
                written += writes_between(gone, came.pop(gone), at)
                del key[gone]
            came[page] = at
            key[page] = use = next_use(page, at)
            heappush(soonest, (use, page))
            heappush(latest, (-use, page))
        found[size] = Counts(len(missed), written)
        seen = missed
    return found


ONE_BY_ONE: dict[str, Policy] = {
    "fifo": _fifo,
    "clock": _clock,
    "aging": _aging,
    "nru": _nru,
    "random": _random,
}
"""The policies that are run for each size, by name."""

SAME = {"second chance": "clock"}
"""The policies that evict the same pages as another policy: second chance is the clock with its ring turned."""

COUNTED = ("fifo", "lru", "clock", "second chance", "opt", "aging", "nru", "random")


def counts_of(
    runs: Runs, policy: str, sizes: Sequence[int], tick: int = 0, done: Callable[[], object] = nothing
) -> dict[int, Counts]:
    """Return a policy's faults and written dirty pages for each size; `tick` is in references (0 for no ticks).

    `done` is called after each size.
    """
    if policy in ("lru", "opt"):
        found = _stack_counts(runs, policy, sizes)
        for _ in sizes:
            done()
        return found
    chosen, epochs = ONE_BY_ONE[SAME.get(policy, policy)], _epochs(runs, tick)
    most, found = len(runs.names), {}
    for size in sizes:
        found[size] = (
            Counts(most, 0) if size >= most else _one_frame(runs) if size == 1 else _run(chosen, epochs, most, size)
        )
        done()
    return found


def _stack_counts(runs: Runs, policy: str, sizes: Sequence[int]) -> dict[int, Counts]:
    if policy == "lru":
        return from_distances(runs, lru_distances(runs.pages), lru_stack(runs), sizes)
    try:
        distances, stack = opt_distances(runs.pages, runs.names, AS_ALONE * len(sizes))
    except TooDeep:
        return _optimal(runs, sizes)
    return from_distances(runs, distances, stack, sizes)


def _one_frame(runs: Runs) -> Counts:
    """Return the counts of any policy with one frame: each change of the page is a fault."""
    begins = np.flatnonzero(np.diff(runs.pages, prepend=-1))
    writes = np.logical_or.reduceat(runs.writes, begins)
    return Counts(len(begins), int(writes[:-1].sum()))


def spread(most: int, count: int = 24) -> tuple[int, ...]:
    """Return `count` sizes of memory from 1 to `most`, in about equal steps of their logarithm.

    >>> spread(6), spread(1000, 4)
    ((1, 2, 3, 4, 5, 6), (1, 10, 100, 1000))
    """
    if most <= count:
        return tuple(range(1, most + 1))
    return tuple(sorted({1, most, *(round(most ** (step / (count - 1))) for step in range(count))}))


# ---- a TLB, and several programs -----------------------------------------------------------------------


def tlb_misses(pages: Numbers, sets: int, ways: int, policy: str) -> int:
    """Return the misses of a TLB: the lowest bits of a page's number choose its set, in which the policy evicts.

    >>> [tlb_misses(np.array([0, 2, 4, 0]), sets, 4 // sets, "lru") for sets in (1, 2)]
    [3, 4]
    """
    of = pages % sets
    found = 0
    for number in range(sets) if policy != "lru" else ():
        own = pages[of == number]
        if len(own):
            found += counts_of(runs_of(own, np.zeros(len(own), bool)), policy, (ways,))[ways].faults
    if policy == "lru":  # other sets' pages are elsewhere in this order, and don't count
        runs = runs_of(pages[np.argsort(of, kind="stable")], np.zeros(len(pages), bool))
        found = int((lru_distances(runs.pages) > ways).sum())
    return found


# ---- the working set -----------------------------------------------------------------------------------


def windows_of(pages: Numbers, sizes: Sequence[int]) -> list[Window]:
    """Return Denning's working set for each window in references (Denning, 1968).  O(n) per window, after a sort.

    A reference faults if the page was not among the `size` references before it.
    """
    count = len(pages)
    _, after = before_and_after(pages)
    here = np.arange(count)
    until = np.minimum(after, count) - here
    gaps = np.sort(after[after < NEVER] - here[after < NEVER])
    found = []
    for size in sizes:
        faults = count - int(np.searchsorted(gaps, size, "right"))
        stays = np.minimum(until, size)
        change = np.bincount(here, minlength=count + 1) - np.bincount(here + stays, minlength=count + 1)
        found.append(Window(size, faults, float(stays.sum()) / count, int(np.cumsum(change).max())))
    return found
