"""Processors to try things on: tables of any format, made page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.engine.mmu.tables import map_page
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.threads.waits import MaySleep, run_without_sleeping
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.cpu import Cpu
from vmwidgets.engine.mmu.editor import Slot, TableEditor
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.engine.mmu.tables_schema import Fault, Rights, Walk
from vmwidgets.engine.mmu.tlb import Tlb
from vmwidgets.engine.mmu.walk import Descent, translate, walk
from vmwidgets.engine.spaces.processors import Reach, read_bytes, write_bytes

ALL, KERNELS = Rights(), Rights(user=False)
STEP = 1 << 14
"""Roots and tables stand this far apart, which is aligned enough for all of them."""


class Faulted(Exception):
    """An access faulted."""


class LoadingCpu(Cpu[Any]):
    """A processor on which a program runs: bytes move as on the machine's, and no fault is resolved."""

    def load(self, va: int, length: int, *, user: bool, access: Access = "read") -> bytes:
        return run_without_sleeping(read_bytes(self.ram, va, length, self._reaching(access, user)))

    def store(self, va: int, data: bytes, *, user: bool) -> None:
        run_without_sleeping(write_bytes(self.ram, va, data, self._reaching("write", user)))

    def _reaching(self, access: Access, user: bool) -> Reach:
        def reach(va: int) -> MaySleep[int]:
            found = self.translate(va, access, user)
            if isinstance(found, Fault):
                raise Faulted(va, found.kind)
            yield from ()  # it never sleeps
            return found

        return reach


class Tables:
    """Address spaces of one format in one memory, made by hand; `root` is the first one's."""

    def __init__(self, fmt: TableFormat[Any], spaces: int = 1) -> None:
        self.fmt = fmt
        self.ram = Ram(1 << 32)
        self.recorder = Recorder()
        self.editor: TableEditor[Any] = TableEditor(self.ram, fmt, self.recorder)
        self._next = STEP
        self.roots = [self._table() for _ in range(spaces)]
        self.root = self.roots[0]

    def _table(self) -> int:
        self._next += STEP
        return self._next - STEP

    def slot(self, va: int, size: int = PAGE, space: int = 0) -> Slot:
        """The slot for a page of `size` bytes, with the tables above it made."""
        found = self.fmt.leaf(size)
        assert found is not None
        table = self.roots[space]
        for level in self.fmt.levels:
            slot = self.editor.slot(level, table, va)
            if level is found[0]:
                return slot
            if slot.kind != "table":
                self.editor.refer(slot, self._table(), ALL)
                slot = self.editor.slot(level, table, va)
            table = slot.address
        raise AssertionError("a format has the levels of its leaves")

    def map(
        self, va: int, pa: int, rights: Rights = KERNELS, size: int = PAGE, *, shared: bool = False, space: int = 0
    ) -> None:
        map_page(self.editor, self.slot(va, size, space), pa, rights, size, shared)

    def unmap(self, va: int, size: int = PAGE, space: int = 0) -> None:
        self.editor.clear(self.slot(va, size, space))

    def walk(self, va: int, access: Access = "read", user: bool = False, controls: Any = None, space: int = 0) -> Walk:
        return walk(self.ram, self.fmt, self.roots[space], va, access, user, controls)

    def translate(self, va: int, space: int = 0) -> Descent[Any]:
        """What a processor fills its TLB with."""
        return translate(self.ram, self.fmt, self.roots[space], va, "read", False, self.fmt.defaults)

    def leaf(self, va: int) -> int:
        """The descriptor that maps `va`, as it stands in memory."""
        return self.walk(va).steps[-1].value

    def cpu(self, *, sets: int = 4, ways: int = 4, **settings: Any) -> LoadingCpu:
        """A processor with the first space loaded, and such settings beside the format's own."""
        made = LoadingCpu("cpu", self.ram, self.fmt, Tlb(self.fmt, sets=sets, ways=ways), self.recorder)
        made.load_root(self.root, controls=replace(self.fmt.defaults, **settings))
        return made

    def heard(self) -> list[tuple[Any, ...]]:
        """What is reported from now on."""
        events: list[tuple[Any, ...]] = []
        self.recorder.emit = events.append
        return events
