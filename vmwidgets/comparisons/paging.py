"""A comparison of a kernel's work for a task with a self-paging domain's work, from their journals and page tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, shown
from ..engine.base.event import Called
from ..engine.base.journal import Journal, Operation
from ..engine.base.protection import ALL, protection_text
from ..engine.machine.handles.domain import MachineDomain
from ..engine.machine.handles.tasks import Task
from ..engine.mmu.tables_schema import FaultRaised, PteRunWritten, PteWritten
from ..engine.selfpaging.calls_schema import INVOCATIONS
from ..engine.selfpaging.domain_schema import VnodeValue
from .paging_schema import PagedRange, PagingComparison, PagingRecords, PagingSide

_INVOCATIONS = frozenset(kind.__name__ for kind in INVOCATIONS)


@says_what_it_takes
def compare_paging(task: Any, domain: Any) -> PagingComparison:
    """Compare a task, whose memory the kernel manages, with a domain that pages itself; their machines may differ.

    The numbers are counted from the events in their journals.  O(events + tables + capabilities).

    >>> import vmwidgets as vm
    >>> m = vm.boot("armv7")
    >>> t, d = m.task("init"), m.domain("hello")
    >>> a = t.map.enter("8 KiB", object=m.object("memory"))
    >>> t.write(a, b"x")
    >>> b = d.map(d.frame("8 KiB"))
    >>> found = vm.compare_paging(t, d)
    >>> found.task.faults, found.domain.faults, found.domain.invocations
    (1, 0, 3)
    """
    if not isinstance(task, Task) or not isinstance(domain, MachineDomain):
        raise Refused(
            f"compare_paging(task, domain) compares a machine.task(…) with a machine.domain(…), not {shown(task)} "
            f"with {shown(domain)}"
        )
    return PagingComparison(_task_side(task), _domain_side(domain))


class _Counts:
    """The counted events of the operations on one part."""

    def __init__(self, journal: Journal, path: str) -> None:
        self.functions: Counter[str] = Counter()
        self.calls = self.faults = self.invocations = self.descriptors = self.forgotten = 0
        for operation in _operations(journal, path):
            self.calls += 1
            self.forgotten += not journal.keeps(operation.number)
            for tag, *fields in operation.raw:
                if tag == Called.tag:
                    self.functions[fields[0]] += 1
                elif tag == FaultRaised.tag:
                    self.faults += 1
                elif tag == PteWritten.tag:
                    self.descriptors += 1
                elif tag == PteRunWritten.tag:
                    self.descriptors += fields[1]
                elif tag in _INVOCATIONS:
                    self.invocations += 1

    def frequent(self) -> tuple[tuple[str, int], ...]:
        """Return the functions, the most frequent first."""
        return tuple(sorted(self.functions.items(), key=lambda one: (-one[1], one[0])))


def _operations(journal: Journal, path: str) -> Iterator[Operation]:
    for operation in journal:
        if operation.target == path or operation.target.startswith(path + "/"):
            yield operation


def _task_side(task: Task) -> PagingSide:
    system, pmap = task.system, task.space.pmap
    counts = _Counts(system.journal, task.path)
    fmt, own = pmap.fmt, set(pmap.tables) - {pmap.root}
    slots = pmap.own_slots(fmt.root_level, pmap.root, 0, is_kernel=False)
    below = Counter(slot.level.number - 1 for slot in slots if slot.kind == "table" and slot.address in own)
    levels = [(fmt.root_level, 1), *((fmt.level(number), below[number]) for number in sorted(below, reverse=True))]
    tables = [PagingRecords(level.table_name, count, count * fmt.table_bytes(level)) for level, count in levels]
    entry_bytes = system.kernel.entry_cache.layout.object_size
    entries = PagingRecords("map entries", len(task.map), len(task.map) * entry_bytes, "map entry")
    return PagingSide(
        f"task {task.name}", system.architecture, "the kernel", tuple(_task_ranges(task)), counts.frequent(),
        counts.calls, counts.faults, counts.invocations, counts.descriptors, 0, 0, tuple(tables), (entries,),
        counts.forgotten,
    )  # fmt: skip


def _task_ranges(task: Task) -> Iterator[PagedRange]:
    for entry in task.map.entries():
        pmap = task.space.pmap
        slots = list(pmap.editor.leaves(pmap.root, int(entry.start), int(entry.end)))
        behind = "no object" if entry.object is None else str(entry.object)
        present = sum(min(slot.span, entry.end - entry.start) for slot in slots)
        yield PagedRange(int(entry.start), int(entry.end), entry.protection, present, len(slots), behind)


def _domain_side(domain: MachineDomain) -> PagingSide:
    counts = _Counts(domain.system.journal, domain.path)
    value = domain.snapshot()
    nodes = list(_vnodes(value.root))
    fmt, layout = domain.pmap.fmt, domain.domain.layout
    kinds = Counter(node.kind for node in nodes if node.is_table)
    tables = [
        PagingRecords(level.table_name, kinds[kind], kinds[kind] * fmt.table_bytes(level))
        for level, kind in ((level, layout.table(level).name) for level in fmt.levels)
    ]
    capabilities = sum(len(cnode.capabilities) for cnode in value.cnodes)
    slab_bytes = sum(head.bytes for head in value.slab.heads)
    slab = PagingRecords("vnodes in their slab", len(nodes) - 1, slab_bytes, "vnode in its slab")
    ranges = tuple(
        PagedRange(node.va, node.va + node.span, protection_text(node.flags & ALL), node.span, 1, str(node.cap))
        for node in sorted(nodes, key=lambda node: node.va)
        if not node.is_table and not value.meta_start <= node.va < value.meta_end
    )
    return PagingSide(
        f"domain {domain.name}", domain.system.architecture, "the program", ranges, counts.frequent(), counts.calls,
        counts.faults, counts.invocations, counts.descriptors, capabilities, len(domain.domain.slots.used),
        tuple(table for table in tables if table.count), (slab,), counts.forgotten,
    )  # fmt: skip


def _vnodes(node: VnodeValue) -> Iterator[VnodeValue]:
    yield node
    for child in node.children:
        yield from _vnodes(child)
