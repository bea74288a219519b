"""Panics of xv6 (RISC-V): the function that checks, what its check protects, and three usual mistakes.

Programs print "panic:" too.  Such a panic is called the program's if the words of its runtime show it; Go also prints
the signal of a failed access.

The names of the functions are from the kernel's own source, github.com/mit-pdos/xv6-riscv; the xv6 book explains what
they protect, in chapters 3 (page tables), 4 (traps), 6 (locks) and 7 (scheduling).
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from ...engine.base.errors import printable
from ...engine.base.units import Address
from ...engine.mmu.pasted import Panic, Trap
from .parts import Parts

_PANIC = re.compile(r"(?<![\w-])panic:((?:\s*panic:)*)(.*)", re.ASCII | re.IGNORECASE)

_BEHIND = re.compile(r"(?:\\n|[\s|│\\\"'`])+$")
"""The remains of a list of strings, a script or a drawn frame after a line."""

LONGEST = 80
"""The most characters of a panic's text."""


class Check(NamedTuple):
    """One check of the kernel."""

    function: str
    """Its name and its file."""
    protects: str
    mistakes: tuple[str, str, str]


_VM, _PROC, _TRAP, _LOCK = "kernel/vm.c", "kernel/proc.c", "kernel/trap.c", "kernel/spinlock.c"
_UNMAP = f"uvmunmap in {_VM}"
_ALIGNED = "Tables map whole pages, so a mapping begins at a multiple of the page size."
_NOT_ALIGNED = (
    "The address is not rounded down with PGROUNDDOWN.",
    "A size of the program (p->sz) is used as an address without PGROUNDUP.",
    "A faulting address (stval) is passed on as it is.",
)
_SEGMENTS = (
    "A segment of the program does not begin at a page's start: ph.vaddr is not checked in exec.",
    "The program is linked without user.ld, or with a linker script of another kind.",
    "The loop goes on by another step than PGSIZE.",
)
_UNMAPPED = (
    "The range extends past the mapping, or is unmapped a second time.",
    "Pages are allocated lazily now, and the loop does not skip those that were never touched.",
    "The new size of the program (p->sz) was set before, or without, mapping its pages.",
)

