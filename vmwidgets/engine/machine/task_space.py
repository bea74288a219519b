"""A task as its kernel has it: X15's map and page tables, and what a process is beside them.

Beside the map a task has a heap, limits, a parent, and the signals that it got.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base.errors import KernelError, VMError, kernel_error
from ..base.events import SignalSent
from ..base.protection import ALL, INHERITANCE, NEEDS_COPY, READ, WRITE, pack_flags
from ..base.recorder import Recorder, kernel_function
from ..base.units import PAGE, Address, Size
from ..base.values.tables import Fault
from ..kernel.map.core import Entry
from ..kernel.pmap.spaces import UserPmap
from ..kernel.threads.waits import MaySleep, TimedWait
from ..kernel.x15.vm_map import X15Map
from ..kernel.x15.vm_object import X15Object
from ..kernel.x15.vm_page import TaskMemory
from ..mmu.rules import Access
from .spaces import NEEDED_BITS, faults_again, task_path

SIGNALS = {"FAULT": "SIGSEGV", "ACCES": "SIGSEGV", "IO": "SIGBUS"}
"""What a task gets for an access that ends with an error of this name; for NOMEM it gets none."""

LOWEST = 64 * 1024
"""Below this nothing is mapped unless it is asked for: a null pointer faults (Linux's vm.mmap_min_addr)."""

MOST_SIGNALS = 100
"""So many of a task's signals are kept, the latest."""


@dataclass(frozen=True)
class Signal:
    """A signal that a task got: its name, the address of the access, and why."""

    name: str
    address: Address
    why: str


@dataclass
class Limits:
    """What a task may have at most (bytes; setrlimit(2)); none: as much as there is room for."""

    space: int | None = None
    """Of addresses, in all entries (RLIMIT_AS)."""
    data: int | None = None
    """Of its heap (RLIMIT_DATA)."""
    stack: int = 8 << 20
    """Of an entry that grows down (RLIMIT_STACK)."""
    resident: int | None = None
    """Of memory that its pages have (RLIMIT_RSS): one more takes the place of one of its own."""


@dataclass
class Heap:
    """[start, end): what `brk` moves the end of."""

    start: int
    end: int


class TaskSpace:
    """A task: X15's map and page tables; `parent` is the name of the task that it was forked from, or ""."""

    def __init__(self, name: str, vm_map: X15Map, pmap: UserPmap, memory: TaskMemory, parent: str = "") -> None:
        self.name = name
        self.path = task_path(name)
        self.vm_map = vm_map
        self.pmap = pmap
        self.memory = memory
        self.parent = parent
        self.children = 0
        """How many it has ever had."""
        self.limits = Limits()
        self.heap = self._no_heap()
        self.signals: list[Signal] = []
        self.out_of_memory: Callable[[TaskSpace], bool] | None = None
        """What is done when a fault finds no frame: whether it may be tried again."""
        self.kill_another: Callable[[TaskSpace], bool] | None = None
        """What is done when it finds none for a page table."""
        vm_map.stack_limit = self.limits.stack

    @property
    def recorder(self) -> Recorder:
        """What events are reported to."""
        return self.vm_map.recorder

    @property
    def reads(self) -> int:
        """How many pages were read in for tasks so far."""
        return self.memory.reads

    # ---- faults ------------------------------------------------------------------------------

    def resolve(self, va: int, access: Access, user: bool, fault: Fault) -> MaySleep[None]:
        """Map the page of an object that the map has at `va` (`vm_map_fault`); sleeps for a pager that is slow."""
        ticks = self.vm_map.wait_for(va)
        if ticks:
            yield TimedWait("the pager", ticks)
        while True:
            try:
                with self.vm_map.charge():
                    self.vm_map.fault(va, NEEDED_BITS[access], self.enter_page)
            except KernelError as error:
                if error.name == "NOMEM" and self.out_of_memory is not None and self.out_of_memory(self):
                    continue
                self._signal(error, va)
                raise
            return

    def failed(self, va: int, fault: Fault) -> VMError:
        """The error of an access that faults again after its fault was resolved."""
        return faults_again(va, fault)

    def enter_page(self, va: int, frame: int, protection: int) -> None:
        """Map a page and flush what the TLBs keep for it: the end of a fault.

        Where there is no page for a table one is taken from what tasks have in memory, if it can go out; else, where
        that is wanted, another task is killed.
        """
        with self.memory.holding(frame):
            while True:
                try:
                    self.pmap.enter(va, frame * PAGE, protection)
                except KernelError:  # noqa: PERF203  once, unless memory runs out
                    if not self.memory.reclaim() and not (self.kill_another is not None and self.kill_another(self)):
                        raise
                else:
                    break
        self.pmap.update(va, va + PAGE)

    def _signal(self, error: KernelError, va: int) -> None:
        """Note the signal for an access that failed."""
        name = SIGNALS.get(error.name)
        if name is not None:
            self.signals = [*self.signals, Signal(name, Address(va), error.reason)][-MOST_SIGNALS:]
            emit = self.recorder.emit
            if emit is not None:
                emit((SignalSent.tag, self.name, name, va, error.reason))

    # ---- mmap and its kin --------------------------------------------------------------------

    @kernel_function("vm_mmap", first=3)
    def mmap(
        self,
        start: int,
        size: int,
        protection: int,
        target: X15Object,
        offset: int,
        *,
        shared: bool,
        fixed: bool = False,
        extra: int = 0,
    ) -> int:
        """Map `target` from `offset` on and return where; of a file, privately unless `shared`.

        `extra` are flags of ours for the entry.  With `fixed` what was in the range goes; without it `start` is a wish
        (0: none), and where something is there it is mapped elsewhere.  NOMEM beyond the limit of addresses, and where
        nothing fits; nothing has changed then, but that with `fixed` the range is free.
        """
        vm_map = self.vm_map
        self.check_room(size)
        if fixed:
            vm_map.remove(start, start + size)
        inheritance = INHERITANCE["share" if shared else "copy"]
        flags = pack_flags(protection, ALL, inheritance, 0, fixed=True)
        where = start if fixed or self._is_free(start, size) else self._lowest_gap(size)
        vm_map.enter(where, size, 0, flags, target, offset)
        entry = self._entry_at(where)
        copies = NEEDS_COPY if target.is_file and not shared else 0
        why = "is to be copied at the first write" if copies else "grows down"
        vm_map.set_flags(entry, entry.flags | extra | copies, why)
        return where

    def _is_free(self, start: int, size: int) -> bool:
        """Whether a mapping can be where the caller would like it; 0 is no wish."""
        vm_map = self.vm_map
        return bool(start) and start + size <= vm_map.end and not any(vm_map.entries_in(start, start + size))

    def _lowest_gap(self, size: int) -> int:
        """Where the lowest gap of `size` bytes begins, above what null pointers reach; NOMEM without.  O(entries)."""
        vm_map = self.vm_map
        position = vm_map.start + LOWEST
        for entry in vm_map.entries_in(position, vm_map.end):
            if entry.start - position >= size:
                break
            position = max(position, entry.end)
        if vm_map.end - position < size:
            raise kernel_error("NOMEM", f"no gap of {Size(size)} is left")
        return position

    def check_room(self, size: int) -> None:
        """NOMEM if so many bytes more pass the limit of addresses."""
        most = self.limits.space
        if most is not None and self.vm_map.size + size > most:
            have = f"it has {Size(self.vm_map.size)} of at most {Size(most)}"
            raise kernel_error("NOMEM", f"{Size(size)} more are too much for task {self.name!r}: {have}")

    @kernel_function("obreak", first=1)
    def brk(self, end: int) -> None:
        """Move the end of the heap to `end`; NOMEM beyond a limit, and where something is in the way."""
        heap, vm_map = self.heap, self.vm_map
        old, new = -(-heap.end // PAGE) * PAGE, -(-end // PAGE) * PAGE
        most = self.limits.data
        if most is not None and end - heap.start > most:
            raise kernel_error("NOMEM", f"the heap of task {self.name!r} may have {Size(most)} at most")
        if new > old:
            self._grow_heap(old, new)
        elif new < old:
            vm_map.remove(new, old)
        heap.end = end

    def _grow_heap(self, old: int, new: int) -> None:
        """Map [old, new) behind the heap: more of its last object, where nothing else has that."""
        self.check_room(new - old)
        last = self.vm_map.peek(old - PAGE) if old > self.heap.start else None
        target = None if last is None or last.end != old else last.object
        flags = pack_flags(READ | WRITE, ALL, INHERITANCE["copy"], 0, fixed=True)
        if last is not None and isinstance(target, X15Object) and self._is_free_behind(last, target):
            self.vm_map.enter(old, new - old, 0, flags, target, last.offset_of(old))
            self.vm_map.join_range(old - PAGE, old)
        else:
            self.vm_map.enter(old, new - old, 0, flags, X15Object.anonymous(self.memory), 0)

    @staticmethod
    def _is_free_behind(last: Entry, target: X15Object) -> bool:
        """Whether its object has nothing behind the pages that `last` maps, and nothing else can put a page there."""
        return target.exclusive and target.shadow is None and not target.is_file and not last.flags & NEEDS_COPY

    def msync(self, start: int, end: int) -> int:
        """Write the dirty pages of files that are mapped in a range back; how many there were.  FAULT for a hole."""
        written, position = 0, start
        entries = list(self.vm_map.entries_in(start, end))
        for entry in entries:
            if entry.start > position:
                break
            position = entry.end
        if position < end:
            raise kernel_error("FAULT", f"nothing is mapped at {Address(position)} in {self.vm_map.name}")
        for entry in entries:
            target = entry.object
            if not isinstance(target, X15Object) or not target.is_file:
                continue
            for va in range(max(start, entry.start), min(end, entry.end), PAGE):
                index = entry.offset_of(va) // PAGE
                if index in target.dirty:
                    self.memory.clean(target, index)
                    written += 1
        return written

    def dont_need(self, start: int, end: int) -> None:
        """Forget what a range holds (`madvise`, MADV_DONTNEED): private memory begins again, with zeroes or its file.

        What is shared stays in its object and is only mapped no longer.  Wired ranges are INVAL, holes passed over.
        """
        vm_map = self.vm_map
        for entry in vm_map.entries_in(start, end):
            if entry.wired_count:
                raise kernel_error("INVAL", f"the entry at {Address(entry.start)} is wired: its pages stay")
        vm_map.isolate(start, end)
        self.pmap.unmap(start, end)
        for entry in list(vm_map.entries_in(start, end)):
            target = entry.object
            if isinstance(target, X15Object) and target.has_frames and not target.shared:
                vm_map.begin_again(entry)

    def apply_limits(self) -> None:
        """Have its map and its ring of frames know its limits."""
        resident = self.limits.resident
        self.vm_map.stack_limit = self.limits.stack
        self.memory.rings.limit(self.name, None if resident is None else resident // PAGE)

    # ---- life --------------------------------------------------------------------------------

    @property
    def resident(self) -> int:
        """How many pages its tables lead to."""
        return sum(one.span // PAGE for one in self.pmap.editor.leaves(self.pmap.root, 0, self.pmap.layout.user_end))

    def clear(self, heap: int | None = None) -> None:
        """Have nothing mapped, and an empty heap at `heap`, as `exec` does: what was is gone."""
        vm_map = self.vm_map
        first, last = vm_map.first, vm_map.last
        if first is not None and last is not None:
            vm_map.remove(first.start, last.end)
        self.heap, self.signals = self._no_heap() if heap is None else Heap(heap, heap), []

    def fork_into(self, child: TaskSpace) -> None:
        """Have `child` with a copy of the map, and with heap and limits as they are (`vmspace_fork`)."""
        child.limits = Limits(**vars(self.limits))
        child.apply_limits()
        child.heap = Heap(**vars(self.heap))
        with child.vm_map.charge():
            self.vm_map.fork(child.vm_map)

    def _no_heap(self) -> Heap:
        """An empty heap, a quarter up the addresses."""
        start = (self.vm_map.start + (self.vm_map.end - self.vm_map.start) // 4) // PAGE * PAGE
        return Heap(start, start)

    def _entry_at(self, start: int) -> Entry:
        entry = self.vm_map.peek(start)
        assert entry is not None and entry.start == start, "it was just entered"
        return entry
