"""A trace: the references of a program's run in arrays, and the results of page replacement policies on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, in_ascii, printable, shown
from ..engine.base.operations import exact, number_within
from ..engine.base.progress import Progress, usual
from ..engine.base.units import PAGE, Size, binary_size, counted
from ..engine.memory.choices import Choose
from . import counting
from .counting import COUNTED, SAME, before_and_after, counts_of, own_counts, runs_of, spread, tlb_misses, windows_of
from .density import Coded, Touched, coded, density
from .living import MOST_PLAYED, live
from .traces_schema import (
    Counts,
    FaultsValue,
    IntervalsValue,
    Listed,
    LocalityValue,
    NamedRange,
    PlayedTrace,
    TlbCounts,
    Window,
)

try:
    import numpy as np
except ModuleNotFoundError:
    np = counting.Absent()  # type: ignore[assignment]  # any use of it says what is missing

if TYPE_CHECKING:
    import numpy.typing as npt

MOST = 20_000_000
"""The most references of a trace."""

MOST_FRAMES = 1 << 32
"""The most frames of a memory for which faults are counted."""

READ, WRITE, FETCH = 0, 1, 2
"""The kinds of reference, as in `kinds`."""

WORKING_SET = "working set"

MOST_TLB, MOST_PROGRAMS, _SPACE = 1 << 16, 64, 56
"""The most entries of a TLB; the most programs that are interleaved; the bits of an interleaved program's addresses."""

TICKING = "aging", "nru"
"""The policies that read reference bits at ticks."""

MOST_POLICIES, MOST_SIZES = 64, 10_000
"""The most policies, and numbers of frames, that are counted at once."""

LONG_TRACE = 200_000
"""The number of references from which a count in a notebook shows a progress bar."""

DOES = "read", "write", "fetch"

MOST_LISTED = 240
"""The most references that are listed one by one."""

SMALLEST, LARGEST = 256, 2 << 20
"""The least and most bytes of a page."""


