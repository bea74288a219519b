"""The smallest text of each kind that `vm.load` reads, made up by hand; the tests cut, double and shuffle them."""

from __future__ import annotations

VMPRINT = """\
page table 0x87f6e000
..0: pte 0x21fda801 pa 0x87f6a000
.. ..0: pte 0x21fda401 pa 0x87f69000
.. .. ..0: pte 0x21fdac5b pa 0x87f6b000
.. .. ..2: pte 0x21fda0d7 pa 0x87f68000
..255: pte 0x21fdb401 pa 0x87f6d000
.. ..511: pte 0x21fdb001 pa 0x87f6c000
.. .. ..511: pte 0x20001c4b pa 0x80007000
usertrap(): unexpected scause 0xf pid=3
            sepc=0x10 stval=0x1008
"""

PRINT_PGTBL = """\
print_pgtbl starting
va 0x0 pte 0x21FC885B pa 0x87F22000 perm 0x5B
va 0x1000 pte 0x21FC7C17 pa 0x87F1F000 perm 0x17
va 0x2000 pte 0x21FC7807 pa 0x87F1E000 perm 0x7
va 0x3000 pte 0x0 pa 0x0 perm 0x0
va 0xFFFFE000 pte 0x21FD80C7 pa 0x87F60000 perm 0xC7
print_pgtbl: OK
"""

OOPS_X86 = """\
[   12.345678] BUG: kernel NULL pointer dereference, address: 0000000000000008
[   12.345679] #PF: supervisor write access in kernel mode
[   12.345680] #PF: error_code(0x0002) - not-present page
[   12.345681] PGD 1234067 P4D 1234067 PUD 5678067 PMD 0
[   12.345682] Oops: 0002 [#1] PREEMPT SMP NOPTI
[   12.345683] CPU: 1 PID: 234 Comm: insmod Tainted: G           OE     6.1.0 #1
[   12.345684] RIP: 0010:broken_init+0x1b/0x1000 [broken]
[   12.345685] CR2: 0000000000000008 CR3: 0000000004321000 CR4: 00000000003706f0
"""

OOPS_ARM64 = """\
Unable to handle kernel write to read-only memory at virtual address ffffffc010a12340
Mem abort info:
  ESR = 0x000000009600004e
  EC = 0x25: DABT (current EL), IL = 32 bits
swapper pgtable: 4k pages, 39-bit VAs, pgdp=0000000001cf5000
[ffffffc010a12340] pgd=000000007bfff003, p4d=000000007bfff003, pud=000000007bfff003, pmd=0060000001000791
Internal error: Oops: 000000009600004e [#1] PREEMPT SMP
"""

OOPS_ARM = """\
Unable to handle kernel NULL pointer dereference at virtual address 00000034
pgd = d91dc000
[00000034] *pgd=192f2831, *pte=00000000, *ppte=00000000
Internal error: Oops: 817 [#1] ARM
CPU: 0 PID: 77 Comm: test Not tainted 4.4.19 #1
"""

OOPS_RISCV = """\
Unable to handle kernel paging request at virtual address 0000000000010000
Current sh pgtable: 4K pagesize, 39-bit VAs, pgdp=0x0000000081a42000
[0000000000010000] pgd=0000000020691801, p4d=0000000020691801, pud=0000000020691801, pmd=0000000020691c01, \
pte=0000000020692013
Oops [#1]
epc : ffffffff80012344 ra : ffffffff80012300 sp : ff20000000c3bd00
status: 0000000200000120 badaddr: 0000000000010000 cause: 000000000000000d
"""

XV6_X86 = "pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x4000--kill proc\n"

PINTOS = """\
Page fault at 0xbffffffc: rights violation error writing page in user context.
child: dying due to interrupt 0x0e (#PF Page-Fault Exception).
Interrupt 0x0e (#PF Page-Fault Exception) at eip=0x8048757
 cr2=bffffffc error=00000007
"""

JOS = """\
[00001000] user fault va 00000004 ip 00800039
TRAP frame at 0xf01c0000 from CPU 0
  trap 0x0000000e Page Fault
  cr2  0x00000004
  err  0x00000004 [user, read, not-present]
  eip  0x00800039
"""

