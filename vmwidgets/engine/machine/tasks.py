"""A task: an address space with its own map and page tables, and memory that it reads and writes through them."""

from __future__ import annotations

from ..base.operations import operation
from ..base.units import Address
from ..kernel.pmap.spaces import UserPmap
from ..kernel.threads.waits import run_without_sleeping
from . import checks
from .maps import MachineMap
from .processors import Processor
from .spaces import TaskSpace, unquoted
from .system import SpacePart, System
from .tables import MachineTables, MachineWalk


class Task(SpacePart):
    """A process as far as memory goes: `map` is its address space, `pmap` its page tables."""

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = self.space_name = unquoted(path.removeprefix("task:"))
        self.map = system.part(MachineMap, f"{path}/map")

    @property
    def space(self) -> TaskSpace:
        """The kernel's own."""
        return self.system.tasks.get(self.name) or self.missing()

    @property
    def pmap(self) -> UserPmap:
        """Its page tables."""
        return self.space.pmap

    def check_alive(self) -> None:
        """Refuse if it is not there."""
        assert self.space is not None

    @property
    def tables(self) -> MachineTables:
        """Its page tables, to be shown and walked."""
        return MachineTables(self.system, self)

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes from `address` on, as user code reads them: walk, fault, resolve, try again.

        Errors are those of the fault: FAULT where nothing is mapped, ACCES where reading is not allowed, NOMEM.
        """
        start, count = self._span(address, length)
        return run_without_sleeping(self._processor().load(start, count, "read", user=True))

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as user code does: walk, fault, resolve, try again.

        Pages are made as they are touched; an error leaves what was written before it.
        """
        content = checks.content(data)
        start, _ = self._span(address, len(content))
        run_without_sleeping(self._processor().store(start, content, user=True))

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """One access that moves nothing: what the hardware does with it after the kernel has resolved its fault."""
        kind = checks.access(access)
        start, _ = self._span(address, 1)
        run_without_sleeping(self._processor().reach(start, kind, user=True))
        return self.walk(start, kind)

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """What the hardware does with a user access to `address` now; nothing changes."""
        return self.tables.walk(address, access, user=True)

    def _processor(self) -> Processor:
        """Processor 0 with its tables loaded."""
        return self.system.processors.borrow(self.pmap)

    def _span(self, address: int | str, length: int | str) -> tuple[int, int]:
        return checks.span(address, length, self.pmap.fmt.word_bits)

    def __repr__(self) -> str:
        return f"<task {self.name!r}: {len(self.map)} entries, root table at {Address(self.pmap.root)}>"