class Trace:
    """References in the order in which a program made them: the result of ``vm.trace(…)`` or of ``vm.load(…)``.

    `addresses` are in bytes, `kinds` are the kinds of reference (0 read, 1 write, 2 fetch), and `sizes` are numbers of
    bytes. All are NumPy arrays of the same length; a reference that crosses into another page counts for both. `unsaid`
    are sentences about skipped lines of a text, and `ranges` are named ranges (:meth:`named`).
    """

    __slots__ = ("__dict__",)  # it can't be referenced weakly, so a picture keeps it

    def __init__(
        self, addresses: Any, kinds: Any = None, sizes: Any = None, *, name: str = "", unsaid: Sequence[str] = ()
    ) -> None:
        self.addresses: npt.NDArray[np.uint64] = np.ascontiguousarray(addresses, np.uint64)
        self.kinds: npt.NDArray[np.uint8] = (
            np.zeros(len(self.addresses), np.uint8) if kinds is None else np.ascontiguousarray(kinds, np.uint8)
        )
        self.sizes: npt.NDArray[np.uint32] | None = None if sizes is None else np.ascontiguousarray(sizes, np.uint32)
        self.name, self.unsaid = name, tuple(unsaid)
        self.ranges: tuple[tuple[int, int, str], ...] = ()
        self._kept: dict[int, Coded] = {}
        self._takes_turns = False
        for array in (self.addresses, self.kinds, self.sizes):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.addresses)

    def pages(self, page: int | str = PAGE) -> tuple[counting.Numbers, npt.NDArray[np.bool_]]:
        """Return two arrays: the page number of each reference, and whether the reference writes.  O(references).

        A reference that crosses from one page into the next counts as two.

        >>> trace([4094], sizes=[4]).pages()[0].tolist()
        [0, 1]
        """
        touched = self._touched(_page(page))
        return touched.pages, touched.kinds == WRITE

    def _touched(self, page: int, part: slice = slice(None)) -> Touched:
        """Return the pages that the references of a part touch."""
        shift = np.uint64(page.bit_length() - 1)
        addresses, kinds = self.addresses[part], self.kinds[part]
        first = (addresses >> shift).view(np.int64)
        if self.sizes is None:
            return Touched(first, kinds, None)
        last = (last_bytes(addresses, self.sizes[part]) >> shift).view(np.int64)
        if (first == last).all():
            return Touched(first, kinds, None)
        each = last - first + 1
        begins = np.cumsum(each) - each
        pages = np.repeat(first, each) + np.arange(int(each.sum())) - np.repeat(begins, each)
        return Touched(pages, np.repeat(kinds, each), each)

    def coded(self, page: int = PAGE) -> Coded:
        """Return the references as numbers, cached for one page size at a time, since a picture is drawn many times."""
        if page not in self._kept:
            self._kept = {page: coded(partial(self._touched, page), len(self))}
        return self._kept[page]

    @cached_property
    def headline(self) -> str:
        """The number of references, and of their pages."""
        return f"{counted(len(self), 'reference')} to {counted(len(self.coded().names), 'page')} of {binary_size(PAGE)}"

    @cached_property
    def mix(self) -> str:
        """The numbers of reads, writes and fetches."""
        counts = [int(np.count_nonzero(self.kinds == kind)) for kind in range(3)]
        nouns = (("read", "reads"), ("write", "writes"), ("instruction fetch", "instruction fetches"))
        return ", ".join(counted(one, *noun) for one, noun in zip(counts, nouns, strict=True) if one)

    @in_ascii
    def __repr__(self) -> str:
        name = f"{printable(self.name)}: " * bool(self.name)
        return "\n".join((f"{name}{self.headline} ({self.mix})", *self.unsaid))

    def part(self, first: int, last: int | None = None) -> Trace:
        """Return the references from number `first` to before number `last` as a trace.

        >>> trace([0, 4096, 8192]).part(1)
        2 references to 2 pages of 4 KiB (2 reads)
        """
        begin = number_within(first, "first", 0, len(self))
        chosen = slice(begin, len(self) if last is None else number_within(last, "last", 0, len(self)))
        if not len(self.addresses[chosen]):
            raise Refused("there is no reference in this part")
        return self._chosen(chosen)

    def faults(
        self,
        policies: str | Choose | Iterable[str | Choose] = ("fifo", "lru", "clock", "opt"),
        frames: int | Iterable[int] | None = None,
        *,
        page: int | str = PAGE,
        tick: int = 0,
        local: bool = False,
        progress: Progress | None = None,
    ) -> FaultsValue:
        """Count the faults, and the dirty pages written, of policies with several numbers of frames.

        `frames` are numbers; by default 24 are spread from 1 to the number of pages.  `policies` are fifo, lru, clock,
        second chance, opt, aging, nru or random.  Aging and NRU read reference bits every `tick` references. The clock
        brings in a page with its reference bit set.  A dirty page counts as written when it is evicted: pages in memory
        at the end are not counted.  A policy can also be a function, or a class from which an object is created for
        each number of frames and called, as for ``vm.reference_string``.  It is called at each fault with all pages in
        memory, and returns the page to evict.

        If programs are interleaved (:meth:`interleaved`), they share all frames; with `local`, each program has an
        equal part of the frames, and evicts only its own pages; then there must be at least one frame for each program.

        A long count in a notebook shows a bar; `progress`, which is called with the finished and the total work,
        replaces it.  "working set" is Denning's, for several lengths of the window: it has a mean size instead of a
        number of frames.  LRU and OPT are counted for all sizes in one pass.  A million references take a few seconds;
        with OPT, ten if they are to thousands of pages without locality, and at most 6 s for each number of frames.
        Raises :class:`Refused` for an unknown policy or an impossible number of frames, and :class:`CallbackFailed` if
        a function raises, or returns anything but a page in memory.

        >>> two = trace([0, 4096, 0, 8192, 0]).faults(("lru", "fifo"), (1, 2))
        >>> two
        5 references to 3 pages of 4 KiB
        faults by number of frames:
        frames   lru   fifo
             1     5      5
             2     3      4
        """
        chosen = _policies(policies)
        size = _page(page)
        pages, writes = self.pages(size)
        tick = number_within(tick, "tick", 0, MOST)
        if any(name in TICKING and policy is None for name, policy in chosen.items()) and not tick:
            raise Refused("aging and nru look at reference bits at ticks: write tick=10_000, say, in references")
        if local:
            return self._local(chosen, frames, size, tick, progress)
        runs, ticking = runs_of(pages, writes), None
        sizes = spread(len(runs.names)) if frames is None else _sizes(frames)
        found: dict[str, dict[int, Counts]] = {}
        windows: tuple[Window, ...] = ()
        done = _steps(progress, len(pages), len(chosen) * len(sizes))
        for name, policy in chosen.items():
            if name == WORKING_SET and policy is None:
                windows = tuple(windows_of(pages, spread(len(pages))))
            elif policy is not None:
                found[name] = own_counts(policy, name, runs, sizes, done)
            elif SAME.get(name) in found and chosen[SAME[name]] is None:
                found[name] = found[SAME[name]]
            elif name in TICKING:
                ticking = ticking or runs_of(pages, writes, tick)
                found[name] = counts_of(ticking, name, sizes, tick, done)
            else:
                found[name] = counts_of(runs, name, sizes, done=done)
        own = tuple(name for name, policy in chosen.items() if policy is not None)
        return FaultsValue(self.name, len(pages), len(runs.names), size, sizes, found, windows, tick, own)

    def intervals(self, *, page: int | str = PAGE) -> IntervalsValue:
        """Count the references until a page is referenced again, by powers of two.

        Short times mean locality: a working set has few faults if its window is as long as most of these times.

        >>> trace([0, 0, 4096, 0]).intervals()
        references from one use of a page of 4 KiB to the next:
                               1             1
                          2 to 3             1
                 first reference             2
        """
        size = _page(page)
        pages, _ = self.pages(size)
        before, _ = before_and_after(pages)
        times = (np.arange(len(pages)) - before)[before >= 0]
        counts = np.bincount(np.frexp(times)[1] - 1).tolist() if len(times) else []
        return IntervalsValue(self.name, size, int((before < 0).sum()), tuple(counts))

    def tlb(
        self, entries: int = 64, ways: int | None = None, policy: str = "lru", *, page: int | str = PAGE
    ) -> TlbCounts:
        """Count the hits and the misses of a TLB in front of the page tables.

        Its entries are in sets of `ways` entries; by default, all entries are in one set.  The lowest bits of a page's
        number choose its set, in which `policy` (lru, fifo, clock, random, opt) evicts.  O(n log² n) for LRU.

        >>> recorded = trace([4096 * page for page in (0, 2, 4, 0)])
        >>> recorded.tlb(4), recorded.tlb(4, ways=2).misses
        (TlbCounts(entries=4, ways=4, policy='lru', hits=1, misses=3), 4)
        """
        size = number_within(entries, "entries", 1, MOST_TLB)
        each = size if ways is None else number_within(ways, "ways", 1, size)
        if size % each:
            raise Refused(f"ways={each:,}: {size:,} entries can't be divided into sets of so many")
        name = str(policy).lower()
        if name not in COUNTED or name in TICKING:
            known = ", ".join(one for one in COUNTED if one not in TICKING)
            raise Refused(f"policy={shown(policy)}: write one of {known}")
        pages, _ = self.pages(page)
        misses = tlb_misses(pages, size // each, each, name)
        return TlbCounts(size, each, name, len(pages) - misses, misses)

    def interleaved(self, *others: Trace, quantum: int = 10_000) -> Trace:
        """Return the references of several programs that take turns, each for `quantum` references.

        The programs share no addresses: program number n has its addresses from n × 2⁵⁶ on, in ranges with its name.
        So :meth:`faults` counts the faults of one memory for all programs, with global replacement; with
        ``local=True``, each program has its part. After a program has ended, the remaining programs take turns.

        >>> both = trace([0, 0, 4096]).interleaved(trace([0, 4096]), quantum=2)
        >>> [f"{address:#x}" for address in both.addresses.tolist()]
        ['0x0', '0x0', '0x100000000000000', '0x100000000001000', '0x1000']
        """
        programs = (self, *others)
        turn = number_within(quantum, "quantum", 1, MOST)
        if not others or not all(isinstance(one, Trace) for one in others) or len(programs) > MOST_PROGRAMS:
            raise Refused(f"others={shown(others)}: pass from 1 to {MOST_PROGRAMS - 1} other traces")
        if sum(map(len, programs)) > MOST:
            raise Refused(f"a trace has at most {MOST:,} references: interleave parts")
        which = np.concatenate([np.full(len(one), number) for number, one in enumerate(programs)])
        place = np.concatenate([np.arange(len(one)) for one in programs])
        order = np.lexsort((place, which, place // turn))
        addresses = np.concatenate([one.addresses for one in programs])
        kinds = np.concatenate([one.kinds for one in programs])
        sizes = np.concatenate([np.ones(len(one), np.uint32) if one.sizes is None else one.sizes for one in programs])
        names = [one.name or f"program {number + 1}" for number, one in enumerate(programs)]
        found = type(self)(addresses[order], kinds[order], sizes[order], name=" and ".join(names))
        return of_programs(found, which[order], names)

    def named(self, ranges: Any) -> Trace:
        """Return the same trace with names of ranges; pictures show them next to the ranges' pages.

        `ranges` are the result of ``vm.load_maps`` for a text of /proc/PID/maps, or a dictionary of names, each with a
        first address and a size in bytes.

        >>> trace([0x1000, 0x9000]).named({"A": (0x1000, 0x1000)}).locality().rows[0].name
        'A'
        """
        found = type(self)(self.addresses, self.kinds, self.sizes, name=self.name, unsaid=self.unsaid)
        found.ranges, found._takes_turns, found._kept = _ranges(ranges), self._takes_turns, self._kept
        return found

    def locality(
        self,
        parts: int = 120,
        rows: int = 24,
        *,
        page: int | str = PAGE,
        first: int = 0,
        last: int | None = None,
        low: int = 0,
        high: int = 1 << 64,
    ) -> LocalityValue:
        """Count the program's references by place and time, in `parts` of its time and at most `rows` rows of pages.

        The references are those from number `first` to before `last`, with addresses from `low` to before `high`. Named
        ranges, and pages that are far apart, have separate rows as long as there are enough rows. O(references).

        >>> [row.cells for row in trace([0, 4096, 0, 1 << 30]).locality(2, 9).rows]
        [((1, 0, 0), (1, 0, 0)), ((1, 0, 0), (0, 0, 0)), ((0, 0, 0), (1, 0, 0))]
        """
        size = _page(page)
        parts, rows = number_within(parts, "parts", 1, MOST), number_within(rows, "rows", 1, MOST)
        low, high = number_within(low, "low", 0, 1 << 64), number_within(high, "high", 0, 1 << 64)
        end = len(self) if last is None else last
        chosen = self.part(first, end)
        named = [NamedRange(start // size, (past - 1) // size, name) for start, past, name in self.ranges]
        begin, stop = low // size, -(-high // size)
        found = density(self.coded(size), first, end, parts, rows, (begin, stop), named)
        # A reference to two pages is in the rows of both, but is listed as one reference.
        there = chosen if (low, high) == (0, 1 << 64) else chosen._to(begin * size, stop * size - 1)
        listed = (
            tuple(
                Listed(first + number, address, DOES[kind])
                for number, (address, kind) in enumerate(
                    zip(chosen.addresses.tolist(), chosen.kinds.tolist(), strict=True)
                )
                if low <= address < high
            )
            if len(chosen) <= MOST_LISTED
            else ()
        )
        is_part = len(chosen) < len(self) or low > 0 or high < 1 << 64
        return LocalityValue(
            self.name, len(there), found.pages, found.hot, size, found.rows, found.sets, there.mix, first, end, is_part,
            listed,
        )  # fmt: skip  # its parts

    def working_set(self, windows: int | Iterable[int] | None = None, *, page: int | str = PAGE) -> list[Window]:
        """Return the faults of Denning's working set for each window in references, its mean and its largest size.

        >>> [one.faults for one in trace([0, 4096, 0, 8192, 4096]).working_set((1, 2, 3))]
        [5, 4, 3]
        """
        sizes = spread(len(self)) if windows is None else _sizes(windows, "windows", "references")
        return windows_of(self.pages(page)[0], sizes)

    def _local(
        self, chosen: dict[str, Choose | None], frames: Any, size: int, tick: int, progress: Progress | None
    ) -> FaultsValue:
        """Return the counts of each program alone, with its part of the frames; leftover frames go to the first."""
        if WORKING_SET in chosen and chosen[WORKING_SET] is None:
            raise Refused(f"local=True divides the frames, and the {WORKING_SET} has none: count other policies")
        which = (self.addresses >> np.uint64(_SPACE)).astype(np.int64)
        programs = [self._chosen(which == number) for number in np.unique(which)] if self._takes_turns else []
        if len(programs) < 2:
            raise Refused("local=True is for several programs: write a.interleaved(b).faults(…, local=True)")
        policies = [name if policy is None else policy for name, policy in chosen.items()]
        pages = sum(len(np.unique(one.pages(size)[0])) for one in programs)
        least = len(programs)
        sizes = tuple(one for one in spread(pages) if one >= least) if frames is None else _sizes(frames)
        if sizes[0] < least:
            raise Refused(
                f"frames={sizes[0]}: with local=True each of the {least} programs needs a frame: begin at {least}"
            )
        shares = [
            [one // len(programs) + (number < one % len(programs)) for one in sizes] for number in range(len(programs))
        ]
        each = [
            one.faults(policies, own, page=size, tick=tick, progress=progress)
            for one, own in zip(programs, shares, strict=True)
        ]
        counts = {
            policy: {
                one: Counts(
                    sum(found.faults(policy, own[at]) for found, own in zip(each, shares, strict=True)),
                    sum(found.written(policy, own[at]) for found, own in zip(each, shares, strict=True)),
                )
                for at, one in enumerate(sizes)
            }
            for policy in each[0].policies
        }
        references = sum(one.references for one in each)
        return FaultsValue(self.name, references, pages, size, sizes, counts, (), tick, each[0].own)

    def _to(self, low: int, high: int) -> Trace:
        """The references that touch bytes from `low` to `high`, inclusive."""
        starts_below = self.addresses <= np.uint64(high)
        return self._chosen(starts_below & (last_bytes(self.addresses, self.sizes) >= np.uint64(low)))

    def _chosen(self, which: slice | npt.NDArray[np.bool_]) -> Trace:
        sizes = None if self.sizes is None else self.sizes[which]
        found = type(self)(self.addresses[which], self.kinds[which], sizes, name=self.name)
        found.ranges, found._takes_turns = self.ranges, self._takes_turns
        return found

    def play(
        self,
        machine: Any,
        task: Any = "program",
        frames: int = 64,
        *,
        policy: Any = "clock",
        references: int = 1_000,
        tick: int = 0,
    ) -> PlayedTrace:
        """Make the first references in a task of a machine, with this number of frames for the task.

        All accesses use page tables, TLB and the policy's ring, so the machine's pictures and its slider show each
        step.  The faults, and the dirty pages written, equal those of :meth:`faults`.  `task` is the name of a new
        task, or a task without entries.  `policy` is an argument for ``m.replacement``; OPT gets the references.  With
        `tick`, the machine's clock ticks after every `tick` references.  A write writes one byte, a fetch reads.

        Raises :class:`Refused` for addresses that the task does not have.  About 150 µs per reference.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64", layout="small")
        >>> trace([0x1000, 0x2000, 0x3000, 0x1000]).play(m, frames=2, policy="fifo")
        fifo with 2 frames: 4 faults of 4 references, 0 dirty pages written
        """
        chosen = self.part(0, min(number_within(references, "references", 1, MOST_PLAYED), len(self)))
        room, every = number_within(frames, "frames", 1, MOST_PLAYED), number_within(tick, "tick", 0, MOST)
        return live(chosen, machine, task, room, policy, every)


def _ranges(given: Any) -> tuple[tuple[int, int, str], ...]:
    """Return the named ranges, in bytes, from a loaded map or a dictionary."""
    if isinstance(given, Mapping):
        pairs = {str(name): pair for name, pair in given.items()}
        for name, pair in pairs.items():
            numbers = tuple(map(exact, pair)) if isinstance(pair, tuple) else ()
            if len(numbers) != 2 or not all(type(one) is int and one >= 0 for one in numbers):
                raise Refused(f"the range {shown(name)}: write its first address and its size, such as (0x1000, 4096)")
            pairs[name] = numbers
        return tuple((start, start + size, name) for name, (start, size) in pairs.items() if size)
    if not hasattr(given, "ranges"):
        raise Refused(
            f"ranges={shown(given)} is {a_kind(given)}: pass what vm.load_maps gives, or a dictionary of names"
        )
    return tuple((one.start, one.end, one.path.rpartition("/")[2]) for one in given.ranges if one.path)


@says_what_it_takes
def trace(addresses: Any, writes: Any = None, *, sizes: Any = None, name: str = "") -> Trace:
    """Make a trace from addresses in bytes: a NumPy array, a list, or any iterable of numbers.

    `writes` says whether each reference is a write (by default, all are reads), and `sizes` how many bytes each
    touches.  Raises :class:`Refused` for anything that is not a 64-bit address, and unless there are 1 to 20,000,000
    references.

    >>> trace([0x1000, 0x1008, 0x2000], [False, True, False])
    3 references to 2 pages of 4 KiB (2 reads, 1 write)
    """
    given = _numbers(addresses, "addresses", 1 << 64)
    if not len(given):
        raise Refused("there are no references")
    kinds = None if writes is None else _numbers(writes, "writes", 2)
    touched = None if sizes is None else _numbers(sizes, "sizes", 1 << 20)
    for what, array in (("writes", kinds), ("sizes", touched)):
        if array is not None and len(array) != len(given):
            raise Refused(f"{what} are {len(array):,}, and there are {len(given):,} references: give one for each")
    if touched is not None and (wrong := np.flatnonzero(last_bytes(given, touched) < given)).size:
        place = int(wrong[0])
        raise Refused(f"reference {place:,}, of {touched[place]} bytes at {given[place]:#x}, goes past 64 bits")
    return ready(Trace(given, kinds, touched, name=str(name)))


def of_programs(found: Trace, which: Any, names: Sequence[str]) -> Trace:
    """Move the addresses of a new trace's program number n to n × 2⁵⁶, into ranges with the programs' names.

    `which` has the number of each reference's program.  Raises :class:`Refused` for an address of more than 56 bits,
    and for more than 64 programs.
    """
    if len(names) > MOST_PROGRAMS:
        raise Refused(f"there are {len(names):,} programs: at most {MOST_PROGRAMS} are kept apart")
    if int(last_bytes(found.addresses, found.sizes).max()) >> _SPACE:
        raise Refused(f"an address has more than {_SPACE} bits: such addresses don't say of which program they are")
    found.addresses.setflags(write=True)  # in place: a trace may have millions of references
    each = np.asarray(which)
    for number in range(1, len(names)):
        np.add(found.addresses, np.uint64(number << _SPACE), out=found.addresses, where=each == number)
    found.addresses.setflags(write=False)
    found.ranges = tuple((number << _SPACE, number + 1 << _SPACE, name) for number, name in enumerate(names))
    found._takes_turns = True
    return ready(found)


def ready(found: Trace) -> Trace:
    """Number the pages of a long trace when it is created, so that its first picture is as fast as any other."""
    if len(found) >= LONG_TRACE:
        found.coded()
    return found


def _numbers(given: Any, name: str, limit: int) -> npt.NDArray[np.uint64]:
    try:
        listed: Any = given if isinstance(given, np.ndarray) else list(islice(iter(given), MOST + 1))
    except TypeError:
        raise Refused(f"{name}={shown(given)} is {a_kind(given)}: write numbers, one for each reference") from None
    is_array = isinstance(listed, np.ndarray)
    if is_array and listed.ndim != 1:
        raise Refused(f"{name} are an array of {counted(listed.ndim, 'dimension')}: write one, a number a reference")
    if len(listed) > MOST:
        raise Refused(f"a trace has at most {MOST:,} references: count it in parts")
    if is_array and listed.dtype.kind not in "buiO":
        raise Refused(f"{name} are of NumPy's type {listed.dtype}: write whole numbers")
    is_right = is_array and listed.dtype.kind != "O" and len(listed) and listed.min() >= 0 and int(listed.max()) < limit
    for place, one in enumerate(() if is_right else listed.tolist() if is_array else listed):
        if not isinstance(one, (int, np.integer)) or not 0 <= one < limit:
            raise Refused(f"{name}, number {place:,}, {shown(one)}: write a number from 0 to {limit - 1:#x}")
    return np.array(listed, np.uint64)


def last_bytes(addresses: npt.NDArray[np.uint64], sizes: npt.NDArray[Any] | None) -> npt.NDArray[np.uint64]:
    """Return the address of the last byte that each reference touches."""
    return addresses if sizes is None else addresses + np.maximum(sizes, 1).astype(np.uint64) - np.uint64(1)


def _page(page: object) -> int:
    try:
        size = int(Size(page))  # type: ignore[arg-type]  # it refuses anything else
    except Refused:
        size = 0
    if not SMALLEST <= size <= LARGEST or size & (size - 1):
        raise Refused(f"page={shown(page)}: write a power of two from 256 bytes to 2 MiB, such as '4 KiB'")
    return size


def _several(given: Any, most: int) -> list[Any]:
    """Return the given items as a list, at most one more than `most`; a single value becomes a list of one."""
    try:
        return [given] if isinstance(given, str) or callable(given) else list(islice(iter(given), most + 1))
    except TypeError:
        return [given]


def _policies(policies: object) -> dict[str, Choose | None]:
    """Return the policies by name: a function, or None for a known policy."""
    chosen: dict[str, Choose | None] = {}
    several = _several(policies, MOST_POLICIES)
    if len(several) > MOST_POLICIES:
        raise Refused(f"policies: at most {MOST_POLICIES} are counted at once")
    for one in several:
        name = one.lower() if isinstance(one, str) else str(getattr(one, "__name__", None) or type(one).__name__)
        if not callable(one) and name not in (*COUNTED, WORKING_SET):
            raise Refused(f"policy={shown(one)}: write one of {', '.join(COUNTED)}, {WORKING_SET}, or a function")
        if (name in chosen and callable(one)) or chosen.get(name) is not None:
            raise Refused(f"two policies are called {shown(name)}: give each function a name of its own")
        chosen[name] = one if callable(one) else None
    if chosen == {WORKING_SET: None}:
        raise Refused(
            "the working set has windows, not frames: count another policy beside it, or call t.working_set()"
        )
    if not chosen:
        raise Refused(f"policies: write at least one of {', '.join(COUNTED)}, or a function")
    return chosen


def _steps(progress: Progress | None, references: int, total: int) -> Callable[[], object]:
    """Return a function to call after each number of frames of each policy; it reports the finished references."""
    tell = progress if progress is not None else usual() if references >= LONG_TRACE else None
    steps = count(1)
    return lambda: tell and tell(min(next(steps), total) * references, total * references)


def _sizes(given: object, name: str = "frames", noun: str = "frames") -> tuple[int, ...]:
    several = [exact(one) for one in _several(given, MOST_SIZES)]
    if len(several) > MOST_SIZES:
        raise Refused(f"{name}: at most {MOST_SIZES:,} are counted at once")
    for one in several:
        if type(one) is not int or not 1 <= one <= MOST_FRAMES:
            raise Refused(f"{name}={shown(one)}: write a number of {noun}, from 1 on")
    if not several:
        raise Refused(f"{name}: write a number of {noun}, or several")
    return tuple(sorted(set(several)))
