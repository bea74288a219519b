"""A kernel that runs in QEMU: its page tables, walks and runs of equal rights, while it stands still."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.units import counted
from ..engine.mmu.rules import Access
from ..engine.mmu.runs import Runs, runs
from ..engine.mmu.tables import PageTables, TablesWalk
from .gdb import Gdb
from .memory import StoppedMemory
from .paging import Paging, processor_of
from .port import Port


class Kernel:
    """A kernel in QEMU.  It stands still while it is looked at; :func:`~.attach.attach` makes it.

    ``with vm.attach(…) as k:`` lets the port go at the end, so that GDB can have it.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        try:
            self._processor = processor_of(port.do(lambda gdb: gdb.description.architecture))
        except BaseException:
            port.close()
            raise
        self._memory = self._new_memory()
        self._stops = 0

    @property
    def processors(self) -> int:
        """How many processors the guest has."""
        return len(self._port.do(Gdb.threads))

    @property
    def tables(self) -> PageTables[Any]:
        """The page tables that the first processor uses now.

        Raises :class:`Refused` before the kernel has turned paging on.
        """
        return self.tables_of(0)

    def tables_of(self, processor: int) -> PageTables[Any]:
        """The page tables that a processor uses now; processors are numbered from 0."""
        number: object = processor

        def look(gdb: Gdb) -> Paging:
            threads = gdb.threads()
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(threads):
                raise Refused(
                    f"processor={shown(number)}: the guest has {counted(len(threads), 'processor')}, numbered from 0"
                )
            gdb.thread = threads[number]
            return self._processor.read(gdb.registers(self._processor.registers))

        found = self._port.do(look)
        count, bits = found.not_the_guests
        if count:
            self._memory.without_bits(found.root, count, bits)
        name = f"processor {processor}"
        return PageTables(name, self._memory, found.fmt, found.root, found.controls, found.about)

    def walk(self, address: int | str, access: Access = "read", *, user: bool | None = None) -> TablesWalk:
        """What the hardware does with an access to `address`, level by level; O(levels) packets.

        `user` says whether user code makes the access; without it, user code does where the tables let it in.
        """
        return self.tables.walk(address, access, user=user)

    def runs(self, tables: PageTables[Any] | None = None) -> Runs:
        """All that the tables (the first processor's) map, as runs of equal rights.

        They are what QEMU's `info mem` lists.  O(descriptors that hold something).
        """
        return runs(self.tables if tables is None else tables, self._memory.fetch)

    def close(self, *, goes_on: bool = True) -> None:
        """Let the port go.  The guest goes on, or with `goes_on` False stands still for GDB."""
        self._memory.close()
        self._port.close(goes_on=goes_on)

    def _new_memory(self) -> StoppedMemory:
        return StoppedMemory(lambda pieces: self._port.do(lambda gdb: gdb.read(pieces)))

    def __enter__(self) -> Kernel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<kernel at {self._port.name}{'' if self._port.is_open else ', closed'}>"
