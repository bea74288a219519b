"""What a lab says of translations: tables that are read, descriptors that map, rights, and a fault in one line."""

from __future__ import annotations

from typing import Any, Protocol

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import MIB, PAGE, Address, Size
from vmwidgets.engine.base.values.tables import Walk
from vmwidgets.engine.machine import Machine, arguments

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
    """The tables that the hardware reads for the pages of a range, and how large each is; the root comes first.

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
    """Where the descriptors are that map the pages of a range: the last that each walk reads, if it finds a page.

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


def fault_of(walk: Walk) -> str:
    """What the hardware says to an access, in one line: the fault's kind, exception and code, or "no fault".

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> lab.fault_of(vm.boot("x86-64").task("init").walk("1 MiB", "write"))
    'not-present, #PF 0x6 (W/R, U/S)'
    >>> lab.fault_of(vm.boot("armv7").task("init").walk("1 MiB"))
    'not-present, Data Abort 5'
    """
    fault = walk.fault
    if fault is None:
        return "no fault"
    if fault.code is None:
        return f"{fault.kind}, {fault.exception}"
    if len(fault.code_fields) == 1:  # a number, and no row of bits
        return f"{fault.kind}, {fault.exception} {fault.code}"
    names = ", ".join(bit.field.name for bit in fault.decoded if bit.value)
    return f"{fault.kind}, {fault.exception} {fault.code:#x}" + (f" ({names})" if names else "")


def word(machine: Machine, physical: int | str) -> int:
    """The descriptor at a physical address, as wide as those of this machine's tables: what the hardware reads.

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
    """What user code may do at each address: "rw", "r-", or "--", also where nothing is mapped.

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
