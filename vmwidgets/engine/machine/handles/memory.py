"""Kernel memory as bytes, objects and pages: reading and writing, malloc and free, files, and memory pressure."""

from __future__ import annotations

from functools import partial

from ...base.errors import Refused, kernel_error
from ...base.operations import operation
from ...base.units import PAGE, PAGE_SHIFT, Address, binary_size
from ...kernel.freebsd.kmem import M_WAITOK
from ...kernel.freebsd.uma import LARGEST
from ...kernel.threads.waits import MaySleep
from ...mmu.rules import Access
from ...mmu.tables_schema import FaultRaised
from ...spaces.processors import read_bytes, write_bytes
from .. import arguments
from ..arguments import BytesArg, CountArg, MallocFlagsArg, PagesArg, TextArg
from ..system import Functions

OTHERS = "others"
"""The owner of the pages that :meth:`MemoryFunctions.take_pages` allocates."""


class MemoryFunctions(Functions):
    """The functions of a machine that move bytes and pages."""

    # ---- counting ----------------------------------------------------------------------------

    @property
    def frame_count(self) -> int:
        """The number of frames with memory of tasks and files, without page tables and the kernel's own frames.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> t.write(t.mmap("8 KiB"), b"x")
        >>> m.frame_count, m.fault_count
        (1, 1)
        """
        return sum(count for owner, count in self.system.pages.owners if owner.startswith("object"))

    @property
    def fault_count(self) -> int:
        """The number of page faults since the machine was booted.

        Raises :class:`Refused` if the journal no longer keeps all events, after a thousand operations.
        """
        journal = self.system.journal
        if not journal.keeps(0) or any(done.truncated for done in journal):
            raise Refused("this machine's journal no longer keeps each fault: count in a machine with fewer operations")
        return sum(isinstance(event, FaultRaised) for done in journal for event in done.events)

    # ---- bytes -------------------------------------------------------------------------------

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """Return `length` bytes of kernel memory from `address` on, through the page tables, as the kernel reads them.

        In a pageable map such as exec_map, a missing page is created (`vm_fault`), which may have to wait.  Fails with
        FAULT if nothing is allocated there.  O(pages).
        """
        start, count = arguments.span(address, length, self.system.pmap.fmt.word_bits)
        steps = read_bytes(self.system.ram, start, count, partial(self._reach, access="read"))
        return self.system.complete_access("read", steps)

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` to kernel memory from `address` on, through the page tables; see :meth:`read`.

        After an error, the bytes that were already written stay.
        """
        content = arguments.content(data, "data")
        start, _ = arguments.span(address, len(content), self.system.pmap.fmt.word_bits)
        steps = write_bytes(self.system.ram, start, content, partial(self._reach, access="write"))
        return self.system.complete_access("write", steps)

    def _reach(self, va: int, access: Access) -> MaySleep[int]:
        """Yield the physical address of `va` in kernel memory, after its fault, if any, is resolved.

        User addresses of a loaded task are not kernel memory: the kernel's tables do not map them.
        """
        system = self.system
        if not system.pmap.layout.is_user(va):
            return (yield from system.processors.all[0].reach(va, access, user=False))
        fault = system.pmap.walk(va, access, user=False, controls=system.controls).fault
        assert fault is not None, "the kernel's tables have no user addresses"
        emit = system.recorder.emit
        if emit is not None:
            emit((FaultRaised.tag, va, fault.called, fault.code or 0, fault.code_words))
        raise kernel_error("FAULT", f"{Address(va)}: {fault.why}")

    # ---- objects -----------------------------------------------------------------------------

    @operation
    def malloc(self, size: int | str, flags: MallocFlagsArg = M_WAITOK) -> Address:
        """Allocate at least `size` bytes of kernel memory (malloc(9)): a zone's object, or whole pages beyond 4 KiB.

        Returns 0 only with M_NOWAIT.  Zones get their slabs from kmem_malloc and keep empty slabs until `uma_reclaim`.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a, b = m.malloc(100), m.malloc(100)
        >>> a - b
        128
        """
        wanted = arguments.whole(size, "size")
        kmem_map = self.system.kmem.zones.kmem_map
        if not 0 < wanted <= kmem_map.end - kmem_map.start:
            whole = binary_size(kmem_map.end - kmem_map.start)
            raise Refused(f"size={wanted}: malloc allocates from 1 byte up to all of kmem_map, {whole}")

        def steps() -> MaySleep[Address]:
            zones = self.system.kmem.zones
            address = yield from zones.malloc(wanted, flags)
            if address and wanted > LARGEST:
                self.system.note_allocation(zones.kmem_map, address, zones.large[address], "malloc", "malloc")
            return Address(address)

        return self.system.callbacks.complete("malloc", steps())

    @operation
    def free(self, address: BytesArg) -> None:
        """Free memory that :meth:`malloc` returned (free(9))."""
        zones, allocations = self.system.kmem.zones, self.system.allocations
        where = zones.kmem_map.name
        self._refuse_not_given(address)

        def steps() -> MaySleep[None]:
            end = address + zones.large.get(address, 0)
            places = allocations.begin_going(where, address, end, "free")
            try:
                yield from zones.free(address)
            finally:
                allocations.end_going(places)
            allocations.drop(where, address, end, "free")

        return self.system.callbacks.complete("free", steps())

    def _refuse_not_given(self, start: int) -> None:
        zones = self.system.kmem.zones
        if start in zones.taken:
            return
        if start not in zones.large:
            raise Refused(
                f"address={Address(start)} is not allocated: pass an address that m.malloc returned and "
                "m.free has not freed"
            )
        for one in self.system.allocations.overlapping(start, start + 1, zones.kmem_map.name):
            if by := self.system.allocations.going_by(one):
                raise Refused(f"{one!r} is being freed already: {by} waits for the lock of {zones.kmem_map.called}")

    @operation
    def uma_reclaim(self) -> int:
        """Make the zones return their empty slabs to kmem_map (`uma_reclaim`); returns the number of bytes.

        Returns None while another thread holds the lock of kmem_map.
        """
        zones = self.system.kmem.zones
        before = zones.kmem_map.size
        zones.reclaim()
        return before - zones.kmem_map.size

    # ---- pages -------------------------------------------------------------------------------

    @operation
    def read_file(self, name: TextArg, size: int | str, *, offset: PagesArg = 0) -> int:
        """Bring `size` bytes of a file from `offset` on into memory; returns the number of pages read.

        Pages of files use memory that is not needed otherwise: the page daemon can reclaim it immediately.
        """
        length = arguments.whole(size, "size")
        pages = -(-length // PAGE)
        if not 0 < pages <= self.system.pages.total_pages:
            most = binary_size(self.system.pages.total_pages * PAGE)
            raise Refused(f"size={length}: read at least a byte, and at most what memory holds, {most}")
        steps = self.system.kmem.files.read(name, offset >> PAGE_SHIFT, pages)
        return self.system.callbacks.complete("read_file", steps)

    @operation
    def take_pages(self, count: CountArg) -> int:
        """Allocate up to `count` free pages, to create memory pressure; returns the number of pages.

        Zeroed pages are allocated last, and cached pages never.  The kernel's reserves are ignored.
        """
        taken = 0
        for _ in range(count):
            frame = self.system.pages.allocate(owner=OTHERS) if self.system.kmem.frames.free_frames else None
            if frame is None:
                break
            self.system.kmem.others.append(frame)
            taken += 1
        return taken

    @operation
    def give_pages(self, count: CountArg) -> int:
        """Free up to `count` of the pages that :meth:`take_pages` allocated; returns the number of pages freed.

        Threads waiting for pages are woken when free_min pages are free.
        """
        others = self.system.kmem.others
        given = min(count, len(others))
        for _ in range(given):
            self.system.pages.free(others.pop())
        self.system.kmem.daemon.freed()
        return given
