"""The page table of a machine as it would be inverted: an entry for each page in memory, and a hash to find it."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.base.values.inverted import InvertedEntry, InvertedValue, bucket_of
from vmwidgets.engine.machine import Machine

MOST_BUCKETS = 64


def inverted(machine: Machine, buckets: Any = 8) -> InvertedValue:
    """What an inverted page table of this machine's tasks would hold now; a cell shows it as a figure.

    The machine has no such table: its entries are read from the machine's reverse map, and put into `buckets` chains by
    a hash of task and page.  O(pages in memory).

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> m = vm.boot("x86")
    >>> a = m.task("init").mmap("1 MiB", at="1 MiB")
    >>> m.task("init").write(a + 5 * vm.PAGE, b"x")
    >>> table = lab.inverted(m)
    >>> table
    <inverted table: 1 page in 8 buckets, 16,384 frames; longest chain 1>
    >>> [f"{entry.task}: page {entry.page:#x} in frame {entry.frame:#x}" for chain in table.chains for entry in chain]
    ['init: page 0x105 in frame 0x18a']
    """
    if not isinstance(machine, Machine):
        raise Refused(f"machine={shown(machine)}: write what vm.boot gave")
    if isinstance(buckets, bool) or not isinstance(buckets, int) or not 1 <= buckets <= MOST_BUCKETS:
        raise Refused(f"buckets={shown(buckets)}: write a number, 1 to {MOST_BUCKETS}")
    chains: list[list[InvertedEntry]] = [[] for _ in range(buckets)]
    reverse = machine.system.pmap.reverse
    for frame in reverse.frames():
        for space, va in reverse.of(frame):
            page = va // PAGE
            chains[bucket_of(space.name, page, buckets)].append(InvertedEntry(space.name, page, frame))
    return InvertedValue(tuple(map(tuple, chains)), machine.ram_bytes // PAGE)
