"""The smallest text of each kind that `vm.load` reads, made up by hand; the tests cut, double and shuffle them.

Those of kernels and of ranges are in the corpus tests/texts, each with what must be read of it.
"""

from __future__ import annotations

from tests.sources.texts import text_of


def pasted(name: str) -> str:
    """Return a text of the corpus without its head."""
    return text_of(f"pasted/{name}").body


def ranges(name: str) -> str:
    """Return a list of ranges of the corpus without its head."""
    return text_of(f"ranges/{name}").body


VMPRINT = pasted("vmprint")
PRINT_PGTBL = pasted("print_pgtbl")
OOPS_X86 = pasted("oops-x86")
OOPS_ARM64 = pasted("oops-arm64")
OOPS_ARM = pasted("oops-arm")
OOPS_RISCV = pasted("oops-riscv")
XV6_X86 = pasted("xv6-x86")
PINTOS = pasted("pintos")
JOS = pasted("jos")
RCORE = pasted("rcore")
PTDUMP = pasted("ptdump")
INFO_PG = pasted("info-pg")
FREEBSD = pasted("freebsd")
OPENBSD = pasted("openbsd")
QEMU = pasted("qemu-log")
BLOG_OS = pasted("blog_os")
NETBSD = pasted("netbsd")
XNU = pasted("macos-panic")
UCORE = pasted("ucore")
OS161 = pasted("os161")
XEN = pasted("xen")
WINDBG = pasted("windbg")
VTOP = pasted("vtop")
BAD_MAP = pasted("bad-page-map")
START = pasted("start-page-table")

MAPS = ranges("maps")
SMAPS = ranges("smaps")
GDB = ranges("gdb")
GDB_OLD = ranges("gdb-old")
PWNDBG = ranges("pwndbg")
GEF = ranges("gef")
PMAP = ranges("pmap")
PMAP_X = ranges("pmap-X")
PROCSTAT = ranges("procstat")
MACOS = ranges("vmmap")
TOMBSTONE = ranges("tombstone")
OLD_TOMBSTONE = ranges("tombstone-old")
HS_ERR = ranges("hs_err-windows")

STRACE = """\
execve("/bin/true", ["true"], 0x7ffd0 /* 2 vars */) = 0
brk(NULL) = 0x55550000
openat(AT_FDCWD, "/lib/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000
mprotect(0x7f0000001000, 4096, PROT_NONE) = 0
mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000010000
exit_group(0) = ?
+++ exited with 0 +++
"""

KERNELS = {
    "vmprint": VMPRINT, "print_pgtbl": PRINT_PGTBL, "oops of x86": OOPS_X86, "oops of arm64": OOPS_ARM64,
    "oops of ARM": OOPS_ARM, "oops of RISC-V": OOPS_RISCV, "xv6 for x86": XV6_X86, "Pintos": PINTOS, "JOS": JOS,
    "rCore": RCORE, "ptdump": PTDUMP, "info pg": INFO_PG, "FreeBSD": FREEBSD, "OpenBSD": OPENBSD, "QEMU": QEMU,
    "blog_os": BLOG_OS, "NetBSD": NETBSD, "panic of macOS": XNU, "uCore": UCORE, "OS/161": OS161, "Xen": XEN,
    "WinDbg": WINDBG, "vtop": VTOP, "bad page map": BAD_MAP, "START PAGE TABLE": START,
}  # fmt: skip  # read as a table

RANGES = {
    "maps": MAPS, "smaps": SMAPS, "gdb": GDB, "gdb, old": GDB_OLD, "pwndbg": PWNDBG, "gef": GEF, "pmap": PMAP,
    "pmap -X": PMAP_X, "procstat": PROCSTAT, "vmmap of macOS": MACOS, "tombstone": TOMBSTONE,
    "older tombstone": OLD_TOMBSTONE, "hs_err of Windows": HS_ERR,
}  # fmt: skip

ALL = {**KERNELS, **RANGES, "strace": STRACE}
