"""A string of references on paper: any page replacement policy, on pages known only by their numbers."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import counted
from ..engine.memory.choices import Choose, asked
from ..engine.memory.page import Page
from ..engine.memory.replacement import POLICIES, Clock, Own, Pages, Policy, Replacement
from .references_schema import PageName, PageReference, PolicyRun, ReferencesValue

MOST_REFERENCES, MOST_FRAMES, MOST_STEPS = 10_000, 64, 100_000
"""The limits of a string, of a run, and of all runs together."""

MOST_CELLS = 2_000_000
"""The most frames of all steps together: each step contains the state of all frames after it."""

MOST_PAGES = 1 << 52
"""The number of pages in addresses of 64 bits."""

TICK = "|"
"""The sign for a tick of the clock in a string."""

_TOKEN = re.compile(r"([0-9]{1,16}|[A-Za-z])(w?)", re.ASCII)


@says_what_it_takes
def reference_string(
    references: str | Iterable[int | str],
    frames: int | Iterable[int] = 3,
    policies: str | Replacement | Choose | Iterable[str | Replacement | Choose] = ("fifo", "lru", "opt", "clock"),
) -> ReferencesValue:
    """Run a reference string through page replacement policies, and compare their faults.

    `references` are numbers or letters, in a string or in a list; ``3w`` writes page 3.  ``|`` is a tick of the clock,
    at which policies with aging look at reference bits: ``"1 2 | 1 |"``.  `frames` is the size of memory, or several
    sizes.  A policy is a name (fifo, lru, second chance, clock, aging, nru, working set, opt), a
    ``vm.Replacement("working set", window=4)``, or a function.  The function gets a list of the pages in memory, each
    with `page`, `frame`, `arrived`, `used`, `referenced` and `dirty`.  It returns the page to evict.  If you pass a
    class, an object is created for each run, and called: it can keep data.  OPT knows the whole string.  A page that is
    brought in has its reference bit set.  If the references are letters, a function gets their codes (``ord``).

    Raises :class:`Refused` for an invalid string, size or policy.  All runs together may have at most 100,000
    references, and at most 2,000,000 frames (one for each reference).  Raises :class:`CallbackFailed` if a function
    raises, or returns something that is not a page in memory.

    >>> found = reference_string("1 2 3 4 1 2 5 1 2 3 4 5", frames=(3, 4), policies=("fifo", "lru"))
    >>> found
    12 references to 5 pages
    faults    3 frames    4 frames
    fifo             9          10
    lru             10           8
    Belady's anomaly: fifo has 9 faults with 3 frames, and 10 with 4.
    >>> found.faults("lru", 4)
    8
    """
    string = _string(references)
    sizes = _sizes(frames)
    chosen = _policies(policies)
    if len(string) * len(sizes) * len(chosen) > MOST_STEPS:
        raise Refused(
            f"{counted(len(string), 'reference')} for {counted(len(chosen), 'policy')} and "
            f"{counted(len(sizes), 'size')} of memory are more than {MOST_STEPS:,} steps: compare fewer at once"
        )
    if len(string) * sum(sizes) * len(chosen) > MOST_CELLS:
        raise Refused(
            f"{counted(len(string), 'reference')} for {counted(len(chosen), 'policy')} and {sum(sizes)} frames are "
            f"more than {MOST_CELLS:,} places in a grid: compare fewer at once, or with fewer frames"
        )
    future = tuple(one.number for one in string)
    runs = []
    for label, policy in chosen.items():
        for size in sizes:
            ring = _Paper(_made(label, policy, future), size)
            steps = tuple(ring.steps(string))
            runs.append(PolicyRun(label, size, steps, ring.policy.uses_bits))
    return ReferencesValue(tuple(one.page for one in string), tuple(runs))


# ---- the string and the policies --------------------------------------------------------------------


@frozen
class _Wanted:
    """One reference of the string: `number` stands for its page in policies."""

    page: PageName
    write: bool
    ticks: int = 0
    """The time on the machine's clock after this reference."""

    @property
    def number(self) -> int:
        return self.page if isinstance(self.page, int) else ord(self.page)


def _string(references: object) -> list[_Wanted]:
    if isinstance(references, (bytes, bytearray)):
        raise Refused(f"references={shown(references)}: pass a string, not bytes")
    if isinstance(references, str):
        references = references.replace(",", " ").replace(TICK, f" {TICK} ").split()
    try:
        items = iter(references)  # type: ignore[call-overload]  # what it is not, it says itself
    except TypeError:
        raise Refused(f"references={shown(references)} is {a_kind(references)}: write pages, such as '7 0 1'") from None
    given = list(islice(items, MOST_REFERENCES + 1))
    if not given:
        raise Refused("there are no references: write pages, such as '7 0 1'")
    if len(given) > MOST_REFERENCES:
        raise Refused(f"a string has at most {MOST_REFERENCES:,} references")
    string: list[_Wanted] = []
    for item in given:
        if not isinstance(item, str) or item != TICK:
            string.append(_wanted(item, len(string)))
        elif string:
            string[-1] = replace(string[-1], ticks=string[-1].ticks + 1)
        else:
            raise Refused(f"the string begins with a tick of the clock, {TICK!r}: write a reference before it")
    if len({type(one.page) for one in string}) > 1:
        raise Refused("the string mixes numbers and letters: name all pages with the one or the other")
    return string


def _wanted(item: object, place: int) -> _Wanted:
    """Return the reference for an item of the string."""
    match = _TOKEN.fullmatch(item) if isinstance(item, str) else None
    if match is not None:
        page: PageName = int(match[1]) if match[1].isdigit() else match[1]
        write = bool(match[2])
    else:
        page, write = -1 if isinstance(item, (str, bool)) else _index(item), False
    if isinstance(page, int) and not 0 <= page < MOST_PAGES:
        raise Refused(
            f"reference {place + 1}, {shown(item)}, is not a page: write numbers or letters, and 3w to write page 3"
        )
    return _Wanted(page, write)


