"""What can't be read is refused in one sentence: what the sentence says, and the texts."""

from __future__ import annotations

import os
import random
import re
from functools import partial
from typing import Any

import pytest

import vmwidgets as vm
from tests.sources import kinds
from tests.sources.test_door import accident
from vmwidgets.given.pasted import Pasted
from vmwidgets.sources.proc_maps import load_maps

DOTS = """\
page table 0x87f6e000
..0: pte 0x21fda801 pa 0x87f6a000
..0: pte 0x21fda401 pa 0x87f69000
..0: pte 0x21fdac5b pa 0x87f6b000
"""

TEXTS: dict[str, tuple[Any, ...]] = {
    r"^the text has [0-9,]+ lines?, .*; (?:line [0-9]+ is nearest to|no line of it is near|without line [0-9]+,)": (
        "12 page faults\n", "page-faults: 5 at 0x1000\n", "page fault handler at 0x1000\n",
        "A page fault occurs when address 0x1000 is not mapped.\n", "no page fault at 0x1000, err 2\n",
        "backtrace:\n0x0000000080002cda\n0x0000000080002bb6\n", "Scores\n0 12\n1 30\n2 15\n", "Results\n1 2\n3 4\n",
        "Populations\n1234567\n23423\n", "total used free shared\n1 2 3 4\n5 6 7 8\n",
        "Results (run #1):\n12 14 15 16\n", "Grades, 2024\n90\n85\n77\n", "addr 0x10\n",
        "4096", "0x80001234\nbacktrace of hart 1\nfoo\n", "a b", "2024-11-28", "c 5\n",
    ),
    r"^line 1 of the text: this is a stack of calls; it has places in the program": (
        "Call Trace:\n0x1000\n0x2000\n0x3000\n",
    ),
    r"2 lines, the first 'hello'": ("hello\nworld\n",),
    r"the text has 20,002 lines, the first 'hello'; no line of it is near a kind": ("hello\n" * 20_002,),
    r"this is a summary of strace \(-c\)": (
        ("% time     seconds  usecs/call     calls    errors syscall\n"
         " 50.00    0.000100          10        10      mmap\n"),
    ),
    r"the lines below it are not in a form that is known": ("page table 0x87f6e000\n zork 0x1234 0x4567\n",),
    rf"{os.devnull} is empty: see docs/read\.md": (os.devnull,),
    r"line 2 is nearest to a page fault: one that was not served": ("hello\nthere was a page fault\n",),
    r"with numbers called esr and ttbr0; line 1 is nearest to an abort": ("esr: 0x10 ttbr0 = 20\n",),
    r"has 3 lines, each of 4 numbers; line 1 is nearest to a program's references": ("ab 1 2 4\ncd 3 4 5\nef 5 6 7\n",),
    r"write the text itself": (None, 5, ["panic: kfree"]),
    r"dots": (DOTS + DOTS.replace("87f6e", "87f5e") + "$ ",),
    r"is FreeBSD's, not one of xv6's": (
        "panic: vm_fault_lookup: fault on nofault entry\ncpuid = 0\nKDB: stack backtrace:\n",
    ),
    r"is OS/161's, not one of xv6's": (
        "panic: I can't handle this\nsys161: trace: software-requested debugger stop\n",
    ),
    r"is OpenBSD's, not one of xv6's": ("panic: kernel diagnostic assertion\nStopped at      db_enter+0x14\n",),
    r"has no descriptors": (kinds.WINDBG.replace("contains 0A00000012346867  ", ""),),
    r"a processor that the text does not say": (
        "BUG: Bad page map in process p  pte:20682653 pmd:20f23c01\naddr:00007fff84619000 vm_flags:04044411\n",
    ),
    r"PGD in line 2 is cut": ("crash> vtop 7f0000005000\n   PGD: 12a147f0\n",),
    r"1 line of the text names only the start of a library, as on macOS": (
        "Dynamic libraries:\n0x0000000104b60000 \t/Users/u/jdk/lib/server/libjvm.dylib\n",
    ),
    r"record it with --trace-mem=yes": (
        "==77== Lackey, an example Valgrind tool\n==77== Command: ./a\n==77== Counted 3 calls to main()\n",
    ),
    r"is a program \(ELF\): record what it references": (b"\x7fELF\x02\x01\x01" + bytes(200),),
}  # fmt: skip  # a table
"""What `vm.load` says, and of which texts."""