CHECKS: dict[str, Check] = {
    "freewalk: leaf": Check(
        f"freewalk in {_VM}",
        "Page-table pages are freed only after every mapping in them is removed: a mapped page would be lost.",
        (
            "A page outside the program's memory (trapframe, USYSCALL) is not unmapped in proc_freepagetable.",
            "uvmunmap or uvmfree is called with too small a size, so the last pages stay mapped.",
            "A superpage or an mmap'd range lies above p->sz, and nothing unmaps it when the process ends.",
        ),
    ),
    "mappages: remap": Check(
        f"mappages in {_VM}",
        "A descriptor that is in use is never overwritten: the page that it maps would be lost.",
        (
            "The range overlaps one that is mapped already, for example because the old size was not rounded up.",
            "A copy-on-write fault maps the copy without first removing the shared page's descriptor.",
            "A lazy page is allocated a second time, because the fault handler does not look whether it is there.",
        ),
    ),
    "mappages: va not aligned": Check(f"mappages in {_VM}", _ALIGNED, _NOT_ALIGNED),
    "mappages: size not aligned": Check(
        f"mappages in {_VM}",
        "Tables map whole pages, so the size of a mapping is a multiple of the page size.",
        (
            "sizeof of a structure is passed in place of PGSIZE.",
            "The difference of two sizes is passed without PGROUNDUP.",
            "The arguments are in the wrong order: mappages(pagetable, va, size, pa, perm).",
        ),
    ),
    "mappages: size": Check(
        f"mappages in {_VM}",
        "A mapping of no bytes is a mistake of the caller.",
        (
            "The size is computed from two equal addresses.",
            "The file or the segment that is mapped is empty.",
            "The arguments are in the wrong order: mappages(pagetable, va, size, pa, perm).",
        ),
    ),
    "uvmunmap: not aligned": Check(_UNMAP, _ALIGNED, _NOT_ALIGNED),
    "uvmunmap: walk": Check(
        _UNMAP, "What is unmapped was mapped: here not even the table that would hold the descriptor is there.",
        _UNMAPPED,
    ),
    "uvmunmap: not mapped": Check(
        _UNMAP, "What is unmapped was mapped: here V of the descriptor is 0.", _UNMAPPED
    ),
    "uvmunmap: not a leaf": Check(
        _UNMAP,
        "Only pages are unmapped: this descriptor has V and none of R, W and X, so it leads to a table.",
        (
            "The permissions that were passed to mappages have none of PTE_R, PTE_W and PTE_X.",
            "Code that changes descriptors clears PTE_R as well as PTE_W.",
            "walk was changed for superpages and stops at a higher level than its caller expects.",
        ),
    ),
    "uvmcopy: pte should exist": Check(
        f"uvmcopy in {_VM}",
        "fork copies all pages below p->sz: here not even the table that would hold the descriptor is there.",
        _UNMAPPED,
    ),
    "uvmcopy: page not present": Check(
        f"uvmcopy in {_VM}",
        "fork copies all pages below p->sz: here V of the descriptor is 0.",
        _UNMAPPED,
    ),
    "walk": Check(
        f"walk in {_VM}",
        "Addresses are below MAXVA, so that bit 38 and the bits above it are 0.",
        (
            "A user's pointer reaches walk unchecked, in copyin, copyout or a fault handler: compare with MAXVA first.",
            "An address was computed from an uninitialized or a negative value.",
            "A physical address, or a descriptor, is passed as a virtual address.",
        ),
    ),
    "uvmfirst: more than a page": Check(
        f"uvmfirst in {_VM}",
        "The code of the first process is copied into one page.",
        (
            "initcode has grown past 4,096 bytes.",
            "A size is passed in pages or in other units, and not in bytes.",
            "PGSIZE was changed, or the size is computed from the wrong symbols.",
        ),
    ),
    "uvmclear": Check(
        f"uvmclear in {_VM}",
        "exec takes PTE_U from the stack's guard page, which it has just mapped.",
        (
            "uvmalloc in exec did not map the guard page, for example since it is lazy now.",
            "The address of the guard page is computed from a size that was not rounded up.",
            "The number of stack pages was changed at one place in exec and not at the other.",
        ),
    ),
    "kvmmap": Check(
        f"kvmmap in {_VM}",
        "The kernel's own mappings are made at boot, where memory can't run out yet.",
        (
            "kvmmap is called before kinit has freed any memory.",
            "One kernel table for each process takes so many pages that memory runs out.",
            "mappages was changed, and returns an error without a reason.",
        ),
    ),
    "kvmpa": Check(
        f"kvmpa in {_VM}",
        "An address of the kernel's is translated only where the kernel's table maps it: here V is 0, or no table is"
        " there.",
        (
            "kvmpa still walks the global kernel_pagetable, and the stack is mapped in a process's own kernel table.",
            "The kernel stack of the process was unmapped, or is not mapped in the table that is in use.",
            "A physical address, or one of user code, is passed to the disk driver.",
        ),
    ),
    "loadseg: address should exist": Check(
        "loadseg in kernel/exec.c",
        "exec reads a program's segment only into pages that it has just allocated: here walkaddr found none.",
        (
            "uvmalloc in exec is lazy now, and loadseg does not allocate what it reads into.",
            "The page was mapped without PTE_U, which walkaddr asks for.",
            "The segment's address (ph.vaddr) is not the one that uvmalloc was called for.",
        ),
    ),
    "loadseg: va must be page aligned": Check("loadseg in kernel/exec.c", _ALIGNED, _SEGMENTS),
    "kfree": Check(
        "kfree in kernel/kalloc.c",
        "Only whole pages that kalloc gave are freed: aligned, above the end of the kernel and below PHYSTOP.",
        (
            "A virtual address or a descriptor is freed in place of PTE2PA(*pte).",
            "The pointer was changed, for example incremented, between kalloc and kfree.",
            "uvmunmap is called with do_free 1 for a page that is not kalloc's, such as a device's or the trampoline.",
        ),
    ),
    "kerneltrap": Check(
        f"kerneltrap in {_TRAP}",
        "The kernel itself takes no exceptions: only devices and the timer may interrupt it.",
        (
            "The kernel followed a null or a freed pointer: stval is the address, sepc the instruction (addr2line).",
            "A user's pointer is used directly in place of copyin or copyout.",
            "The kernel stack overflowed into its guard page, for example by a large local array.",
        ),
    ),
    "kerneltrap: not from supervisor mode": Check(
        f"kerneltrap in {_TRAP}",
        "kerneltrap runs only for traps of the kernel: SPP in sstatus is 1.",
        (
            "The kernel returned to user code while stvec still led to kernelvec.",
            "usertrapret (prepare_return) no longer sets stvec to uservec in the trampoline.",
            "The saved sstatus was overwritten before the check, for example by a nested trap.",
        ),
    ),
    "kerneltrap: interrupts enabled": Check(
        f"kerneltrap in {_TRAP}",
        "The hardware turns interrupts off at a trap, and they stay off in kerneltrap: a second trap would overwrite"
        " sepc and sstatus.",
        (
            "intr_on is called in kernelvec, or before the check.",
            "push_off and pop_off are not called in pairs, so interrupts were turned on too early.",
            "sstatus is written with SIE set before the trap returns.",
        ),
    ),
    "trap": Check(
        "trap in trap.c",
        "The kernel itself takes no exceptions: only devices and the timer may interrupt it (xv6 for x86).",
        (
            "The kernel followed a null or a freed pointer: cr2 is the address, eip the instruction (addr2line).",
            "A user's pointer is used directly, without argptr or fetchint.",
            "The kernel stack overflowed, for example by a large local array.",
        ),
    ),
    "usertrap: not from user mode": Check(
        f"usertrap in {_TRAP}",
        "usertrap runs only for traps of user code: SPP in sstatus is 0.",
        (
            "The kernel trapped while stvec still led to the trampoline.",
            "usertrapret (prepare_return) no longer clears SPP before sret.",
            "Interrupts were turned on before stvec was set to kernelvec.",
        ),
    ),
    "init exiting": Check(
        f"exit in {_PROC}",
        "The first process never ends: it is the parent of all others that lose theirs.",
        (
            "init was killed by a trap: look at the line usertrap() above the panic.",
            "exec of /init failed, for example because loading or mapping its pages fails.",
            "fork or wait returns an error, and init gives up.",
        ),
    ),
    "zombie exit": Check(
        f"exit in {_PROC}",
        "A process that has ended never runs again: its memory is freed by wait.",
        (
            "The state of the process was changed after exit had set ZOMBIE, for example by a wakeup without p->lock.",
            "The process was put back to RUNNABLE by code that does not look at its state.",
            "The scheduler was changed, and runs processes in other states than RUNNABLE.",
        ),
    ),
    "acquire": Check(
        f"acquire in {_LOCK}",
        "A hart never takes a lock that it holds: it would wait for itself.",
        (
            "A function that takes the lock is called while the lock is held.",
            "A return in the middle of a function leaves the lock held.",
            "The lock was never set up with initlock, or its memory was overwritten.",
        ),
    ),
    "release": Check(
        f"release in {_LOCK}",
        "Only the hart that holds a lock releases it.",
        (
            "The lock is released twice, often on a path for errors.",
            "The released lock is not the lock that was acquired.",
            "The process moved to another hart in between, since interrupts were on.",
        ),
    ),
    "pop_off": Check(
        f"pop_off in {_LOCK}",
        "Each pop_off undoes one push_off: here none is left to undo.",
        (
            "pop_off is called without push_off, or twice, often on a path for errors.",
            "A lock is released that this hart did not acquire.",
            "mycpu was called with interrupts on, and the process moved to another hart in between.",
        ),
    ),
    "pop_off - interruptible": Check(
        f"pop_off in {_LOCK}",
        "Interrupts stay off from push_off to pop_off: a handler that takes the same lock would wait for ever.",
        (
            "intr_on is called while a spinlock is held.",
            "A function that waits or sleeps turned interrupts on, and was called with a lock held.",
            "sstatus is written directly, with SIE set.",
        ),
    ),
    "sched p->lock": Check(
        f"sched in {_PROC}",
        "A process that gives up its hart holds its p->lock until the scheduler has switched stacks.",
        (
            "sched is called directly, without acquire(&p->lock), in place of yield or sleep.",
            "p->lock is released before sched, for example on a path for errors.",
            "The lock of another process is taken in its place.",
        ),
    ),
    "sched running": Check(
        f"sched in {_PROC}",
        "A process that gives up its hart has set another state: RUNNING would let no hart run it again.",
        (
            "sched is called without setting p->state to RUNNABLE, SLEEPING or ZOMBIE first.",
            "The state is set on another process than myproc().",
            "Another hart runs the process at the same time, since its state was changed without p->lock.",
        ),
    ),
    "sched interruptible": Check(
        f"sched in {_PROC}",
        "Interrupts are off while a hart switches stacks: a timer interrupt there would switch again.",
        (
            "intr_on is called with p->lock held.",
            "push_off and pop_off are not called in pairs, so interrupts came on too early.",
            "sched is called without a lock, in place of yield.",
        ),
    ),
    "sched locks": Check(
        f"sched in {_PROC}",
        "A process that gives up its hart holds p->lock and no other spinlock.",
        (
            "sleep or yield is called with a second spinlock held.",
            "A return in the middle of a function left a lock held.",
            "push_off and pop_off are not called in pairs.",
        ),
    ),
}  # fmt: skip
"""The checks, by the words after "panic: "."""

