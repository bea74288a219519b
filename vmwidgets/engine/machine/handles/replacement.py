"""The handle of a machine's page replacement: ``m.replacement``."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...base.errors import KernelPanic, Refused, a_kind, in_ascii, shown
from ...base.operations import operation, through
from ...base.units import counted
from ...memory.page import AnyPage
from ...memory.replacement import POLICIES, PageKey, Replacement, ResidentPage
from ...memory.replacement_schema import ReplacementValue, RingPage, RingValue
from ..learners.answering import ReplacementCode
from ..system import Part


class MachineReplacement(Part):
    """The policy that chooses which of the tasks' pages to evict, and its rings of frames.

    ``m.replacement = "clock"`` chooses a policy by its name ("fifo", "lru", "second chance", "clock", "aging", "nru",
    "working set").  With ``vm.Replacement("clock", local=True)``, each task evicts its own pages, and
    ``vm.Replacement("opt", future=…)`` needs the future references.  A function as policy gets the pages that may be
    evicted (:class:`vmwidgets.ResidentPage`) and returns the page to evict.

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
        """The current policy, in words."""
        return self.system.task_memory.rings.title

    @property
    def setting(self) -> Replacement:
        """The current policy, in the form in which it was chosen."""
        return self.system.task_memory.rings.replacement

    def choose(self, policy: Any) -> None:
        """Choose the policy of ``m.replacement = …``: a name, a :class:`Replacement`, or a function."""
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
        """Replace pages by this policy from now on; :class:`vmwidgets.Replacement` explains the arguments."""
        wanted = Replacement(policy, window, future, local)
        self._put(wanted, None)

    def replace_by(self) -> None:
        """Choose the policy that repeats the recorded choices of a function."""
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

    def value(self, first: int | None = None) -> ReplacementValue:
        """Return the rings as a frozen value: all pages of each ring, or the `first` pages in the order of eviction.

        O(pages in memory), and with `first` much less work for each page, as long as no descriptor was edited.
        """
        rings = self.system.task_memory.rings
        orders = {name: ring.order for name, ring in sorted(rings.rings.items()) if len(ring)}
        if rings.replacement.policy == "nru" and rings.choice is None:
            known = self._pages((page for order in orders.values() for page in order), first)
            bits = {frame: (page.referenced, page.dirty) for frame, page in known.items()}
            orders = {name: sorted(order, key=lambda page: bits[page.frame]) for name, order in orders.items()}
        pages = self._pages((page for order in orders.values() for page in order[:first]), first)
        found = {}
        for name, order in orders.items():
            ring = rings.rings[name]
            those = tuple(replace(pages[page.frame], note=ring.note(page)) for page in order[:first])
            found[name] = RingValue(name, those, ring.hand, len(ring))
        return ReplacementValue(rings.title, found)

    def _pages(self, asked: Iterable[AnyPage], first: int | None) -> dict[int, RingPage]:
        """Return these pages as values, by their frames."""
        edited = any(task.pmap.editor.edits.places for task in self.system.tasks.values())
        is_known = first is not None and not edited and not self.door.inside  # the records agree with the tables
        pages = {page.frame: page for page in asked}
        uses_of = self._uses_known() if is_known else self._uses_read(pages)
        is_dirty = self._dirtiness()
        return {frame: _page(page, uses_of(frame), is_dirty) for frame, page in pages.items()}

    def _uses_known(self) -> Callable[[int], list[Use]]:
        """Return a function that returns a frame's translations, from the kernel's records.  O(translations) a call."""
        reverse = self.system.task_memory.reverse
        rank = {task.pmap: number for number, task in enumerate(self.system.tasks.values())}
        names = {task.pmap: name for name, task in self.system.tasks.items()}

        def uses(frame: int) -> list[Use]:
            spaces = [(space, va) for space, va in reverse.of(frame) if space in rank]
            spaces.sort(key=lambda one: (rank[one[0]], one[1]))
            return [(names[one], va, one.is_referenced(va), one.is_modified(va)) for one, va in spaces]

        return uses

    def _uses_read(self, asked: Container[int]) -> Callable[[int], list[Use]]:
        """Return a function that returns a frame's translations, read from all page tables.  O(pages of tasks)."""
        found: dict[int, list[Use]] = {}
        for name, task in self.system.tasks.items():
            with suppress(KernelPanic):  # an edited descriptor leads out of memory: the tables below are unknown
                for va, frame, referenced, dirty in task.pmap.noted(self.system.ram, asked):
                    found.setdefault(frame, []).append((name, va, referenced, dirty))
        return lambda frame: found.get(frame, [])

    def _dirtiness(self) -> Callable[[str, int, int, bool], bool]:
        """Return a function that says whether a page is dirty: it must be written back before its frame is reused.

        The function's arguments are an object, the number and the frame of its page, and whether a translation has a
        dirty bit. See also :meth:`.pageout.TaskMemory.dirty`.
        """
        memory = self.system.task_memory
        blank = memory.reverse.blank

        def is_dirty(owner: str, index: int, frame: int, bit: bool) -> bool:
            one = memory.objects.get(owner)
            if one is None or one.is_file:
                return one is not None and index in one.dirty
            if index in one.swapped:
                return False
            return bit or not (memory.zeroes(one) and blank.get(frame) is True)

        return is_dirty

    @in_ascii
    def __repr__(self) -> str:
        memory = self.system.task_memory
        rings = memory.rings
        pages, many = counted(memory.resident, "page"), counted(len(rings.rings), "ring")
        return f"<replacement by {rings.title}: {pages} in {many}>"


Use = tuple[str, int, bool, bool]
"""A translation: task, address, reference bit, dirty bit."""


def _page(page: AnyPage, uses: list[Use], is_dirty: Callable[[str, int, int, bool], bool]) -> RingPage:
    frame, owner, index = page.frame, page.owner.name, page.index
    task, va = uses[0][:2] if uses else ("", 0)
    dirty = is_dirty(owner, index, frame, any(one[3] for one in uses))
    return RingPage(frame, owner, index, task, va, max(0, len(uses) - 1), any(one[2] for one in uses), dirty)
