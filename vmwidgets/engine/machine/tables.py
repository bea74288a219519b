"""The page tables of one address space of a machine, as a part that can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.units import Address
from ..mmu.page_tables import PageTables
from .walks import MachineWalk

if TYPE_CHECKING:
    from ..kernel.pmap import Pmap
    from .machine import Machine


class MachineTables:
    """Page tables of a machine: the kernel's, or those of the task called `task`, or of the domain with that path."""

    def __init__(self, machine: Machine, pmap: Pmap, task: str = "") -> None:
        self.machine = machine
        self.pmap = pmap
        self.task = task

    @property
    def format(self) -> str:
        """The format's name."""
        return self.pmap.fmt.name

    @property
    def root(self) -> Address:
        """Physical address of the root table."""
        return Address(self.pmap.root)

    def now(self) -> PageTables[Any]:
        """The tables as they are."""
        name = f"page tables of {self.task or 'the kernel'}"
        root, controls = self.pmap.registers(self.machine.controls)
        lent = self.pmap.layout.user_end if self.task else None  # the kernel has nothing lent
        return PageTables(name, self.machine.ram, self.pmap.fmt, root, controls, kernel_from=lent)

    def walk(self, address: int | str, access: str = "read", *, user: bool | None = None) -> MachineWalk:
        """What the hardware does with one access to `address` in these tables; nothing changes."""
        return self.machine.walk(address, access, user=user, task=self.task or None)

    def __repr__(self) -> str:
        whose = "the kernel"
        if self.task:
            is_task = self.task in self.machine.tasks
            whose = f"task {self.task!r}" if is_task else f"domain {self.task.removeprefix('domain:')!r}"
        count = len(self.pmap.tables)
        return f"<page tables of {whose}: {self.format}, root {self.root}, {count:,} table pages>"