OLDER = {
    "remap": "mappages: remap",
    "freewalk": "freewalk: leaf",
    "inituvm: more than a page": "uvmfirst: more than a page",
}
"""The words that some years use for the same check."""


def check_of(words: str) -> Check | None:
    """Return the check that panics with these words, in capital or small letters, if it is known."""
    low = words.casefold()
    return CHECKS.get(OLDER.get(low, low))


OTHERS = {
    what: about
    for about, words in {
        "a check of the disk's buffers (kernel/bio.c)": ("bget: no buffers", "bwrite", "brelse"),
        "a check of open files (kernel/file.c)": ("filedup", "fileclose", "fileread", "filewrite", "short filewrite"),
        "a check of the file system (kernel/fs.c and kernel/sysfile.c)": (
            "invalid file system", "freeing free block", "balloc: out of blocks", "ialloc: no inodes",
            "iget: no inodes", "ilock", "ilock: no type", "iunlock", "bmap: out of range", "dirlookup not dir",
            "dirlookup read", "dirlink", "dirlink read", "isdirempty: readi", "unlink: nlink < 1", "unlink: writei",
            "create dots", "create: dirlink", "create: ialloc",
        ),
        "a check of the file system's log (kernel/log.c)": (
            "initlog: too big logheader", "log.committing", "too big a transaction", "log_write outside of trans",
        ),
        "a check of the disk's driver (kernel/virtio_disk.c)": (
            "could not find virtio disk", "virtio disk features_ok unset", "virtio disk should not be ready",
            "virtio disk has no queue 0", "virtio disk max queue too short", "free_desc 1",
            "free_desc 2", "virtio_disk_intr status",
        ),
        "a check of printf (kernel/printf.c)": ("null fmt",),
    }.items()
    for what in words
}  # fmt: skip  # as a table
"""Panics of xv6 that have nothing to do with memory, and the meaning of each."""

