"""A map to try things on: what it reports, and what it takes from and gives to others."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.base.recorder import Recorder, materialize
from vmwidgets.engine.kernel.map.core import Entry, PlainEntries
from vmwidgets.engine.kernel.map.map_schema import Fold
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.kernel.x15.vm_map import X15Map

PAGE = 0x1000
LOW, HIGH = 0x1_0000, 0x5_0000
NONE = 2**64 - 1
RW = flag.pack_flags(3, 7, 2, 0)
READ_ONLY = flag.pack_flags(1, 7, 2, 0)
FIXED, NOMERGE = flag.FIXED, flag.NOMERGE


class CountedEntries(PlainEntries[Entry]):
    """Entries up to a limit; `out` are those that were taken and not given back."""

    def __init__(self, limit=None):
        super().__init__(count(1), Entry)
        self.limit = limit
        self.out = set()

    def allocate(self):
        if self.limit is not None and len(self.out) >= self.limit:
            return None
        entry = super().allocate()
        self.out.add(entry)
        return entry

    def free(self, entry):
        self.out.remove(entry)


class NumberedPager:
    """Pages 0, 1, 2, … up to a limit; `released` are those given back."""

    def __init__(self, limit=100):
        self.numbers = iter(range(limit))
        self.released = []

    def get_page(self, target, offset):
        return next(self.numbers, None)

    def release(self, frame):
        self.released.append(frame)


class Tables:
    """The kernel's page tables, as far as they end somewhere."""

    def __init__(self, klimit):
        self.klimit = klimit
        self.grown = []

    def kgrow(self, end):
        self.grown.append(end)
        self.klimit = end


class Space:
    """A map with everything around it."""

    def __init__(self, start=LOW, end=HIGH, *, limit=None, **options):
        self.recorder = Recorder()
        self.entries = CountedEntries(limit)
        self.unmapped = []
        options.setdefault("assertions", True)
        self.map = X15Map(
            "map", start, end, self.entries, self.recorder,
            unmap=lambda first, last: self.unmapped.append((first, last)), **options,
        )  # fmt: skip
        self.pager = NumberedPager()
        self.objects = {name: VmObject(name, self.pager, self.recorder) for name in ("a", "b")}

    def enter(self, size, *, at=0, align=0, flags=RW, target=None, offset=0, fixed=False):
        chosen = None if target is None else self.objects[target]
        return self.map.enter(at, size, align, flags | (FIXED if fixed else 0), chosen, offset)

    def fixed(self, at, size=PAGE, **options):
        return self.enter(size, at=at, fixed=True, **options)

    def recorded(self, call):
        """The events of what `call` does."""
        raw = []
        self.recorder.emit = raw.append
        try:
            call()
        finally:
            self.recorder.emit = None
        return materialize(raw, "test")

    @property
    def ranges(self):
        return [(entry.start, entry.end) for entry in self.map]

    @property
    def rows(self):
        return [
            (entry.start, entry.end, entry.object and entry.object.name, entry.offset, entry.flags)
            for entry in self.map
        ]

    @property
    def find(self):
        return self.map.find_cache, self.map.find_cache_threshold


def folded(whole, shown):
    """The value `whole` of a map as a window that shows the entries `shown`, made from nothing else."""
    entries = {entry.id: entry for entry in whole.entries}

    def size(node):
        return 1 + size(whole.nodes[node].left) + size(whole.nodes[node].right) if node else 0

    def in_order(node):
        if not node:
            return []
        if node not in shown:
            return [Fold(node, size(node), 0, 0)]
        return [*in_order(whole.nodes[node].left), entries[node], *in_order(whole.nodes[node].right)]

    items = in_order(whole.root)
    for at, item in enumerate(items):
        if isinstance(item, Fold):
            start = items[at - 1].end if at else whole.start
            end = items[at + 1].start if at + 1 < len(items) else whole.end
            items[at] = replace(item, start=start, end=end)
    return replace(whole, items=tuple(items), nodes={identity: whole.nodes[identity] for identity in shown})