def _index(item: object) -> int:
    """Return an item as a whole number, NumPy's too; -1 for anything else."""
    try:
        return operator.index(item)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        return -1


def _sizes(frames: object) -> tuple[int, ...]:
    several: list[Any] = list(islice(frames, MOST_FRAMES + 1)) if isinstance(frames, Iterable) else [frames]
    for size in several:
        if type(size) is not int or not 1 <= size <= MOST_FRAMES:
            raise Refused(
                f"frames={shown(size)}: a memory has from 1 to {MOST_FRAMES} frames; for larger ones, write"
                " vm.trace(addresses).faults(frames=…, page=…)"
            )
    sizes = tuple(dict.fromkeys(several))
    if not sizes:
        raise Refused("frames: write a number, such as 3, or several, such as (3, 4)")
    return sizes


def _policies(policies: object) -> dict[str, Replacement | Choose]:
    """Return the policies by name."""
    is_one = isinstance(policies, (str, Replacement)) or callable(policies)
    given = [policies] if is_one or not isinstance(policies, Iterable) else list(islice(policies, MOST_STEPS))
    chosen: dict[str, Replacement | Choose] = {}
    for policy in given:
        label, made = _policy(policy)
        if label in chosen:
            raise Refused(f"two policies are called {shown(label)}: give each function a name of its own")
        chosen[label] = made
    if not chosen:
        raise Refused(f"policies: write at least one of {', '.join(POLICIES)}, or a function")
    return chosen


def _policy(policy: object) -> tuple[str, Replacement | Choose]:
    if isinstance(policy, str) and policy.lower() == "opt":
        return "opt", Replacement("opt", future=(0,))  # later, it gets the whole string
    if isinstance(policy, str):
        policy = Replacement(policy)
    if isinstance(policy, Replacement):
        window = f" of {policy.window}" if policy.policy == "working set" else ""
        return f"{policy.policy}{window}", policy
    if callable(policy):
        return str(getattr(policy, "__name__", None) or type(policy).__name__), policy
    raise Refused(f"policy={shown(policy)}: write one of {', '.join(POLICIES)}, or a function")


def _made(label: str, policy: Replacement | Choose, future: tuple[int, ...]) -> Policy:
    if not isinstance(policy, Replacement):
        return Own(asked(label, policy))
    return (replace(policy, future=future) if policy.policy == "opt" else policy).make()


# ---- frames on paper -------------------------------------------------------------------------------


class _Paper(Pages):
    """Frames with their pages and bits; the lowest free frame is used first."""

    def __init__(self, policy: Policy, size: int) -> None:
        self.policy = policy
        self._pages: list[PageName | None] = [None] * size
        self._inside: dict[PageName, Page[PageName]] = {}
        self._referenced: set[int] = set()
        self._dirty: set[int] = set()
        self._kept: tuple[tuple[PageName | None, ...], frozenset[int], frozenset[int]] = ((), frozenset(), frozenset())

    def referenced(self, page: Page[PageName]) -> bool:
        return page.frame in self._referenced

    def clear_referenced(self, page: Page[PageName]) -> None:
        self._referenced.discard(page.frame)

    def dirty(self, page: Page[PageName]) -> bool:
        return page.frame in self._dirty

    def steps(self, string: Iterable[_Wanted]) -> Iterator[PageReference]:
        """Make the references one after the other."""
        has_hand = isinstance(self.policy, Clock)
        for one in string:
            page = self._inside.get(one.page)
            fault, victim = page is None, None
            if page is None:
                if len(self._inside) == len(self._pages):
                    victim = self._leave(next(self.policy.candidates(self)))
                page = self._enter(one)
            self._referenced.add(page.frame)
            if one.write:
                self._dirty.add(page.frame)
            self.policy.touched(page, one.number)
            expired = tuple(self._leave(other) for other in self.policy.expired(self))
            hand = self.policy.hand if has_hand else None
            if one.ticks:
                self.policy.ticked(self, one.ticks)
            counters = self._counters() if self.policy.ages else ()
            yield PageReference(
                one.page, one.write, fault, page.frame, victim, expired, *self._state(), hand, one.ticks, counters
            )

    def _counters(self) -> tuple[int | None, ...]:
        """Return the policy's counter for the page in each frame."""
        counters: list[int | None] = [None] * len(self._pages)
        for page in self._inside.values():
            counters[page.frame] = self.policy.note(page)
        return tuple(counters)

    def _state(self) -> tuple[tuple[PageName | None, ...], frozenset[int], frozenset[int]]:
        """Return pages, reference bits and dirty bits now; steps share the parts that did not change."""
        pages, referenced, dirty = self._kept
        if pages != (now := tuple(self._pages)):
            pages = now
        if referenced != self._referenced:
            referenced = frozenset(self._referenced)
        if dirty != self._dirty:
            dirty = frozenset(self._dirty)
        self._kept = pages, referenced, dirty
        return self._kept

    def _enter(self, one: _Wanted) -> Page[PageName]:
        frame = self._pages.index(None)
        page = self._inside[one.page] = Page(frame, one.page, one.number)
        self._pages[frame] = one.page
        self.policy.entered(page)
        return page

    def _leave(self, page: Page[PageName]) -> PageName:
        self.policy.left(page)
        del self._inside[page.owner]
        self._pages[page.frame] = None
        self._referenced.discard(page.frame)
        self._dirty.discard(page.frame)
        return page.owner