NEAREST = 0.85
"""The least likeness (`difflib`) at which a known panic is named as the nearest to an unknown panic."""

LEAST = 5
"""The fewest letters at the beginning of a panic that may identify it."""


def known_as(words: str) -> str:
    """Return the panic known by these words, in any case of letters, or the only panic that begins with them; or "".

    >>> known_as("Freewalk: leaf"), known_as("freewalk: l"), known_as("uvmunmap: not")
    ('freewalk: leaf', 'freewalk: leaf', '')
    """
    low = words.casefold()
    known = [*CHECKS, *OLDER]
    if low in known:
        return low
    alike = [one for one in (*known, *OTHERS) if one.startswith(low)] if len(low) >= LEAST else []
    return alike[0] if len({check_of(one) for one in alike}) == 1 and alike[0] in known else ""


_GO = "a Go program"
_PROGRAMS = (
    (
        _GO,
        re.compile(
            r"panic: runtime error: |\bpanic: .*\[recovered\]|\.go:[0-9]+\b.*\bpanic: |\bpanic: .*\.go:[0-9]+\b"
        ),
    ),
    ("a Rust program", re.compile(r"\bthread '[^']*'(?: \([0-9]+\))? panicked at\b")),
    ("a V program", re.compile(r"^\s*V panic: ")),
    ("a Lua program", re.compile(r"PANIC: unprotected error in call to Lua API")),
    (
        "Perl",
        re.compile(
            r"\bpanic: .* at (?:\S+\.(?:p[lm]|t|cgi) line [0-9]+\b"
            r"|(?!\S+\.(?:[cChsS]|cc|cpp|rs|zig) )\S+ line [0-9]+\.\s*$)"
        ),
    ),
    (
        "a program",  # C++, Ruby, Elixir, OCaml
        re.compile(
            r"(?:\*\* \(\w*Error\) |\bwhat\(\): |\bFatal error: exception \w+).*\bpanic: "
            r"|\.rb:[0-9]+:in .*\bpanic: .*\(\w*(?:Error|Exception)\)\s*$"
        ),
    ),
)
"""Programs whose runtime prints "panic", by the line."""

