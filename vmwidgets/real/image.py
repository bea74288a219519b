"""``vm.memory_image``: the memory of a guest that was saved to a file, with the names of its kernel.

Two formats are read: an ELF core, as QEMU's monitor writes it (``dump-guest-memory FILE``), and plain bytes (``pmemsave
0x80000000 0x8000000 "FILE"``).  xv6 maps its kernel at its physical address, so its variables are read by their
addresses.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.files import place_of
from ..engine.base.units import PAGE, Address, counted
from ..engine.memory.ram import BusError
from ..engine.mmu.formats.riscv import SV39
from ..engine.mmu.tables import PageTables
from ..given.runs import Runs, runs
from .processes import Process, Processes
from .program import Program, segments_of

KERNBASE = 0x8000_0000
"""The address at which the memory of QEMU's machine "virt" begins, and with it xv6."""


class SavedMemory:
    """Pieces of physical memory: `pieces` are their addresses and bytes, of which there is at least one."""

    def __init__(self, pieces: Iterable[tuple[int, bytes | mmap.mmap]]) -> None:
        self._pieces = sorted((start, data) for start, data in pieces if len(data))

    def read(self, pa: int, length: int) -> bytes:
        """Return `length` bytes from `pa` on; raises :class:`BusError` if they were not saved."""
        for start, data in self._pieces:
            if start <= pa and pa + length <= start + len(data):
                return data[pa - start : pa - start + length]
        first, (last, data) = self._pieces[0][0], self._pieces[-1]
        raise BusError(pa, length, last + len(data) - first, first)

    def read_word(self, pa: int, width: int) -> int:
        """Return the little-endian word of `width` bytes at `pa`."""
        return int.from_bytes(self.read(pa, width), "little")

    def read_one(self, pa: int, length: int) -> bytes:
        """Return the result of :meth:`read`; a running guest has this method too."""
        return self.read(pa, length)

    def words(self, places: Iterable[int]) -> list[int]:
        """Return words of 8 bytes."""
        return [self.read_word(pa, 8) for pa in places]

    @in_ascii
    def __str__(self) -> str:
        return ", ".join(f"{Address(start)} to {Address(start + len(data))}" for start, data in self._pieces)


def saved_memory(path: Path, base: int = 0) -> SavedMemory:
    """Return the memory in a file: an ELF core, or plain bytes, which begin at physical address `base`.

    Plain bytes are mapped and not read, if possible.  Raises :class:`Refused` for a file that is no image, and
    :class:`OSError`.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno())
        data: bytes | mmap.mmap = b""
        if stat.S_ISFIFO(mode.st_mode):
            data = file.read()
        elif not stat.S_ISREG(mode.st_mode):
            raise Refused(f"{path}: this is not a file: an image must be in a file or a pipe")
        elif mode.st_size:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if not len(data):
        raise Refused(f"{path}: the file is empty")
    if base + len(data) > 1 << 64:
        raise Refused(f"{path}: an image of {len(data):,} bytes from {base:#x} on does not fit 64 bits of address")
    pieces = segments_of(path) if data[:4] == b"\x7fELF" else [(base, data)]
    if not any(len(data) for _, data in pieces):
        raise Refused(f"{path}: this core has no memory: write it again with dump-guest-memory")
    return SavedMemory(pieces)


class Image:
    """A kernel's memory when it was saved: its page tables and its processes, by name.

    It can be read like a stopped kernel (:class:`~.kernel.Kernel`), but it can't continue.
    """

    def __init__(self, name: str, memory: SavedMemory, program: Program) -> None:
        self._name = name
        self._memory = memory
        self._there = Processes(program)
        self._read(lambda memory: program.must_run_in(name, memory.read))

    @property
    def kernel(self) -> PageTables[Any]:
        """The kernel's own page tables, by its variable `kernel_pagetable`."""
        root = self._read(self._there.kernel_root)
        if not root:
            raise Refused(f"{self._name}: kernel_pagetable is 0: the kernel had made no page table yet")
        return PageTables("kernel", self._memory, SV39, root)

    @property
    def processes(self) -> tuple[Process, ...]:
        """The processes that had page tables."""
        found: tuple[Process, ...] = self._read(self._there.read)
        return found

    def process(self, which: str | int) -> PageTables[Any]:
        """Return the page tables of a process, by its name or its pid."""
        return Processes.one_called(which, self.processes).tables(self._memory)

    def runs(self, tables: PageTables[Any] | None = None) -> Runs:
        """Return everything that the tables (by default the kernel's) map, as runs of equal permissions.

        O(descriptors in use).
        """
        return runs(self.kernel if tables is None else tables)

    def _read(self, look: Any) -> Any:
        try:
            return look(self._memory)
        except BusError as error:
            raise Refused(
                f"{self._name} has no bytes for physical address {Address(error.pa)}, where the program "
                f"lies; it has {self._memory}. Save all memory, or say where it begins: base=0x80000000"
            ) from None

    @in_ascii
    def __repr__(self) -> str:
        return f"<memory of {self._name}: {counted(len(self.processes), 'process')}>"


@says_what_it_takes
def memory_image(path: str | Path, *, program: str | Path, base: int = KERNBASE) -> Image:
    """Return the memory of an xv6, saved to a file: an ELF core, or plain bytes that begin at `base`.

    `program` is the kernel's file, "kernel/kernel".  In QEMU's monitor (Ctrl-a c), ``dump-guest-memory memory.elf``
    writes a core, and ``pmemsave 0x80000000 0x8000000 "memory.raw"`` writes plain bytes.  Nothing runs, so you need
    neither QEMU nor a compiler.

    Raises :class:`Refused` for a file that is empty or is a program, for a file without the kernel's memory, and for
    the memory of another kernel.  O(bytes of the file).

    >>> import vmwidgets as vm
    >>> vm.memory_image("memory.raw", program="kernel/kernel")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: memory.raw: there is no such file; save one in QEMU's monitor with
    dump-guest-memory memory.elf
    """
    given: object = base
    if isinstance(given, bool) or not isinstance(given, int) or given < 0 or given % PAGE:
        raise Refused(f"base={shown(base)}: write the physical address of the first byte, a multiple of {PAGE:,}")
    place = place_of(path, "memory.elf").expanduser()
    if not place.is_file():
        raise Refused(
            f"{place}: there is no such file; save one in QEMU's monitor with dump-guest-memory {place.stem}.elf"
        )
    return Image(str(place), saved_memory(place, base), Program(place_of(program, "kernel/kernel").expanduser()))
