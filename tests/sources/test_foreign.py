"""Texts of other programs are known, by what their manuals show, and refused with what they are and what to do."""

from __future__ import annotations

import pytest

import vmwidgets as vm

VMMAP = """\
Process:         cat [1234]
Path:            /bin/cat

==== Non-writable regions for process 1234
REGION TYPE                    START - END         [ VSIZE  RSDNT  DIRTY   SWAP] PRT/MAX SHRMOD PURGE    REGION DETAIL
__TEXT                      10b5a9000-10b5ae000    [   20K    20K     0K     0K] r-x/r-x SM=COW          /bin/cat
"""
PROCSTAT = """\
  PID              START                END PRT    RES PRES REF SHD FLAG  TP PATH
  681           0x400000           0x408000 r-x      8   10   2   1 CN--- vn /bin/cat
"""
PMAP = "1234:   cat\n0000558d6f2c5000      8K r---- cat\n total             5420K\n"
GDB = """\
process 4242
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555556000     0x2000        0x0  r--p   /usr/bin/cat
"""
ROLLUP = "556858f9e000-7ffde0ca9000 ---p 00000000 00:00 0                          [rollup]\nRss:   1000 kB\n"
READ = {
    "what vmmap of macOS prints; give it to vm.load": VMMAP,
    "what procstat of FreeBSD prints; give it to vm.load": PROCSTAT,
    "what pmap prints; give it to vm.load": PMAP,
    "what gdb prints for 'info proc mappings'; give it to vm.load": GDB,
}
FOREIGN = {
    "a smaps_rollup, which sums all ranges up as one; give /proc/PID/smaps, which has each range": ROLLUP,
}


@pytest.mark.parametrize("what", READ)
def test_ranges_of_other_programs_are_read_and_are_no_trace(what):
    machine = vm.boot("x86-64")
    assert len(vm.load_maps(machine, READ[what]).ranges) == 1
    with pytest.raises(vm.Refused) as caught:
        vm.load_strace(machine, READ[what])
    assert str(caught.value).endswith(f"this is {what}")


@pytest.mark.parametrize("what", FOREIGN)
def test_the_readers_say_what_it_is(what, tmp_path):
    path = tmp_path / "theirs.txt"
    path.write_text(FOREIGN[what])
    machine = vm.boot("x86-64")
    for read in (vm.load_maps, vm.load_strace):
        with pytest.raises(vm.Refused) as caught:
            read(machine, path)
        assert str(caught.value).endswith(f"this is {what}")
    for read_any in (vm.load, lambda path: vm.diff(machine.task("a"), path)):
        with pytest.raises(vm.Refused, match="this is "):
            read_any(path)


@pytest.mark.parametrize("name", ["python", "threads", "fails"])
def test_no_real_text_is_taken_for_another(name):
    machine = vm.boot("x86-64", ram="256 MiB")
    assert len(vm.load_maps(machine, vm.recording(name).maps).task.map) > 40


FIRST_WORDS = {
    "AddressSanitizer": "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010\n",
    "memcheck": "==9== Memcheck, a memory error detector\n==9== Invalid read of size 4\n==9==    at 0x10917B: main\n",
    "ESP32": "Guru Meditation Error: Core  0 panic'ed (LoadProhibited).\nEXCVADDR: 0x00000020\n",
    "MPU": "***** MPU FAULT *****\n  Data Access Violation\n  MMFAR Address: 0x20\n",
    "PowerPC": "BUG: Kernel NULL pointer dereference on read at 0x00000008\nOops: Kernel access of bad area\n"
    "LE PAGE_SIZE=64K MMU=Radix\nDAR: 0000000000000008 DSISR: 40000000\n",
    "PROC-meminfo": "MemTotal: 4096 kB\nMemFree: 1024 kB\n",
    "buddyinfo": "Node 0, zone    DMA32      1      0      2      0      0      0      0      0      0      0      3\n",
    "numa_maps": "55d400000000 default heap anon=29 dirty=29 N0=11 N1=18 kernelpagesize_kB=4\n",
    "PID/status": "Name:\tcat\nVmPeak:\t    5000 kB\nVmRSS:\t    1000 kB\n",
    "vmstat": "procs -----memory-----\n r  b   swpd   free   buff\n 1  0 0 1 2\n",
    "e820": "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n",
    "iomem": "00000000-00000fff : Reserved\n00001000-0009ffff : System RAM\n",
    "perf stat": "     1,000,000      dTLB-loads\n        50,000      dTLB-load-misses          #    5.00%\n",
    "dump of memory": "0x7ffffffde010:\t0x0000000000000001\t0x00007ffff7ffe190\n",
    "stands still": "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [cat:1234]\n",
    "panic of Linux": "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n",
    "no fault of paging": "list_del corruption. prev->next should be ffff8880, but was dead\n",
    "JVM": "Native Memory Tracking:\n\nTotal: reserved=1366340KB, committed=75096KB\n",
    "WinDbg": "--- Usage Summary ---------------- RgnCount ----------- Total Size --------\nFree 59 7ffe`9d6b7000\n",
    "mtree": "FlatView #0\n AS \"memory\", root: system\n  0000000000000000-00000000000bffff (prio 0, ram): pc.ram\n",
    "no numbers of tasks": "  Last State:     Terminated\n    Reason:       OOMKilled\n    Exit Code:    137\n",
    "JVM (hs_err)": "#  EXCEPTION_ACCESS_VIOLATION (0xc0000005) at pc=0x00007ffd00000b45, pid=12, tid=56\n",
    "Android": "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x8\n    x0  0000000000000000\n",
    "macOS": "* thread #1, stop reason = EXC_BAD_ACCESS (code=1, address=0x8)\n",
    "Windows": "Windows fatal exception: access violation\n",
    "gdb prints": "(gdb) p $_siginfo._sifields._sigfault.si_addr\n$1 = (void *) 0x8\n",
    "seL4": "vm fault on data at address 0x8 with status 0x6\nin thread 0xffffff8008140400\n",
    "Nachos": "Unexpected user mode exception 2 3\n",
    "Plan 9": "8.out 77: suicide: sys: trap: fault read addr=0x8 pc=0x00001020\n",
    "as QEMU prints it": "KVM internal error. Suberror: 1\nEAX=00000000 EBX=00000000 ECX=00000000 EDX=00000663\n",
    "Bochs": "00014040193e[CPU0  ] exception(): 3rd (14) exception with no resolution, shutdown\n",
    "gem5": "panic: Page table fault when accessing virtual address 0x8\nProgram aborted at tick 5000\n",
    "LoongArch": "CPU 0 Unable to handle kernel paging request at virtual address 0008, era == 9000000000212345\n",
    "not a page fault": "EXCEPTION: DOUBLE FAULT\nInterruptStackFrame {\n",
    "segfault at": "$ ./a.out\nSegmentation fault (core dumped)\n",
}  # fmt: skip  # a text, and a word that says what it is


@pytest.mark.parametrize("word", FIRST_WORDS)
def test_a_text_that_is_not_read_is_called_by_its_name(word):
    with pytest.raises(vm.Refused) as caught:
        vm.load(FIRST_WORDS[word])
    assert word.removeprefix("PROC-") in str(caught.value)
    with pytest.raises(vm.Refused, match="this is "):
        vm.load("a log\n" * 30 + FIRST_WORDS[word] + "and more of it\n" * 30)
