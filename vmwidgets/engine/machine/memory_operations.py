"""Kernel memory as bytes, objects and pages: reading and writing, malloc and free, files, who else takes pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.errors import Refused, kernel_error
from ..base.events import FaultRaised
from ..base.operations import Door, operation
from ..base.units import PAGE, PAGE_SHIFT, Address, binary_size
from ..kernel.kmem_malloc import M_WAITOK
from ..kernel.uma import LARGEST, free, malloc
from ..kernel.waits import Sleepy
from ..mmu.format import Access
from . import checks
from .cpu_access import move, reach_kernel
from .flags import malloc_flags
from .kmem import MachineKmem

if TYPE_CHECKING:
    from ..kernel.pmap_kernel import KernelPmap
    from ..memory.ram import Ram
    from .callbacks import Callbacks
    from .cpus import MachineCpus
    from .kernel_boot import Kernel

OTHERS = "others"
"""Owner of pages that :meth:`MemoryOperations.take_pages` took."""


class MemoryOperations:
    """Methods of a machine that move bytes and pages."""

    kernel: Kernel
    kmem: MachineKmem
    callbacks: Callbacks
    ram: Ram
    pmap: KernelPmap
    cpus: MachineCpus
    controls: Any
    path: str
    door: Door

    # ---- bytes -------------------------------------------------------------------------------

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """`length` bytes of kernel memory from `address` on, through the page tables, as the kernel reads them.

        In a pageable map such as exec_map a page that is not there yet is made (`vm_fault`), which may have to wait.
        FAULT where nothing is allocated.  O(pages).
        """
        start, count = checks.span(address, length, self.pmap.fmt.word_bits)
        steps = move(self.ram, start, count, lambda va: self._resolve(va, "read"))
        result: bytes = self.callbacks.complete("read", steps)
        return result

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` to kernel memory from `address` on, through the page tables; see :meth:`read`.

        An error leaves what was written before it.
        """
        content = checks.content(data)
        start, count = checks.span(address, len(content), self.pmap.fmt.word_bits)
        steps = move(self.ram, start, count, lambda va: self._resolve(va, "write"), content)
        done: None = self.callbacks.complete("write", steps)
        return done

    def _resolve(self, va: int, access: Access) -> Sleepy[int]:
        """The physical address of `va`, after its fault was resolved if it had one.

        What a task that is loaded has at user addresses is no kernel memory: the kernel's tables have nothing there.
        """
        if not self.pmap.layout.is_user(va):
            return (yield from reach_kernel(self.cpus[0], va, access))
        fault = self.pmap.walk(va, access, user=False, controls=self.controls).fault
        assert fault is not None, "the kernel's tables have no user addresses"
        emit = self.door.recorder.emit
        if emit is not None:
            emit((FaultRaised.tag, va, fault.kind, fault.code or 0))
        raise kernel_error("FAULT", f"{Address(va)}: {fault.why}")

    # ---- objects -----------------------------------------------------------------------------

    @operation
    def malloc(self, size: int | str, flags: int | str = M_WAITOK) -> Address:
        """Kernel memory of at least `size` bytes (malloc(9)): an object of a zone, or whole pages beyond 4 KiB.

        0 only under M_NOWAIT.  Zones get their slabs from kmem_malloc and keep empty ones until `uma_reclaim`.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a, b = m.malloc(100), m.malloc(100)
        >>> a - b
        128
        """
        word, wanted = malloc_flags(flags), checks.whole(size, "size")
        kmem_map = self.kernel.kmem.zones.kmem_map
        if not 0 < wanted <= kmem_map.end - kmem_map.start:
            whole = binary_size(kmem_map.end - kmem_map.start)
            raise Refused(f"size={wanted}: malloc gives 1 byte up to all of kmem_map, {whole}")

        def steps() -> Sleepy[Address]:
            zones = self.kernel.kmem.zones
            address = yield from malloc(zones, wanted, word)
            if address and wanted > LARGEST:
                self.kmem.note(zones.kmem_map, address, zones.large[address], "malloc", "malloc")
            return Address(address)

        result: Address = self.callbacks.complete("malloc", steps())
        return result

    @operation
    def free(self, address: int | str) -> None:
        """Give back what :meth:`malloc` gave (free(9))."""
        start, zones = checks.whole(address, "address"), self.kernel.kmem.zones
        allocations, where = self.kmem.allocations, zones.kmem_map.name
        self._refuse_not_given(start)

        def steps() -> Sleepy[None]:
            end = start + zones.large.get(start, 0)
            with allocations.going(where, start, end, "free"):
                yield from free(zones, start)
            allocations.drop(where, start, end, "free")

        done: None = self.callbacks.complete("free", steps())
        return done

    def _refuse_not_given(self, start: int) -> None:
        zones = self.kernel.kmem.zones
        if start in zones.taken:
            return
        if start not in zones.large:
            raise Refused(f"address={Address(start)} is nothing that m.malloc gave and m.free has not taken back")
        for one in self.kmem.allocations.overlapping(start, start + 1, zones.kmem_map.name):
            if by := self.kmem.allocations.going_by(one):
                raise Refused(f"{one!r} is being freed already: {by} waits for the lock of {zones.kmem_map.name}")

    @operation
    def uma_reclaim(self) -> int:
        """Have the zones give their empty slabs back to kmem_map (`uma_reclaim`); how many bytes they were.

        None while somebody has the lock of kmem_map.
        """
        zones = self.kernel.kmem.zones
        before = zones.kmem_map.size
        zones.reclaim()
        return before - zones.kmem_map.size

    # ---- pages -------------------------------------------------------------------------------

    @operation
    def read_file(self, name: str, size: int | str, *, offset: int | str = 0) -> int:
        """Have `size` bytes of a file from `offset` on in memory; how many pages had to be read.

        Pages of files fill memory that nobody needs yet: the page daemon can take them back at once.
        """
        wanted, first = checks.text_name(name, "name"), checks.aligned(offset, "offset")
        length = checks.whole(size, "size")
        pages = -(-length // PAGE)
        if not 0 < pages <= self.kernel.pages.total_pages:
            most = binary_size(self.kernel.pages.total_pages * PAGE)
            raise Refused(f"size={length}: read at least a byte, and no more than memory holds, {most}")
        steps = self.kernel.kmem.files.read(wanted, first >> PAGE_SHIFT, pages)
        result: int = self.callbacks.complete("read_file", steps)
        return result

    @operation
    def take_pages(self, count: int) -> int:
        """Have somebody else use up to `count` free pages, to make them scarce; how many there were.

        Only free ones, zeroed ones last, not cached ones, and even the very last: this somebody asks for none of the
        kernel's classes.
        """
        taken = 0
        for _ in range(checks.count(count, "count")):
            frame = self.kernel.pages.allocate(owner=OTHERS) if self.kernel.kmem.frames.free else None
            if frame is None:
                break
            self.kernel.kmem.others.append(frame)
            taken += 1
        return taken

    @operation
    def give_pages(self, count: int) -> int:
        """Have that somebody give up to `count` pages back; how many.  Who waits for pages is woken above free_min."""
        others = self.kernel.kmem.others
        given = min(checks.count(count, "count"), len(others))
        for _ in range(given):
            self.kernel.pages.free(others.pop())
        self.kernel.kmem.daemon.freed()
        return given