MACHINE = partial(vm.boot, "x86-64")
KDUMP = "   681 cat      CALL  mmap(0,0x1000,0x3<PROT_READ|PROT_WRITE>,0x1002<MAP_PRIVATE|MAP_ANON>,0xffffffff,0)\n"


def loaded(text: str) -> Pasted:
    found = vm.load(text)
    assert isinstance(found, Pasted)
    return found


CALLS: dict[str, Any] = {
    r"unknown recording 'vim'; known: .*ls, python": lambda: vm.recording("vim"),
    r"did you mean 'matrix'": lambda: vm.play("matrx", MACHINE()),
    r"unknown program 7": lambda: vm.play(7, MACHINE()),
    r"machine='m' is a str: boot one with vm\.boot\(\)": lambda: vm.play("fork", "m"),
    r"machine='x' is a str: boot one with vm\.boot\(\)": lambda: load_maps("x", kinds.MAPS),  # type: ignore[arg-type]  # as a learner may
    r"no page table to look in": lambda: vm.picture(vm.load("panic: kfree")).sought("0x1000"),
    r"Pasted shows the result of vm\.load": lambda: vm.Pasted(MACHINE()),
    r"each must have one table, or one listing": lambda: loaded(kinds.INFO_PG).compare(loaded(kinds.VMPRINT * 2)),
    r"this is what kdump of a BSD prints; on Linux, record it with strace": lambda: vm.load_strace(MACHINE(), KDUMP),
    r"this is what strace wrote; give it to vm\.load_strace": lambda: vm.load_maps(
        MACHINE(), vm.recording("ls").strace
    ),
    r"this is a map of /proc/PID/maps; give it to vm\.load_maps": lambda: vm.load_strace(
        MACHINE(), vm.recording("python").maps
    ),
    r"linux-armv7": lambda: vm.recorded_tables("linux-arm7"),
}
"""What other calls say."""


def refused(call: Any, says: str) -> None:
    with pytest.raises(vm.Refused, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert 10 < len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("says", "text"),
    [
        pytest.param(says, text, id=f"{says[:40]} {at}")
        for says, texts in TEXTS.items()
        for at, text in enumerate(texts)
    ],
)
def test_what_can_not_be_read_is_one_sentence(says: str, text: Any) -> None:
    refused(lambda: vm.load(text), says)


@pytest.mark.parametrize("says", CALLS)
def test_what_can_not_be_asked_is_one_sentence(says: str) -> None:
    refused(CALLS[says], says)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_of_an_unknown_text_is_true_of_it(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        text = accident(chance)
        try:
            vm.load(text)
            continue
        except vm.Refused as refused:
            said = str(refused)
        lines = text.splitlines()
        if seen := re.match(r"the text has ([0-9,]+) lines?, ", said):
            assert int(seen[1].replace(",", "")) == sum(not line.isspace() and line != "" for line in lines)
        if named := re.search(r", with numbers called (.+?);", said):
            assert all(re.search(rf"\b{name}\s*[:=]\s*[0-9a-fA-F]", text) for name in named[1].split(" and "))
        for line in re.findall(r"\bline ([0-9]+) (?:is nearest|of the text:)", said):
            assert lines[int(line) - 1].strip()
        if extra := re.search(r"without line ([0-9]+),", said):
            del lines[int(extra[1]) - 1]
            assert vm.load("\n".join(lines)).runs
