"""The address of a crash beside a map: where it lies; all numbers are invented."""

from __future__ import annotations

import contextlib
import random

import pytest

import vmwidgets as vm
from tests.sources import kinds

MAP = """\
00400000-00401000 r-xp 00000000 08:01 12 /usr/bin/java
00601000-00622000 rw-p 00000000 00:00 0        [heap]
00700000-00701000 ---p 00000000 00:00 0
"""
HS_ERR = "siginfo: si_signo: 11 (SIGSEGV), si_code: 1 (SEGV_MAPERR), si_addr: 0x0000000000000010\nDynamic libraries:\n"
MACOS = """\
VM Region Info: 0x100200010 is not in any region.
      __TEXT 100000000-100004000 [ 16K] r-x/r-x SM=COW /tmp/a.out
--->  GAP OF 0x2fc000 BYTES
      MALLOC_TINY 100300000-100400000 [ 1024K] rw-/rwx SM=PRV
"""
GUARD = """\
VM Region Info: 0x104580000 is in 0x104500000-0x104600000;  bytes after start: 524288
      MALLOC_SMALL                104400000-104500000    [ 1024K] rw-/rwx SM=PRV
--->  STACK GUARD                 104500000-104600000    [ 1024K] ---/rwx SM=NUL
      Stack                       104600000-104700000    [ 1024K] rw-/rwx SM=PRV  thread 0
"""
GDB = """\
Program received signal SIGSEGV, Segmentation fault.
(gdb) p $_siginfo._sifields._sigfault.si_addr
$1 = (void *) 0x10
(gdb) info proc mappings
          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555556000     0x2000        0x0  r--p   /usr/bin/cat
"""
TOMBSTONE = """\
signal 11 (SIGSEGV), code 2 (SEGV_ACCERR), fault addr 0x6f12345678 (write)
memory map (1 entry):
    0000006f'12345000-0000006f'12346fff r--         0      2000  /system/bin/app_process64
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HS_ERR + MAP, "line 1: 0x10 is below the first range, java."),
        (HS_ERR.replace("00000010", "00601010") + MAP, "0x60_1010 is in [heap], which has the rights rw-."),
        (HS_ERR.replace("00000010", "00700010") + MAP,
         "0x70_0010 is in the range at 0x70_0000, which has no rights at all."),
        (HS_ERR.replace("00000010", "00500000") + MAP,
         "0x50_0000 is in the gap, 0xff000 bytes (1020 KiB) above java and below [heap]."),
        (HS_ERR.replace("00000010", "00800000") + MAP, "0x80_0000 is above the last range, the range at 0x70_0000."),
        (HS_ERR.replace("00000010", "00500000") + MAP.replace("\n00601", "\n...\n00601"), "in none of the ranges"),
        (MACOS,
         "0x1_0020_0010 is in the gap, 0x1fc010 bytes (2.0 MiB) above __TEXT of a.out and below MALLOC_TINY."),
        (GUARD, "0x1_0458_0000 is in STACK GUARD, which has no rights at all."),
        (GDB, "line 3: 0x10 is below the first range, cat."),
        (TOMBSTONE, "0x6f_1234_5678 is in app_process64, which may not be written."),
        ("a.out[77]: segfault at 400010 ip 0000000000400010 sp 00007ffd00001000 error 7 in a.out\n" + MAP,
         "0x40_0010 is in java, which may not be written."),
        *[(f"siginfo: {said}\n{kinds.HS_ERR}", "0x10 is in none of the ranges that the text lists.")
          for said in ("EXCEPTION_ACCESS_VIOLATION (0xc0000005), reading address 0x0000000000000010",
                       "ExceptionCode=0xc0000005, writing address 0x0000000000000010",
                       "EXCEPTION_ACCESS_VIOLATION (0xc0000005), data execution prevention violation at address 0x10",
                       "EXCEPTION_STACK_OVERFLOW (0xc00000fd), ExceptionInformation=0x0000000000000001 0x10")],
        ("[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x400010]\n" + MAP, "0x8 is below the first"),
    ],
)  # fmt: skip  # a row for each
def test_where_the_address_of_a_crash_lies(text: str, says: str) -> None:
    found = vm.load(text)
    assert says in found.unsaid[0]
    assert found.unsaid[0] in repr(found)
    without = [line for line in text.splitlines() if "-" in line and "signal" not in line and "Info" not in line]
    assert len(found.ranges) == len(vm.load("\n".join(without) + "\n").ranges)


def test_a_fault_without_an_address_has_none() -> None:
    text = HS_ERR.replace(
        "1 (SEGV_MAPERR), si_addr: 0x0000000000000010", "128 (SI_KERNEL), si_addr: 0x0000000000000000"
    )
    assert vm.load(text + MAP).unsaid == ()


def test_damaged_reports_are_read_or_refused() -> None:
    chance = random.Random(6)
    for text in (HS_ERR + MAP, MACOS, GDB, TOMBSTONE):
        lines = text.splitlines(keepends=True)
        for _ in range(25):
            cut = text[: chance.randrange(len(text))]
            wrong = "".join(chance.choice("0x9f -\n") if chance.random() < 0.03 else one for one in text)
            for one in (cut, wrong, "".join(chance.sample(lines, len(lines))), "".join(2 * line for line in lines)):
                with contextlib.suppress(vm.Refused):
                    repr(vm.load(one))