_PROGRAMS_NEAR = (
    (_GO, re.compile(r"^\s*goroutine [0-9]+ (?:gp=\S+ .*)?\[|^\s*\[signal (?:SIG|0x)"), None),
    (
        "a program",
        re.compile(r"Traceback \(most recent call last\)|^\s+at \S.*[:(][0-9]"),
        re.compile(r"(?<!\bAssertion)(?:Error|Exception): panic: "),  # a grader's assertion repeats a kernel's words
    ),
    ("a Zig program", re.compile(r"\.zig:[0-9]+:[0-9]+"), re.compile(r"\bthread [0-9]+ panic: ")),
    ("FreeBSD", re.compile(r"^KDB: |^db_trace_self|^Fatal trap [0-9]+: |^cpuid = [0-9]"), None),
    ("OpenBSD", re.compile(r"^Stopped at |^ddb(?:\{[0-9]+\})?> |^Starting stack trace"), None),
    ("OS/161", re.compile(r"^sys161: |^OS/161 |panic: Fatal exception [0-9]+ \("), None),
    ("macOS", re.compile(r"^(?:Darwin Kernel Version|Kernel version:|BSD process name)"), re.compile(r"\bpanic\(cpu ")),
    ("PostgreSQL", re.compile(r"\b(?:LOG|FATAL|STATEMENT|HINT):  "), re.compile(r"\bPANIC:  ")),
)
"""Programs that the lines around a panic show, and the form of the panic, if it has one."""

_SYSTEMS = ("FreeBSD", "OpenBSD", "OS/161", "macOS")

_AROUND = 12
"""The lines before and after a panic in which its program is looked for."""

_SIGNAL = re.compile(
    r"^\s*\[signal (?P<name>SIG[A-Z]{2,6}|0x[0-9a-f]{1,2})\b.*?\bcode=(?P<code>-?(?:0x)?[0-9a-f]{1,8})"
    r" addr=(?:0x)?(?P<addr>[0-9a-f]{1,16})(?: pc=(?:0x)?(?P<pc>[0-9a-f]{1,16}))?\]"
)
"""The line with which Go's runtime describes a signal (`printpanics` and `sigpanic` in package runtime)."""

_NUMBERS = {"0x7": "SIGBUS", "0xa": "SIGBUS", "0xb": "SIGSEGV"}
_CODES = {
    ("SIGSEGV", 1): "nothing is mapped there (code 1: SEGV_MAPERR)",
    ("SIGSEGV", 2): "a page is mapped there, and does not allow it (code 2: SEGV_ACCERR)",
    ("SIGSEGV", 4): "a protection key does not allow it (code 4: SEGV_PKUERR)",
    ("SIGBUS", 1): "the address is not aligned (code 1: BUS_ADRALN)",
    ("SIGBUS", 2): "there is no memory for it, for example past the end of a mapped file (code 2: BUS_ADRERR)",
    ("SIGBUS", 3): "the hardware or the disk failed (code 3: BUS_OBJERR)",
}
"""The reasons of signals for failed accesses: sigaction(2)."""


def _signal(match: re.Match[str], number: int, parts: Parts) -> Trap:
    """Return the failed access that Go's runtime describes."""
    name, code = _NUMBERS.get(match["name"], match["name"]), int(match["code"], 0)
    address, pc = int(match["addr"], 16), int(match["pc"], 16) if match["pc"] else None
    means = {"SIGSEGV": "segmentation violation", "SIGBUS": "bus error"}.get(name, name)
    trap = Trap(f"a process of {_GO.split()[1]}", number, code, means, None, pc, address, register="si_code")
    why = _CODES.get((name, code))
    if why is not None:
        said = f"The access to {Address(address)} was refused: {why}."
        parts.unsaid.append(f"The text does not say whether the access in line {number} was a read or a write.")
        return replace(trap, says=said)
    if name in ("SIGSEGV", "SIGBUS") and code == 0x80:
        said = "An access was refused, and its address is not said: an address that is not canonical has none in x86."
        return replace(trap, address=None, says=said)
    return replace(trap, address=None, says=f"{means}, code {code}: the text does not say that an access was refused.")


