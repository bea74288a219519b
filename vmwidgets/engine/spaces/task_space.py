"""A task in its kernel: X15's map and page tables, and the further data of a process.

The further data are a heap, limits, a parent, and received signals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base.errors import KernelError, VMError, kernel_error
from ..base.event import Unwound
from ..base.frozen import frozen
from ..base.protection import ADVICE, ALL, GROWS_DOWN, INHERITANCE, NEEDS_COPY, READ, WRITE, pack_flags
from ..base.recorder import Recorder, kernel_function
from ..base.units import PAGE, PAGE_SHIFT, Address, Size, round_up
from ..kernel.map.core import Entry
from ..kernel.map.vm_object import VmObject, pages_of, pages_within
from ..kernel.pmap.user_pmap import UserPmap
from ..kernel.tasks.pageout import TaskMemory
from ..kernel.tasks.pagers import FilePager
from ..kernel.tasks.vm_object import TaskObject
from ..kernel.threads.waits import MaySleep, TimedWait
from ..kernel.x15.vm_fault import begin_again, vm_map_fault, vm_map_fork, wait_for
from ..kernel.x15.vm_map import X15Map
from ..memory.ram import page_pieces
from ..mmu.rules import Access
from ..mmu.tables_schema import Fault
from .kernel_space import NEEDED_BITS, faults_again
from .paths import task_path
from .tasks_schema import SignalSent

SIGNALS = {"FAULT": "SIGSEGV", "ACCES": "SIGSEGV", "IO": "SIGBUS"}
"""The signal for an access that ends with an error of this name; none for NOMEM."""

LOWEST = 64 * 1024
"""The lowest address mapped without an explicit request: null pointers fault (Linux's vm.mmap_min_addr)."""

STACK_TOP = 1 << 51
"""The page of a stack's object at which the stack ends: far from the object's ends, since stacks grow down."""

MOST_SIGNALS = 100
"""The number of a task's latest signals that are kept."""


@frozen(slots=False)
class Signal:
    """A signal that a task received: its name, the address of the access, and the reason."""

    name: str
    address: Address
    why: str


@dataclass
class TaskLimits:
    """The limits of a task (bytes; setrlimit(2)); None for as much as there is room for."""

    space: int | None = None
    """The bytes of addresses, in all entries (RLIMIT_AS)."""
    data: int | None = None
    """The bytes of the heap (RLIMIT_DATA, as 4.4BSD counts it)."""
    stack: int = 8 << 20
    """The bytes of an entry that grows down (RLIMIT_STACK)."""
    resident: int | None = None
    """The bytes of the task's pages in memory: at the limit, each new page replaces one of them, unlike RLIMIT_RSS."""


@dataclass
class Heap:
    """The range [start, end) of the heap: `brk` moves the end."""

    start: int
    end: int


class TaskSpace:
    """A task: X15's map and page tables; `parent` is the name of the task from which it was forked, or ""."""

    def __init__(self, name: str, vm_map: X15Map, pmap: UserPmap, memory: TaskMemory, parent: str = "") -> None:
        self.name = name
        self.path = task_path(name)
        self.vm_map = vm_map
        self.pmap = pmap
        self.memory = memory
        self.parent = parent
        self.children = 0
        """The number of children since the task's start."""
        self.limits = TaskLimits()
        self.heap = self._no_heap()
        self.signals: list[Signal] = []
        self.out_of_memory: Callable[[TaskSpace], bool] | None = None
        """A function called when a fault finds no free frame; it returns whether to try again."""
        self.kill_another: Callable[[TaskSpace], bool] | None = None
        """A function called when there is no frame for a page table."""
        vm_map.stack_limit = self.limits.stack

    @property
    def recorder(self) -> Recorder:
        """The receiver of events."""
        return self.vm_map.recorder

    @property
    def reads(self) -> int:
        """The number of pages that were read in for tasks so far."""
        return self.memory.reads

    # ---- faults ------------------------------------------------------------------------------

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map the page of the object at `va` (`vm_map_fault`); sleeps if a pager is slow.

        The task gets a signal if that fails.
        """
        return self._bring(va, NEEDED_BITS[access], signals=True)

    def _bring(self, va: int, access: int, *, signals: bool = False) -> MaySleep[None]:
        """Map the page at `va` for an access that needs these protection bits; may sleep."""
        ticks = wait_for(self.vm_map, va)
        if ticks:
            pmap = self.pmap
            yield TimedWait("the pager", ticks)
            pmap.check_there(va)
        while True:
            try:
                vm_map_fault(self.vm_map, va, access, self.enter_page)
            except KernelError as error:
                if error.name == "NOMEM" and self.out_of_memory is not None and self.out_of_memory(self):
                    continue
                if signals:
                    self._signal(error, va)
                raise
            return

    def populate(self, start: int, end: int, protection: int) -> MaySleep[None]:
        """Map a range's pages, even from slow pagers, up to the first unavailable page; a later fault tries again.

        This makes no access, and sends no signal (MAP_POPULATE of mmap(2)).
        """
        try:
            granted = self.vm_map.granted(protection) & (READ | WRITE)
            for va in range(start, end, PAGE) if granted & READ else ():
                yield from self._bring(va, granted)
        except KernelError:
            return

    def failed(self, va: int, fault: Fault) -> VMError:
        """Return the error of an access that faults again after its fault was resolved."""
        return faults_again(va, fault)

    def enter_page(self, va: int, frame: int, protection: int) -> None:
        """Map a page and flush its old TLB entries: the end of a fault.

        If there is no frame for a table, a page of some task is evicted, if possible; otherwise, if kills are on,
        another task is killed.
        """
        self._enter(va, frame, protection, self.kill_another)

    def _enter(self, va: int, frame: int, protection: int, kill: Callable[[TaskSpace], bool] | None) -> None:
        """Map like :meth:`enter_page`; call `kill` if there is no other way to get a page for a table."""
        while True:
            try:
                self.pmap.enter(va, frame * PAGE, protection)
            except KernelError:  # noqa: PERF203  once, unless memory runs out
                with self.memory.holding(frame):
                    if not self.memory.reclaim(self.name) and not (kill is not None and kill(self)):
                        raise
                self.recorder.report(Unwound.tag, "vm_map_fault")  # the fault is tried again
            else:
                break
        self.pmap.update(va, va + PAGE)
        page = self.memory.pages.get(frame)
        if page is not None and not page.task:
            self.memory.inherited(frame, self.name)
        if self.memory.rings.counts_references:
            self.memory.rings.mapped(self.name, frame, va >> PAGE_SHIFT)

    def _signal(self, error: KernelError, va: int) -> None:
        """Record the signal for an access that failed."""
        name = SIGNALS.get(error.name)
        if name is not None:
            self.signals = [*self.signals, Signal(name, Address(va), error.reason)][-MOST_SIGNALS:]
            emit = self.recorder.emit
            if emit is not None:
                emit((SignalSent.tag, self.name, name, va, error.reason))

    def peek(self, start: int, length: int) -> bytes:
        """Return bytes from `start` on, as the entries' objects have them, without reading in pages or reporting."""
        parts = []
        for va, count in page_pieces(start, length):
            entry = self.vm_map.entry_at(va)
            if entry is None or entry.object is None:
                raise kernel_error("FAULT", f"no entry of {self.vm_map.called} with an object holds {Address(va)}")
            target = entry.object
            assert isinstance(target, TaskObject), "tasks map these"
            offset = entry.offset_of(va)
            parts.append(target.content(offset // PAGE)[offset % PAGE :][:count])
        return b"".join(parts)

    # ---- mmap and related calls --------------------------------------------------------------

    def mmap(
        self,
        start: int,
        size: int,
        protection: int,
        target: TaskObject | None,
        offset: int,
        *,
        shared: bool,
        fixed: bool = False,
        extra: int = 0,
    ) -> int:
        """Map `target` from `offset` on, or new memory without a target, and return the address.

        A file is mapped privately unless `shared`.  `extra` are this model's flags for the entry.  With `fixed`, old
        mappings in the range are removed; without it, `start` is a hint (0 for none): if the range is in use, the
        mapping gets another range. Raises NOMEM beyond the limit of addresses, if no gap is large enough, or if there
        is no memory for an entry; then nothing has changed.
        """
        vm_map, end, taken = self.vm_map, start + size, 0
        if fixed:
            taken = sum(min(end, one.end) - max(start, one.start) for one in vm_map.entries_in(start, end))
        if vm_map.space_limit is not None:
            vm_map.check_room(size - taken)
        if not taken:
            vm_map.provide_entries(1)
        return self._mmap(start, size, protection, target, offset, shared=shared, fixed=fixed, extra=extra)

    @kernel_function("vm_mmap", first=3)
    def _mmap(
        self,
        start: int,
        size: int,
        protection: int,
        target: TaskObject | None,
        offset: int,
        *,
        shared: bool,
        fixed: bool,
        extra: int,
    ) -> int:
        """Map like :meth:`mmap`, after the checks."""
        vm_map = self.vm_map
        if fixed:
            vm_map.remove(start, start + size)
        where = start if fixed or self._is_free(start, size) else self._gap_for(size)
        flags = pack_flags(protection, ALL, INHERITANCE["share" if shared else "copy"], 0, fixed=True)
        if target is None:
            offset = STACK_TOP * PAGE - size if extra & GROWS_DOWN else 0
            target = self._enter_fresh(where, size, flags, offset, shared=shared)
        else:
            vm_map.enter(where, size, 0, flags, target, offset)
        entry = self._entry_at(where)
        copies = NEEDS_COPY if target.is_file and not shared else 0
        why = "is now copy-on-write" if copies else "grows down"
        vm_map.set_flags(entry, entry.flags | extra | copies, why)
        return where

    def _is_free(self, start: int, size: int) -> bool:
        """Return whether a mapping can have the range at the caller's hint; 0 is not a hint."""
        vm_map = self.vm_map
        return bool(start) and start + size <= vm_map.end and not any(vm_map.entries_in(start, start + size))

    def _gap_for(self, size: int) -> int:
        """Return an address for `size` bytes above the range of null pointers, by the map's rule or the lowest gap."""
        vm_map = self.vm_map
        lowest = vm_map.start + LOWEST
        if vm_map.fit is None:
            position = vm_map.lowest_gap(size, lowest)
        else:
            gap = vm_map.fit.find_above(vm_map, size, lowest)
            position = None if gap is None else gap.position
        if position is None:
            raise kernel_error("NOMEM", f"no gap of {Size(size)} is left")
        return position

    def take_back(self, start: int, end: int, target: VmObject | None) -> None:
        """Unmap the parts of [start, end) that still map `target`, but not later mappings of other objects."""
        for entry in list(self.vm_map.entries_in(start, end)):
            found = entry.object
            if found is target or (isinstance(found, TaskObject) and any(each is target for each in found.chain())):
                self.vm_map.remove(max(start, entry.start), min(end, entry.end))

    def madvise(self, start: int, end: int, advice: int) -> None:
        """Set the expected use of [start, end); "dontneed" discards its contents.

        Raises NOMEM if a part of the range is not mapped, after the rest was done, as on Linux.
        """
        vm_map = self.vm_map
        hole = self._hole(start, end)
        if advice == ADVICE["dontneed"]:
            self._dont_need(start, end)
        else:
            vm_map.advise(start, end, advice)
        if hole is not None:
            raise kernel_error("NOMEM", f"nothing is mapped at {Address(hole)} in {vm_map.called}; the rest was done")

    def _hole(self, start: int, end: int) -> int | None:
        """Return the first address of [start, end) that is not mapped, or None."""
        position = start
        for entry in self.vm_map.entries_in(start, end):
            if entry.start > position:
                break
            position = entry.end
        return position if position < end else None

    @kernel_function("obreak", first=1)
    def brk(self, end: int) -> None:
        """Move the end of the heap to `end`; raises NOMEM beyond a limit, and if another mapping is in the way."""
        heap, vm_map = self.heap, self.vm_map
        old, new = round_up(heap.end, PAGE), round_up(end, PAGE)
        most = self.limits.data
        if most is not None and end - heap.start > most:
            rule = f"{Size(most)} at most (RLIMIT_DATA, which counts the heap alone, as in 4.4BSD)"
            more = Size(end - heap.start - most)
            raise kernel_error("NOMEM", f"the heap of task {self.name!r} may have {rule}; this would be {more} more")
        if new > old:
            vm_map.check_room(new - old)
            self._grow_heap(old, new)
        elif new < old:
            vm_map.remove(new, old)
        heap.end = end

    def _grow_heap(self, old: int, new: int) -> None:
        """Map [old, new) at the end of the heap: more of its last object, if nothing else uses that part."""
        last = self.vm_map.peek(old - PAGE) if old > self.heap.start else None
        target = None if last is None or last.end != old else last.object
        flags = pack_flags(READ | WRITE, ALL, INHERITANCE["copy"], 0, fixed=True)
        if last is not None and isinstance(target, TaskObject) and self._may_merge(last, target, new - old):
            self.vm_map.enter(old, new - old, 0, flags, target, last.offset_of(old))
            self.vm_map.merge_range(old - PAGE, old)
        else:
            self._enter_fresh(old, new - old, flags, 0)

    def _enter_fresh(self, where: int, size: int, flags: int, offset: int, *, shared: bool = False) -> TaskObject:
        """Map a fresh object of zeros, which is removed if mapping it fails."""
        made = TaskObject.anonymous(self.memory, shared=shared)
        try:
            self.vm_map.enter(where, size, 0, flags, made, offset)
        except VMError:
            made.discard()
            raise
        return made

    @staticmethod
    def _may_merge(last: Entry, target: TaskObject, size: int) -> bool:
        """Return whether `last` may have `size` more bytes of its object: not shared, and these bytes unused."""
        if last.flags & NEEDS_COPY or target.is_file or target.shared or target.shadow is not None:
            return False
        end = pages_of(last).stop
        return target.is_free(range(end, end + size // PAGE))

    def msync(self, start: int, end: int) -> int:
        """Write back the dirty pages of files mapped in a range; return their number.  Raises FAULT for a hole."""
        written, hole = 0, self._hole(start, end)
        if hole is not None:
            raise kernel_error("FAULT", f"nothing is mapped at {Address(hole)} in {self.vm_map.called}")
        for entry in self.vm_map.entries_in(start, end):
            target = entry.object
            if not isinstance(target, TaskObject) or not target.is_file:
                continue
            pages = pages_within(entry, start, end)
            dirty = [index for index in sorted(target.dirty) if index in pages]
            for index in dirty:
                self.memory.clean(target, index)
            written += len(dirty)
            if isinstance(target.pager, FilePager):
                target.pager.extend()
        return written

    def _dont_need(self, start: int, end: int) -> None:
        """Discard a range's contents (`madvise`, MADV_DONTNEED): private memory then reads as zeros, or as its file.

        Shared pages stay in their object and are only unmapped.  Raises INVAL for wired ranges; holes are skipped.
        """
        vm_map = self.vm_map
        for entry in vm_map.entries_in(start, end):
            if entry.wired_count:
                raise kernel_error("INVAL", f"the entry at {Address(entry.start)} is wired: its pages stay")
        begins = [one for one in vm_map.entries_in(start, end) if self._begins_again(one)]
        if begins:
            vm_map.isolate(start, end)
        self.pmap.unmap(start, end)
        for entry in list(vm_map.entries_in(start, end)):
            target = entry.object
            if self._begins_again(entry):
                begin_again(vm_map, entry)
            elif isinstance(target, TaskObject) and target.has_frames and not target.shared:
                pages = pages_of(entry)
                first = pages.start + max(0, start - entry.start) // PAGE
                target.forget(range(first, pages.stop - max(0, entry.end - end) // PAGE))

    @staticmethod
    def _begins_again(entry: Entry) -> bool:
        """Return whether `entry` needs a new object to discard its contents, since others or a file share the pages."""
        target = entry.object
        if not isinstance(target, TaskObject) or not target.has_frames or target.shared:
            return False
        return target.is_file or target.copied_on or target.shadow is not None or bool(target.shadows)

    def page_out(self, start: int, end: int) -> int:
        """Page out the pages of a range, as far as possible; return their number."""
        gone = 0
        for entry in list(self.vm_map.entries_in(start, end)):
            target = entry.object
            if isinstance(target, TaskObject):
                chain = target.chain_for(pages_within(entry, start, end))
                inside = {index for one, wanted in chain for index in one.those_of(wanted)}
                gone += sum(target.page_out(index * PAGE) for index in sorted(inside))
        return gone

    def apply_limits(self) -> None:
        """Apply the task's limits to its map and its ring of frames."""
        resident = self.limits.resident
        self.vm_map.stack_limit, self.vm_map.space_limit = self.limits.stack, self.limits.space
        self.memory.rings.limit(self.name, None if resident is None else resident // PAGE)

    # ---- life --------------------------------------------------------------------------------

    @property
    def resident(self) -> int:
        """The number of pages in the task's tables."""
        return sum(one.span // PAGE for one in self.pmap.editor.leaves(self.pmap.root, 0, self.pmap.layout.user_end))

    def clear(self, heap: int | None = None) -> None:
        """Unmap everything, and begin an empty heap at `heap`, as `exec` does."""
        self.vm_map.clear()
        self.heap, self.signals = self._no_heap() if heap is None else Heap(heap, heap), []

    def fork_into(self, child: TaskSpace) -> None:
        """Give `child` a copy of the map, and the same heap and limits (`vmspace_fork`)."""
        child.limits = TaskLimits(**vars(self.limits))
        child.apply_limits()
        child.heap = Heap(**vars(self.heap))
        vm_map_fork(self.vm_map, child.vm_map)
        if self.memory.fork.maps:
            self._copy_tables(child)

    def _copy_tables(self, child: TaskSpace) -> None:
        """Map the mapped private memory for `child` as well, in pages of its own (xv6 `uvmcopy`).

        If forks are counted, parent and child share the frames, and no descriptor allows a write (Linux
        `copy_page_range`).
        No task is killed if there is no page for a table: then the fork fails.
        """
        for entry in child.vm_map:
            target = entry.object
            if isinstance(target, TaskObject) and target.is_private:
                for va in self._mapped(entry.start, entry.end) if child.vm_map.rights_in(entry) else ():
                    found = child.vm_map.resident(entry, va)
                    if found is not None:
                        child._enter(va, found.frame, found.rights, None)

    def _mapped(self, start: int, end: int) -> list[int]:
        """Return the mapped pages of a range.  O(page tables of the range + pages mapped there)."""
        leaves = self.pmap.editor.leaves(self.pmap.root, start, end)
        return [va for one in leaves for va in range(max(start, one.va), min(end, one.va + one.span), PAGE)]

    def _no_heap(self) -> Heap:
        """Return an empty heap, at one quarter of the addresses."""
        start = (self.vm_map.start + (self.vm_map.end - self.vm_map.start) // 4) // PAGE * PAGE
        return Heap(start, start)

    def _entry_at(self, start: int) -> Entry:
        entry = self.vm_map.peek(start)
        assert entry is not None and entry.start == start, "it was just entered"
        return entry
