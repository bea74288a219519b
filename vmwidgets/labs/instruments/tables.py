"""What a lab says of translations: tables read, descriptors, rights, a fault, flipped bits, an inverted table."""

from __future__ import annotations

from typing import Any, Protocol

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import MIB, PAGE, Address, Size, counted
from vmwidgets.engine.kernel.pmap.pmap_schema import InvertedEntry, InvertedValue, bucket_of
from vmwidgets.engine.machine import Machine, arguments
from vmwidgets.engine.machine.handles.tables import MachineWalk
from vmwidgets.engine.mmu.tables_schema import Walk

MOST = 256 * MIB
"""Of a range whose pages are walked one by one."""


class Walkable(Protocol):
    """A task, a domain, or a machine with its kernel's tables."""

    @property
    def pmap(self) -> Any:
        """Its page tables."""

    def walk(self, address: int | str, access: str = "read") -> Walk:
        """What the hardware does with an address."""


def tables_read(space: Walkable, at: int | str, size: int | str = PAGE) -> dict[Address, Size]:
    """The tables that the hardware reads for a range's pages, with the size of each; the root table comes first.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> task = vm.boot("armv7").task("init")
    >>> a = task.map.enter("8 KiB", at="1 MiB", object=task.machine.object("heap"))
    >>> task.write(a, b"x")
    >>> [str(size) for size in lab.tables_read(task, a, "8 KiB").values()]
    ['16 KiB', '1 KiB']
    """
    width = space.pmap.fmt.entry_width
    steps = (step for walk in _walks(space, at, size) for step in walk.steps)
    return {Address(step.table): Size(width << step.index_bits[0] - step.index_bits[1] + 1) for step in steps}


def descriptors(space: Walkable, at: int | str, size: int | str = PAGE) -> set[Address]:
    """Addresses of the descriptors that map a range's pages: the last one that each walk reads, if it finds a page.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> space = vm.boot("x86-64").task("init")
    >>> a = space.map.enter("4 MiB", at="4 MiB", object=space.machine.object("film"))
    >>> space.map.superpages(a, size="4 MiB", page="2 MiB")
    2
    >>> len(lab.descriptors(space, a, "4 MiB"))
    2
    """
    return {Address(walk.steps[-1].pa) for walk in _walks(space, at, size) if walk.ok}


def word(machine: Machine, physical: int | str) -> int:
    """The descriptor at a physical address, as wide as this machine's descriptors: what the hardware reads.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> m = vm.boot("x86")
    >>> a = m.task("init").mmap("4 KiB")
    >>> m.task("init").write(a, b"x")
    >>> step = m.task("init").walk(a).steps[-1]
    >>> lab.word(m, step.pa) == step.value
    True
    """
    width = machine.pmap.fmt.entry_width
    at = arguments.whole(physical, "physical")
    if not 0 <= at <= machine.ram_bytes - width:
        raise Refused(f"physical={shown(physical)}: it is not in this machine's RAM, {machine.ram_bytes}")
    return int(machine.ram.read_word(at & -width, width))


def rights(space: Walkable, *addresses: int | str) -> list[str]:
    """What user code may do at each address: "rw", "r-", or "--", which also means that nothing is mapped.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> domain = vm.boot("armv7").domain("log")
    >>> a = domain.map(domain.frame(), flags="r")
    >>> lab.rights(domain, a, a + vm.PAGE)
    ['r-', '--']
    """
    ways = ("read", "write")
    return ["".join(way[0] if space.walk(one, way).ok else "-" for way in ways) for one in addresses]


def _walks(space: Walkable, at: int | str, size: int | str) -> list[Walk]:
    start, length = arguments.whole(at, "at"), arguments.whole(size, "size")
    if not 0 < length <= MOST:
        raise Refused(f"size={shown(size)}: each page is walked; write at most {Size(MOST)}")
    return [space.walk(address) for address in range(start & -PAGE, start + length, PAGE)]


def flips(walk: MachineWalk, level: int = 1) -> dict[str, str]:
    """For each bit of a descriptor that `walk` read: the result of the same access with that bit flipped.

    `level` 1 is the last descriptor, 2 the one before.  Bits with the same result are together: the result, and which
    bits.  All edits are taken back.  Refused for a walk that read no such descriptor, and for one of tables that were
    recorded.

    >>> import vmwidgets as vm
    >>> task = vm.boot("x86-64").task("init")
    >>> a = task.mmap("4 KiB")
    >>> task.write(a, b"x")
    >>> found = vm.lab.flips(task.walk(a))
    >>> found["not-present, #PF 0x4 (U/S)"], found["the same"]
    ('0', '1, 3–11, 52–63')
    """
    machine: Any = getattr(walk, "machine", None)
    if machine is None:
        raise Refused(f"walk={shown(walk)}: pass a walk of a machine that still exists, such as task.walk(address)")
    if not 0 < level <= len(walk.steps):
        raise Refused(f"level={shown(level)}: this walk read {counted(len(walk.steps), 'descriptor')}")
    step = walk.steps[-level]
    found: dict[str, list[int]] = {}
    for bit in range(8 * machine.pmap.fmt.entry_width):
        machine.set_descriptor(step.pa, step.value ^ 1 << bit)
        after = machine.walk(walk.va, walk.access, user=walk.user, task=walk.task or None)
        said = after.fault_line if not after.ok else "the same" if after.pa == walk.pa else "another frame"
        found.setdefault(said, []).append(bit)
        machine.undo_descriptor()
    return {said: _ranges(bits) for said, bits in found.items()}


def _ranges(bits: list[int]) -> str:
    """Numbers in a row as one range."""
    firsts = [bit for bit in bits if bit - 1 not in bits]
    lasts = [bit for bit in bits if bit + 1 not in bits]
    return ", ".join(f"{a}–{b}" if a < b else f"{a}" for a, b in zip(firsts, lasts, strict=True))


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
        raise Refused(f"machine={shown(machine)}: pass a machine, such as m = vm.boot()")
    if isinstance(buckets, bool) or not isinstance(buckets, int) or not 1 <= buckets <= MOST_BUCKETS:
        raise Refused(f"buckets={shown(buckets)}: write a number, 1 to {MOST_BUCKETS}")
    chains: list[list[InvertedEntry]] = [[] for _ in range(buckets)]
    reverse = machine.system.pmap.reverse
    for frame in reverse.frames():
        for space, va in reverse.of(frame):
            page = va // PAGE
            chains[bucket_of(space.name, page, buckets)].append(InvertedEntry(space.name, page, frame))
    return InvertedValue(tuple(map(tuple, chains)), machine.ram_bytes // PAGE)