def _program(number: int, parts: Parts) -> str:
    """Return the program that panicked in a line; "" if nothing shows that it was not a kernel.

    The words of a check of xv6 are a kernel's, whatever a grader or a log has printed around them.
    """
    lines, line = parts.lines, parts.lines[number - 1]
    words = _words(match) if (match := _PANIC.search(line)) else ""
    if check_of(words) is not None or words.casefold() in OTHERS:
        return ""
    if (own := next((name for name, form in _PROGRAMS if form.search(line)), "")) != "":
        return own
    around = lines[max(number - 1 - _AROUND, 0) : number + _AROUND]
    return next(
        (
            name
            for name, form, panic in _PROGRAMS_NEAR
            if (panic is None or panic.search(line)) and any(map(form.search, around))
        ),
        "",
    )


def _programs(parts: Parts) -> set[int]:
    """Add the failed accesses of programs, and sentences about their panics; returns the lines of both."""
    signals = {n: match for n, line in enumerate(parts.lines, 1) if line and (match := _SIGNAL.search(line))}
    theirs = {*signals}
    for number, match in signals.items():
        parts.what[_GO] = None
        parts.traps.append(_signal(match, number, parts))
    for number, line in enumerate(parts.lines, 1):
        if not line or number in parts.told or not (_PANIC.search(line) or " panicked at" in line):
            continue
        name = _program(number, parts)
        if not name:
            continue
        theirs.add(number)
        if name == _GO and any(number < one <= number + _AROUND for one in signals):
            continue  # the signal says more
        other = "one of xv6's" if name in _SYSTEMS else "a kernel's"
        words = f"The panic in line {number} is {name}'s, not {other}, and it has no address of an access."
        parts.unsaid.append(words)
        parts.reasons.append(words)
    parts.claimed |= theirs
    return theirs


def _words(match: re.Match[str]) -> str:
    """Return the words of a panic, without the remains behind them."""
    return _BEHIND.sub("", match[2]).strip()


def read(parts: Parts) -> None:
    """Add the panics in the lines of a text, and note the unknown ones."""
    found, unsaid = parts.panics, parts.unsaid
    theirs = _programs(parts)
    for number, line in enumerate(parts.lines, 1):
        match = _PANIC.search(line) if line and number not in theirs else None
        if match is None:
            continue
        words = _words(match)
        if match[1]:
            unsaid.append(
                f"Line {number} has the beginning of {match[1].casefold().count('panic:') + 1} panics: the words of the"
                " other one are elsewhere, or lost."
            )
        if not words:
            unsaid.append(f"Line {number} has a panic without its reason: the text is cut there, or mixed.")
            found.append(Panic("", number))
            continue
        known = known_as(words)
        parts.claimed.add(number)
        if number in parts.told and not known:
            continue
        if known != words.casefold() and any(map(str.strip, parts.lines[number:])):
            known = words.casefold()  # another line follows, so this line is not cut
        check = check_of(known)
        if check is not None:
            if len(words) < len(known):
                unsaid.append(f"The panic in line {number} is cut: {words!r} is taken for {known!r}.")
            found.append(Panic(known, number, check.function, check.protects, check.mistakes))
            continue
        said = printable(words[:LONGEST])
        found.append(Panic(said, number))
        if words.casefold() in OTHERS:
            unsaid.append(
                f"The panic in line {number} is {OTHERS[words.casefold()]}, which has nothing to do with memory."
            )
            continue
        nearest = get_close_matches(words[:LONGEST].casefold(), CHECKS, 1, NEAREST)
        unsaid.append(
            f"The panic in line {number} is not one that is known here: search the source of what printed it, a kernel"
            f" or a program, for {said!r}." + "".join(f" The nearest that is known is {one!r}." for one in nearest)
        )
