"""A task: an address space with its own map and page tables, and memory that it reads and writes through them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from ..base.operations import Door, operation
from ..base.units import PAGE, Address
from . import checks
from .cpus import move_at_once, reach_user
from .maps import MachineMap
from .tables import MachineTables

if TYPE_CHECKING:
    from ..kernel.pmap.spaces import UserPmap
    from .machine import Machine
    from .tables import MachineWalk

Access = Literal["read", "write", "execute"]
ACCESSES: dict[str, Access] = {
    "read": "read", "r": "read", "write": "write", "w": "write", "execute": "execute", "x": "execute",
}  # fmt: skip  # pairs of long and short


def task_path(name: str) -> str:
    """Where the task called `name` stands in its machine; a slash in the name is not one in the path.

    >>> task_path("init"), task_path("init/map")
    ('task:init', 'task:init%2Fmap')
    """
    return "task:" + name.replace("%", "%25").replace("/", "%2F")


class Task:
    """A process as far as memory goes: `map` is its address space, `pmap` its page tables."""

    def __init__(self, machine: Machine, name: str, task_map: MachineMap, pmap: UserPmap) -> None:
        self.machine = machine
        self.name = name
        self.map = task_map
        self.pmap = pmap

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def path(self) -> str:
        """Where it stands in the machine."""
        return task_path(self.name)

    @property
    def tables(self) -> MachineTables:
        """Its page tables, to be shown and walked."""
        return MachineTables(self.machine, self.pmap, self.name)

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes from `address` on, as user code reads them: walk, fault, resolve, try again.

        Errors are those of the fault: FAULT where nothing is mapped, ACCES where reading is not allowed, NOMEM.
        """
        start, count = self._span(address, length)
        return move_at_once(self.machine.ram, start, count, partial(self._resolve, access="read")) or b""

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as user code does: walk, fault, resolve, try again.

        Pages are made as they are touched; an error leaves what was written before it.
        """
        content = checks.content(data)
        start, count = self._span(address, len(content))
        move_at_once(self.machine.ram, start, count, partial(self._resolve, access="write"), content)

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """One access that moves nothing: what the hardware does with it after the kernel has resolved its fault."""
        kind = ACCESSES[checks.known(access, ACCESSES, "access")]
        start, _ = self._span(address, 1)
        self._resolve(start, kind)
        return self.walk(start, kind)

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """What the hardware does with a user access to `address` now; nothing changes."""
        return self.machine.walk(address, access, user=True, task=self)

    def _span(self, address: int | str, length: int | str) -> tuple[int, int]:
        return checks.span(address, length, self.pmap.fmt.word_bits)

    def _resolve(self, address: int, access: Access) -> int:
        return reach_user(self.machine.cpus.borrow(self.pmap), self, address, access)

    def enter_page(self, va: int, frame: int, protection: int) -> None:
        """Map a page, and have no processor keep what was there: the end of a fault.  Not an operation."""
        self.pmap.enter(va, frame * PAGE, protection)
        self.pmap.update(va, va + PAGE)

    def __repr__(self) -> str:
        return f"<task {self.name!r}: {len(self.map)} entries, root table at {Address(self.pmap.root)}>"
