"""The smallest text of each kind that `vm.load` reads, made up by hand; the tests cut, double and shuffle them.

The texts of kernels are in the corpus tests/texts/pasted, each with what must be read of it.
"""

from __future__ import annotations

from tests.sources.texts import text_of


def pasted(name: str) -> str:
    """Return a text of the corpus without its head."""
    return text_of(f"pasted/{name}").body


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

MAPS = """\
55d0c0de1000-55d0c0de2000 r-xp 00001000 08:01 4242                       /home/u/a.out
55d0c0de2000-55d0c0de3000 rw-p 00002000 08:01 4242                       /home/u/a.out
7f0000003000-7f0000004000 rw-s 00000000 00:00 0
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
"""

SMAPS = """\
55d0c0de1000-55d0c0de3000 r-xp 00001000 08:01 4242                       /home/u/a.out
Size:                  8 kB
KernelPageSize:        4 kB
Rss:                   4 kB
ProtectionKey:         0
VmFlags: rd ex mr mw me
7f0000003000-7f0000004000 rw-p 00000000 00:00 0
Name:           [anon:libc_malloc]
Size:                  4 kB
Rss:                   0 kB
"""

GDB = """\
process 4242
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555556000     0x2000        0x0  r--p   /usr/bin/cat
      0x555555556000     0x55555555a000     0x4000     0x2000  r-xp   /usr/bin/cat
"""

GDB_OLD = """\
          Start Addr           End Addr       Size     Offset objfile
            0x400000           0x401000     0x1000        0x0 /home/u/a.out
      0x7ffff7fc1000     0x7ffff7fc3000     0x2000        0x0 [vdso]
"""

PWNDBG = """\
LEGEND: STACK | HEAP | CODE | DATA | RWX | RODATA
             Start                End Perm     Size Offset File
          0x400000           0x41e000 r-xp    1e000 1000   /bin/ls
►   0x7ffff7373000     0x7ffff7377000 rw-p     4000 0      [anon_7ffff7373]
"""

GEF = """\
[ Legend:  Code | Heap | Stack ]
Start              End                Offset             Perm Path
0x0000000000400000 0x0000000000401000 0x0000000000001000 r-x /tmp/a
0x00007ffffffde000 0x00007ffffffff000 0x0000000000000000 rw- [stack]
"""

PMAP = """\
1234:   cat
Address           Kbytes     RSS   Dirty Mode  Mapping
0000558d6f2c5000       8       8       0 r---- cat
0000558d6f2c7000      16      12       4 rw---   [ anon ]
---------------- ------- ------- -------
total kB              24      20       4
"""

PMAP_X = """\
1234:   cat
         Address Perm   Offset Device  Inode  Size   Rss   Pss  Swap              VmFlags Mapping
    558d6f2c5000 r--p 00001000  08:01   4711     8     8     4     0          rd mr mw me cat
    558d6f2c7000 rw-s 00000000  00:00      0    16    12    12     4    rd wr sh mr mw me
    7ffc0a000000 --xp 00000000  00:00      0     4     0     0     0                   ex [vdso]
                                             ===== ===== ===== =====
                                                28    20    16     4 KB
"""

PROCSTAT = """\
  PID              START                END PRT    RES PRES REF SHD FLAG  TP PATH
  681           0x400000           0x408000 r-x      8   10   2   1 CN--- vn /bin/cat
  681        0x800607000        0x800627000 rw-      4   10   2   1 ----- df
  681     0x7ffffffdf000     0x7ffffffff000 rw-      3    3   1   0 ---D- df
"""

MACOS = """\
==== Non-writable regions for process 1234
REGION TYPE                    START - END         [ VSIZE  RSDNT  DIRTY   SWAP] PRT/MAX SHRMOD PURGE    REGION DETAIL
__TEXT                      10b5a9000-10b5ae000    [   20K    20K     0K     0K] r-x/r-x SM=COW          /bin/cat
MALLOC_TINY              7f8000000000-7f8000100000 [ 1024K    20K    20K     0K] rw-/rwx SM=PRV
"""

TOMBSTONE = """\
memory map (2 entries):
    0000006f'12345000-0000006f'12346fff r--         0      2000  /system/bin/app_process64 (BuildId: abc)
    0000006f'1234a000-0000006f'1234afff rw-         0      1000  [anon:scudo:primary]
"""

OLD_TOMBSTONE = """\
40000000-40001fff r-x /system/bin/linker
3f000000-3f000fff rw-
"""

HS_ERR = """\
#  EXCEPTION_ACCESS_VIOLATION (0xc0000005) at pc=0x00007ffd3e1b2b45, pid=1234, tid=5678
Dynamic libraries:
0x00007ff6a4b30000 - 0x00007ff6a4b77000 \tC:\\Program Files\\Java\\jdk-17\\bin\\java.exe
0x00007ffd90010000 - 0x00007ffd90208000 \tC:\\Windows\\SYSTEM32\\ntdll.dll
"""

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