FREEBSD = """\
Fatal trap 12: page fault while in kernel mode
cpuid = 1; apic id = 01
fault virtual address\t= 0x18
fault code\t\t= supervisor write data, page not present
instruction pointer\t= 0x20:0xffffffff80812345
current process\t\t= 77 (sh)
panic: page fault
"""
OPENBSD = "uvm_fault(0xfffffd8012345678, 0x18, 0, 2) -> e\nkernel: page fault trap, code=2\n"
QEMU = "  12: v=0e e=0006 i=0 cpl=3 IP=001b:00800020 pc=00800020 SP=0023:eebfdfd0 CR2=00000004\n"
BLOG_OS = """\
EXCEPTION: PAGE FAULT
Accessed Address: VirtAddr(0x4008)
Error Code: PROTECTION_VIOLATION | CAUSED_BY_WRITE
"""
NETBSD = """\
uvm_fault(0xffffffff81234560, 0x1000, 2) -> e
fatal page fault in supervisor mode
trap type 6 code 2 rip 0xffffffff80212345 cs 0x8 rflags 0x10246 cr2 0x1018 ilevel 0
"""
XNU = """\
panic(cpu 1 caller 0xffffff8011): Kernel trap at 0xffffff7f12345678, type 14=page fault, registers:
CR0: 0x8001003b, CR2: 0x0000000000000028, CR3: 0x20300000, CR4: 0x3406e0
Fault CR2: 0x0000000000000028, Error code: 0x0000000000000002, Fault CPU: 0x1
"""
UCORE = "page fault at 0x00000100: K/W [no page found].\n"
OS161 = """\
panic: Fatal exception 3 (TLB miss on store) in kernel mode
panic: EPC 0x80001234, exception vaddr 0x10
"""
XEN = """\
(XEN) ----[ Xen-4.17.0  x86_64  debug=n  Not tainted ]----
(XEN) RIP:    e008:[<ffff82d040212345>] set_timer+0x39/0x1f7
(XEN) cr3: 0000000012344000   cr2: 0000000000000048
(XEN) Pagetable walk from 0000000000000048:
(XEN)  L4[0x000] = 0000000012345063 ffffffffffffffff
(XEN)  L3[0x000] = 0000000000000000 ffffffffffffffff
(XEN) Panic on CPU 3:
(XEN) FATAL PAGE FAULT
(XEN) [error_code=0002]
(XEN) Faulting linear address: 0000000000000048
"""
WINDBG = """\
                                           VA 0000000000010000
PXE at FFFFF6FB7DBED000    PPE at FFFFF6FB7DA00000    PDE at FFFFF6FB40000000    PTE at FFFFF68000000080
contains 0A00000012345867  contains 0A00000012346867  contains 0A00000012347867  contains 8000000012348005
"""
VTOP = "crash> vtop ffffffff80000000\n   PUD: 12a14ff0 => 12a15063\n   PMD: 12a15000 => 0\n"
BAD_MAP = "BUG: Bad page map in process p  pte:fd20b000 pmd:12308067\naddr:00007f0000005000 vm_flags:08100073\n"
START = "START PAGE TABLE\n0x0 P U W 0x12\n0x1 P - W 0x13\nEND PAGE TABLE\n"

RCORE = (
    "[kernel] Exception(StorePageFault) in application, bad addr = 0x4000, bad instruction = 0x100ac, kernel"
    " killed it.\n"
)

PTDUMP = """\
---[ Linear mapping ]---
0xffff000000000000-0xffff000000200000           2M PMD       RW NX SHD AF            BLK UXN MEM/NORMAL
0xffff000000200000-0xffff000000400000           2M PMD       ro x  SHD AF            BLK UXN MEM/NORMAL
"""

INFO_PG = """\
VPN range     Entry         Flags        Physical page
[00000-003ff]  PDE[000]     ----A--UWP
  [00200-00201]  PTE[200-201] -------U-P 00380 0037e
  [00202-00202]  PTE[202]     -------UWP 00390
"""

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
