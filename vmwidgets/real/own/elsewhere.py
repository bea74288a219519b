"""A learner's own process on macOS and on Windows: its ranges, their rights, and their bytes in memory.

On macOS, the facts are read from the system's own program, vmmap(1).  On Windows, they come from VirtualQueryEx,
GetMappedFileName and QueryWorkingSetEx, which Microsoft documents under "Memory Management Functions" and "Process
Status API".
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ...engine.base.errors import Refused, printable
from ...engine.base.units import PAGE
from ...given.process import ProcessMoment, ProcessRange
from ...sources.proc_maps import ranges_of

SYSTEMS = ("darwin", "win32")
"""The systems without /proc whose processes can be read."""

SECONDS = 60
"""The seconds that vmmap(1) may take: it stops the process while it looks."""

COMMITTED = (
    "Windows commits memory: what is mapped without a file has its place in memory or in the page file from then on. "
    "Linux only promises it."
)


def moment_elsewhere(pid: int, system: str = sys.platform) -> ProcessMoment:
    """Return a process now, on one of :data:`SYSTEMS`; raises :class:`Refused` if it can't be read."""
    return _on_macos(pid) if system == "darwin" else _on_windows(pid)


# ---- macOS -------------------------------------------------------------------------------------------


def _on_macos(pid: int) -> ProcessMoment:
    try:
        done = subprocess.run(
            ["/usr/bin/env", "vmmap", str(pid)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"process {pid} can't be read by vmmap: {type(error).__name__}") from None
    if done.returncode:
        said = printable(((done.stderr or done.stdout).strip().splitlines() or ["it says nothing"])[0])
        raise Refused(f"process {pid} can't be read by vmmap: {said}")
    found = ranges_of(done.stdout, "vmmap")
    ranges = tuple(
        ProcessRange(one.start, one.end, one.protection, one.shared, one.offset, one.path, one.resident)
        for one in found.ranges
    )
    name = next(
        (
            line.partition(":")[2].split("[")[0].strip()
            for line in done.stdout.splitlines()
            if line.startswith("Process:")
        ),
        "",
    )
    return ProcessMoment(pid, name or str(pid), ranges, unsaid=found.unsaid)


# ---- Windows -----------------------------------------------------------------------------------------

_RESERVED, _FREE = 0x2000, 0x1_0000
_MAPPED = 0x4_0000
_GUARD = 0x100
_RIGHTS = {
    0x01: "---",
    0x02: "r--",
    0x04: "rw-",
    0x08: "rw-",
    0x10: "--x",
    0x20: "r-x",
    0x40: "rwx",
    0x80: "rwx",
}
_WRITE_COPY = (0x08, 0x80)
"""Protections of Windows, as rights, for which a write first copies the page."""


class Region(NamedTuple):
    """VirtualQueryEx's description of neighbouring pages that are alike, and their file.

    The fields are those of MEMORY_BASIC_INFORMATION: BaseAddress, RegionSize (bytes), State, Protect, Type.
    """

    start: int
    size: int
    state: int
    protect: int
    kind: int
    path: str = ""


def range_of_region(one: Region, resident: int | None) -> ProcessRange | None:
    """Return a region as a range; None for a free region.

    >>> one = range_of_region(Region(0x1_0000, 8192, 0x1000, 0x04, 0x2_0000), 4096)
    >>> one.protection, one.size, one.resident
    ('rw-', 8 KiB, 4096)
    """
    if one.state == _FREE:
        return None
    end = one.start + one.size
    if one.state == _RESERVED:
        return ProcessRange(one.start, end, "---", path=one.path, resident=0)
    rights = "---" if one.protect & _GUARD else _RIGHTS.get(one.protect & 0xFF, "---")
    shared = one.kind == _MAPPED and one.protect & 0xFF not in _WRITE_COPY
    return ProcessRange(one.start, end, rights, shared, 0, one.path, resident)


def regions_of(query: Callable[[int], Region | None]) -> Iterator[Region]:
    """Yield all regions from address 0 on; `query` returns the region at an address, or None after the last."""
    at = 0
    while (one := query(at)) is not None and one.start + one.size > at:
        yield one
        at = one.start + one.size


if sys.platform == "win32":
    _QUERY_AND_READ = 0x0400 | 0x0010  # PROCESS_QUERY_INFORMATION, PROCESS_VM_READ
    _AT_ONCE = 1 << 16

    class _Basic(ctypes.Structure):
        _fields_ = (
            ("BaseAddress", ctypes.c_void_p),
            ("AllocationBase", ctypes.c_void_p),
            ("AllocationProtect", ctypes.c_uint32),
            ("PartitionId", ctypes.c_uint16),
            ("RegionSize", ctypes.c_size_t),
            ("State", ctypes.c_uint32),
            ("Protect", ctypes.c_uint32),
            ("Type", ctypes.c_uint32),
        )

    class _Page(ctypes.Structure):
        _fields_ = (("VirtualAddress", ctypes.c_void_p), ("Flags", ctypes.c_size_t))
        # PSAPI_WORKING_SET_EX_INFORMATION: bit 0 of the flags says that the page is in memory

    class _Windows:
        """A process that is open for reading."""

        def __init__(self, pid: int) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            for name in ("OpenProcess", "VirtualQueryEx"):
                getattr(self._kernel, name).restype = ctypes.c_size_t
            self._handle = ctypes.c_void_p(self._kernel.OpenProcess(_QUERY_AND_READ, False, pid))
            if not self._handle.value:
                raise Refused(f"process {pid} can't be read: {ctypes.WinError(ctypes.get_last_error()).strerror}")

        def region(self, at: int) -> Region | None:
            said = _Basic()
            place = ctypes.c_void_p(at)
            if not self._kernel.VirtualQueryEx(self._handle, place, ctypes.byref(said), ctypes.sizeof(said)):
                return None
            path = self._path(self._kernel.K32GetMappedFileNameW, place) if said.Type in (_MAPPED, 0x100_0000) else ""
            return Region(said.BaseAddress or 0, said.RegionSize, said.State, said.Protect, said.Type, path)

        def resident(self, one: Region) -> int | None:
            """Return how many bytes of a region are in memory."""
            if one.state in (_RESERVED, _FREE):
                return 0
            held = 0
            for first in range(0, one.size // PAGE, _AT_ONCE):
                count = min(_AT_ONCE, one.size // PAGE - first)
                pages = (_Page * count)(*(_Page(one.start + (first + at) * PAGE, 0) for at in range(count)))
                if not self._kernel.K32QueryWorkingSetEx(self._handle, pages, ctypes.sizeof(pages)):
                    return None
                held += sum(page.Flags & 1 for page in pages)
            return held * PAGE

        def name(self) -> str:
            return self._path(self._kernel.K32GetModuleBaseNameW, None)

        def _path(self, ask: Any, place: ctypes.c_void_p | None) -> str:
            words = ctypes.create_unicode_buffer(1024)
            return words.value.replace("\\", "/") if ask(self._handle, place, words, len(words)) else ""

        def close(self) -> None:
            self._kernel.CloseHandle(self._handle)

    def _on_windows(pid: int) -> ProcessMoment:
        windows = _Windows(pid)
        try:
            found = [range_of_region(one, windows.resident(one)) for one in regions_of(windows.region)]
            name = windows.name()
        finally:
            windows.close()
        ranges = tuple(one for one in found if one is not None)
        return ProcessMoment(pid, name or str(pid), ranges, unsaid=(COMMITTED,))

else:

    def _on_windows(pid: int) -> ProcessMoment:
        raise Refused(f"process {pid}: this system is {sys.platform}, and not Windows")


__all__ = ["SYSTEMS", "Region", "moment_elsewhere", "range_of_region", "regions_of"]
