"""How a machine replaces pages, as learners hold it: ``m.replacement``."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...base.errors import KernelPanic, Refused, a_kind, in_ascii, shown
from ...base.operations import operation, through
from ...base.past import NOTHING, Past
from ...base.units import counted
from ...memory.optimal import PageKey
from ...memory.replacement import POLICIES, Replacement, ResidentPage
from ...memory.replacement_schema import BY_BITS, ReplacementValue, RingPage, RingValue, in_order
from ..learners.answering import ReplacementCode
from ..system import Part
from .tables import MemoryBefore


class MachineReplacement(Part):
    """By which policy pages of tasks leave memory, and the rings of frames that it goes by.

    ``m.replacement = "clock"`` takes a policy by its name ("fifo", "lru", "second chance", "clock", "aging", "nru",
    "working set"), ``vm.Replacement("clock", local=True)`` has each task give pages of its own, and
    ``vm.Replacement("opt", future=…)`` needs the pages to come.  A function is given the pages that may go
    (:class:`vmwidgets.ResidentPage`) and gives one of them.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> m.replacement = "clock"
    >>> m.replacement
    <replacement by clock: 0 pages in 0 rings>
    >>> m.replacement = lambda pages: max(pages, key=lambda page: page.arrived)
    >>> m.replacement.policy
    'a function'
    """

    @property
    def policy(self) -> str:
        """The policy that is chosen, in words."""
        return self.system.task_memory.rings.title

    @property
    def setting(self) -> Replacement:
        """What was chosen."""
        return self.system.task_memory.rings.replacement

    def choose(self, policy: Any) -> None:
        """Choose what ``m.replacement = …`` is given: a name, a :class:`Replacement`, or a function."""
        if isinstance(policy, Replacement):
            self.set_replacement(policy.policy, window=policy.window, future=policy.future, local=policy.local)
        elif callable(policy):
            through(self, "replace_by", (), lambda: self._replace_by(policy))
        elif isinstance(policy, str):
            self.set_replacement(policy)
        elif isinstance(policy, MachineReplacement):
            if policy is not self:
                raise Refused(f"replacement={shown(policy)} belongs to another machine: write {shown(policy.setting)}")
        else:
            names = ", ".join(POLICIES)
            raise Refused(f"replacement={shown(policy)} is {a_kind(policy)}: write one of {names}, or a function")

    @operation
    def set_replacement(
        self, policy: str, window: int = 10, future: tuple[PageKey, ...] = (), local: bool = False
    ) -> None:
        """Replace pages by this policy from now on; :class:`vmwidgets.Replacement` says what the arguments are."""
        wanted = Replacement(policy, window, future, local)
        self._put(wanted, None)

    def replace_by(self) -> None:
        """A function that chooses what was recorded of it."""
        if not self.system.callbacks.silent:
            raise Refused("replace_by repeats a recorded function: to use your own, write m.replacement = function")
        through(self, "replace_by", (), lambda: self._replace_by(None))

    def _replace_by(self, function: Callable[[list[ResidentPage]], Any] | None) -> None:
        callbacks = self.system.callbacks
        self._put(Replacement("fifo"), ReplacementCode(callbacks, callbacks.begin_script("replacement", function)))

    def _put(self, wanted: Replacement, choice: ReplacementCode | None) -> None:
        system = self.system
        memory = system.task_memory
        memory.replace_by(wanted, choice)
        system.processors.watch = memory if memory.rings.counts_references else None

    # ---- looking -----------------------------------------------------------------------------

    def value(self, past: Past = NOTHING, first: int | None = None) -> ReplacementValue:
        """The rings as they are, or were, as a frozen value: all pages of each, or the `first` that are asked.

        O(pages in memory), and with `first` much less of each page, as far as no page and no descriptor is another
        since, and none was edited.  The reference bits of a task that has ended since are not known.
        """
        rings = self.system.task_memory.rings
        value = ReplacementValue(past.one("replacement", "", rings.title), {})
        known: dict[str, tuple[dict[int, int], dict[int, int], int]] = {}
        for name in sorted({*rings.rings, *past.things("ring")}):
            ring = rings.rings.get(name)
            now: tuple[dict[int, int], dict[int, int]] = ({}, {}) if ring is None else ring.places_and_notes
            places: dict[int, int] = past.laid_over(now[0], "ring", name)
            notes: dict[int, int] = past.laid_over(now[1], "note", name)
            if places:
                known[name] = places, notes, past.one("hand", name, 0 if ring is None else ring.hand)
        bits = None
        if value.name in BY_BITS:
            frames = [one for places, _, _ in known.values() for one in places.items()]
            bits = {page.frame: (page.referenced, page.dirty) for page in self._pages(frames, past, first).values()}
        orders = {name: in_order(value.name, *rows, bits)[:first] for name, rows in known.items()}
        asked = [(frame, known[name][0][frame]) for name, order in orders.items() for frame in order]
        pages = self._pages(asked, past, first)
        found = {}
        for name, (places, notes, hand) in known.items():
            those = tuple(replace(pages[frame], note=notes.get(frame)) for frame in orders[name])
            found[name] = RingValue(name, those, hand, len(places))
        return replace(value, rings=found)

    def _pages(self, asked: Sequence[tuple[int, int]], past: Past, first: int | None) -> dict[int, RingPage]:
        """The pages in these frames, each at its place in a ring."""
        is_as_noted = first is not None and self._is_as_noted(past)
        page_of = self._some_pages() if is_as_noted else self._all_pages(past, {frame for frame, _ in asked})
        return {frame: page_of(frame, place) for frame, place in asked}

    def _is_as_noted(self, past: Past) -> bool:
        """Whether pages and translations are as the kernel notes them now: by frame."""
        tables = ("word", "page", "frame", "object", "dirty", "swapped", "blank", "task")
        edited = any(task.pmap.editor.edits.places for task in self.system.tasks.values())
        return not edited and not any(past.things(table) for table in tables)

    def _all_pages(self, past: Past, asked: Container[int]) -> Callable[[int, int], RingPage]:
        """What gives the page in a frame `asked`, at a place, from all objects and all page tables.

        O(pages in memory), much less each for those that are in other frames.
        """
        owners, uses, is_dirty = self._owners(past, asked), self._uses(past, asked), self._dirtiness(past)

        def page_of(frame: int, place: int) -> RingPage:
            owner, index = owners.get(frame, ("", 0))
            return _page(frame, place, owner, index, uses.get(frame, []), is_dirty)

        return page_of

    def _some_pages(self) -> Callable[[int, int], RingPage]:
        """The same of the present from the records of the kernel.  O(translations that lead to the frame), each."""
        memory = self.system.task_memory
        is_dirty = self._dirtiness(NOTHING)
        rank = {task.pmap: number for number, task in enumerate(self.system.tasks.values())}
        names = {task.pmap: name for name, task in self.system.tasks.items()}

        def page_of(frame: int, place: int) -> RingPage:
            page = memory.pages[frame]
            spaces = [(space, va) for space, va in memory.reverse.of(frame) if space in rank]
            spaces.sort(key=lambda one: (rank[one[0]], one[1]))
            uses = [(names[one], va, one.is_referenced(va), one.is_modified(va)) for one, va in spaces]
            return _page(frame, place, page.owner.name, page.index, uses, is_dirty)

        return page_of

    def _dirtiness(self, past: Past) -> Callable[[str, int, int, bool], bool]:
        """What says whether a page was dirty: it would have been written if it had left its frame.

        That is asked of an object, the number and the frame of its page, and whether a translation has a dirty bit.  So
        does :meth:`.task_memory.TaskMemory.dirty`, of a page that is there now.  O(objects).
        """
        memory = self.system.task_memory
        kinds = past.laid_over({name: one.fields for name, one in memory.objects.items()}, "object")
        blank = {**memory.reverse.blank, **past.before("blank")}
        # of a task that has ended since no bits are left, but that it had written a page of zeroes was noted then
        ended = past.marks("task").leaving
        noted = {frame for frame, change in past.changes("blank").items() if change.after is False and ended}

        def is_dirty(owner: str, index: int, frame: int, bit: bool) -> bool:
            kind = kinds[owner][0] if owner in kinds else ""
            if kind in ("", "file"):
                return index in past.laid_over(memory.dirty_pages(owner), "dirty", owner)
            if index in past.laid_over(memory.slots(owner), "swapped", owner):
                return False
            may_come_again = kind == "anonymous" and memory.zeroed and blank.get(frame) is True
            return bit or frame in noted or not may_come_again

        return is_dirty

    def _owners(self, past: Past, asked: Container[int]) -> dict[int, tuple[str, int]]:
        """By frame: the object that it belongs or belonged to, and which page of that it is or was.  O(pages)."""
        memory, pages = self.system.task_memory, self.system.pages
        found: dict[int, tuple[str, int]] = {}
        before = past.before("frame")
        for name in dict.fromkeys((*memory.objects, *past.things("page"))):
            one = memory.objects.get(name)
            now = one.pages if one is not None and one.has_frames else {}
            for index, frame in past.laid_over(now, "page", name).items():
                if frame not in asked:
                    continue
                # of several objects that have it, it belongs to one
                if frame not in found or before.get(frame, pages.owner(frame)) == f"object {name}":
                    found[frame] = name, index
        return found

    def _uses(self, past: Past, asked: Container[int]) -> dict[int, list[tuple[str, int, bool, bool]]]:
        """By frame: task and address of each translation that leads to it, and its reference and dirty bits."""
        found: dict[int, list[tuple[str, int, bool, bool]]] = {}
        words = past.before("word")
        widths = {task.pmap.fmt.entry_width for task in self.system.tasks.values()}
        before = {width: MemoryBefore(self.system.ram, words, width) for width in widths if words}
        for name, task in self.system.tasks.items():
            memory = before.get(task.pmap.fmt.entry_width, self.system.ram)
            with suppress(KernelPanic):  # a descriptor that was edited leads out of memory: what is behind is not known
                for va, frame, referenced, dirty in task.pmap.noted(memory, asked):
                    found.setdefault(frame, []).append((name, va, referenced, dirty))
        return found

    @in_ascii
    def __repr__(self) -> str:
        memory = self.system.task_memory
        rings = memory.rings
        pages, many = counted(memory.resident, "page"), counted(len(rings.rings), "ring")
        return f"<replacement by {rings.title}: {pages} in {many}>"


Use = tuple[str, int, bool, bool]
"""A translation: task, address, reference bit, dirty bit."""


def _page(
    frame: int, place: int, owner: str, index: int, uses: list[Use], is_dirty: Callable[[str, int, int, bool], bool]
) -> RingPage:
    task, va = uses[0][:2] if uses else ("", 0)
    dirty = is_dirty(owner, index, frame, any(one[3] for one in uses))
    return RingPage(frame, place, owner, index, task, va, max(0, len(uses) - 1), any(one[2] for one in uses), dirty)
